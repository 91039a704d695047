//! Making a number, and changing what can be changed of it: PIN, name, webhook address.

use serde_json::{Value, json};

use super::of;
use super::register::is_pin;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::webhooks::{self, Event};
use crate::world::{Number, World};

/// A portfolio that is not verified has two numbers, a verified one twenty.
const NUMBERS: usize = 2;
const NUMBERS_OF_VERIFIED: usize = 20;
/// Digits of the longest number without its country code that the examples of Meta's have.
const LONGEST_NATIONAL: usize = 10;

/// `POST /{waba}/phone_numbers`: the number is there, and unverified.
pub(crate) fn create(meta: &Meta, call: &Call, waba: &str) -> Outcome {
    let digits = |name: &str| {
        let text = call.params.required(name)?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() { Err(GraphError::invalid(format!("Param {name} must be digits"))) } else { Ok(digits) }
    };
    let (country, rest) = (digits("cc")?, digits("phone_number")?);
    // Written with its country code or without, it is the same number.
    let rest =
        rest.strip_prefix(&country).filter(|_| rest.len() > LONGEST_NATIONAL).map_or(rest.clone(), str::to_owned);
    let phone = format!("{country}{rest}");
    let name = call.params.required("verified_name")?;
    meta.change(|world| {
        if world.numbers.values().any(|number| number.phone == phone) {
            let text = "This phone number is already registered to a WhatsApp account.";
            return Err(GraphError::invalid(text).subcode(2388023).for_people("Phone number in use", text));
        }
        refuse_over_the_cap(world, waba)?;
        let id = world.next_id(3);
        let mut number = Number::new(&id, waba, &phone, &format!("+{country} {rest}"), &name, call.now);
        number.code_verification_status = "NOT_VERIFIED".into();
        number.name_status = "PENDING_REVIEW".into();
        world.numbers.put(id.clone(), number);
        Ok(Answer::json(json!({"id": id})))
    })
}

fn refuse_over_the_cap(world: &World, waba: &str) -> Result<(), GraphError> {
    let Some(business) = world.wabas.get(waba).and_then(|waba| world.businesses.get(&waba.business_id)) else {
        return Ok(());
    };
    let has = world.wabas_of(&business.id).map(|waba| world.numbers_of(&waba.id).count()).sum::<usize>();
    let cap = if business.verification_status == "verified" { NUMBERS_OF_VERIFIED } else { NUMBERS };
    if has < cap { Ok(()) } else { Err(GraphError::invalid(format!("This business may have {cap} phone numbers."))) }
}

/// What `POST /{number}` may change, as far as it is simulated.
struct Change {
    pin: Option<String>,
    name: Option<String>,
    username: Option<String>,
    visibility: Option<String>,
    /// The new address of its own; empty where it is to have none any more, as Meta has it.
    address: Option<String>,
}

/// `POST /{number}`: whatever of its settings is given.
pub(crate) async fn change(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let change = Change::read(meta, call).await?;
    let now_ms = meta.clock.now().as_millisecond();
    meta.change(|world| {
        change.apply(of(world, call, id)?);
        if change.pin.is_some() {
            let number = of(world, call, id)?;
            let told = json!({"display_phone_number": number.phone, "event": "PIN_CHANGED"});
            let waba = number.waba_id.clone();
            webhooks::tell(world, now_ms, Event::of_waba(&waba, "security", told));
        }
        Ok(Answer::success())
    })
}

impl Change {
    async fn read(meta: &Meta, call: &Call) -> Result<Self, GraphError> {
        let inner = call.params.json("whatsapp_business_api_data").unwrap_or_default();
        let pin = call.params.text("pin").or_else(|| inner["pin"].as_str().map(str::to_owned));
        if pin.as_ref().is_some_and(|pin| !is_pin(pin)) {
            return Err(GraphError::invalid("Param pin must be a 6 digit number"));
        }
        let visibility = call.params.text("search_visibility");
        if visibility.as_deref().is_some_and(|asked| !["VISIBLE", "NON_VISIBLE"].contains(&asked)) {
            return Err(GraphError::invalid("Param search_visibility must be one of {VISIBLE, NON_VISIBLE}"));
        }
        let address = match call.params.json("webhook_configuration") {
            None => None,
            Some(configuration) => Some(own_address(meta, &configuration).await?),
        };
        let (name, username) = (call.params.text("new_display_name"), call.params.text("username"));
        let nothing = [&pin, &name, &username, &visibility].into_iter().all(Option::is_none) && address.is_none();
        // A number is connected by registering it; that it should be is no change of ours, and no mistake either.
        if nothing && call.params.get("connection_status").is_none() {
            return Err(GraphError::invalid("Nothing to change: give pin, new_display_name or webhook_configuration"));
        }
        Ok(Self { pin, name, username, visibility, address })
    }

    fn apply(&self, number: &mut Number) {
        if let Some(address) = &self.address {
            number.override_callback_uri = Some(address.clone()).filter(|address| !address.is_empty());
        }
        if let Some(name) = &self.name {
            number.new_display_name = Some(name.clone());
            number.new_name_status = "PENDING_REVIEW".into();
        }
        if let Some(pin) = &self.pin {
            number.pin = Some(pin.clone());
        }
        if let Some(visibility) = &self.visibility {
            number.search_visibility.clone_from(visibility);
        }
        if let Some(username) = &self.username {
            number.username = Some(username.clone());
        }
    }
}

/// The address a configuration asks for, after its handshake.
async fn own_address(meta: &Meta, configuration: &Value) -> Result<String, GraphError> {
    let text = |name: &str| configuration.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(uri) = text("override_callback_uri") else { return Ok(String::new()) };
    let token = text("verify_token").ok_or_else(|| GraphError::missing("verify_token"))?;
    webhooks::verify(meta, uri, token).await?;
    Ok(uri.to_owned())
}
