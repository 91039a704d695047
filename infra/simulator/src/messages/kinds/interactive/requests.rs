//! Messages that ask the customer for one thing: a place, an address, their number, a call.

use super::{FOOTER_FIELD, HEADER_FIELD, TYPE};
use crate::messages::shape::{Field, Rule, Shape, optional, required};

const BODY: Field = required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))])));

pub(super) const LOCATION: Shape = Shape(&[
    TYPE,
    BODY,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["send_location"])),
            // Clients send it; Meta's page does not know it.
            optional("parameters", Rule::Any),
        ])),
    ),
]);

pub(super) const CONTACT_INFO: Shape = Shape(&[
    TYPE,
    BODY,
    FOOTER_FIELD,
    required("action", Rule::Object(&Shape(&[required("name", Rule::OneOf(&["request_contact_info"]))]))),
]);

pub(super) const CALL_PERMISSION: Shape = Shape(&[
    TYPE,
    optional("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    required("action", Rule::Object(&Shape(&[required("name", Rule::OneOf(&["call_permission_request"]))]))),
]);

pub(super) const ADDRESS: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    BODY,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["address_message"])),
            required("parameters", Rule::Object(&ADDRESS_PARAMETERS)),
        ])),
    ),
]);

const ADDRESS_PARAMETERS: Shape = Shape(&[
    required("country", Rule::OneOf(&["in", "sg"])),
    optional("values", Rule::Any),
    optional("saved_addresses", Rule::Any),
    optional("validation_errors", Rule::Any),
]);

pub(super) const VOICE_CALL: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    BODY,
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["voice_call"])),
            optional(
                "parameters",
                Rule::Object(&Shape(&[
                    optional("display_text", Rule::Text(20)),
                    optional("ttl_minutes", Rule::Number(1.0, 43_200.0)),
                    optional("payload", Rule::Maybe(512)),
                ])),
            ),
        ])),
    ),
]);
