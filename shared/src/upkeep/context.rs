//! What this function may touch: its role in the template grants the same, its environment names the same.

use crate::{
    aws::{
        accounts::Accounts, audit::Audit, blobs::Blobs, clients::Aws, clients::made, connections::Connections,
        credentials::Credentials, dead_letters::DeadLetters, events::Events, messages::Messages, meta_app::MetaApps,
        parking::Parking, receipts::Receipts, stack_secret::StackSecret, transaction::Transactions, vault::Vault,
    },
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{
        connect::Connect,
        disconnect::Disconnect,
        due::DueWork,
        erase::{Erase, EraseRest, EraseTenant},
        feed::Feed,
        first_key::FirstKey,
        health::Health,
        recount::Recount,
        reencrypt::ReEncrypt,
        unpark::Unpark,
    },
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Context {
    pub(super) first_key: FirstKey,
    pub(super) due: DueWork,
    pub(super) re_encrypt: ReEncrypt,
    pub(super) recount: Recount,
    pub(super) unpark: Unpark,
    pub(super) feed: Feed,
    pub(super) erase: EraseRest,
    pub(super) erase_tenant: EraseTenant,
    pub(super) audit: Audit,
    pub(super) clock: Clock,
    pub(super) inbound_dead_letters: DeadLetters,
    pub(super) outbound_dead_letters: DeadLetters,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let (dynamodb, secrets) = (aws.dynamodb(), aws.secrets(clock.clone()));
        let inbound: String = env.required("INBOUND_QUEUE")?;
        let outbound: String = env.required("OUTBOUND_QUEUE")?;
        let dead_letters = |variable, home: &str| {
            Ok::<_, EnvError>(aws.dead_letters(env.required(variable)?, home.to_owned(), clock.clone()))
        };
        let audit = Audit::new(dynamodb.clone(), env.required("AUDIT_TABLE")?);
        let transactions = Transactions::new(dynamodb.clone());
        let connect = Connect {
            connections: Connections::new(dynamodb.clone(), env.required("CONNECTIONS_TABLE")?),
            accounts: Accounts::new(dynamodb.clone(), env.required("ACCOUNTS_TABLE")?),
            audit: audit.clone(),
            vault: Vault::new(aws.later(Aws::kms), env.required("TOKEN_KEY")?, clock.clone()),
            apps: MetaApps::new(secrets.clone(), env.required("META_APP_SECRETS")?, clock.clone()),
            graph: Graph::from_env(env)?,
            clock: clock.clone(),
            random: random.clone(),
        };
        let secret = StackSecret::new(secrets, env.required("STACK_SECRET")?, clock.clone());
        let messages = Messages::new(
            dynamodb.clone(),
            env.required("MESSAGES_TABLE")?,
            env.required("RETENTION_DAYS")?,
            clock.clone(),
        );
        let receipts: String = env.required("RECEIPTS_TABLE")?;
        let parking = Parking::new(dynamodb.clone(), receipts.clone());
        let credentials = Credentials::new(dynamodb.clone(), env.required("CREDENTIALS_TABLE")?);
        let erase = EraseRest {
            accounts: connect.accounts.clone(),
            parking: parking.clone(),
            blobs: Blobs::new(made(dynamodb.clone()), receipts.clone()),
            events: Events::new(dynamodb.clone(), env.required("EVENTS_TABLE")?),
            random: random.clone(),
            erase: Erase {
                messages: messages.clone(),
                audit: audit.clone(),
                secret: secret.clone(),
                clock: clock.clone(),
            },
        };
        let disconnect = Disconnect::of(&connect, transactions.clone());
        let erase_tenant = EraseTenant {
            connect: connect.clone(),
            disconnect: disconnect.clone(),
            credentials: credentials.clone(),
            messages: messages.clone(),
            receipts: Receipts::new(dynamodb, receipts),
            parking: parking.clone(),
            blobs: erase.blobs.clone(),
            events: erase.events.clone(),
            clock: clock.clone(),
        };
        Ok(Self {
            first_key: FirstKey { secret, credentials, audit: audit.clone(), clock: clock.clone(), transactions },
            re_encrypt: ReEncrypt {
                accounts: connect.accounts.clone(),
                connections: connect.connections.clone(),
                vault: connect.vault.clone(),
                clock: clock.clone(),
            },
            recount: Recount { messages: messages.clone(), clock: clock.clone() },
            erase,
            erase_tenant,
            unpark: Unpark {
                accounts: connect.accounts.clone(),
                parking,
                inbound: aws.fifo(inbound.clone(), clock.clone()),
                clock: clock.clone(),
            },
            feed: Feed {
                messages,
                accounts: connect.accounts.clone(),
                outbound: aws.fifo(outbound.clone(), clock.clone()),
                clock: clock.clone(),
                random,
            },
            due: DueWork { health: Health::of(&connect), disconnect, connect, clock: clock.clone() },
            audit,
            inbound_dead_letters: dead_letters("INBOUND_DEAD_LETTERS", &inbound)?,
            outbound_dead_letters: dead_letters("OUTBOUND_DEAD_LETTERS", &outbound)?,
            clock,
        })
    }
}
