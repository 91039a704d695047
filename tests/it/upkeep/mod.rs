//! What the sweeper does by itself: going on, looking, renewing; and sealing anew where it is told to.

mod continuing;
mod faults;
mod health;
mod idle;
mod parked;
mod recounting;
mod redrive;
mod sealing;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::{
    aws::{
        accounts::{Accounts, Claimed},
        clients::Aws,
        connections::Connections,
        transaction::{Outcome, Transactions},
        vault::Vault,
    },
    domain::{
        account::{Ability, Account, Claim, Facts, Fresh, TokenSummary},
        connection_id::ConnectionId,
        sealed::{Binding, Sealed},
    },
    upkeep::Report,
};
use tests::{World, wire};

use crate::connect::{NUMBER, ONE};

/// The tables and the vault, as a test reaches them: what it does there is no part of a flow.
pub(crate) struct Behind {
    accounts: Accounts,
    connections: Connections,
    transactions: Transactions,
    vault: Vault,
    now: Timestamp,
}

impl Behind {
    pub(crate) fn of(world: &World) -> Self {
        let (aws, clock) = (world.aws_clients(), world.product_clock());
        let dynamodb = aws.dynamodb();
        Self {
            accounts: Accounts::new(dynamodb.clone(), world.variable("sweeper", "ACCOUNTS_TABLE")),
            connections: Connections::new(dynamodb.clone(), world.variable("sweeper", "CONNECTIONS_TABLE")),
            transactions: Transactions::new(dynamodb),
            vault: Vault::new(aws.later(Aws::kms), world.variable("sweeper", "TOKEN_KEY"), clock.clone()),
            now: clock.now(),
        }
    }

    /// Makes [`NUMBER`] a tenant's, or connects it again, with a token and a PIN, without asking anybody.
    pub(crate) async fn own(&self, tenant: &str, token: &str, expires_at: Option<Timestamp>) -> Account {
        let connection = ConnectionId::new(&tenant.parse().unwrap(), [7; 16]);
        let claim = Claim {
            number: NUMBER.parse().unwrap(),
            waba: ONE.parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            connection,
            until: self.now + SignedDuration::from_mins(10),
        };
        let claimed = self.accounts.claim(&claim, self.now).await.unwrap();
        let Claimed::Yes { token_version: version, .. } = claimed else { panic!("{claimed:?}") };
        let (tenant, number) = (claim.tenant.clone(), claim.number.clone());
        let pin = Account::pin_binding(&tenant, &number, version);
        let fresh = Fresh {
            facts: Facts { is_registered: true, ..Facts::default() },
            business: None,
            coexistence: false,
            external_id: None,
            token: self.sealed(&Binding::AccountToken { tenant, number, version }, token).await,
            token_version: version,
            summary: TokenSummary {
                kind: "system_user".to_owned(),
                expires_at,
                abilities: vec![Ability::Manage, Ability::Message],
                checked_at: self.now,
            },
            subject: None,
            sealed_at: self.now,
            pin: Some((self.sealed(&pin, "135790").await, version)),
            now: self.now,
            claim,
        };
        let before = self.accounts.find(&NUMBER.parse().unwrap()).await.unwrap();
        let writes = self.accounts.activating(fresh, before.as_ref()).unwrap();
        assert!(matches!(self.transactions.commit(writes).await.unwrap(), Outcome::Committed));
        self.account().await
    }

    async fn sealed(&self, binding: &Binding, secret: &str) -> Sealed {
        self.vault.seal(binding, &SecretString::from(secret)).await.unwrap()
    }

    pub(crate) async fn account(&self) -> Account {
        self.accounts.find(&NUMBER.parse().unwrap()).await.unwrap().unwrap()
    }

    /// The token of [`NUMBER`], if it opens as it should.
    async fn token(&self) -> String {
        let account = self.account().await;
        let binding = account.token_binding(&account.tenant, &account.number);
        let opened = self.vault.open(&binding, account.hidden.token.as_ref().unwrap()).await.unwrap();
        opened.expose_secret().to_owned()
    }

    async fn pin(&self) -> String {
        let account = self.account().await;
        let (sealed, version) = account.hidden.pin.unwrap();
        let binding = Account::pin_binding(&account.tenant, &account.number, version);
        self.vault.open(&binding, &sealed).await.unwrap().expose_secret().to_owned()
    }
}

/// A token for 60 days over [`ONE`], got from Meta past the product.
async fn token_of_60_days(world: &World) -> String {
    world.meta.post("/_sim/app", json!({ "business_token_days": 60 })).await;
    let signed_up = world.meta.post("/_sim/embedded_signup", json!({ "waba_id": ONE })).await;
    let app = world.meta.state().await["app"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let query = format!(
        "client_id={}&client_secret={}&code={}",
        text(&app["id"]),
        text(&app["secret"]),
        text(&signed_up["code"])
    );
    let line = format!("GET /v25.0/oauth/access_token?{query} HTTP/1.1");
    let answer = wire::send(&world.meta.url(), &[&line], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json()["access_token"])
}

/// A day goes by, and then some: each number's time comes.
async fn a_day_later(world: &World) -> Report {
    world.advance(SignedDuration::from_hours(25)).await;
    world.sweep().await
}

/// How many attempts, and how many looks, went well and not.
fn tallies(report: &Report) -> [(usize, usize); 2] {
    let Report::Upkeep { connections, health, .. } = report else { panic!("{report:?}") };
    [connections, health].map(|tally| (tally.done, tally.failed))
}

/// What Meta knows of a token.
async fn at_meta(world: &World, token: &str) -> Value {
    let state = world.meta.state().await;
    state["tokens"].as_array().unwrap().iter().find(|known| known["token"] == token).unwrap().clone()
}
