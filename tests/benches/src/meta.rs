//! Meta beside the emulators, for what cannot be measured without it.

use bytes::Bytes;
use emulators::Clock;
use http::Method;
use serde_json::Value;
use simulator::{Options, Simulator};
use tokio::net::TcpListener;

use crate::{Result, http::Connection};

#[derive(Debug)]
pub struct Meta(Simulator);

impl Meta {
    /// It tells nobody what becomes of a message: what is measured would share the machine with its own echo.
    pub async fn start(clock: &Clock) -> Result<Self> {
        let options = Options { retry_delays: Vec::new(), ..local::meta::options("http://127.0.0.1:9", clock) };
        Ok(Self(Simulator::start(TcpListener::bind("127.0.0.1:0").await?, options)?))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }

    /// A token of the business that owns a WABA.
    pub async fn system_token(&self, waba: &str) -> Result<String> {
        let state = Connection::to(&self.url()).send(Method::GET, "/_sim/state", &[], Bytes::new()).await?.json()?;
        let reaches = |token: &&Value| {
            token["kind"] == "system" && token["reaches"].as_array().is_some_and(|ids| ids.iter().any(|id| id == waba))
        };
        let token = state["tokens"].as_array().into_iter().flatten().find(reaches);
        let token = token.and_then(|token| token["token"].as_str());
        Ok(token.ok_or_else(|| format!("no system token reaches the WABA {waba}"))?.to_owned())
    }
}
