//! Meta's message object, as it says itself what it is. Whatever a message lacks, it is read as far as it can be.

use jiff::Timestamp;

use super::fields::Fields;
use crate::domain::{
    conversation::{Names, Person},
    meta_id::MediaId,
};

/// The types a reader is told of by name; all others are `unsupported`.
pub const KINDS: &[&str] = &[
    "audio",
    "button",
    "contacts",
    "document",
    "edit",
    "image",
    "interactive",
    "location",
    "media_placeholder",
    "order",
    "reaction",
    "request_welcome",
    "revoke",
    "sticker",
    "system",
    "template",
    "text",
    "video",
];
pub const UNSUPPORTED: &str = "unsupported";
/// Those that are a file.
const WITH_FILE: [&str; 5] = ["audio", "document", "image", "sticker", "video"];

/// How much of a message a list shows.
const PREVIEW: usize = 160;

/// A message of Meta's, read from its own text.
#[derive(Debug, Clone)]
pub struct MetaMessage<'a>(Fields<'a>);

/// The person's old name, where a message says that they have another now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub before: Names,
    pub now: Names,
}

impl<'a> MetaMessage<'a> {
    /// None where it is no object. `text` is to have been [`readable`](super::readable).
    pub fn of(text: &'a str) -> Option<Self> {
        Fields::of(text).map(Self)
    }

    pub fn wamid(&self) -> Option<String> {
        self.0.text("id")
    }

    pub fn at(&self) -> Option<Timestamp> {
        self.0.time("timestamp")
    }

    /// What a reader is told.
    pub fn kind(&self) -> &'static str {
        let said = self.0.text("type");
        let known = said.and_then(|said| KINDS.iter().copied().find(|kind| *kind == said));
        known.unwrap_or(UNSUPPORTED)
    }

    /// Meta's object under the message's own type, as its text came.
    pub fn content(&self) -> Option<&'a str> {
        let said = self.0.text("type")?;
        // Button and interactive replies, orders, all others: the type names the object.
        self.0.raw(&said)
    }

    pub fn context(&self) -> Option<&'a str> {
        self.0.raw("context")
    }

    pub fn referral(&self) -> Option<&'a str> {
        self.0.raw("referral")
    }

    /// What Meta says is wrong with it, as its text came.
    pub fn errors(&self) -> Vec<&'a str> {
        self.0.list("errors")
    }

    /// The status a message had before the number was connected, in the words of webhooks.
    pub fn past_status(&self) -> Option<String> {
        self.0.object("history_context")?.text("status").map(|status| status.to_lowercase())
    }

    /// Whoever wrote a message that came in. A group is one conversation, whoever speaks.
    pub fn sender(&self) -> Names {
        match self.0.text("group_id") {
            Some(group) => Names { group: Some(group), ..Names::default() },
            None => Names::new(self.0.text("from"), self.0.text("from_user_id")),
        }
    }

    /// To whom one went out.
    pub fn recipient(&self) -> Names {
        match self.0.text("group_id") {
            Some(group) => Names { group: Some(group), ..Names::default() },
            None => Names::new(self.0.text("to"), self.0.text("to_user_id")),
        }
    }

    /// Whether the business itself wrote it, whose number has these digits.
    pub fn is_from(&self, business: &str) -> bool {
        let (sender, recipient) = (self.0.text("from"), self.0.text("to").or_else(|| self.0.text("to_user_id")));
        match Names::new(sender, self.0.text("from_user_id")) {
            Names { phone: Some(phone), .. } => Names::is_same_phone(&phone, business),
            Names { user_id: None, .. } => recipient.is_some(),
            _ => false,
        }
    }

    /// The file that came with it. An edit brings its own.
    pub fn file(&self) -> Option<MediaId> {
        let kind = self.0.text("type").filter(|kind| WITH_FILE.contains(&kind.as_str()));
        let own = kind.and_then(|kind| self.0.object(&kind)?.text("id")?.parse().ok());
        own.or_else(|| self.edited()?.file())
    }

    /// A person has another number, or another id.
    pub fn renamed(&self) -> Option<Renamed> {
        let system = self.0.object("system")?;
        let before = match system.text("type")?.as_str() {
            "user_changed_number" => Names::new(self.0.text("from"), system.text("previous_user_id")),
            "user_changed_user_id" => Names::new(None, system.text("previous_user_id")),
            _ => return None,
        };
        let now = Names::new(system.text("new_wa_id").or_else(|| system.text("wa_id")), system.text("user_id"));
        // What it says twice has not changed.
        let phone = before.phone.clone().filter(|phone| now.phone.as_ref().is_some_and(|now| now != phone));
        let user_id = before.user_id.filter(|id| now.user_id.as_ref().is_some_and(|now| now != id));
        let before = Names { phone, user_id, group: None };
        (before != Names::default()).then_some(Renamed { before, now })
    }

    /// The first words of it, or what stands for them.
    pub fn preview(&self) -> Option<String> {
        self.words().or_else(|| self.edited()?.words()).map(|words| words.chars().take(PREVIEW).collect())
    }

    /// What an edit says now. An edit of an edit of an edit is nothing that Meta sends, and has no preview.
    fn edited(&self) -> Option<MetaMessage<'_>> {
        let edit = self.0.object("edit").filter(|_| self.0.text("type").as_deref() == Some("edit"))?;
        MetaMessage::of(edit.raw("message")?)
    }

    fn words(&self) -> Option<String> {
        let said = self.0.text("type")?;
        let content = self.0.object(&said).unwrap_or_default();
        match said.as_str() {
            "text" | "system" => content.text("body"),
            "image" | "video" | "audio" | "document" => content.text("caption").or_else(|| content.text("filename")),
            "location" => content.text("name").or_else(|| content.text("address")),
            "contacts" => self.contact_names(),
            "button" | "order" => content.text("text"),
            "reaction" => content.text("emoji"),
            "interactive" => reply(&content),
            "template" => content.text("name"),
            _ => None,
        }
    }

    fn contact_names(&self) -> Option<String> {
        let cards = self.0.list("contacts");
        let names = cards.into_iter().filter_map(|card| Fields::of(card)?.object("name")?.text("formatted_name"));
        Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
    }
}

/// What a person chose, or what was offered to them.
fn reply(content: &Fields<'_>) -> Option<String> {
    let chosen = content.text("type").and_then(|kind| content.object(&kind)).unwrap_or_default();
    let body = || content.object("body").and_then(|body| body.text("text"));
    ["title", "body", "response", "name"].iter().find_map(|name| chosen.text(name)).or_else(body)
}

/// Whom an entry of `contacts[]` is about.
pub fn person_of(contact: &str) -> Option<Person> {
    let contact = Fields::of(contact)?;
    let profile = contact.object("profile").unwrap_or_default();
    Some(Person {
        names: Names::new(contact.text("wa_id"), contact.text("user_id")),
        username: profile.text("username").or_else(|| contact.text("username")),
        name: profile.text("name"),
    })
}

/// Whom a thread of a history is with, by its context or else its id.
pub fn counterpart_of(thread: &str) -> Option<Person> {
    let thread = Fields::of(thread)?;
    let context = thread.object("context").unwrap_or_default();
    let names = Names::new(context.text("wa_id"), context.text("user_id"));
    let names = if names == Names::default() { Names::new(thread.text("id"), None) } else { names };
    Some(Person { names, username: context.text("username"), name: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> MetaMessage<'_> {
        MetaMessage::of(text).unwrap()
    }

    #[test]
    fn an_unknown_type_is_unsupported_and_keeps_its_object() {
        let poll = message(r#"{"id":"a","type":"poll","poll":{"title":"?"}}"#);
        assert_eq!((poll.kind(), poll.content()), (UNSUPPORTED, Some(r#"{"title":"?"}"#)));

        let untyped = message(r#"{"id":"a"}"#);
        assert_eq!((untyped.kind(), untyped.content(), untyped.preview()), (UNSUPPORTED, None, None));
    }

    #[test]
    fn the_business_is_known_by_its_number_however_it_is_written() {
        assert!(message(r#"{"from":"551187654321","to":"1"}"#).is_from("5511987654321"));
        assert!(message(r#"{"to":"16505551234"}"#).is_from("15550783881"));
        for theirs in [r#"{"from":"16505551234","to":"15550783881"}"#, r#"{"from_user_id":"US.1","to":"1"}"#, "{}"] {
            assert!(!message(theirs).is_from("15550783881"), "{theirs}");
        }
    }

    #[test]
    fn another_number_is_another_name_of_the_same_person() {
        let number = r#"{"from":"1","type":"system","system":{"type":"user_changed_number","wa_id":"2",
            "previous_user_id":"US.a","user_id":"US.b"}}"#;
        let renamed = message(number).renamed().unwrap();
        assert_eq!(renamed.before, Names::new(Some("1".into()), Some("US.a".into())));
        assert_eq!(renamed.now, Names::new(Some("2".into()), Some("US.b".into())));

        let id = r#"{"from":"1","type":"system","system":{"type":"user_changed_user_id","previous_user_id":"US.a",
            "user_id":"US.b"}}"#;
        assert_eq!(message(id).renamed().unwrap().before, Names::new(None, Some("US.a".into())));

        for other in [
            r#"{"from":"1","type":"system","system":{"type":"customer_identity_changed","wa_id":"2"}}"#,
            r#"{"from":"1","type":"system","system":{"type":"user_changed_number","wa_id":"1"}}"#,
            r#"{"from":"1","type":"system","system":{"type":"user_changed_number"}}"#,
        ] {
            assert_eq!(message(other).renamed(), None, "{other}");
        }
    }

    #[test]
    fn a_thread_without_a_context_is_with_whom_its_id_names() {
        assert_eq!(counterpart_of(r#"{"id":"16505551234"}"#).unwrap().names.phone.as_deref(), Some("16505551234"));
        let named = counterpart_of(r#"{"id":"x","context":{"user_id":"US.1","username":"@a"}}"#).unwrap();
        assert_eq!((named.names.user_id.as_deref(), named.username.as_deref()), (Some("US.1"), Some("@a")));
    }
}
