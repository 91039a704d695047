//! What a message must give a template.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::definition::{is, variables};

/// One thing to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub place: Place,
    /// Of a carousel: which of its cards.
    pub card: Option<usize>,
    /// A word, or the number of its place.
    pub name: String,
    pub kind: Filled,
    pub example: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Header,
    Body,
    Button(usize),
}

/// What it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TemplateParameterKind")]
pub enum Filled {
    Text,
    Image,
    Video,
    Document,
    Location,
    CouponCode,
    Action,
}

impl Filled {
    /// What a header of this format takes, that is no text; none: nothing.
    pub(super) fn of_header(format: &str) -> Option<Self> {
        Some(match format {
            "IMAGE" => Self::Image,
            // It is sent as a video.
            "VIDEO" | "GIF" => Self::Video,
            "DOCUMENT" => Self::Document,
            "LOCATION" => Self::Location,
            _ => return None,
        })
    }

    /// What a button cannot do without; none: nothing.
    pub(super) fn of_button(button: &Value) -> Option<Self> {
        if is(button, "type", "URL") {
            return button["url"].as_str().filter(|url| !variables(url).is_empty()).map(|_| Self::Text);
        }
        if is(button, "type", "OTP") {
            return Some(Self::Text);
        }
        if is(button, "type", "COPY_CODE") {
            return Some(Self::CouponCode);
        }
        is(button, "type", "MPM").then_some(Self::Action)
    }

    /// As a parameter's `type` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
            Self::Location => "location",
            Self::CouponCode => "coupon_code",
            Self::Action => "action",
        }
    }
}
