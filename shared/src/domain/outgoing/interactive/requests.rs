//! Messages that ask for one thing: a place, an address, a number, a call, a form.

use crate::domain::check::{ANY, Part, filled, object, scalar, word};

pub(super) fn location(action: &Part<'_>) {
    action.need("name", word("send_location"));
}

pub(super) fn address(action: &Part<'_>) {
    action.need("name", word("address_message"));
    action.need("parameters", |parameters| parameters.need("country", filled));
}

pub(super) fn contact(action: &Part<'_>) {
    action.need("name", word("request_contact_info"));
}

pub(super) fn call(action: &Part<'_>) {
    action.need("name", word("call_permission_request"));
}

pub(super) fn voice(action: &Part<'_>) {
    action.need("name", word("voice_call"));
    action.may("parameters", object);
}

pub(super) fn flow(action: &Part<'_>) {
    action.need("name", word("flow"));
    action.need("parameters", |flow| {
        flow.need("flow_message_version", scalar(ANY));
        flow.need("flow_cta", filled);
        match (flow.may("flow_id", scalar(ANY)), flow.may("flow_name", filled)) {
            (Some(_), Some(name)) => name.wrong("cannot be given beside flow_id"),
            (None, None) if flow.value.is_object() => flow.wrong("needs flow_id or flow_name"),
            _ => {}
        }
        flow.may("flow_token", filled);
        flow.may("flow_action", filled);
        flow.may("mode", filled);
        flow.may("flow_action_payload", |payload| {
            payload.may("screen", filled);
            payload.may("data", object);
        });
    });
}
