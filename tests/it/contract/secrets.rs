//! Secrets Manager: versions, stages, deletion.

use super::{
    check::{Granted, Outcome, checks, fresh, holds, refused, same},
    clients::Clients,
};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;

checks! {
    a_secret_is_read_by_name_and_arn,
    a_secret_is_made_once,
    a_new_value_is_current_and_the_former_previous,
    a_version_is_read_by_its_id,
    the_same_token_and_value_write_once,
    the_same_token_with_another_value_is_refused,
    a_pending_version_becomes_current_by_its_stage,
    an_unknown_secret_is_refused,
    a_deleted_secret_is_not_read_until_restored,
    a_secret_deleted_for_good_is_gone,
    versions_are_listed_with_their_stages,
    a_random_password_keeps_the_rules,
    a_description_is_updated,
}

const TOKENS: [&str; 3] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
];

/// A secret whose first version is the first token.
async fn secret(clients: &Clients, value: &str) -> Outcome<String> {
    let name = fresh("contract");
    let create = clients.secrets.create_secret().name(&name).secret_string(value).client_request_token(TOKENS[0]);
    create.send().await.granted()?;
    Ok(name)
}

async fn put(clients: &Clients, name: &str, token: &str, value: &str) -> Outcome {
    let put = clients.secrets.put_secret_value().secret_id(name).client_request_token(token).secret_string(value);
    put.send().await.granted().map(drop)
}

async fn in_stage(clients: &Clients, name: &str, stage: &str) -> Outcome<GetSecretValueOutput> {
    clients.secrets.get_secret_value().secret_id(name).version_stage(stage).send().await.granted()
}

async fn current(clients: &Clients, name: &str) -> Outcome<Option<String>> {
    Ok(clients.secrets.get_secret_value().secret_id(name).send().await.granted()?.secret_string)
}

async fn a_secret_is_read_by_name_and_arn(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    let read = clients.secrets.get_secret_value().secret_id(&name).send().await.granted()?;
    same((read.name.as_deref(), read.secret_string.as_deref()), (Some(name.as_str()), Some("one")))?;
    same(
        (read.version_id.as_deref(), read.version_stages.clone()),
        (Some(TOKENS[0]), Some(vec!["AWSCURRENT".to_owned()])),
    )?;
    same(current(&clients, read.arn.as_deref().ok_or("no ARN")?).await?.as_deref(), Some("one"))
}

async fn a_secret_is_made_once(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    let again = clients.secrets.create_secret().name(&name).secret_string("two");
    refused(again.client_request_token(TOKENS[1]).send().await, "ResourceExistsException")
}

async fn a_new_value_is_current_and_the_former_previous(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    put(&clients, &name, TOKENS[1], "two").await?;
    same(current(&clients, &name).await?.as_deref(), Some("two"))?;
    same(in_stage(&clients, &name, "AWSPREVIOUS").await?.secret_string.as_deref(), Some("one"))?;
    put(&clients, &name, TOKENS[2], "three").await?;
    same(in_stage(&clients, &name, "AWSPREVIOUS").await?.secret_string.as_deref(), Some("two"))
}

async fn a_version_is_read_by_its_id(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    put(&clients, &name, TOKENS[1], "two").await?;
    let read = |version: &str| clients.secrets.get_secret_value().secret_id(&name).version_id(version).send();
    same(read(TOKENS[0]).await.granted()?.secret_string.as_deref(), Some("one"))?;
    refused(read(TOKENS[2]).await, "ResourceNotFoundException")
}

async fn the_same_token_and_value_write_once(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    put(&clients, &name, TOKENS[1], "two").await?;
    put(&clients, &name, TOKENS[1], "two").await?;
    same(in_stage(&clients, &name, "AWSPREVIOUS").await?.secret_string.as_deref(), Some("one"))
}

async fn the_same_token_with_another_value_is_refused(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    let put =
        clients.secrets.put_secret_value().secret_id(&name).client_request_token(TOKENS[0]).secret_string("other");
    refused(put.send().await, "ResourceExistsException")
}

async fn a_pending_version_becomes_current_by_its_stage(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    let put = clients.secrets.put_secret_value().secret_id(&name).client_request_token(TOKENS[1]).secret_string("two");
    put.version_stages("AWSPENDING").send().await.granted()?;
    same(current(&clients, &name).await?.as_deref(), Some("one"))?;
    let promote = clients.secrets.update_secret_version_stage().secret_id(&name).version_stage("AWSCURRENT");
    promote.move_to_version_id(TOKENS[1]).remove_from_version_id(TOKENS[0]).send().await.granted()?;
    same(current(&clients, &name).await?.as_deref(), Some("two"))?;
    same(in_stage(&clients, &name, "AWSPREVIOUS").await?.secret_string.as_deref(), Some("one"))
}

async fn an_unknown_secret_is_refused(clients: Clients) -> Outcome {
    let read = clients.secrets.get_secret_value().secret_id(fresh("no-such")).send().await;
    refused(read, "ResourceNotFoundException")
}

async fn a_deleted_secret_is_not_read_until_restored(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    clients.secrets.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.granted()?;
    refused(clients.secrets.get_secret_value().secret_id(&name).send().await, "InvalidRequestException")?;
    clients.secrets.restore_secret().secret_id(&name).send().await.granted()?;
    same(current(&clients, &name).await?.as_deref(), Some("one"))
}

async fn a_secret_deleted_for_good_is_gone(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    clients.secrets.delete_secret().secret_id(&name).force_delete_without_recovery(true).send().await.granted()?;
    refused(clients.secrets.get_secret_value().secret_id(&name).send().await, "ResourceNotFoundException")
}

async fn versions_are_listed_with_their_stages(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    put(&clients, &name, TOKENS[1], "two").await?;
    let listed = clients.secrets.list_secret_version_ids().secret_id(&name).send().await.granted()?;
    let versions = listed.versions.unwrap_or_default().into_iter();
    let mut stages: Vec<_> = versions.flat_map(|version| version.version_stages.unwrap_or_default()).collect();
    stages.sort();
    same(stages, ["AWSCURRENT", "AWSPREVIOUS"])
}

async fn a_random_password_keeps_the_rules(clients: Clients) -> Outcome {
    let password = clients.secrets.get_random_password().password_length(64).exclude_punctuation(true);
    let password = password.send().await.granted()?.random_password.ok_or("no password")?;
    holds(password.len() == 64 && password.bytes().all(|b| b.is_ascii_alphanumeric()), &password)
}

async fn a_description_is_updated(clients: Clients) -> Outcome {
    let name = secret(&clients, "one").await?;
    clients.secrets.update_secret().secret_id(&name).description("what for").send().await.granted()?;
    let described = clients.secrets.describe_secret().secret_id(&name).send().await.granted()?;
    same(described.description.as_deref(), Some("what for"))?;
    same(current(&clients, &name).await?.as_deref(), Some("one"))
}
