//! Single items: conditions, updates, what comes back.

use super::{Table, item, key, n, s};
use crate::contract::{
    check::{Granted, Outcome, checks, holds, refused, same},
    clients::Clients,
};
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure};

checks! {
    an_item_is_put_once_if_it_must_be_absent,
    a_failed_condition_shows_the_item_where_asked,
    twenty_writers_one_wins,
    additions_are_never_lost,
    an_update_returns_what_it_changed,
    an_update_makes_an_absent_item,
    if_not_exists_keeps_the_first_value,
    a_list_is_appended_to,
    an_attribute_is_removed,
    a_nested_attribute_is_set,
    a_deleted_item_comes_back_once,
    an_unused_value_is_refused,
    an_unknown_name_is_refused,
    an_empty_key_is_refused,
    a_key_of_the_wrong_type_is_refused,
    an_item_over_400_kb_is_refused,
    a_condition_compares_numbers_as_numbers,
    consumed_units_are_told_only_where_asked,
}

async fn an_item_is_put_once_if_it_must_be_absent(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let put = || table.put(key("a", "1")).condition_expression("attribute_not_exists(pk)").send();
    put().await.granted()?;
    refused(put().await, "ConditionalCheckFailedException")
}

async fn a_failed_condition_shows_the_item_where_asked(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[("v", n(7))]).await?;
    let put = table.put(key("a", "1")).condition_expression("attribute_not_exists(pk)");
    let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send().await;
    match put.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Err(aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed)) => {
            same(failed.item.and_then(|mut item| item.remove("v")), Some(n(7)))
        }
        other => Err(format!("found {other:?}")),
    }
}

async fn twenty_writers_one_wins(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let writers: Vec<_> = (0..20)
        .map(|_| tokio::spawn(table.put(key("a", "1")).condition_expression("attribute_not_exists(pk)").send()))
        .collect();
    let mut won = 0;
    for writer in writers {
        won += usize::from(writer.await.map_err(|panic| panic.to_string())?.is_ok());
    }
    same(won, 1)
}

async fn additions_are_never_lost(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let add = || table.update(key("a", "1"), "ADD tally :one").expression_attribute_values(":one", n(1)).send();
    let writers: Vec<_> = (0..20).map(|_| tokio::spawn(add())).collect();
    for writer in writers {
        writer.await.map_err(|panic| panic.to_string())?.granted()?;
    }
    same(table.value("a", "1", "tally").await?, Some(n(20)))
}

async fn an_update_returns_what_it_changed(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[("v", n(1)), ("other", n(9))]).await?;
    let update = || table.update(key("a", "1"), "SET v = v + :one").expression_attribute_values(":one", n(1));
    let new = update().return_values(ReturnValue::UpdatedNew).send().await.granted()?;
    same(new.attributes, Some(item(&[("v", n(2))])))?;
    let old = update().return_values(ReturnValue::UpdatedOld).send().await.granted()?;
    same(old.attributes, Some(item(&[("v", n(2))])))
}

async fn an_update_makes_an_absent_item(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.update(key("a", "1"), "SET v = :v").expression_attribute_values(":v", s("x")).send().await.granted()?;
    same(table.get("a", "1").await?, Some(item(&[("pk", s("a")), ("sk", s("1")), ("v", s("x"))])))
}

async fn if_not_exists_keeps_the_first_value(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    for value in ["first", "second"] {
        let update = table.update(key("a", "1"), "SET v = if_not_exists(v, :v)");
        update.expression_attribute_values(":v", s(value)).send().await.granted()?;
    }
    same(table.value("a", "1", "v").await?, Some(s("first")))
}

async fn a_list_is_appended_to(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let list =
        |values: &[&str]| aws_sdk_dynamodb::types::AttributeValue::L(values.iter().map(|value| s(value)).collect());
    table.add("a", "1", &[("l", list(&["x"]))]).await?;
    let update = table.update(key("a", "1"), "SET l = list_append(l, :more)");
    update.expression_attribute_values(":more", list(&["y"])).send().await.granted()?;
    same(table.value("a", "1", "l").await?, Some(list(&["x", "y"])))
}

async fn an_attribute_is_removed(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[("v", n(1))]).await?;
    table.update(key("a", "1"), "REMOVE v").send().await.granted()?;
    same(table.get("a", "1").await?, Some(key("a", "1")))
}

async fn a_nested_attribute_is_set(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let map = |value| aws_sdk_dynamodb::types::AttributeValue::M(item(&[("status", s(value))]));
    table.add("a", "1", &[("m", map("old"))]).await?;
    let update = table.update(key("a", "1"), "SET m.#s = :v").expression_attribute_names("#s", "status");
    update.expression_attribute_values(":v", s("new")).send().await.granted()?;
    same(table.value("a", "1", "m").await?, Some(map("new")))
}

async fn a_deleted_item_comes_back_once(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[]).await?;
    let delete = || clients.dynamodb.delete_item().table_name(&table.name).set_key(Some(key("a", "1")));
    same(delete().return_values(ReturnValue::AllOld).send().await.granted()?.attributes, Some(key("a", "1")))?;
    same(delete().return_values(ReturnValue::AllOld).send().await.granted()?.attributes, None)
}

async fn an_unused_value_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let put = table.put(key("a", "1")).condition_expression("attribute_not_exists(pk)");
    refused(put.expression_attribute_values(":unused", n(1)).send().await, "ValidationException")
}

async fn an_unknown_name_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    refused(
        table.update(key("a", "1"), "SET #missing = :v").expression_attribute_values(":v", n(1)).send().await,
        "ValidationException",
    )
}

async fn an_empty_key_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    refused(table.put(key("", "1")).send().await, "ValidationException")
}

async fn a_key_of_the_wrong_type_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    refused(table.put(item(&[("pk", n(1)), ("sk", s("1"))])).send().await, "ValidationException")?;
    let mut by_owner = key("a", "1");
    by_owner.insert("owner".into(), n(1));
    refused(table.put(by_owner).send().await, "ValidationException")
}

async fn an_item_over_400_kb_is_refused(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let mut large = key("a", "1");
    large.insert("v".into(), s(&"x".repeat(400 * 1024)));
    refused(table.put(large).send().await, "ValidationException")
}

async fn a_condition_compares_numbers_as_numbers(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[("v", n(9))]).await?;
    let set = |value| {
        let update = table.update(key("a", "1"), "SET v = :new").condition_expression("v < :new");
        update.expression_attribute_values(":new", n(value)).send()
    };
    set(10).await.granted()?;
    refused(set(9).await, "ConditionalCheckFailedException")
}

async fn consumed_units_are_told_only_where_asked(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    let silent = table.put(key("a", "1")).send().await.granted()?;
    same(silent.consumed_capacity, None)?;
    let put = table.put(item(&[("pk", s("a")), ("sk", s("2")), ("owner", s("o"))]));
    let told = put.return_consumed_capacity(ReturnConsumedCapacity::Indexes).send().await.granted()?;
    let units = told.consumed_capacity.and_then(|consumed| consumed.capacity_units);
    // One for the item, one for its entry in the index.
    holds(units == Some(2.0), &format!("found {units:?}"))
}
