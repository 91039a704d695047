//! Makes what the template describes, through the real clients; what is there already is left as it is.

use std::collections::BTreeMap;
use std::error::Error as StdError;

use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection, StreamSpecification,
    TimeToLiveSpecification,
};
use aws_sdk_kms::operation::describe_key::DescribeKeyError;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::random::below;
use crate::template::{GeneratedSecret, Identity, Names, Queue, SecretContent, Source, Table, Template, physical_name};

type Failure = Box<dyn StdError + Send + Sync>;

/// Why a resource could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{logical_id} could not be made: {}", chain(.source.as_ref()))]
pub struct Error {
    logical_id: String,
    source: Failure,
}

/// Makes every resource and returns the planned names with the real ones in their places.
pub(crate) async fn provision(clients: &Clients, template: &Template, planned: &Names) -> Result<Names, Error> {
    let mut names = planned.clone();
    let failed = |logical_id: &str| {
        let logical_id = logical_id.to_owned();
        move |source: Failure| Error { logical_id, source }
    };
    for (logical_id, definition) in &template.tables {
        let identity = table(clients, &physical_name(logical_id), definition).await;
        names.insert(logical_id, identity.map_err(failed(logical_id))?);
    }
    for logical_id in dead_letters_first(&template.queues) {
        let definition = &template.queues[logical_id];
        let identity = queue(clients, &physical_name(logical_id), definition, &names).await;
        names.insert(logical_id, identity.map_err(failed(logical_id))?);
    }
    for logical_id in template.keys.keys() {
        let identity = key(clients, &physical_name(logical_id)).await;
        names.insert(logical_id, identity.map_err(failed(logical_id))?);
    }
    for (logical_id, definition) in &template.secrets {
        let identity = secret(clients, &physical_name(logical_id), &definition.content).await;
        names.insert(logical_id, identity.map_err(failed(logical_id))?);
    }
    Ok(names)
}

/// Makes what a template's document describes at the endpoint `url`: for whoever runs the functions themselves.
pub async fn provisioned(
    document: &Value,
    parameters: &BTreeMap<String, String>,
    url: &str,
) -> Result<Template, Failure> {
    let source = Source::of(document, parameters)?;
    let planned = source.planned_names();
    let names = provision(&Clients::new(url, "stack"), &source.resolve(planned)?, planned).await?;
    Ok(source.resolve(&names)?)
}

async fn table(clients: &Clients, name: &str, definition: &Table) -> Result<Identity, Failure> {
    let found = clients.dynamodb.describe_table().table_name(name).send().await;
    let found = match found {
        Ok(found) => found.table,
        Err(error) if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) => {
            create_table(clients, name, definition).await?;
            clients.dynamodb.describe_table().table_name(name).send().await?.table
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(attribute) = &definition.ttl {
        let described = clients.dynamodb.describe_time_to_live().table_name(name).send().await?;
        let set = described.time_to_live_description.and_then(|ttl| ttl.attribute_name);
        if set.as_ref() != Some(attribute) {
            let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build()?;
            clients.dynamodb.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
        }
    }
    let table = found.ok_or("the table is not described")?;
    let mut identity = Identity::new(name, [("Arn", table.table_arn.unwrap_or_default())]);
    identity.attributes.extend(table.latest_stream_arn.map(|arn| ("StreamArn", arn)));
    Ok(identity)
}

async fn create_table(clients: &Clients, name: &str, definition: &Table) -> Result<(), Failure> {
    let attribute = |(name, kind): &(String, String)| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind.as_str().into()).build()
    };
    let mut request = clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(definition.attributes.iter().map(attribute).collect::<Result<_, _>>()?))
        .set_key_schema(Some(key_schema(&definition.key)?));
    for index in &definition.indexes {
        let projected = (!index.projected.is_empty()).then(|| index.projected.clone());
        let projection = Projection::builder()
            .projection_type(index.projection.as_str().into())
            .set_non_key_attributes(projected)
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key)?))
            .projection(projection)
            .build()?;
        request = request.global_secondary_indexes(index);
    }
    if let Some(view) = &definition.stream_view {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view.as_str().into());
        request = request.stream_specification(stream.build()?);
    }
    request.send().await?;
    Ok(())
}

fn key_schema(key: &[(String, String)]) -> Result<Vec<KeySchemaElement>, Failure> {
    let element = |(name, role): &(String, String)| {
        KeySchemaElement::builder().attribute_name(name).key_type(role.as_str().into()).build()
    };
    Ok(key.iter().map(element).collect::<Result<_, _>>()?)
}

fn dead_letters_first(queues: &BTreeMap<String, Queue>) -> Vec<&String> {
    let mut order: Vec<_> = queues.keys().collect();
    order.sort_by_key(|logical_id| queues[*logical_id].redrive.is_some());
    order
}

async fn queue(clients: &Clients, name: &str, definition: &Queue, names: &Names) -> Result<Identity, Failure> {
    let name = if definition.fifo { format!("{name}.fifo") } else { name.to_owned() };
    let mut attributes: BTreeMap<String, String> = definition.attributes.clone();
    if let Some(redrive) = &definition.redrive {
        let target = names.attribute(&redrive.target, "Arn").ok_or("the dead-letter queue has no ARN")?;
        let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": redrive.max_receive_count });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    let set = attributes.iter().map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.clone()));
    let set: std::collections::HashMap<_, _> = set.collect();
    // Immutable for a queue that exists; everything else follows the template.
    let fixed = [QueueAttributeName::FifoQueue];
    let found = clients.sqs.get_queue_url().queue_name(&name).send().await;
    let url = match found {
        Ok(found) => {
            let url = found.queue_url.ok_or("the queue has no URL")?;
            let changeable =
                set.into_iter().filter(|(name, _)| !fixed.contains(name)).collect::<std::collections::HashMap<_, _>>();
            if !changeable.is_empty() {
                clients.sqs.set_queue_attributes().queue_url(&url).set_attributes(Some(changeable)).send().await?;
            }
            url
        }
        Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
            let request = clients.sqs.create_queue().queue_name(&name);
            let request = if set.is_empty() { request } else { request.set_attributes(Some(set)) };
            request.send().await?.queue_url.ok_or("the queue has no URL")?
        }
        Err(error) => return Err(error.into()),
    };
    let described =
        clients.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn).send().await?;
    let arn = described.attributes.and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn));
    let arn = arn.ok_or("the queue has no ARN")?;
    Ok(Identity::new(url.clone(), [("Arn", arn), ("QueueName", name), ("QueueUrl", url)]))
}

async fn key(clients: &Clients, name: &str) -> Result<Identity, Failure> {
    let alias = format!("alias/{name}");
    let found = clients.kms.describe_key().key_id(&alias).send().await;
    let metadata = match found {
        Ok(found) => found.key_metadata,
        Err(error) if error.as_service_error().is_some_and(DescribeKeyError::is_not_found_exception) => {
            let made = clients
                .kms
                .create_key()
                .description(name)
                .send()
                .await?
                .key_metadata
                .ok_or("the key is not described")?;
            // Without its alias the key is not found again; a stack killed in between leaves one that nothing uses.
            clients.kms.create_alias().alias_name(&alias).target_key_id(&made.key_id).send().await?;
            Some(made)
        }
        Err(error) => return Err(error.into()),
    };
    let metadata = metadata.ok_or("the key is not described")?;
    let arn = metadata.arn.ok_or("the key has no ARN")?;
    Ok(Identity::new(metadata.key_id.clone(), [("Arn", arn), ("KeyId", metadata.key_id)]))
}

async fn secret(clients: &Clients, name: &str, content: &SecretContent) -> Result<Identity, Failure> {
    let found = clients.secrets.describe_secret().secret_id(name).send().await;
    let arn = match (found, content) {
        (Ok(found), SecretContent::Generated(_)) => found.arn,
        (Ok(found), SecretContent::Given(text)) => {
            let held = clients.secrets.get_secret_value().secret_id(name).send().await?;
            if held.secret_string.as_ref() != Some(text) {
                clients.secrets.put_secret_value().secret_id(name).secret_string(text).send().await?;
            }
            found.arn
        }
        (Err(error), content)
            if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
        {
            let text = match content {
                SecretContent::Given(text) => text.clone(),
                SecretContent::Generated(rules) => generate(rules)?,
            };
            clients.secrets.create_secret().name(name).secret_string(text).send().await?.arn
        }
        (Err(error), _) => return Err(error.into()),
    };
    let arn = arn.ok_or("the secret has no ARN")?;
    Ok(Identity::new(arn.clone(), [("Id", arn)]))
}

fn generate(rules: &GeneratedSecret) -> Result<String, Failure> {
    let characters = rules.alphabets.concat();
    // Drawn again until every alphabet occurs, so that no position is special.
    let generated = loop {
        let drawn: String = (0..rules.length).map(|_| characters[below(characters.len())]).collect();
        let occurs = |alphabet: &Vec<char>| drawn.contains(alphabet.as_slice());
        if !rules.all_occur || rules.alphabets.iter().all(occurs) {
            break drawn;
        }
    };
    match &rules.template {
        None => Ok(generated),
        Some((template, key)) => {
            let mut object: Value = serde_json::from_str(template)?;
            object
                .as_object_mut()
                .ok_or("SecretStringTemplate is no JSON object")?
                .insert(key.clone(), generated.into());
            Ok(object.to_string())
        }
    }
}

fn chain(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        line.extend([": ", &inner.to_string()]);
        source = inner.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_keeps_to_its_rules() {
        let rules = GeneratedSecret {
            length: 3,
            alphabets: vec![vec!['a', 'b'], vec!['1', '2']],
            all_occur: true,
            template: Some((r#"{"prefix":"p"}"#.to_owned(), "secret".to_owned())),
        };
        for _ in 0..100 {
            let secret: Value = serde_json::from_str(&generate(&rules).unwrap()).unwrap();
            let drawn = secret["secret"].as_str().unwrap();

            assert_eq!((&secret["prefix"], drawn.len()), (&json!("p"), 3));
            assert!(drawn.contains(['a', 'b']) && drawn.contains(['1', '2']), "{drawn}");
            assert!(drawn.chars().all(|one| "ab12".contains(one)), "{drawn}");
        }
    }

    #[test]
    fn two_secrets_differ() {
        let alphabets = vec![('a'..='z').collect(), ('0'..='9').collect()];
        let rules = GeneratedSecret { length: 64, alphabets, all_occur: true, template: None };

        assert_ne!(generate(&rules).unwrap(), generate(&rules).unwrap());
    }
}
