//! AWS Signature Version 4 of one kind of request: SQS `SendMessage` in JSON.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::Result;

pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) session_token: String,
    pub(crate) region: String,
    pub(crate) host: String,
}

impl Signer {
    /// All headers but host and length, for a body sent at this second.
    pub(crate) fn headers(&self, body: &[u8], now: u64) -> Result<String> {
        let Self { access_key, session_token: token, region, host, .. } = self;
        let time = written(now);
        let day = &time[..8];
        let scope = format!("{day}/{region}/sqs/aws4_request");
        let signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
        let mut canonical = format!(
            "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:{host}\nx-amz-date:{time}\n\
             x-amz-security-token:{token}\nx-amz-target:AmazonSQS.SendMessage\n\n{signed}\n"
        );
        append_hex(&mut canonical, &Sha256::digest(body))?;
        let mut to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n");
        append_hex(&mut to_sign, &Sha256::digest(canonical.as_bytes()))?;

        let mut key = hmac(format!("AWS4{}", self.secret_key).as_bytes(), day)?;
        for part in [region, "sqs", "aws4_request", &to_sign] {
            key = hmac(&key, part)?;
        }
        let mut headers = format!(
            "content-type: application/x-amz-json-1.0\r\nx-amz-date: {time}\r\nx-amz-security-token: {token}\r\n\
             x-amz-target: AmazonSQS.SendMessage\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={signed}, Signature="
        );
        append_hex(&mut headers, &key)?;
        headers.push_str("\r\n");
        Ok(headers)
    }
}

fn hmac(key: &[u8], text: &str) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

fn append_hex(text: &mut String, bytes: &[u8]) -> Result<()> {
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(())
}

/// A second since 1970 as `20261121T071500Z`.
fn written(second: u64) -> String {
    let (days, second) = (second / 86_400, second % 86_400);
    // Years that begin in March end with the leap day; 719,468 days lie between 0000-03-01 and 1970-01-01.
    let (era, day) = ((days + 719_468) / 146_097, (days + 719_468) % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let (month, day) = (march % 12, day - (153 * march + 2) / 5 + 1);
    let (year, month) = (era * 400 + year + u64::from(march >= 10), (month + 2) % 12 + 1);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4::SigningParams,
    };

    use super::*;

    #[test]
    fn times_are_written_as_aws_wants_them() {
        let seconds = [0, 951_782_400, 951_868_800, 1_794_000_000, 4_102_444_799];

        assert_eq!(
            seconds.map(written),
            ["19700101T000000Z", "20000229T000000Z", "20000301T000000Z", "20261106T212000Z", "20991231T235959Z"]
        );
    }

    #[test]
    fn it_signs_as_the_sdk_does() {
        let (now, body) = (1_794_000_000, br#"{"QueueUrl":"q"}"#);
        let signer = Signer {
            access_key: "AKID".to_owned(),
            secret_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            region: "eu-central-1".to_owned(),
            host: "127.0.0.1:9000".to_owned(),
        };
        let identity = Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("sqs")
            .time(UNIX_EPOCH + Duration::from_secs(now))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = [
            ("content-type", "application/x-amz-json-1.0"),
            ("host", "127.0.0.1:9000"),
            ("x-amz-target", "AmazonSQS.SendMessage"),
        ];
        let request =
            SignableRequest::new("POST", "http://127.0.0.1:9000/", headers.into_iter(), SignableBody::Bytes(body));
        let signature = sign(request.unwrap(), &parameters).unwrap().into_parts().1;

        let ours = signer.headers(body, now).unwrap();

        assert!(ours.ends_with(&format!("Signature={signature}\r\n")), "{ours} is not signed {signature}");
    }
}
