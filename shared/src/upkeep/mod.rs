//! The edge of the function `sweeper`: what its schedule does, and the commands an operator invokes directly.

mod context;
mod redrive;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Result,
    domain::{
        account::Account,
        audit::Entry,
        meta_id::PhoneNumberId,
        parking::{Lot, Reason, Subject},
        tenant::TenantId,
    },
    flow::{
        due::Tally,
        erase::{self, Erased, Gone},
        feed::Fed,
        recount::{self, Recounted},
        reencrypt::{Place, Progress},
        unpark::Unparked,
    },
};

pub use context::Context;
use redrive::{Limit, Which};

/// Nothing new is begun after so long: what is left is for the next call. What is under way then has the rest of the
/// function's time.
const BEGUN_WITHIN: SignedDuration = SignedDuration::from_secs(35);

/// What an invocation asks for. The schedule says `upkeep`.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Upkeep,
    Redrive {
        queue: Which,
        #[serde(default)]
        limit: Limit,
    },
    /// `subject`: a `phone_number_id`, `waba:<id>`, or `-`.
    RedriveParked {
        reason: Reason,
        subject: String,
        #[serde(default)]
        limit: Limit,
    },
    /// `after`: as the call before gave it.
    ReEncrypt {
        #[serde(default)]
        after: Option<Place>,
    },
    /// Whole hours. `after`: as the call before gave it.
    RebuildStats {
        tenant: TenantId,
        phone_number_id: PhoneNumberId,
        from: Timestamp,
        to: Timestamp,
        #[serde(default)]
        after: Option<Box<recount::Place>>,
    },
    /// `disconnect`: also where numbers are connected. `after`: as the call before gave it.
    EraseTenant {
        tenant: TenantId,
        #[serde(default)]
        disconnect: bool,
        #[serde(default)]
        after: Option<Box<erase::Place>>,
    },
}

/// What an invocation did.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Report {
    Upkeep {
        first_key_put: bool,
        connections: Tally,
        leaving: Tally,
        health: Tally,
        parked: Unparked,
        outbound: Fed,
        erased: Erased,
    },
    Redrive {
        moved: usize,
        more: bool,
    },
    RedriveParked(Unparked),
    ReEncrypt(Progress),
    RebuildStats(Recounted),
    EraseTenant(Gone),
}

impl Context {
    /// Answers one invocation.
    pub async fn handle(self: Arc<Self>, event: LambdaEvent<Value>) -> Result<Report> {
        let request_id = event.context.request_id;
        let command: Command =
            serde_json::from_value(event.payload).map_err(|error| Error::breaks("", error.to_string()))?;
        match command {
            Command::Upkeep => Box::pin(self.upkeep(&request_id)).await,
            Command::Redrive { queue, limit } => Box::pin(self.redrive(queue, limit, &request_id)).await,
            Command::RedriveParked { reason, subject, limit } => {
                Box::pin(self.redrive_parked(reason, &subject, limit, &request_id)).await
            }
            Command::ReEncrypt { after } => Box::pin(self.re_encrypt(after, &request_id)).await,
            Command::RebuildStats { tenant, phone_number_id, from, to, after } => {
                let order = recount::Order { tenant, phone_number_id, from, to };
                Box::pin(self.rebuild_stats(order, after, &request_id)).await
            }
            Command::EraseTenant { tenant, disconnect, after } => {
                let order = erase::Order { tenant, disconnect };
                Box::pin(self.erase_tenant(order, after, &request_id)).await
            }
        }
    }

    /// Looks for each kind of work, one look after the other: in most minutes there is nothing to do, and one connection
    /// has served them all. What is found is done side by side. A kind that cannot be looked for or done is an error,
    /// after all others have been done.
    async fn upkeep(&self, request_id: &str) -> Result<Report> {
        let until = self.begin_until();
        let first_key = self.first_key.put_if_absent(request_id).await;
        let attempts = self.due.attempts().await;
        let accounts = self.due.accounts().await;
        let lots = self.unpark.lots().await;
        let numbers = self.feed.numbers_due().await;
        let erasures = self.erase.due().await;
        let (connections, of_accounts, parked, outbound, erased) = tokio::join!(
            async { Ok::<_, Error>(self.due.connect(attempts?, until).await) },
            async { Ok::<_, Error>(self.due.see_to(accounts?, until).await) },
            async { self.unpark.upkeep(lots?, until).await },
            async { Ok::<_, Error>(self.feed.feed(numbers?, until).await) },
            async { Ok::<_, Error>(self.erase.go_on(erasures?, until).await) },
        );
        let (leaving, health) = of_accounts?;
        Ok(Report::Upkeep {
            first_key_put: first_key?,
            connections: connections?,
            leaving,
            health,
            parked: parked?,
            outbound: outbound?,
            erased: erased?,
        })
    }

    fn begin_until(&self) -> Timestamp {
        self.clock.now() + BEGUN_WITHIN
    }

    async fn redrive_parked(&self, reason: Reason, subject: &str, limit: Limit, request_id: &str) -> Result<Report> {
        let known = Subject::from_text(subject)
            .ok_or_else(|| Error::breaks("/subject", "it is a phone_number_id, waba:<id>, or -".to_owned()))?;
        let lot = Lot { reason, subject: known };
        let releasing = Box::pin(self.unpark.release(&lot, limit.get(), self.begin_until()));
        let released = self.audited("redrive_parked", Some(subject), request_id, releasing).await?;
        Ok(Report::RedriveParked(released))
    }

    async fn re_encrypt(&self, after: Option<Place>, request_id: &str) -> Result<Report> {
        let sealing = Box::pin(self.re_encrypt.run(after, self.begin_until()));
        let progress = self.audited("re_encrypt", None, request_id, sealing).await?;
        Ok(Report::ReEncrypt(progress))
    }

    async fn rebuild_stats(
        &self,
        order: recount::Order,
        after: Option<Box<recount::Place>>,
        request_id: &str,
    ) -> Result<Report> {
        let on = format!("{}/{}", order.tenant, order.phone_number_id);
        let counting = Box::pin(self.recount.run(order, after, self.begin_until()));
        let recounted = self.audited("rebuild_stats", Some(&on), request_id, counting).await?;
        Ok(Report::RebuildStats(recounted))
    }

    async fn erase_tenant(
        &self,
        order: erase::Order,
        after: Option<Box<erase::Place>>,
        request_id: &str,
    ) -> Result<Report> {
        let on = order.tenant.to_string();
        let disconnected = |account: &Account| Entry {
            at: self.clock.now(),
            request_id: format!("{request_id}#{}", account.number),
            tenant: Some(account.tenant.clone()),
            who: None,
            what: "erase_tenant disconnects".to_owned(),
            on: Some(account.number.to_string()),
            status: 200,
            code: None,
        };
        let erasing = Box::pin(self.erase_tenant.run(order, after, self.begin_until(), disconnected));
        let gone = self.audited("erase_tenant", Some(&on), request_id, erasing).await?;
        Ok(Report::EraseTenant(gone))
    }

    /// On record before the effect, and after it: what was begun and died half-way is there all the same.
    async fn audited<T>(
        &self,
        command: &str,
        on: Option<&str>,
        request_id: &str,
        effect: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let entry = |what: String, status: u16| Entry {
            at: self.clock.now(),
            // Two entries of one invocation may fall into one millisecond.
            request_id: format!("{request_id}#{status}"),
            tenant: None,
            who: None,
            what,
            on: on.map(str::to_owned),
            status,
            code: None,
        };
        self.audit.add(&entry(format!("{command} begun"), 202)).await?;
        let done = effect.await;
        self.audit.add(&entry(format!("{command} ended"), if done.is_ok() { 200 } else { 503 })).await?;
        done
    }
}
