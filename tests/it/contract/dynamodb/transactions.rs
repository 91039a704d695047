//! Transactions: all or nothing, once for each token.

use super::{Item, Table, key, n};
use crate::contract::{
    check::{Granted, Outcome, checks, refused, same},
    clients::Clients,
};
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, Get, Put, TransactGetItem, TransactWriteItem, Update},
};

checks! {
    a_transaction_writes_all,
    a_failed_condition_undoes_all_and_says_which,
    the_same_token_applies_once,
    the_same_token_with_other_items_is_refused,
    a_condition_check_guards_the_others,
    the_same_item_twice_is_refused,
    a_transaction_reads_several,
}

fn put(table: &Table, item: Item) -> TransactWriteItem {
    let put =
        Put::builder().table_name(&table.name).set_item(Some(item)).condition_expression("attribute_not_exists(pk)");
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn add(table: &Table, key: Item, amount: i64) -> TransactWriteItem {
    let update = Update::builder().table_name(&table.name).set_key(Some(key)).update_expression("ADD tally :n");
    let update = update.expression_attribute_values(":n", n(amount));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

async fn a_transaction_writes_all(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let write = clients.dynamodb.transact_write_items().transact_items(put(&table, key("a", "1")));
    write.transact_items(add(&table, key("b", "1"), 3)).send().await.granted()?;
    same(table.get("a", "1").await?, Some(key("a", "1")))?;
    same(table.value("b", "1", "tally").await?, Some(n(3)))
}

async fn a_failed_condition_undoes_all_and_says_which(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[]).await?;
    let write = clients.dynamodb.transact_write_items().transact_items(add(&table, key("b", "1"), 3));
    let write = write.transact_items(put(&table, key("a", "1"))).send().await;
    let codes = match write.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Err(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons.unwrap_or_default().into_iter();
            reasons.map(|reason| reason.code.unwrap_or_default()).collect::<Vec<_>>()
        }
        other => return Err(format!("found {other:?}")),
    };
    same(codes, ["None", "ConditionalCheckFailed"])?;
    same(table.get("b", "1").await?, None)
}

async fn the_same_token_applies_once(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let write = || {
        let write = clients.dynamodb.transact_write_items().client_request_token("one");
        write.transact_items(add(&table, key("a", "1"), 1)).send()
    };
    write().await.granted()?;
    write().await.granted()?;
    same(table.value("a", "1", "tally").await?, Some(n(1)))
}

async fn the_same_token_with_other_items_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let write = |amount| {
        let write = clients.dynamodb.transact_write_items().client_request_token("other");
        write.transact_items(add(&table, key("a", "1"), amount)).send()
    };
    write(1).await.granted()?;
    refused(write(2).await, "IdempotentParameterMismatchException")
}

async fn a_condition_check_guards_the_others(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let check = ConditionCheck::builder().table_name(&table.name).set_key(Some(key("gate", "1")));
    let check = check.condition_expression("attribute_exists(pk)").build().unwrap();
    let check = TransactWriteItem::builder().condition_check(check).build();
    let write = || {
        clients.dynamodb.transact_write_items().transact_items(check.clone()).transact_items(put(&table, key("a", "1")))
    };
    refused(write().send().await, "TransactionCanceledException")?;
    table.add("gate", "1", &[]).await?;
    write().send().await.granted().map(drop)
}

async fn the_same_item_twice_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let write = clients.dynamodb.transact_write_items().transact_items(add(&table, key("a", "1"), 1));
    refused(write.transact_items(add(&table, key("a", "1"), 1)).send().await, "ValidationException")
}

async fn a_transaction_reads_several(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[]).await?;
    let get = |key| Get::builder().table_name(&table.name).set_key(Some(key)).build().unwrap();
    let member = |key| TransactGetItem::builder().get(get(key)).build();
    let read = clients.dynamodb.transact_get_items().transact_items(member(key("a", "1")));
    let read = read.transact_items(member(key("a", "2"))).send().await.granted()?;
    same(
        read.responses.unwrap_or_default().into_iter().map(|it| it.item).collect::<Vec<_>>(),
        [Some(key("a", "1")), None],
    )
}
