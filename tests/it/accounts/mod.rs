//! Accounts: who owns a number, whatever races; what is kept, shown and forgotten.

mod changes;
mod claims;
mod disconnecting;
pub(crate) mod faults;
mod http;
mod leaving;
mod lists;
mod numbers;
mod races;
mod shown;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType,
    },
};
use jiff::{SignedDuration, Timestamp};
use shared::{
    aws::{
        accounts::{Accounts, Claimed},
        transaction::{Outcome, Transactions},
    },
    domain::{
        account::{Ability, Account, Claim, Facts, Fresh, TokenSummary},
        connection_id::ConnectionId,
        meta_id::{PhoneNumberId, WabaId},
        sealed::Sealed,
        tenant::TenantId,
    },
};
use tests::World;

/// The table alone, over the emulator.
struct Store {
    world: World,
    client: Client,
    accounts: Accounts,
    transactions: Transactions,
}

const TABLE: &str = "accounts-of-a-test";

impl Store {
    async fn start() -> Self {
        let world = World::start().await;
        let client = world.aws_clients().dynamodb();
        create_table(&client).await;
        let accounts = Accounts::new(client.clone(), TABLE.to_owned());
        Self { transactions: Transactions::new(client.clone()), accounts, client, world }
    }

    fn now(&self) -> Timestamp {
        self.world.product_clock().now()
    }

    /// A claim of a tenant's own connection, for ten minutes.
    fn claim(&self, tenant: &str, connection: u8, number: &str, waba: &str) -> Claim {
        let tenant: TenantId = tenant.parse().unwrap();
        Claim {
            number: number.parse().unwrap(),
            waba: waba.parse().unwrap(),
            connection: ConnectionId::new(&tenant, [connection; 16]),
            tenant,
            until: self.now() + SignedDuration::from_mins(10),
        }
    }

    async fn claimed(&self, claim: &Claim) -> Claimed {
        self.accounts.claim(claim, self.now()).await.unwrap()
    }

    /// Activates a claim. Says whether the transaction held.
    async fn activate(&self, fresh: Fresh) -> bool {
        let before = self.accounts.find(&fresh.claim.number).await.unwrap();
        let writes = self.accounts.activating(fresh, before.as_ref()).unwrap();
        matches!(self.transactions.commit(writes).await.unwrap(), Outcome::Committed)
    }

    /// From nothing to an active account.
    async fn connect(&self, tenant: &str, number: &str, waba: &str) -> Account {
        let claim = self.claim(tenant, 1, number, waba);
        let Claimed::Yes { token_version, .. } = self.claimed(&claim).await else { panic!("{number} is not free") };
        assert!(self.activate(fresh(claim, token_version, self.now())).await);
        self.find(number).await
    }

    async fn find(&self, number: &str) -> Account {
        self.accounts.find(&number.parse().unwrap()).await.unwrap().unwrap()
    }

    /// Disconnects as the flow does, in one transaction.
    async fn disconnect(&self, number: &str) -> Account {
        let before = self.find(number).await;
        let is_default = self.accounts.default_of(&before.tenant).await.unwrap().as_ref() == Some(&before.number);
        let mut account = before.clone();
        account.disconnects(false, self.now());
        account.settle(&before, self.now());
        let writes = self.accounts.disconnecting(&account, is_default).unwrap();
        assert!(matches!(self.transactions.commit(writes).await.unwrap(), Outcome::Committed));
        account
    }

    async fn residents(&self, waba: &str) -> Vec<String> {
        let item = self.item(&format!("waba#{waba}")).await;
        // A set that loses its last member is gone.
        let residents = item.as_ref().and_then(|item| item.get("residents")?.as_ss().ok());
        let mut residents = residents.cloned().unwrap_or_default();
        residents.sort_unstable();
        residents
    }

    async fn item(&self, key: &str) -> Option<std::collections::HashMap<String, AttributeValue>> {
        let get = self.client.get_item().table_name(TABLE).key("phone_number_id", AttributeValue::S(key.to_owned()));
        get.consistent_read(true).send().await.unwrap().item
    }
}

/// What a connection brings for a healthy number.
fn fresh(claim: Claim, token_version: u64, now: Timestamp) -> Fresh {
    Fresh {
        facts: Facts {
            display_phone_number: format!("+49 151 {}", claim.number),
            is_registered: true,
            is_funded: Some(true),
            ..Facts::default()
        },
        business: None,
        coexistence: false,
        external_id: None,
        token: Sealed(claim.tenant.as_str().as_bytes().to_vec()),
        token_version,
        summary: TokenSummary {
            kind: "system_user".to_owned(),
            expires_at: None,
            abilities: vec![Ability::Manage, Ability::Message],
            checked_at: now,
        },
        subject: Some("900".parse().unwrap()),
        sealed_at: now,
        pin: None,
        now,
        claim,
    }
}

fn id(number: &str) -> PhoneNumberId {
    number.parse().unwrap()
}

fn waba(waba: &str) -> WabaId {
    waba.parse().unwrap()
}

fn tenant(tenant: &str) -> TenantId {
    tenant.parse().unwrap()
}

async fn create_table(client: &Client) {
    let names = ["phone_number_id", "tenant", "listed", "subject", "due", "due_at"];
    let attribute = |name: &&str| {
        AttributeDefinition::builder().attribute_name(*name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let index = |name: &str, hash: &str, range: &str| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(hash, KeyType::Hash))
            .key_schema(key(range, KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .unwrap()
    };
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(names.iter().map(attribute).collect()))
        .key_schema(key("phone_number_id", KeyType::Hash))
        .global_secondary_indexes(index("by_tenant", "tenant", "listed"))
        .global_secondary_indexes(index("by_subject", "subject", "phone_number_id"))
        .global_secondary_indexes(index("due", "due", "due_at"))
        .send()
        .await
        .unwrap();
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}
