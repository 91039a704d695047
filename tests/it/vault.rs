//! The vault over the KMS emulator: what opens what, and how often KMS is asked.

use aws_sdk_kms::primitives::Blob;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use shared::{
    Error,
    aws::{clients::Aws, vault::Vault},
    domain::{
        connection_id::ConnectionId,
        sealed::{Binding, Sealed},
        tenant::TenantId,
    },
};
use tests::World;

const TOKEN: &str = "EAAtheTokenNobodyMaySee";

fn vault(world: &World) -> Vault {
    let key = world.variable("access", "TOKEN_KEY");
    Vault::new(world.aws_clients().later(Aws::kms), key, world.product_clock())
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn of_connection(name: &str, random: u8) -> Binding {
    Binding::ConnectionToken { tenant: tenant(name), connection: ConnectionId::new(&tenant("acme"), [random; 16]) }
}

fn of_account(name: &str, number: &str, version: u64) -> Binding {
    Binding::AccountToken { tenant: tenant(name), number: number.parse().unwrap(), version }
}

fn of_pin(name: &str, number: &str, version: u64) -> Binding {
    Binding::Pin { tenant: tenant(name), number: number.parse().unwrap(), version }
}

/// One binding of each kind, and each of its neighbours.
fn bindings() -> Vec<Binding> {
    vec![
        of_connection("acme", 1),
        of_connection("acme", 2),
        of_connection("bravo", 1),
        of_account("acme", "1", 1),
        of_account("acme", "1", 2),
        of_account("acme", "2", 1),
        of_account("bravo", "1", 1),
        of_pin("acme", "1", 1),
        of_pin("acme", "1", 2),
        of_pin("acme", "2", 1),
        of_pin("bravo", "1", 1),
    ]
}

fn asked(world: &World, operation: &str) -> usize {
    world.aws.calls().iter().filter(|call| call.operation == operation).count()
}

fn secret() -> SecretString {
    TOKEN.into()
}

#[tokio::test]
async fn what_was_sealed_opens_under_its_own_binding_and_no_other() {
    let world = World::start().await;
    let vault = vault(&world);
    for own in bindings() {
        let sealed = vault.seal(&own, &secret()).await.unwrap();
        for binding in bindings() {
            let opened = vault.open(&binding, &sealed).await;
            if binding == own {
                assert_eq!(opened.unwrap().expose_secret(), TOKEN);
            } else {
                assert!(matches!(opened, Err(Error::SealBroken)), "{own:?} opened as {binding:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_tampered_with_does_not_open_and_does_not_show() {
    let world = World::start().await;
    let vault = vault(&world);
    let binding = of_account("acme", "1", 1);
    let sealed = vault.seal(&binding, &secret()).await.unwrap();
    assert!(!sealed.0.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()));

    let mut flipped = sealed.clone();
    *flipped.0.last_mut().unwrap() ^= 1;
    for broken in [flipped, Sealed(sealed.0[..sealed.0.len() - 1].to_vec()), Sealed(b"nonsense".to_vec())] {
        let error = vault.open(&binding, &broken).await.unwrap_err();
        assert!(matches!(error, Error::SealBroken), "{error:?}");
    }
    assert_eq!(format!("{sealed:?} {vault:?}").matches(TOKEN).count(), 0);
}

#[tokio::test]
async fn a_sealed_thing_that_is_no_text_does_not_open() {
    let world = World::start().await;
    let (vault, binding) = (vault(&world), of_account("acme", "1", 1));
    let context = binding.context().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let kms = world.aws_clients().kms();
    let key = world.variable("access", "TOKEN_KEY");
    let sealing =
        kms.encrypt().key_id(key).set_encryption_context(Some(context)).plaintext(Blob::new(vec![0xff, 0xfe]));
    let sealed = Sealed(sealing.send().await.unwrap().ciphertext_blob.unwrap().into_inner());

    assert!(matches!(vault.open(&binding, &sealed).await, Err(Error::SealBroken)));
}

#[tokio::test]
async fn a_secret_is_opened_once_in_five_minutes() {
    let world = World::start().await;
    let vault = vault(&world);
    let binding = of_account("acme", "1", 1);
    let sealed = vault.seal(&binding, &secret()).await.unwrap();

    for _ in 0..10 {
        vault.open(&binding, &sealed).await.unwrap();
    }
    world.clock.advance(SignedDuration::from_secs(299));
    vault.clone().open(&binding, &sealed).await.unwrap();
    assert_eq!(asked(&world, "Decrypt"), 1);
    world.clock.advance(SignedDuration::from_secs(1));
    vault.open(&binding, &sealed).await.unwrap();
    assert_eq!(asked(&world, "Decrypt"), 2);
}

#[tokio::test]
async fn another_ciphertext_of_the_same_thing_is_another_thing() {
    let world = World::start().await;
    let vault = vault(&world);
    let binding = of_account("acme", "1", 1);
    let (old, new) =
        (vault.seal(&binding, &"old".into()).await.unwrap(), vault.seal(&binding, &"new".into()).await.unwrap());

    let opened = [vault.open(&binding, &old).await.unwrap(), vault.open(&binding, &new).await.unwrap()];

    assert_eq!(opened.map(|secret| secret.expose_secret().to_owned()), ["old", "new"]);
    assert_eq!(asked(&world, "Decrypt"), 2);
}

#[tokio::test]
async fn many_who_ask_at_once_cause_one_call() {
    let world = World::start().await;
    let vault = vault(&world);
    let binding = of_account("acme", "1", 1);
    let sealed = vault.seal(&binding, &secret()).await.unwrap();

    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (vault, binding, sealed) = (vault.clone(), binding.clone(), sealed.clone());
        asking.spawn(async move { vault.open(&binding, &sealed).await.unwrap().expose_secret().to_owned() });
    }

    assert_eq!(asking.join_all().await, vec![TOKEN; 50]);
    assert_eq!(asked(&world, "Decrypt"), 1);
}

#[tokio::test]
async fn what_failed_to_open_is_tried_again_by_the_next() {
    let world = World::start().await;
    let vault = vault(&world);
    let binding = of_account("acme", "1", 1);
    let sealed = vault.seal(&binding, &secret()).await.unwrap();
    let (kms, key) = (world.aws_clients().kms(), world.variable("access", "TOKEN_KEY"));

    kms.disable_key().key_id(&key).send().await.unwrap();
    let disabled = vault.open(&binding, &sealed).await;
    let usable = vault.is_usable().await.unwrap();
    kms.enable_key().key_id(&key).send().await.unwrap();

    assert!(matches!(disabled, Err(Error::Aws(_))) && !usable, "{disabled:?}");
    assert_eq!(vault.open(&binding, &sealed).await.unwrap().expose_secret(), TOKEN);
    assert!(vault.is_usable().await.unwrap());
}

#[tokio::test]
async fn no_more_than_256_secrets_are_remembered_and_the_oldest_goes_first() {
    let world = World::start().await;
    let vault = vault(&world);
    let mut all = Vec::new();
    for version in 0..257 {
        let binding = of_account("acme", "1", version);
        let sealed = vault.seal(&binding, &secret()).await.unwrap();
        vault.open(&binding, &sealed).await.unwrap();
        world.clock.advance(SignedDuration::from_millis(10));
        all.push((binding, sealed));
    }
    assert_eq!(asked(&world, "Decrypt"), 257);

    for (binding, sealed) in &all[1..] {
        vault.open(binding, sealed).await.unwrap();
    }
    assert_eq!(asked(&world, "Decrypt"), 257);
    let (binding, sealed) = &all[0];
    vault.open(binding, sealed).await.unwrap();
    assert_eq!(asked(&world, "Decrypt"), 258);
}

#[tokio::test]
async fn a_rebound_secret_opens_under_its_new_binding_alone_and_never_leaves_kms() {
    let world = World::start().await;
    let vault = vault(&world);
    let (from, to) = (of_connection("acme", 1), of_account("acme", "1", 1));
    let sealed = vault.seal(&from, &secret()).await.unwrap();

    let moved = vault.rebind(&from, &to, &sealed).await.unwrap();
    assert_eq!(asked(&world, "Decrypt"), 0);
    let wrongly = vault.rebind(&of_connection("acme", 2), &to, &sealed).await;

    assert!(matches!(wrongly, Err(Error::SealBroken)), "{wrongly:?}");
    assert_eq!(vault.open(&to, &moved).await.unwrap().expose_secret(), TOKEN);
    assert!(matches!(vault.open(&from, &moved).await, Err(Error::SealBroken)));
    assert_eq!(vault.open(&from, &sealed).await.unwrap().expose_secret(), TOKEN);
}

#[tokio::test]
async fn a_secret_moves_to_a_new_key_and_what_the_old_one_sealed_opens_until_then() {
    let world = World::start().await;
    let (old, binding) = (vault(&world), of_account("acme", "1", 1));
    let sealed = old.seal(&binding, &secret()).await.unwrap();
    let kms = world.aws_clients().kms();
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let new = Vault::new(world.aws_clients().later(Aws::kms), key, world.product_clock());

    let before = new.open(&binding, &sealed).await.unwrap();
    let moved = new.rebind(&binding, &binding, &sealed).await.unwrap();
    kms.disable_key().key_id(world.variable("access", "TOKEN_KEY")).send().await.unwrap();

    assert_eq!(before.expose_secret(), TOKEN);
    assert_eq!(new.open(&binding, &moved).await.unwrap().expose_secret(), TOKEN);
    assert!(old.clone().open(&of_account("acme", "1", 1), &Sealed(sealed.0.clone())).await.is_err());
}
