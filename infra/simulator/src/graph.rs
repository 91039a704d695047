//! Graph: one way in for every call, from version to log.
//!
//! A call is read ([`call`]), may meet a fault, finds its node and edge ([`routes`]) with a token that reaches it
//! ([`auth`]), and is answered with Meta's headers. To add a route: an arm in [`routes`] and a function
//! `(&Meta, &Call, …) -> Outcome`.

mod auth;
mod call;
mod codes;
mod error;
mod fields;
mod paging;
mod params;
mod routes;
mod usage;
mod version;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

pub(crate) use auth::{app_token, bearer, caller};
pub(crate) use call::Call;
pub(crate) use codes::title;
pub(crate) use error::{Answer, AnswerBody, GraphError, Outcome};
pub(crate) use fields::Node;
pub(crate) use paging::{cursor, page, page_of};
pub(crate) use params::{Params, encode, form};
pub(crate) use usage::Usage;

use crate::calls;
use crate::faults;
use crate::meta::Meta;
use crate::serve::BrokenConnection;

pub(crate) async fn answer(State(meta): State<Arc<Meta>>, request: Request) -> Response {
    let (mut call, read) = Call::read(&meta, request).await;
    // Now: what the call does may make or end the very node it names.
    call.route = meta.read(|world| routes::name(world, &call));
    let fault = faults::meet(&meta, &call);
    call.effects = fault.effects();

    let outcome = match read {
        Err(error) => Err(error),
        Ok(()) if fault.prevents_the_effect() => Ok(Answer::nothing()),
        Ok(()) => routes::route(&meta, &call).await,
    };
    let answer = fault.answer().unwrap_or_else(|| outcome.unwrap_or_else(GraphError::into_answer));
    calls::log(&meta, &call, &answer, &fault);

    if let (true, Some(kill), Some(caller)) = (fault.kills_the_caller(), &meta.options.kill, &call.caller) {
        kill.caller(caller);
    }
    if let Some(delay) = fault.delay() {
        tokio::time::sleep(delay).await;
    }
    let mut response = answer.into_response();
    call.version.describe(response.headers_mut());
    usage::describe(&meta, &call, response.headers_mut());
    if fault.breaks_the_connection() {
        response.extensions_mut().insert(BrokenConnection);
    }
    response
}
