//! The types of message that can be sent.

use serde::{Deserialize, Serialize};

use super::{check::Part, content, interactive, media, template};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Interactive,
    Template,
    Pin,
}

impl Kind {
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
        Self::Sticker,
        Self::Location,
        Self::Contacts,
        Self::Reaction,
        Self::Interactive,
        Self::Template,
        Self::Pin,
    ];

    /// Meta's name for it: also of the object that says what is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Reaction => "reaction",
            Self::Interactive => "interactive",
            Self::Template => "template",
            Self::Pin => "pin",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What holds for the object of that name.
    pub(super) fn rule(self) -> fn(&Part<'_>) {
        match self {
            Self::Text => content::text_message,
            Self::Image | Self::Video => media::captioned,
            Self::Audio => media::audio,
            Self::Document => media::document,
            Self::Sticker => media::file,
            Self::Location => content::location,
            Self::Contacts => content::contacts,
            Self::Reaction => content::reaction,
            Self::Interactive => interactive::interactive,
            Self::Template => template::template,
            Self::Pin => content::pin,
        }
    }

    /// Groups take texts, media and templates, and only groups have something pinned.
    pub(super) fn suits(self, is_group: bool) -> Result<(), &'static str> {
        match self {
            Self::Text | Self::Image | Self::Video | Self::Audio | Self::Document | Self::Sticker | Self::Template => {
                Ok(())
            }
            Self::Pin if is_group => Ok(()),
            Self::Pin => Err("can be sent to groups only"),
            _ if is_group => Err("cannot be sent to a group: it takes text, media and templates"),
            _ => Ok(()),
        }
    }
}

/// Their names, for whoever wrote another.
pub(super) fn names() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}
