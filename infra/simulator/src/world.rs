//! Everything Meta knows: one state, changed in one place, so that what was answered is also what is written down.
//!
//! To add a piece of state, add a field to [`World`] below: the journal, the reset and the restart follow from it.

mod assets;
mod content;
mod flows;
mod journal;
mod table;
mod tokens;

pub(crate) use assets::*;
pub(crate) use content::*;
pub(crate) use flows::*;
pub(crate) use journal::Journal;
pub(crate) use table::{Recorded, Single, Table};
pub(crate) use tokens::*;

macro_rules! world {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {
        #[derive(Debug, Default)]
        pub(crate) struct World { $($(#[$doc])* pub(crate) $field: $kind,)* }

        impl World {
            fn tables(&mut self) -> Vec<(&'static str, &mut dyn Recorded)> {
                vec![$((stringify!($field), &mut self.$field),)*]
            }
        }
    };
}

world! {
    app: Single<App>,
    businesses: Table<Business>,
    wabas: Table<Waba>,
    numbers: Table<Number>,
    tokens: Table<Token>,
    codes: Table<Code>,
    /// Customers, by business-scoped user id.
    people: Table<Person>,
    /// `business/phone` → business-scoped user id.
    phones: Table<String>,
    /// `number/user` → when the customer last wrote.
    conversations: Table<Conversation>,
    /// Both directions, by wamid.
    messages: Table<Message>,
    /// `number/user` → until when the customer sees somebody type.
    typing: Table<i64>,
    /// `number/user`: whom a number has blocked.
    blocked: Table<Blocked>,
    /// `number` and `number/person` → how much of the allowance is used.
    paces: Table<Pace>,
    /// Phone or user id → why nothing reaches them.
    unreachable: Table<Unreachable>,
    media: Table<Media>,
    templates: Table<Template>,
    /// What a number shows of its business.
    profiles: Table<Profile>,
    qr_codes: Table<QrCode>,
    uploads: Table<Upload>,
    /// `number/edge` → what is set there.
    settings: Table<serde_json::Value>,
    /// `waba/name/language` → when an approved one was deleted.
    deleted_templates: Table<i64>,
    behaviour: Single<Behaviour>,
    /// Webhooks under way, by delivery id.
    deliveries: Table<Delivery>,
    calls: Table<crate::calls::Record>,
    faults: Table<crate::faults::Fault>,
    /// The last number given to anything.
    counter: Single<u64>,
}

impl World {
    pub(crate) fn forget_changes(&mut self) {
        for (_, table) in self.tables() {
            table.forget_changes();
        }
    }

    /// A number nobody else has.
    pub(crate) fn next(&mut self) -> u64 {
        *self.counter += 1;
        *self.counter
    }

    /// A node id as Graph gives them: digits, not to be guessed from another's.
    pub(crate) fn next_id(&mut self, family: u64) -> String {
        format!("{family}{:011}{:03}", self.next(), u16::from_be_bytes(crate::chance::bytes()) % 1000)
    }

    pub(crate) fn numbers_of<'a>(&'a self, waba: &'a str) -> impl DoubleEndedIterator<Item = &'a Number> {
        self.numbers.values().filter(move |number| number.waba_id == waba)
    }

    pub(crate) fn wabas_of<'a>(&'a self, business: &'a str) -> impl DoubleEndedIterator<Item = &'a Waba> {
        self.wabas.values().filter(move |waba| waba.business_id == business)
    }

    pub(crate) fn waba_of(&self, number: &str) -> Option<&Waba> {
        self.numbers.get(number).and_then(|number| self.wabas.get(&number.waba_id))
    }
}
