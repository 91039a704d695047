//! Claims: one owner, no half rows, and a place on the WABA for as long as there is a reason for it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;
use shared::{
    aws::accounts::{Claimed, Released},
    domain::account::{Change, Status},
};
use tokio::task::JoinSet;

use super::{Store, fresh, id, tenant, waba};

#[tokio::test]
async fn a_number_is_claimed_once_and_again_by_its_own_connection() {
    let store = Store::start().await;
    let first = store.claim("acme", 1, "101", "201");

    assert_eq!(store.claimed(&first).await, Claimed::Yes { token_version: 1, rests: false });
    assert_eq!(store.claimed(&first).await, Claimed::Yes { token_version: 1, rests: false });
    assert_eq!(store.claimed(&store.claim("acme", 2, "101", "201")).await, Claimed::Busy);
    assert_eq!(store.claimed(&store.claim("bravo", 1, "101", "201")).await, Claimed::Busy);
    assert_eq!(
        store.claimed(&store.claim("bravo", 1, "102", "201")).await,
        Claimed::Yes { token_version: 1, rests: true }
    );
    assert_eq!(store.residents("201").await, ["101", "102"]);
    assert_eq!(store.accounts.find(&id("101")).await.unwrap(), None, "a claim is not an account");
}

#[tokio::test]
async fn a_claim_that_has_ended_is_anybodys_and_its_holder_comes_too_late() {
    let store = Store::start().await;
    let slow = store.claim("acme", 1, "101", "201");
    store.claimed(&slow).await;
    store.world.clock.advance(SignedDuration::from_mins(10));
    let quick = store.claim("bravo", 1, "101", "201");

    assert_eq!(store.claimed(&quick).await, Claimed::Yes { token_version: 1, rests: false });

    assert!(!store.activate(fresh(slow.clone(), 1, store.now())).await);
    assert_eq!(store.accounts.release(&slow).await.unwrap(), Released::Shared);
    assert!(store.activate(fresh(quick, 1, store.now())).await);
    assert_eq!(store.find("101").await.tenant, tenant("bravo"));
    assert_eq!(store.residents("201").await, ["101"]);
}

#[tokio::test]
async fn an_owned_number_is_taken_for_everybody_else() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;

    assert_eq!(store.claimed(&store.claim("bravo", 1, "101", "201")).await, Claimed::Taken);
    assert_eq!(
        store.claimed(&store.claim("acme", 2, "101", "201")).await,
        Claimed::Yes { token_version: 2, rests: false }
    );
    let owners = store.accounts.owners(&[id("101"), id("102")]).await.unwrap();
    assert_eq!(owners.into_iter().collect::<Vec<_>>(), [(id("101"), (tenant("acme"), Status::Active))]);
}

#[tokio::test]
async fn what_is_released_leaves_nothing_behind() {
    let store = Store::start().await;
    let claim = store.claim("acme", 1, "101", "201");
    store.claimed(&claim).await;

    for _ in 0..2 {
        assert_eq!(store.accounts.release(&claim).await.unwrap(), Released::Last);
        assert_eq!(store.item("101").await, None);
        assert_eq!(store.residents("201").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn releasing_a_claim_on_ones_own_account_leaves_the_account_where_it_is() {
    let store = Store::start().await;
    let account = store.connect("acme", "101", "201").await;
    let again = store.claim("acme", 2, "101", "201");
    store.claimed(&again).await;

    assert_eq!(store.accounts.release(&again).await.unwrap(), Released::Shared);

    assert_eq!(store.find("101").await, account);
    assert_eq!(store.residents("201").await, ["101"]);
    assert_eq!(
        store.claimed(&store.claim("acme", 3, "101", "201")).await,
        Claimed::Yes { token_version: 2, rests: false }
    );
}

#[tokio::test]
async fn a_number_that_moved_rests_in_its_new_place_alone() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;

    store.connect("acme", "101", "202").await;

    assert_eq!(store.residents("201").await, Vec::<String>::new());
    assert_eq!(store.residents("202").await, ["101"]);
}

#[tokio::test]
async fn a_stale_claim_elsewhere_is_moved_along() {
    let store = Store::start().await;
    store.claimed(&store.claim("acme", 1, "101", "201")).await;
    store.world.clock.advance(SignedDuration::from_mins(10));

    store.claimed(&store.claim("bravo", 1, "101", "202")).await;

    assert_eq!(store.residents("201").await, Vec::<String>::new());
    assert_eq!(store.residents("202").await, ["101"]);
}

#[tokio::test]
async fn an_account_that_changed_since_it_was_looked_at_is_not_overwritten() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    let claim = store.claim("acme", 2, "101", "201");
    store.claimed(&claim).await;
    let before = store.find("101").await;
    let change = Change { label: Some(Some("shop".to_owned())), ..Change::default() };
    let number = id("101");
    let edited = store.accounts.edit(&number, store.now(), |account| {
        account.change(change.clone());
        Ok(())
    });
    edited.await.unwrap().unwrap();

    let stale = store.accounts.activating(fresh(claim.clone(), 2, store.now()), Some(&before)).unwrap();
    let refused = store.transactions.commit(stale).await.unwrap();

    assert!(matches!(refused, shared::aws::transaction::Outcome::Refused { index: 0, .. }), "{refused:?}");
    assert!(store.activate(fresh(claim, 2, store.now())).await);
    let account = store.find("101").await;
    assert_eq!((account.label.as_deref(), account.version, account.hidden.generation), (Some("shop"), 3, 1));
}

#[tokio::test]
async fn the_next_owner_finds_no_trace_of_the_last() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    let item = store.item("101").await.unwrap();
    let leftover = Change {
        label: Some(Some("CANARY".to_owned())),
        metadata: serde_json::from_str(r#"{"k":"CANARY"}"#).ok(),
        external_id: Some(Some("CANARY".to_owned())),
        ..Change::default()
    };
    let number = id("101");
    let edited = store.accounts.edit(&number, store.now(), |account| {
        account.change(leftover.clone());
        Ok(())
    });
    let before = edited.await.unwrap().unwrap().account;
    store.disconnect("101").await;

    let account = store.connect("bravo", "101", "201").await;

    let mut item_now = store.item("101").await.unwrap();
    // Whose it was is noted: what was on its way to them stays theirs.
    assert!(format!("{:?}", item_now.remove("taken")).contains("acme"));
    let stored = format!("{item_now:?}");
    assert!(!stored.contains("CANARY") && !stored.contains("acme"), "{stored}");
    assert!(format!("{item:?}").contains("acme"));
    assert!(account.version > before.version);
    assert_eq!((account.hidden.generation, account.hidden.token_version), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_connects_of_two_tenants_make_one_owner_and_no_half_row() {
    let store = Arc::new(Store::start().await);
    let mut racing = JoinSet::new();
    for place in 0..50_u8 {
        let store = Arc::clone(&store);
        racing.spawn(async move {
            let name = if place % 2 == 0 { "acme" } else { "bravo" };
            let claim = store.claim(name, place, "101", "201");
            match store.claimed(&claim).await {
                Claimed::Yes { token_version, .. } => {
                    let won = store.activate(fresh(claim, token_version, store.now())).await;
                    assert!(won, "a claim that holds becomes an account");
                    Some(name)
                }
                Claimed::Taken | Claimed::Busy => {
                    store.accounts.release(&claim).await.unwrap();
                    None
                }
            }
        });
    }
    let winners: Vec<&str> = racing.join_all().await.into_iter().flatten().collect();

    let account = store.find("101").await;
    let tenants: BTreeSet<&str> = winners.iter().copied().collect();
    assert_eq!(tenants, BTreeSet::from([account.tenant.as_str()]), "one tenant, and it is the owner");
    let item = store.item("101").await.unwrap();
    assert!(!item.keys().any(|name| name.starts_with("claim_")), "{item:?}");
    assert_eq!(account.hidden.token.unwrap().0, account.tenant.as_str().as_bytes());
    assert_eq!(account.version, winners.len() as u64);
    assert_eq!(store.residents("201").await, ["101"]);
    let loser = tenant(if account.tenant.as_str() == "acme" { "bravo" } else { "acme" });
    assert_eq!(store.accounts.default_of(&loser).await.unwrap(), None);
    assert_eq!(store.accounts.default_of(&account.tenant).await.unwrap(), Some(id("101")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_parallel_first_numbers_exactly_one_is_the_default() {
    let store = Arc::new(Store::start().await);
    let mut racing = JoinSet::new();
    for place in 0..20 {
        let store = Arc::clone(&store);
        racing
            .spawn(async move { store.connect("acme", &format!("1{place:02}"), &format!("2{:02}", place % 3)).await });
    }
    let accounts = racing.join_all().await;

    let default = store.accounts.default_of(&tenant("acme")).await.unwrap().unwrap();
    assert_eq!(accounts.iter().filter(|account| account.number == default).count(), 1);
    assert_eq!(store.residents("200").await.len() + store.residents("201").await.len(), 14);
    assert_eq!(store.accounts.residents(&waba("202")).await.unwrap(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_moves_at_once_however_many_move_it() {
    let store = Arc::new(Store::start().await);
    for number in ["101", "102", "103"] {
        store.connect("acme", number, "201").await;
    }
    let mut racing = JoinSet::new();
    for number in ["102", "103", "102", "103"] {
        let store = Arc::clone(&store);
        racing.spawn(async move {
            for _ in 0..50 {
                let before = store.find(number).await;
                let default = store.accounts.default_of(&before.tenant).await.unwrap();
                let mut account = before.clone();
                let now = store.now();
                if store
                    .accounts
                    .save_as_default(&mut account, &before, default.as_ref(), Vec::new(), now)
                    .await
                    .unwrap()
                {
                    return;
                }
            }
            panic!("{number} never became the default");
        });
    }
    racing.join_all().await;

    let default = store.accounts.default_of(&tenant("acme")).await.unwrap().unwrap();
    assert!(["102", "103"].contains(&default.as_str()));
    assert_eq!(store.find("101").await.version, 2, "it lost the default once");
    let versions = store.find("102").await.version + store.find("103").await.version;
    // Four times one of the two took it; up to three times one of them lost it, for who has it loses nothing.
    assert!((7..=9).contains(&versions), "each move is seen where it came from and where it went: {versions}");
}
