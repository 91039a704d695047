//! `…/block`: a person cannot write to the number any more, and may again.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::Context;
use crate::{
    Error, Result,
    domain::conversation::ContactId,
    http::{caller::Caller, path::Id},
    shown::conversation::ContactBody,
};

pub(super) async fn block(State(context): State<Arc<Context>>, caller: Caller, id: Id) -> Result<Json<ContactBody>> {
    context.set_blocked(&caller, &id, true).await.map(Json)
}

pub(super) async fn unblock(State(context): State<Arc<Context>>, caller: Caller, id: Id) -> Result<StatusCode> {
    context.set_blocked(&caller, &id, false).await.map(|_| StatusCode::NO_CONTENT)
}

impl Context {
    async fn set_blocked(&self, caller: &Caller, Id(text): &Id, is_blocked: bool) -> Result<ContactBody> {
        let ContactId(id) = text.parse().map_err(|_| Error::NotFound { thing: "contact" })?;
        let status = if is_blocked { 200 } else { 204 };
        caller.call.concerns(text, None);
        let entry = caller.call.entry(text, None, status);
        let kept = self.block.set(caller.of_tenant()?, &id, is_blocked, &entry).await?;
        if kept.is_noted {
            caller.call.audited();
        }
        Ok(ContactBody::of(kept.id, &kept.head))
    }
}
