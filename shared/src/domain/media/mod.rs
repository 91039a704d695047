//! Files of messages: what Meta takes and for how long, what their bytes are, and how they may be shown.

mod content;
mod shown;
#[cfg(test)]
mod tests;
mod upload;
mod webp;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::meta_id::MediaId;

pub use content::Content;
pub use shown::Shown;
pub use upload::{Asked, Upload};

/// The largest file that goes through us, either way: in base64 it just fits what a function may take and answer.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Meta keeps what a business uploads for 30 days, and what people send for 7.
pub const UPLOADED_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);
pub const RECEIVED_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What a file may be sent as. A voice message is audio that is shown as recorded there and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MediaKind")]
pub enum Kind {
    Audio,
    Document,
    Image,
    Sticker,
    Video,
    Voice,
}

/// Why a file does not come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the file is larger than {LARGEST} bytes")]
    TooLargeToSend,
    #[error("the file is larger than {LARGEST} bytes")]
    TooLargeToFetch,
    #[error("Meta does not have the file any more")]
    Expired,
    #[error("what came is not of the type that Meta said")]
    OtherType,
    #[error("what came is not of the size that Meta said")]
    OtherSize,
    #[error("what came has not the hash that Meta said")]
    OtherHash,
}

impl Trouble {
    /// Whether the same file may come through a little later.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::OtherType | Self::OtherSize | Self::OtherHash)
    }
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub id: MediaId,
    pub kind: Kind,
    pub mime_type: &'static str,
    /// In hexadecimal.
    pub sha256: String,
    pub size: usize,
    pub expires_at: Timestamp,
}

/// A MIME type without its parameters, in small letters.
pub fn essence(mime_type: &str) -> String {
    mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
