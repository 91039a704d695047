//! AWS's runtime interface emulator around one bootstrap, with a trace of the files it opens.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::Result;

/// Some of the emulator's errors make it hang.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Emulator {
    child: Child,
    address: SocketAddr,
}

impl Emulator {
    /// On loopback, and gone when this value is.
    pub(crate) async fn start(
        emulator: &Path,
        bootstrap: &Path,
        environment: &BTreeMap<String, String>,
        trace: &Path,
    ) -> Result<Self> {
        let [address, runtime] = [free_address()?, free_address()?];
        let child = Command::new(emulator)
            .args(["--log-level", "warn", "--runtime-interface-emulator-address", &address.to_string()])
            .args(["--runtime-api-address", &runtime.to_string()])
            .args(["/usr/bin/strace", "-f", "-qq", "-e", "trace=open,openat", "-o"])
            .args([trace, bootstrap])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", emulator.display()))?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            if Instant::now() > deadline {
                return Err(format!("{} does not listen on {address}", emulator.display()).into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { child, address })
    }

    /// What the function answers.
    pub(crate) async fn invoke(&self, event: &Value) -> Result<Value> {
        let head = "POST /2015-03-31/functions/function/invocations HTTP/1.1";
        let (address, event) = (self.address.to_string(), event.to_string());
        let answer = timeout(PATIENCE, tests::wire::send(&address, &[head], event.as_bytes())).await?;
        Ok(serde_json::from_slice(&answer.body).map_err(|_| format!("answered {}", answer.text()))?)
    }

    /// Ends it, and gives what it and the function said.
    pub(crate) async fn stop(self) -> Result<String> {
        if let Some(id) = self.child.id() {
            Command::new("kill").arg(id.to_string()).status().await?;
        }
        let output = timeout(PATIENCE, self.child.wait_with_output()).await??;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }
}

/// Free a moment ago, which has to do: the emulator takes no port 0.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
