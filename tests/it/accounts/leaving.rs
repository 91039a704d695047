//! Leaving: what rests on a WABA is never unsubscribed, whoever races whom.

use std::sync::Arc;

use jiff::SignedDuration;
use shared::aws::{
    accounts::{Claimed, Departure, Released, Started},
    transaction::Outcome,
};

use super::{Store, fresh, id, tenant, waba};

impl Store {
    async fn start_leaving(&self, number: &str) -> Started {
        let account = self.find(number).await;
        let until = self.now() + SignedDuration::from_secs(60);
        self.accounts.start_leaving(&account, until, self.now()).await.unwrap()
    }
}

fn departure(started: &Started) -> Option<&Departure> {
    match started {
        Started::Yes { departure, .. } => departure.as_ref(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sibling_of_any_tenant_keeps_the_waba() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.connect("bravo", "102", "201").await;
    store.disconnect("101").await;

    assert_eq!(departure(&store.start_leaving("101").await), None);
    assert_eq!(store.residents("201").await, ["102"]);
}

#[tokio::test]
async fn a_claim_keeps_the_waba_as_an_account_does() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    let claim = store.claim("bravo", 1, "102", "201");
    store.claimed(&claim).await;
    store.disconnect("101").await;

    assert_eq!(departure(&store.start_leaving("101").await), None);
    assert_eq!(store.accounts.release(&claim).await.unwrap(), Released::Last, "now it is bravo's to leave");
}

#[tokio::test]
async fn the_last_one_holds_the_waba_while_it_leaves_and_nobody_moves_in() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.disconnect("101").await;

    let started = store.start_leaving("101").await;

    let departure = departure(&started).unwrap();
    let neighbour = store.claim("bravo", 1, "102", "201");
    assert_eq!(store.claimed(&neighbour).await, Claimed::Busy);
    assert_eq!(store.claimed(&store.claim("bravo", 1, "101", "201")).await, Claimed::Busy);
    assert!(matches!(store.start_leaving("101").await, Started::Busy));
    assert_eq!(store.accounts.depart(&waba("201"), store.now(), store.now()).await.unwrap(), None);
    store.accounts.departed(departure).await.unwrap();
    assert_eq!(store.claimed(&neighbour).await, Claimed::Yes { token_version: 1, rests: false });
}

#[tokio::test]
async fn whoever_dies_while_leaving_holds_nobody_up_for_long() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.disconnect("101").await;
    let dead = store.start_leaving("101").await;
    store.world.clock.advance(SignedDuration::from_secs(60));

    assert_eq!(
        store.claimed(&store.claim("bravo", 1, "102", "201")).await,
        Claimed::Yes { token_version: 1, rests: false }
    );
    assert_eq!(departure(&store.start_leaving("101").await), None, "bravo rests there now");
    // Whoever was thought dead and wakes up takes nothing from anybody.
    store.accounts.departed(departure(&dead).unwrap()).await.unwrap();
    assert_eq!(store.residents("201").await, ["102"]);
}

#[tokio::test]
async fn a_number_that_is_claimed_again_is_let_alone() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.disconnect("101").await;
    let claim = store.claim("bravo", 1, "101", "201");
    assert_eq!(store.claimed(&claim).await, Claimed::Yes { token_version: 2, rests: false });
    let left = store.find("101").await;

    assert!(matches!(store.start_leaving("101").await, Started::Claimed));
    assert!(store.activate(fresh(claim, 2, store.now())).await);
    let until = store.now() + SignedDuration::from_secs(60);
    assert!(matches!(store.accounts.start_leaving(&left, until, store.now()).await.unwrap(), Started::Over));
    // What the former owner's work would still write is refused.
    let mut stale = left.clone();
    stale.is_gone();
    assert!(!store.accounts.save(&mut stale, &left, store.now()).await.unwrap());
    assert_eq!(store.find("101").await.hidden.token.unwrap().0, b"bravo");
}

#[tokio::test]
async fn a_disconnect_ends_its_own_tenants_attempt_to_connect_again() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    let again = store.claim("acme", 2, "101", "201");
    store.claimed(&again).await;

    store.disconnect("101").await;

    assert!(!store.activate(fresh(again.clone(), 2, store.now())).await);
    assert_eq!(store.accounts.release(&again).await.unwrap(), Released::Last);
    assert_eq!(store.residents("201").await, Vec::<String>::new());
}

#[tokio::test]
async fn disconnecting_the_default_leaves_none_and_a_stale_look_at_it_is_refused() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.connect("acme", "102", "201").await;
    let before = store.find("101").await;
    let mut account = before.clone();
    account.disconnects(false, store.now());
    account.settle(&before, store.now());

    let stale = store.accounts.disconnecting(&account, false).unwrap();
    assert!(matches!(store.transactions.commit(stale).await.unwrap(), Outcome::Refused { .. }));
    assert_eq!(store.find("101").await, before);

    store.disconnect("101").await;
    assert_eq!(store.accounts.default_of(&tenant("acme")).await.unwrap(), None);
    assert_eq!(store.find("102").await.version, 1);
    assert_eq!(store.accounts.owners(&[id("101")]).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_and_a_claim_on_one_waba_never_both_win() {
    for round in 0..20 {
        let store = Arc::new(Store::start().await);
        store.connect("acme", "101", "201").await;
        store.disconnect("101").await;
        let claim = store.claim("bravo", 1, "102", "201");

        let (leaving, claimed) = tokio::join!(
            tokio::spawn({
                let store = Arc::clone(&store);
                async move { store.start_leaving("101").await }
            }),
            tokio::spawn({
                let (store, claim) = (Arc::clone(&store), claim.clone());
                async move { store.claimed(&claim).await }
            }),
        );

        let may_unsubscribe = matches!(leaving.unwrap(), Started::Yes { departure: Some(_), .. });
        let has_moved_in = matches!(claimed.unwrap(), Claimed::Yes { .. });
        assert!(!(may_unsubscribe && has_moved_in), "round {round}");
        assert!(may_unsubscribe || has_moved_in, "round {round}: nobody won");
        assert_eq!(store.residents("201").await.is_empty(), may_unsubscribe);
    }
}
