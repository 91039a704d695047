//! The GET by which an endpoint shows that it is ours to call.

use crate::chance;
use crate::graph::{GraphError, encode};
use crate::meta::Meta;

/// Meta's longest override.
const MAX_URL: usize = 200;

/// Asks `url` to echo a challenge; anything but 200 and the challenge itself refuses it.
pub(crate) async fn verify(meta: &Meta, url: &str, verify_token: &str) -> Result<(), GraphError> {
    if url.len() > MAX_URL {
        return Err(GraphError::invalid("override_callback_uri must be at most 200 characters"));
    }
    if !url.starts_with("http://") {
        return Err(refused("the simulator calls plain http on this machine only"));
    }
    let challenge = u64::from_be_bytes(chance::bytes()).to_string();
    let separator = if url.contains('?') { '&' } else { '?' };
    let token = encode(verify_token);
    let asked = format!("{url}{separator}hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}");
    let reply = meta.outgoing.get(&asked).await;
    if !reply.is_ok() {
        return Err(refused(&format!("response HTTP status {}", reply.code())));
    }
    if reply.body.as_ref() != challenge.as_bytes() {
        return Err(refused("response does not match challenge"));
    }
    Ok(())
}

fn refused(why: &str) -> GraphError {
    GraphError::new(2200, format!("(#2200) Callback verification failed with the following errors: {why}"))
        .subcode(1349006)
}
