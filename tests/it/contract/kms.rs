//! KMS: sealing under a context, several generations of a key, keys that may not be used.

use super::{
    check::{Granted, Outcome, checks, fresh, holds, refused, same},
    clients::Clients,
};
use aws_sdk_kms::{
    error::SdkError,
    operation::{decrypt::DecryptError, encrypt::EncryptError},
    primitives::Blob,
    types::{DataKeySpec, KeyState, RotationType},
};
use std::collections::HashMap;

checks! {
    what_is_encrypted_is_decrypted,
    another_context_opens_nothing,
    a_missing_context_opens_nothing,
    a_tampered_ciphertext_opens_nothing,
    a_foreign_ciphertext_opens_nothing,
    the_wrong_key_is_told_apart,
    an_alias_names_a_key,
    an_alias_can_point_elsewhere,
    a_data_key_is_sealed_by_its_key,
    a_ciphertext_moves_to_another_key_and_context,
    after_rotation_old_and_new_ciphertexts_open,
    rotations_are_listed,
    rotation_by_itself_is_switched_on_and_off,
    a_disabled_key_is_not_used_until_enabled,
    a_key_to_be_deleted_is_not_used_and_can_be_saved,
    an_unknown_key_is_refused,
    more_than_4096_bytes_are_refused,
    a_key_describes_itself,
    a_policy_is_kept,
    tags_are_kept,
}

async fn key(clients: &Clients) -> Outcome<String> {
    let created = clients.kms.create_key().description("contract").send().await.granted()?;
    created.key_metadata.map(|key| key.key_id).ok_or_else(|| "no key".to_owned())
}

fn context(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

async fn try_seal(clients: &Clients, key: &str, pairs: Pairs<'_>, text: &[u8]) -> Result<Blob, SdkError<EncryptError>> {
    let encrypt =
        clients.kms.encrypt().key_id(key).plaintext(Blob::new(text)).set_encryption_context(Some(context(pairs)));
    encrypt.send().await.map(|answer| answer.ciphertext_blob.unwrap())
}

async fn seal(clients: &Clients, key: &str, pairs: Pairs<'_>, text: &str) -> Outcome<Blob> {
    try_seal(clients, key, pairs, text.as_bytes()).await.granted()
}

async fn open(clients: &Clients, sealed: &Blob, pairs: Pairs<'_>) -> Result<Vec<u8>, SdkError<DecryptError>> {
    let decrypt = clients.kms.decrypt().ciphertext_blob(sealed.clone()).set_encryption_context(Some(context(pairs)));
    decrypt.send().await.map(|answer| answer.plaintext.unwrap().into_inner())
}

async fn what_is_encrypted_is_decrypted(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let pairs: Pairs<'_> = &[("purpose", "token"), ("tenant", "é")];
    let sealed = seal(&clients, &key, pairs, "secret").await?;
    holds(!sealed.as_ref().windows(6).any(|window| window == b"secret"), "the ciphertext shows the plaintext")?;
    same(open(&clients, &sealed, &[("tenant", "é"), ("purpose", "token")]).await.granted()?, b"secret")
}

async fn another_context_opens_nothing(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let sealed = seal(&clients, &key, &[("tenant", "a")], "secret").await?;
    for other in [&[("tenant", "b")][..], &[("Tenant", "a")], &[("tenant", "a"), ("more", "x")]] {
        refused(open(&clients, &sealed, other).await, "InvalidCiphertextException")?;
    }
    Ok(())
}

async fn a_missing_context_opens_nothing(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let sealed = seal(&clients, &key, &[("tenant", "a")], "secret").await?;
    refused(open(&clients, &sealed, &[]).await, "InvalidCiphertextException")
}

async fn a_tampered_ciphertext_opens_nothing(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let sealed = seal(&clients, &key, &[], "secret").await?.into_inner();
    for position in [sealed.len() - 1, sealed.len() - 17, sealed.len() / 2, 0] {
        let mut tampered = sealed.clone();
        tampered[position] ^= 1;
        let opened = open(&clients, &Blob::new(tampered), &[]).await;
        refused(opened, "InvalidCiphertextException").map_err(|why| format!("byte {position} {why}"))?;
    }
    Ok(())
}

async fn a_foreign_ciphertext_opens_nothing(clients: Clients) -> Outcome {
    refused(open(&clients, &Blob::new(b"not a ciphertext of any key"), &[]).await, "InvalidCiphertextException")
}

async fn the_wrong_key_is_told_apart(clients: Clients) -> Outcome {
    let (own, other) = (key(&clients).await?, key(&clients).await?);
    let sealed = seal(&clients, &own, &[], "secret").await?;
    let decrypt = |key: &str| clients.kms.decrypt().ciphertext_blob(sealed.clone()).key_id(key).send();
    refused(decrypt(&other).await, "IncorrectKeyException")?;
    decrypt(&own).await.granted().map(drop)
}

async fn an_alias_names_a_key(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let alias = format!("alias/{}", fresh("contract"));
    clients.kms.create_alias().alias_name(&alias).target_key_id(&key).send().await.granted()?;
    let described = clients.kms.describe_key().key_id(&alias).send().await.granted()?;
    same(described.key_metadata.map(|found| found.key_id), Some(key))?;
    let sealed = seal(&clients, &alias, &[], "secret").await?;
    same(open(&clients, &sealed, &[]).await.granted()?, b"secret")
}

async fn an_alias_can_point_elsewhere(clients: Clients) -> Outcome {
    let (one, two) = (key(&clients).await?, key(&clients).await?);
    let alias = format!("alias/{}", fresh("contract"));
    clients.kms.create_alias().alias_name(&alias).target_key_id(&one).send().await.granted()?;
    let sealed = seal(&clients, &alias, &[], "secret").await?;
    clients.kms.update_alias().alias_name(&alias).target_key_id(&two).send().await.granted()?;
    let described = clients.kms.describe_key().key_id(&alias).send().await.granted()?;
    same(described.key_metadata.map(|found| found.key_id), Some(two))?;
    same(open(&clients, &sealed, &[]).await.granted()?, b"secret")
}

async fn a_data_key_is_sealed_by_its_key(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let pairs: Pairs<'_> = &[("tenant", "a")];
    let generate = clients.kms.generate_data_key().key_id(&key).key_spec(DataKeySpec::Aes256);
    let made = generate.set_encryption_context(Some(context(pairs))).send().await.granted()?;
    let plaintext = made.plaintext.ok_or("no plaintext")?.into_inner();
    same(plaintext.len(), 32)?;
    same(open(&clients, &made.ciphertext_blob.ok_or("no ciphertext")?, pairs).await.granted()?, plaintext)
}

async fn a_ciphertext_moves_to_another_key_and_context(clients: Clients) -> Outcome {
    let (one, two) = (key(&clients).await?, key(&clients).await?);
    let sealed = seal(&clients, &one, &[("at", "one")], "secret").await?;
    let re_encrypt = |from: Pairs<'_>| {
        let request = clients.kms.re_encrypt().ciphertext_blob(sealed.clone()).destination_key_id(&two);
        let request = request.set_source_encryption_context(Some(context(from)));
        request.set_destination_encryption_context(Some(context(&[("at", "two")]))).send()
    };
    refused(re_encrypt(&[("at", "two")]).await, "InvalidCiphertextException")?;
    let moved = re_encrypt(&[("at", "one")]).await.granted()?;
    holds(moved.key_id.is_some_and(|arn| arn.ends_with(&two)), "the answer names another key")?;
    let moved = moved.ciphertext_blob.ok_or("no ciphertext")?;
    refused(open(&clients, &moved, &[("at", "one")]).await, "InvalidCiphertextException")?;
    same(open(&clients, &moved, &[("at", "two")]).await.granted()?, b"secret")
}

async fn after_rotation_old_and_new_ciphertexts_open(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let old = seal(&clients, &key, &[], "old").await?;
    clients.kms.rotate_key_on_demand().key_id(&key).send().await.granted()?;
    let new = seal(&clients, &key, &[], "new").await?;
    same(open(&clients, &old, &[]).await.granted()?, b"old")?;
    same(open(&clients, &new, &[]).await.granted()?, b"new")
}

async fn rotations_are_listed(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    clients.kms.rotate_key_on_demand().key_id(&key).send().await.granted()?;
    let rotations = clients.kms.list_key_rotations().key_id(&key).send().await.granted()?.rotations.unwrap_or_default();
    same(
        rotations.into_iter().map(|rotation| rotation.rotation_type).collect::<Vec<_>>(),
        [Some(RotationType::OnDemand)],
    )
}

async fn rotation_by_itself_is_switched_on_and_off(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let status = || clients.kms.get_key_rotation_status().key_id(&key).send();
    same(status().await.granted()?.key_rotation_enabled, false)?;
    clients.kms.enable_key_rotation().key_id(&key).rotation_period_in_days(90).send().await.granted()?;
    let on = status().await.granted()?;
    same((on.key_rotation_enabled, on.rotation_period_in_days), (true, Some(90)))?;
    clients.kms.disable_key_rotation().key_id(&key).send().await.granted()?;
    same(status().await.granted()?.key_rotation_enabled, false)
}

async fn a_disabled_key_is_not_used_until_enabled(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let sealed = seal(&clients, &key, &[], "secret").await?;
    clients.kms.disable_key().key_id(&key).send().await.granted()?;
    refused(open(&clients, &sealed, &[]).await, "DisabledException")?;
    refused(try_seal(&clients, &key, &[], b"more").await, "DisabledException")?;
    clients.kms.enable_key().key_id(&key).send().await.granted()?;
    same(open(&clients, &sealed, &[]).await.granted()?, b"secret")
}

async fn a_key_to_be_deleted_is_not_used_and_can_be_saved(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let sealed = seal(&clients, &key, &[], "secret").await?;
    clients.kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.granted()?;
    refused(open(&clients, &sealed, &[]).await, "KMSInvalidStateException")?;
    clients.kms.cancel_key_deletion().key_id(&key).send().await.granted()?;
    clients.kms.enable_key().key_id(&key).send().await.granted()?;
    same(open(&clients, &sealed, &[]).await.granted()?, b"secret")
}

async fn an_unknown_key_is_refused(clients: Clients) -> Outcome {
    let unknown = "00000000-0000-4000-8000-000000000000";
    refused(try_seal(&clients, unknown, &[], b"secret").await, "NotFoundException")?;
    refused(try_seal(&clients, "alias/no-such-alias", &[], b"secret").await, "NotFoundException")
}

async fn more_than_4096_bytes_are_refused(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    try_seal(&clients, &key, &[], &[7; 4096]).await.granted()?;
    refused(try_seal(&clients, &key, &[], &[7; 4097]).await, "ValidationException")
}

async fn a_key_describes_itself(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let described =
        clients.kms.describe_key().key_id(&key).send().await.granted()?.key_metadata.ok_or("no metadata")?;
    same((described.enabled, described.key_state.clone()), (true, Some(KeyState::Enabled)))?;
    same(described.description.as_deref(), Some("contract"))?;
    let arn = described.arn.ok_or("no ARN")?;
    holds(arn.starts_with("arn:aws:kms:") && arn.ends_with(&format!(":key/{key}")), &arn)
}

async fn a_policy_is_kept(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let put = clients.kms.put_key_policy().key_id(&key).policy_name("default").policy(policy);
    put.bypass_policy_lockout_safety_check(true).send().await.granted()?;
    let kept = clients.kms.get_key_policy().key_id(&key).policy_name("default").send().await.granted()?.policy;
    same(kept.as_deref(), Some(policy))
}

async fn tags_are_kept(clients: Clients) -> Outcome {
    let key = key(&clients).await?;
    let tag = aws_sdk_kms::types::Tag::builder().tag_key("stage").tag_value("dev").build().unwrap();
    clients.kms.tag_resource().key_id(&key).tags(tag.clone()).send().await.granted()?;
    let kept = clients.kms.list_resource_tags().key_id(&key).send().await.granted()?.tags;
    same(kept, Some(vec![tag]))
}
