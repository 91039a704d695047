//! `POST /_sim/app`, `/_sim/businesses`, `/_sim/wabas`, `/_sim/numbers`: what is there; and `…/{id}`: how it changes.

use std::sync::Arc;

use axum::extract::{Json, Path, State};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Body, ControlError, changes, state};
use crate::meta::Meta;
use crate::templates;
use crate::world::{App, Business, Number, TokenKind, Waba};

/// What can be switched on the app.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppChange {
    require_proof: Option<bool>,
    enforce_usage: Option<bool>,
    reorder: Option<bool>,
    callback_url: Option<String>,
    verify_token: Option<String>,
    deauthorize_url: Option<String>,
    data_deletion_url: Option<String>,
    login_token: Option<TokenKind>,
    business_token_days: Option<i64>,
    scopes: Option<Vec<String>>,
    fields: Option<Vec<String>>,
}

pub(crate) async fn app(
    State(meta): State<Arc<Meta>>,
    Body(change): Body<AppChange>,
) -> Result<Json<Value>, ControlError> {
    meta.change(|world| {
        change.apply(&mut world.app);
        Ok(Json(state::app(world)))
    })
}

impl AppChange {
    fn apply(self, app: &mut App) {
        app.require_proof = self.require_proof.unwrap_or(app.require_proof);
        app.enforce_usage = self.enforce_usage.unwrap_or(app.enforce_usage);
        app.reorder = self.reorder.unwrap_or(app.reorder);
        app.login_token = self.login_token.unwrap_or(app.login_token);
        replace(&mut app.callback_url, self.callback_url);
        replace(&mut app.verify_token, self.verify_token);
        replace(&mut app.scopes, self.scopes);
        app.deauthorize_url = self.deauthorize_url.or(app.deauthorize_url.take());
        app.data_deletion_url = self.data_deletion_url.or(app.data_deletion_url.take());
        app.fields = self.fields.or(app.fields.take());
        // Zero days: for ever again.
        app.business_token_days = self.business_token_days.or(app.business_token_days).filter(|days| *days > 0);
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBusiness {
    #[serde(default)]
    name: Option<String>,
    verification_status: Option<String>,
}

pub(crate) async fn business(
    State(meta): State<Arc<Meta>>,
    Body(new): Body<NewBusiness>,
) -> Result<Json<Business>, ControlError> {
    let now = meta.now();
    meta.change(|world| {
        let id = world.next_id(1);
        let name = new.name.unwrap_or_else(|| format!("Business {id}"));
        let business = Business {
            admin_id: world.next_id(4),
            admin_name: format!("Owner of {name}"),
            integration_user_id: world.next_id(6),
            system_user_id: world.next_id(6),
            verification_status: new.verification_status.unwrap_or_else(|| "not_verified".to_owned()),
            created_at: now,
            id: id.clone(),
            name,
        };
        world.businesses.put(id, business.clone());
        Ok(Json(business))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWaba {
    business_id: Option<String>,
    name: Option<String>,
    currency: Option<String>,
    timezone_id: Option<String>,
    /// `null`: no payment method.
    #[serde(default)]
    primary_funding_id: Given<String>,
    status: Option<String>,
}

pub(crate) async fn waba(State(meta): State<Arc<Meta>>, Body(new): Body<NewWaba>) -> Result<Json<Value>, ControlError> {
    let now = meta.now();
    meta.change(|world| {
        let business = new.business_id.clone().unwrap_or_else(|| world.app.business_id.clone());
        if !world.businesses.contains(&business) {
            return Err(ControlError::not_found("business_id"));
        }
        let id = world.next_id(2);
        let waba = Waba::new(&id, &business, &format!("WABA {id}"), now);
        world.wabas.put(id.clone(), new.applied(waba));
        templates::hello_world(world, &id, now);
        Ok(Json(state::waba_by_id(world, &id)))
    })
}

pub(crate) async fn change_waba(
    State(meta): State<Arc<Meta>>,
    Path(id): Path<String>,
    Body(change): Body<NewWaba>,
) -> Result<Json<Value>, ControlError> {
    let now_ms = meta.clock.now().as_millisecond();
    meta.change(|world| {
        let before = world.wabas.get(&id).cloned().ok_or_else(|| ControlError::not_found("WABA"))?;
        let after = change.applied(before.clone());
        changes::tell_of_waba(world, &before, &after, now_ms);
        world.wabas.put(id.clone(), after);
        Ok(Json(state::waba_by_id(world, &id)))
    })
}

impl NewWaba {
    fn applied(self, mut waba: Waba) -> Waba {
        replace(&mut waba.name, self.name);
        replace(&mut waba.currency, self.currency);
        replace(&mut waba.timezone_id, self.timezone_id);
        replace(&mut waba.status, self.status);
        self.primary_funding_id.replaces(&mut waba.primary_funding_id);
        waba
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNumber {
    waba_id: Option<String>,
    /// Digits, with or without `+` and spaces.
    phone_number: Option<String>,
    verified_name: Option<String>,
    name_status: Option<String>,
    /// The review of a name that was asked for.
    new_name_status: Option<String>,
    code_verification_status: Option<String>,
    quality_rating: Option<String>,
    messaging_limit: Option<String>,
    throughput: Option<String>,
    status: Option<String>,
    registered: Option<bool>,
    #[serde(default)]
    pin: Given<String>,
    reads: Option<bool>,
    is_on_biz_app: Option<bool>,
    declines_history: Option<bool>,
    #[serde(default)]
    rate: Given<u32>,
}

pub(crate) async fn number(
    State(meta): State<Arc<Meta>>,
    Body(new): Body<NewNumber>,
) -> Result<Json<Value>, ControlError> {
    let now = meta.now();
    meta.change(|world| {
        let first = world.wabas.values().next().map(|waba| waba.id.clone());
        let waba = new.waba_id.clone().or(first).filter(|waba| world.wabas.contains(waba));
        let waba = waba.ok_or_else(|| ControlError::not_found("waba_id"))?;
        let id = world.next_id(3);
        let shown = new.phone_number.clone().unwrap_or_else(|| format!("+1 555-02{:05}", world.next() % 100_000));
        let phone: String = shown.chars().filter(char::is_ascii_digit).collect();
        if world.numbers.values().any(|number| number.phone == phone) {
            return Err(ControlError::bad("there is a number with this phone_number"));
        }
        let mut number = Number::new(&id, &waba, &phone, &shown, &format!("Number {id}"), now);
        if new.is_on_biz_app == Some(true) {
            number = number.on_the_business_app(now);
        }
        world.numbers.put(id.clone(), new.applied(number));
        Ok(Json(state::number_by_id(world, &id)))
    })
}

pub(crate) async fn change_number(
    State(meta): State<Arc<Meta>>,
    Path(id): Path<String>,
    Body(change): Body<NewNumber>,
) -> Result<Json<Value>, ControlError> {
    let now_ms = meta.clock.now().as_millisecond();
    meta.change(|world| {
        let before = world.numbers.get(&id).cloned().ok_or_else(|| ControlError::not_found("number"))?;
        let after = change.applied(before.clone());
        changes::tell(world, &before, &after, now_ms);
        world.numbers.put(id.clone(), after);
        Ok(Json(state::number_by_id(world, &id)))
    })
}

impl NewNumber {
    fn applied(self, mut number: Number) -> Number {
        replace(&mut number.verified_name, self.verified_name);
        replace(&mut number.name_status, self.name_status);
        replace(&mut number.new_name_status, self.new_name_status);
        replace(&mut number.code_verification_status, self.code_verification_status);
        replace(&mut number.quality_rating, self.quality_rating);
        replace(&mut number.messaging_limit, self.messaging_limit);
        replace(&mut number.throughput, self.throughput);
        replace(&mut number.status, self.status);
        replace(&mut number.registered, self.registered);
        self.pin.replaces(&mut number.pin);
        replace(&mut number.reads, self.reads);
        replace(&mut number.is_on_biz_app, self.is_on_biz_app);
        replace(&mut number.coexistence.declines_history, self.declines_history);
        self.rate.replaces(&mut number.rate);
        number
    }
}

fn replace<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

/// Tells `null` from absent.
#[derive(Debug, Default)]
enum Given<T> {
    #[default]
    Absent,
    As(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::As)
    }
}

impl<T> Given<T> {
    fn replaces(self, place: &mut Option<T>) {
        if let Self::As(value) = self {
            *place = value;
        }
    }
}
