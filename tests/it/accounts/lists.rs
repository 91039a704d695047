//! Lists: each by its index, and nothing of another's however far an index lags.

use jiff::SignedDuration;
use shared::domain::{
    account::{Account, Work},
    daily,
};

use super::{Store, id, tenant};

fn numbers(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.number.as_str()).collect()
}

#[tokio::test]
async fn a_tenants_accounts_are_listed_newest_first_and_the_disconnected_last() {
    let store = Store::start().await;
    for (tenant, number) in [("acme", "101"), ("acme", "102"), ("bravo", "103"), ("acme", "104")] {
        store.connect(tenant, number, "201").await;
        store.world.clock.advance(SignedDuration::from_secs(1));
    }
    store.disconnect("104").await;
    let list = async |with, limit, after| store.accounts.list(&tenant("acme"), with, limit, after).await.unwrap();

    assert_eq!(numbers(&list(false, 10, None).await.accounts), ["102", "101"]);
    assert_eq!(numbers(&list(true, 10, None).await.accounts), ["102", "101", "104"]);
    let first = list(true, 2, None).await;
    let second = list(true, 2, first.next.clone()).await;
    assert_eq!((numbers(&first.accounts), numbers(&second.accounts)), (vec!["102", "101"], vec!["104"]));
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn what_went_to_another_tenant_is_in_the_lists_of_that_one_alone() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.disconnect("101").await;
    store.connect("bravo", "101", "201").await;

    for (name, expected) in [("acme", Vec::<&str>::new()), ("bravo", vec!["101"])] {
        let listed = store.accounts.list(&tenant(name), true, 10, None).await.unwrap();
        assert_eq!(numbers(&listed.accounts), expected);
    }
}

#[tokio::test]
async fn accounts_are_found_by_whoever_gave_their_token_until_it_is_forgotten() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.connect("bravo", "102", "201").await;
    let subject = "900".parse().unwrap();
    let number = id("101");
    let forgotten = store.accounts.edit(&number, store.now(), |account| {
        account.forget_token();
        Ok(())
    });
    forgotten.await.unwrap();

    let found = store.accounts.by_subject(&subject, 10, None).await.unwrap();

    assert_eq!(numbers(&found.accounts), ["102"]);
}

#[tokio::test]
async fn each_account_is_due_once_a_day_at_its_own_time() {
    let store = Store::start().await;
    for number in ["101", "102", "103"] {
        store.connect("acme", number, "201").await;
    }
    let due = async |by| store.accounts.due(by, 10, None).await.unwrap().accounts;
    let first = ["101", "102", "103"].into_iter().min_by_key(|number| daily::next(number, store.now())).unwrap();
    let at = daily::next(first, store.now());

    assert_eq!(numbers(&due(Some(at - SignedDuration::from_millis(1))).await), Vec::<&str>::new());
    assert_eq!(numbers(&due(Some(at)).await), [first]);
    assert_eq!(due(Some(at + SignedDuration::from_hours(24))).await.len(), 3);
    assert_eq!(due(None).await.len(), 3);
}

#[tokio::test]
async fn what_leaves_comes_before_every_look_that_is_overdue() {
    let store = Store::start().await;
    for number in ["101", "102", "103"] {
        store.connect("acme", number, "201").await;
    }
    store.world.clock.advance(SignedDuration::from_hours(25));
    store.disconnect("102").await;

    let first = store.accounts.due(Some(store.now()), 1, None).await.unwrap();
    let rest = store.accounts.due(Some(store.now()), 10, first.next).await.unwrap().accounts;

    let works =
        |accounts: &[Account]| accounts.iter().map(|account| account.hidden.due.unwrap().work).collect::<Vec<_>>();
    assert_eq!((numbers(&first.accounts), works(&first.accounts)), (vec!["102"], vec![Work::Leaving]));
    assert_eq!(works(&rest), [Work::Health, Work::Health]);
}

#[tokio::test]
async fn what_leaves_later_is_not_due_yet() {
    let store = Store::start().await;
    store.connect("acme", "101", "201").await;
    store.disconnect("101").await;

    let before = store.accounts.due(Some(store.now() - SignedDuration::from_secs(1)), 10, None).await.unwrap().accounts;
    let now = store.accounts.due(Some(store.now()), 10, None).await.unwrap().accounts;

    assert_eq!((numbers(&before), numbers(&now)), (Vec::new(), vec!["101"]));
}
