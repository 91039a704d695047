//! Customers: a person has one id per business portfolio, and perhaps a number and a username.

use serde_json::{Value, json};

use crate::signature;
use crate::world::{Person, World};

/// The few calling codes whose country a made-up id should show; the rest are `US`.
const COUNTRIES: [(&str, &str); 9] = [
    ("1", "US"),
    ("33", "FR"),
    ("34", "ES"),
    ("351", "PT"),
    ("44", "GB"),
    ("49", "DE"),
    ("52", "MX"),
    ("54", "AR"),
    ("55", "BR"),
];

/// What is known of a person at the door.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Digits only.
    pub phone: Option<String>,
    pub user_id: Option<String>,
    pub parent_user_id: Option<String>,
    pub name: Option<String>,
    pub username: Option<String>,
}

/// The person as this business knows them; what is newly known is kept.
pub(crate) fn meet(world: &mut World, business: &str, known: Known) -> Person {
    let by_phone = known.phone.as_ref().and_then(|phone| world.phones.get(&phone_key(business, phone)).cloned());
    let user_id = known.user_id.or(by_phone).unwrap_or_else(|| {
        made_up_user_id(business, known.phone.as_deref().or(known.username.as_deref()).unwrap_or_default())
    });
    let before = world.people.get(&user_id).cloned();
    let before = before.as_ref();
    let phone = known.phone.or_else(|| before.and_then(|person| person.phone.clone()));
    let person = Person {
        name: known
            .name
            .or_else(|| before.map(|person| person.name.clone()))
            .unwrap_or_else(|| nickname(phone.as_deref())),
        username: known.username.or_else(|| before.and_then(|person| person.username.clone())),
        parent_user_id: known.parent_user_id.or_else(|| before.and_then(|person| person.parent_user_id.clone())),
        business_id: business.to_owned(),
        phone,
        user_id,
    };
    if let Some(phone) = &person.phone {
        world.phones.put(phone_key(business, phone), person.user_id.clone());
    }
    world.people.put(person.user_id.clone(), person.clone());
    person
}

/// Everyone has set some name in their profile.
fn nickname(phone: Option<&str>) -> String {
    phone.map_or_else(|| "Customer".to_owned(), |phone| format!("Customer {}", &phone[phone.len().saturating_sub(4)..]))
}

/// The person as a webhook's `contacts[]` shows them; without a number where the business is not to see it.
pub(crate) fn contact(person: &Person, phone: Option<&str>) -> Value {
    let mut contact = json!({"profile": {"name": person.name}, "user_id": person.user_id});
    if let Some(username) = &person.username {
        contact["profile"]["username"] = username.clone().into();
    }
    if let Some(phone) = phone {
        contact["wa_id"] = phone.into();
    }
    if let Some(parent) = &person.parent_user_id {
        contact["parent_user_id"] = parent.clone().into();
    }
    contact
}

/// The person got a new number, a new id, or both; what else is known of them stays.
pub(crate) fn become_other(world: &mut World, person: &Person, phone: Option<String>, user_id: Option<String>) {
    let business = person.business_id.clone();
    if let Some(old) = person.phone.as_ref().filter(|old| phone.as_ref().is_some_and(|new| new != *old)) {
        // Whoever gets the old number is somebody else.
        let stranger = made_up_user_id(&business, &format!("{old} after {}", person.user_id));
        world.phones.put(phone_key(&business, old), stranger);
    }
    let user_id = user_id.or_else(|| phone.as_ref().map(|phone| made_up_user_id(&business, phone)));
    world.people.remove(&person.user_id);
    let known = Known {
        phone: phone.or_else(|| person.phone.clone()),
        user_id,
        name: Some(person.name.clone()),
        username: person.username.clone(),
        ..Known::default()
    };
    meet(world, &business, known);
}

pub(crate) fn phone_key(business: &str, phone: &str) -> String {
    format!("{business}/{phone}")
}

/// `US.13491208655302741918`: the same person has another id with another business.
pub(crate) fn made_up_user_id(business: &str, who: &str) -> String {
    let country = COUNTRIES.iter().filter(|(code, _)| who.starts_with(code)).max_by_key(|(code, _)| code.len());
    let hash = signature::hmac(business, who.as_bytes());
    let digits: String = hash.iter().take(20).map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("{}.{digits}", country.map_or("US", |(_, country)| country))
}
