//! The one table of Meta's errors. `docs/errors.md` is generated from it (`just errors`).

use std::ops::RangeInclusive;

use super::Class;

/// Whether, and when, the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It had no effect: again, after a moment and at a growing distance.
    Soon,
    /// It may have had its effect: look first, or make calls only that may be repeated.
    Unknown,
    /// Not before minutes, hours or days have passed.
    Later,
    /// Not before somebody has changed something.
    Never,
}

/// What one error, or a family of them, means.
#[derive(Debug)]
pub struct Row {
    pub codes: RangeInclusive<i64>,
    pub subcode: Option<i64>,
    pub class: Class,
    /// Stable: programs may branch on it.
    pub name: &'static str,
    pub retry: Retry,
    /// One sentence for the person whose number it is.
    pub remedy: &'static str,
}

/// The codes from here on come as a code of their own or as the subcode of a 100.
const OWN_FAMILY: i64 = 1_000_000;

/// The row of a code: the one that names its subcode too, else the one of the code; else [`UNKNOWN`].
pub fn row_of(code: i64, subcode: Option<i64>) -> &'static Row {
    let of_both = || {
        let subcode = subcode?;
        TABLE.iter().find(|row| row.codes.contains(&code) && row.subcode == Some(subcode))
    };
    let of_code = |code: i64| TABLE.iter().find(|row| row.subcode.is_none() && row.codes.contains(&code));
    let of_subcode = || subcode.filter(|subcode| *subcode >= OWN_FAMILY).and_then(of_code);
    of_both().or_else(of_subcode).or_else(|| of_code(code)).unwrap_or(&UNKNOWN)
}

/// What no code names.
const fn special(class: Class, retry: Retry, name: &'static str, remedy: &'static str) -> Row {
    Row { codes: -1..=-1, subcode: None, class, name, retry, remedy }
}

pub const UNKNOWN: Row = special(
    Class::Other,
    Retry::Never,
    "unknown_refusal",
    "Meta refused this for a reason of its own: try again later, and if it stays so, give support the numbers shown.",
);
pub(super) const TRANSIENT: Row = special(Class::Temporary, Retry::Unknown, "meta_trouble", BUSY);
pub(super) const UNREACHABLE: Row = special(
    Class::Temporary,
    Retry::Unknown,
    "meta_unreachable",
    "Meta did not answer: nothing is wrong with the number, wait a few minutes.",
);
pub(super) const UNREADABLE: Row = special(
    Class::Temporary,
    Retry::Unknown,
    "meta_unreadable",
    "Meta's answer could not be understood: wait a few minutes, and tell the operator if it stays so.",
);
pub(super) const APP_REFUSED: Row = special(
    Class::AppMisconfigured,
    Retry::Never,
    "app_refused",
    "Meta does not accept this service's own app id or secret: its operator must correct them.",
);

const RECONNECT: &str = "Connect the number again: Meta no longer accepts the permission it was connected with.";
const ALLOW: &str = "Connect the number again, and allow everything that Meta's window asks for.";
const WAIT: &str = "Too much was asked of Meta in a short time: this goes on by itself after a pause.";
const BUSY: &str = "Meta is busy or under repair: nothing is wrong with the number, wait a few minutes.";
const START_AGAIN: &str = "Start connecting again from the beginning, and finish without a pause.";
const TELL_OPERATOR: &str =
    "Something was asked of Meta in a form it does not take: tell the operator of this service.";
const APPEAL: &str =
    "Meta has blocked this business: see the reason in Meta's Business Support Home, and appeal there.";
const OTHER_CUSTOMER: &str =
    "This customer cannot be reached on WhatsApp with this message: use another way to reach them.";
const LESS_MARKETING: &str =
    "WhatsApp protects this customer from advertising: wait at least a day, or send something they asked for.";
const FIX_TEMPLATE: &str = "Compare the message with its template in WhatsApp Manager, and correct whichever is wrong.";
const PAY: &str = "Add or correct the payment method of the WhatsApp account in Meta's Business Settings.";

/// `code [..= last] [/ subcode] => class retry "name", remedy;`
macro_rules! table {
    ($($code:literal $(..= $last:literal)? $(/ $sub:literal)? => $class:ident $retry:ident $name:literal, $remedy:expr;)+) => {
        /// In no order that matters: a row with a subcode wins over one without.
        pub const TABLE: &[Row] = &[$(Row {
            codes: $code..=table!(@last $code $($last)?),
            subcode: table!(@sub $($sub)?),
            class: Class::$class,
            retry: Retry::$retry,
            name: $name,
            remedy: $remedy,
        }),+];
    };
    (@last $code:literal) => { $code };
    (@last $code:literal $last:literal) => { $last };
    (@sub) => { None };
    (@sub $sub:literal) => { Some($sub) };
}

table! {
    // Who calls
    0 => TokenInvalid Never "token_invalid", RECONNECT;
    102 => TokenInvalid Never "token_invalid", RECONNECT;
    190 => TokenInvalid Never "token_invalid", RECONNECT;
    190 / 458 => TokenInvalid Never "app_removed",
        "This service was removed in Meta's Business Settings: connect the number again to let it back in.";
    190 / 459 => TokenInvalid Never "login_blocked",
        "Facebook wants to check the person who connected the number: log in at facebook.com, do what it asks, then connect again.";
    190 / 460 => TokenInvalid Never "password_changed",
        "The person who connected the number has changed their Facebook password: connect the number again.";
    190 / 463 => TokenInvalid Never "token_expired",
        "The permission for this number has run out: connect the number again.";
    190 / 464 => TokenInvalid Never "login_unconfirmed",
        "The Facebook account of the person who connected the number is not confirmed: confirm it at facebook.com, then connect again.";
    190 / 467 => TokenInvalid Never "token_invalid", RECONNECT;
    3 => AbilityMissing Never "app_not_approved", "Meta has not approved this service for this yet: tell its operator.";
    10 => AbilityMissing Never "ability_missing", ALLOW;
    200..=299 => AbilityMissing Never "ability_missing", ALLOW;
    131_005 => AbilityMissing Never "ability_missing", ALLOW;
    101 => AppMisconfigured Never "app_refused", APP_REFUSED.remedy;
    // Not now
    4 => Throttled Soon "app_rate_limited", WAIT;
    80_007 => Throttled Soon "account_rate_limited", WAIT;
    130_429 => Throttled Soon "throughput_exceeded", WAIT;
    131_056 => Throttled Soon "customer_rate_limited",
        "Too many messages went to this one customer in a short time: the next goes by itself after a pause.";
    17 => Temporary Later "login_rate_limited", WAIT;
    613 => Temporary Later "call_rate_limited", WAIT;
    1 => Temporary Unknown "meta_trouble", BUSY;
    2 => Temporary Unknown "meta_trouble", BUSY;
    131_000 => Temporary Unknown "meta_trouble", BUSY;
    131_016 => Temporary Unknown "meta_trouble", BUSY;
    133_004 => Temporary Unknown "meta_trouble", BUSY;
    131_057 => Temporary Unknown "maintenance", "Meta is changing something about this number: wait a few minutes.";
    2_494_100 => Temporary Unknown "maintenance", "Meta is changing something about this number: wait a few minutes.";
    133_000 => Temporary Later "deregistration_incomplete",
        "The number is still being taken off its former service: wait a few minutes.";
    // Connecting
    100 / 36007 => CodeExpired Never "code_expired",
        "Too much time passed after Meta's window closed. Start connecting again from the beginning.";
    100 / 36008 => RedirectMismatch Never "redirect_uri_mismatch",
        "This service's address does not match the one entered at Meta: its operator must correct the valid redirect addresses of the Meta app.";
    100 / 36009 => CodeUsed Never "code_used", START_AGAIN;
    100 / 33 => NotFound Never "not_found",
        "Meta has no such number or account, or it was not shared with this service: connect again and choose it.";
    33 => NotFound Never "not_found", "The number was deleted at Meta or never existed: check it in WhatsApp Manager.";
    100 => InvalidParameter Never "invalid_parameter", TELL_OPERATOR;
    131_008 => InvalidParameter Never "parameter_missing",
        "Something the message needs is missing: complete it and send it again.";
    131_009 => InvalidParameter Never "parameter_invalid",
        "Something in the message is not as WhatsApp wants it: correct it and send it again.";
    2_500 => InvalidParameter Never "unknown_path", TELL_OPERATOR;
    133_005 => PinMismatch Never "pin_mismatch",
        "The number has a two-step PIN and this was not it: enter the right one, or set a new one in WhatsApp Manager.";
    133_006 => NotVerified Never "number_unverified",
        "Prove that the number is yours: ask for a code by text message or call, and enter it.";
    133_008 => PinBlocked Later "pin_blocked",
        "A wrong PIN was entered too often: wait until tomorrow, or set a new PIN in WhatsApp Manager.";
    133_009 => PinBlocked Later "pin_too_fast",
        "PINs were entered too quickly after one another: wait some minutes, then enter the right one.";
    133_010 => NotRegistered Never "not_registered",
        "The number is not switched on for this service yet: repair it, or connect it again.";
    131_045 => NotRegistered Never "not_registered",
        "The number is not switched on for this service yet: repair it, or connect it again.";
    133_015 => RecentlyDeleted Later "recently_deleted",
        "The number was deleted moments ago: wait five minutes, then try again.";
    133_016 => RegisterLimit Later "register_limit",
        "The number was switched on and off too often: Meta allows it again after three days.";
    136_024 => VerificationRefused Later "code_not_sent",
        "Meta did not send a code: wait a while, then ask for it by call instead of text message, or the other way round.";
    136_025 => VerificationRefused Never "code_wrong",
        "That was not the code, or it is too old: enter the newest one, or ask for another.";
    2_593_107 => SyncRefused Never "sync_already_requested",
        "Contacts and messages of the phone are already being brought over: nothing to do.";
    2_593_108 => SyncRefused Never "sync_too_late",
        "Contacts and older messages can be brought over on the first day only: connect the number anew to get another.";
    2_593_109 => SyncRefused Never "sync_declined",
        "Sharing older messages is switched off in the WhatsApp Business app on the phone: switch it on there and connect anew.";
    2_388_023 => NumberInUse Never "number_in_use",
        "The number is used with WhatsApp already: delete that account in the app on the phone first, then wait a few minutes.";
    2_593_079..=2_593_085 => MigrationRefused Never "migration_refused",
        "The number cannot be moved as it is: switch its two-step PIN off at its present service, then try again.";
    368 => PolicyBlocked Never "policy_blocked", APPEAL;
    131_031 => PolicyBlocked Never "account_locked", APPEAL;
    // Sending
    130_403 => Undeliverable Never "customer_blocked", "You have blocked this customer: unblock them to write to them.";
    131_021 => Undeliverable Never "own_number", "A number cannot write to itself: choose another recipient.";
    131_026 => Undeliverable Never "undeliverable", OTHER_CUSTOMER;
    131_030 => Undeliverable Never "recipient_not_allowed",
        "This is a test number: add the recipient to its list of test recipients at Meta, or use a number of your own.";
    131_062 => Undeliverable Never "recipient_needs_phone",
        "This kind of message can be sent to a phone number only, and this customer shows none.";
    130_472 => MarketingLimited Never "marketing_experiment", LESS_MARKETING;
    131_049 => MarketingLimited Later "marketing_limit", LESS_MARKETING;
    131_050 => MarketingLimited Never "marketing_declined",
        "This customer wants no advertising from you: send them only what they asked for.";
    131_064 => MarketingLimited Later "classification_limit",
        "Too many of these messages were recognised as advertising: send them with an approved template.";
    130_497 => CountryRestricted Never "country_restricted",
        "This business may not write to customers in that country: see the account's restrictions in WhatsApp Manager.";
    131_042 => PaymentProblem Later "payment_problem", PAY;
    134_011 => PaymentProblem Later "payment_terms",
        "Accept the terms of WhatsApp payments in WhatsApp Manager, then send it again.";
    131_037 => NameNotApproved Later "name_not_approved",
        "The number's display name must be approved first: see it in WhatsApp Manager.";
    131_047 => WindowClosed Never "window_closed",
        "The customer's last message is more than a day old: write with an approved template.";
    131_048 => SpamLimited Later "spam_limited",
        "Too many customers have blocked or reported this number: send less for some days, and only what was asked for.";
    131_051 => UnsupportedContent Never "unsupported_type",
        "WhatsApp does not take this kind of message: send it as another kind.";
    131_060 => UnsupportedContent Never "unsupported_content",
        "This message can be seen on the phone alone: open WhatsApp there.";
    135_000 => UnsupportedContent Never "unsupported_content",
        "WhatsApp could not send the message as it is: change it and send it again.";
    131_052 => MediaFailed Never "media_download_failed",
        "WhatsApp could not fetch the file: check that it can be opened by everyone, or upload it.";
    131_053 => MediaFailed Never "media_upload_failed",
        "WhatsApp does not take this file: check its kind and size, and try another.";
    131_055 => WrongRoute Never "wrong_route", TELL_OPERATOR;
    131_063 => WrongRoute Never "wrong_route", TELL_OPERATOR;
    134_100 => WrongRoute Never "wrong_route", TELL_OPERATOR;
    139_200 => WrongRoute Later "direct_send_blocked",
        "Meta does not let this account send without a template at present: use an approved template.";
    132_000 => TemplateProblem Never "template_parameters", FIX_TEMPLATE;
    132_001 => TemplateProblem Never "template_missing",
        "There is no approved template of that name in that language: look in WhatsApp Manager.";
    132_005 => TemplateProblem Never "template_too_long",
        "With what was filled in, the message is too long: shorten it.";
    132_007 => TemplateProblem Never "template_policy",
        "The template breaks WhatsApp's rules: change it in WhatsApp Manager.";
    132_012 => TemplateProblem Never "template_format", FIX_TEMPLATE;
    132_018 => TemplateProblem Never "template_parameters", FIX_TEMPLATE;
    132_015 => TemplateProblem Later "template_paused",
        "Customers have complained about this template and Meta has paused it: improve it, or wait until it is resumed.";
    132_016 => TemplateProblem Never "template_disabled", "Meta has switched this template off for good: make another.";
    134_101 => TemplateProblem Later "template_syncing",
        "The template is new and not ready everywhere: wait ten minutes.";
    134_102 => TemplateProblem Never "template_unavailable",
        "The template cannot be used: see its state in WhatsApp Manager.";
    2_388_000..=2_388_022 => TemplateProblem Never "template_refused",
        "Meta does not take the template as it is: correct what it names, and hand it in again.";
    2_388_024..=2_388_999 => TemplateProblem Never "template_refused",
        "Meta does not take the template as it is: correct what it names, and hand it in again.";
    1_752_041 => TemplateProblem Never "marketing_unavailable",
        "This account is not set up for Meta's way of sending advertising: set it up in WhatsApp Manager.";
    132_068 => FlowProblem Never "flow_blocked", "The form in this message is blocked: correct it in WhatsApp Manager.";
    132_069 => FlowProblem Later "flow_throttled",
        "The form in this message was sent too often in a short time: wait an hour.";
    137_000 => IdentityMismatch Never "identity_changed",
        "The customer has a new phone or a new WhatsApp: make sure that it is still them before you write.";
    // Managing
    139_100 => BlockListRefused Never "block_failed",
        "Some customers could not be blocked: only those who wrote within the last day can be.";
    139_101 => BlockListRefused Never "block_list_full", "The list of blocked customers is full: unblock some first.";
    139_102 => BlockListRefused Soon "block_list_busy",
        "The list of blocked customers was being changed: try again in a moment.";
    139_103 => BlockListRefused Unknown "block_list_trouble", BUSY;
    147_001 => UsernameRefused Never "username_taken", "This username is taken: choose another.";
    147_002 => UsernameRefused Never "username_invalid",
        "This username has a form WhatsApp does not take: choose another.";
    147_003 => UsernameRefused Later "username_fixed", "The username cannot be changed now: see WhatsApp Manager.";
    147_004 => UsernameRefused Later "username_fixed", "The username cannot be removed now: see WhatsApp Manager.";
    141_000..=141_999 => Other Never "health_notice", "See in WhatsApp Manager what Meta wants done for this number.";
    200_005..=200_007 => Other Never "statistics_unavailable",
        "Confirm in WhatsApp Manager that template statistics may be collected, then wait a day.";
}
