//! The table of Meta's errors: whole, without jargon, and written out for people.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use jiff::Timestamp;
use shared::domain::{
    account::{Account, Claim, Facts, Fresh, Status, TokenSummary},
    connection::Obstacle,
    connection_id::ConnectionId,
    meta_error::{Class, MetaError, Refusal, Retry, Row, TABLE, UNKNOWN, row_of},
    sealed::Sealed,
    sending::{NOT_CONNECTED, Outcome},
};

/// What `reference` documents name: every code that can occur.
const DOCUMENTED: &[i64] = &[
    0, 1, 2, 3, 4, 10, 33, 100, 101, 190, 200, 250, 299, 368, 80_007, 130_403, 130_429, 130_472, 130_497, 131_000,
    131_005, 131_008, 131_009, 131_016, 131_021, 131_026, 131_030, 131_031, 131_037, 131_042, 131_045, 131_047,
    131_048, 131_049, 131_050, 131_051, 131_052, 131_053, 131_055, 131_056, 131_057, 131_060, 131_062, 131_063,
    131_064, 132_000, 132_001, 132_005, 132_007, 132_012, 132_015, 132_016, 132_018, 132_068, 132_069, 133_000,
    133_004, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 134_011, 134_100, 134_101, 134_102,
    135_000, 136_024, 136_025, 137_000, 139_100, 139_101, 139_102, 139_103, 139_200, 141_000, 141_006, 147_001,
    147_002, 147_003, 147_004, 200_005, 200_006, 200_007, 1_752_041, 2_388_001, 2_388_023, 2_388_999, 2_494_100,
    2_593_079, 2_593_085, 2_593_107, 2_593_108, 2_593_109,
];

#[test]
fn every_documented_code_has_a_row() {
    let is_unknown = |code: &i64| row_of(*code, None).name == UNKNOWN.name;
    let missing: Vec<i64> = DOCUMENTED.iter().copied().filter(is_unknown).collect();

    assert_eq!(missing, Vec::<i64>::new());
    assert!(is_unknown(&987_654));
}

#[test]
fn no_two_rows_compete_for_a_code() {
    for (index, row) in TABLE.iter().enumerate() {
        let rival = TABLE[index + 1..].iter().find(|other| {
            other.subcode == row.subcode
                && row.codes.start() <= other.codes.end()
                && other.codes.start() <= row.codes.end()
        });
        assert!(rival.is_none(), "{row:?} and {rival:?}");
    }
}

#[test]
fn only_the_four_throttles_are_sent_again_by_themselves() {
    let mut throttles: Vec<i64> =
        TABLE.iter().filter(|row| row.class == Class::Throttled).map(|row| *row.codes.start()).collect();
    throttles.sort_unstable();

    assert_eq!(throttles, [4, 80_007, 130_429, 131_056]);
    for row in TABLE.iter().filter(|row| row.class == Class::Throttled) {
        assert_eq!(row.retry, Retry::Soon, "{row:?}");
    }
}

#[test]
fn a_message_is_never_posted_again_where_it_may_have_gone() {
    let said: Vec<(i64, &str)> = TABLE
        .iter()
        .map(|row| (*row.codes.start(), row, sending(&refused(*row.codes.start(), row.subcode))))
        .inspect(|(code, row, said)| {
            let is_again = *said == AGAIN;
            assert_eq!(is_again, row.class == Class::Throttled, "{code}: {said}");
            assert_eq!(*said == A_STATUS_TELLS, row.retry == Retry::Unknown, "{code}: {said}");
            // What stands for many codes means the same for all of them.
            assert_eq!(*said, sending(&refused(*row.codes.end(), row.subcode)), "{code}");
        })
        .map(|(code, _, said)| (code, said))
        .collect();

    for code in [0, 10, 33, 102, 190, 200, 131_005] {
        assert!(said.contains(&(code, HELD_UNTIL_RECONNECTED)), "{code}");
    }
    for code in [368, 131_031] {
        assert!(said.contains(&(code, HELD_UNTIL_LIFTED)), "{code}");
    }
    for code in [3, 100, 131_026, 131_047, 131_051, 132_000, 131_042] {
        assert!(said.contains(&(code, FAILS)), "{code}");
    }
    assert_eq!(sending(&MetaError::Unreachable("timeout")), A_STATUS_TELLS);
    assert_eq!(sending(&MetaError::Unreachable(NOT_CONNECTED)), AGAIN);
}

#[test]
fn a_remedy_is_one_sentence_for_the_owner_of_a_shop() {
    for row in TABLE.iter().chain([&UNKNOWN]) {
        let words = row.remedy.to_lowercase();
        let jargon = [
            "token",
            "graph",
            "oauth",
            "api",
            "waba",
            "subcode",
            "parameter",
            "payload",
            "endpoint",
            "webhook",
            "http",
        ];
        let found: Vec<&str> = jargon
            .into_iter()
            .filter(|word| words.split(|letter: char| !letter.is_alphanumeric()).any(|own| own == *word))
            .collect();
        assert_eq!(found, Vec::<&str>::new(), "{row:?}");
        assert!(row.remedy.ends_with('.') && (30..=160).contains(&row.remedy.len()), "{} {row:?}", row.remedy.len());
        let is_snake = row.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_snake && !row.name.is_empty(), "{row:?}");
    }
}

#[test]
fn an_obstacle_says_what_to_do_without_jargon() {
    for obstacle in Obstacle::ALL {
        let words = obstacle.remedy().to_lowercase();
        for jargon in ["token", "graph", "oauth", "api", "waba", "subcode", "endpoint", "webhook", "http", "scope"] {
            let is_found = words.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == jargon);
            assert!(!is_found, "{}: {jargon}", obstacle.code());
        }
        assert!(words.ends_with(['.', ')']) && words.len() > 30, "{}", obstacle.code());
    }
}

#[test]
fn a_name_has_one_meaning() {
    let mut meanings = BTreeMap::<&str, (Class, Retry)>::new();
    for row in TABLE {
        let meaning = (row.class, row.retry);
        assert_eq!(*meanings.entry(row.name).or_insert(meaning), meaning, "{}", row.name);
    }
}

#[test]
fn the_committed_list_of_errors_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let text = document();
    // `just errors` writes it.
    if std::env::var_os("PATCHBAY_WRITE_ERRORS").is_some() {
        fs::write(&path, &text).unwrap();
    }

    let committed = fs::read_to_string(&path).unwrap_or_default();

    assert!(committed == text, "docs/errors.md is not what the code says: run `just errors` and look at the diff");
}

fn document() -> String {
    let mut text = String::from(
        "# Errors\n\n\
         Written by `just errors` from the code.\n\n\
         ## Connecting\n\n\
         `error.code` of a connection, of its numbers and of their steps, and what the owner of the shop can do.\n\n\
         | code | what to do |\n|---|---|\n",
    );
    for obstacle in Obstacle::ALL {
        writeln!(text, "| `{}` | {} |", obstacle.code(), obstacle.remedy()).unwrap();
    }
    text.push_str(
        "\n## Meta's own\n\n\
         Where Meta refuses something, a problem \
         says `meta_refused` (502) or `meta_unavailable` (503), Meta's own numbers under `meta`, the name below in \
         `detail`, and the remedy.\n\n\
         *Again?* — **soon**: it had no effect and is done again by itself · **unknown**: it may have had its effect, \
         so only what may be repeated is · **later**: not before minutes, hours or days · **never**: not before somebody \
         has changed something.\n\n\
         *A message* that Meta answers so — **sent again**: after a pause that grows, until it expires · **a status \
         tells**: it is not posted again (unless `on_unknown` is `resend`); a status says what came of it, or it ends as \
         `unconfirmed` · **held**: it waits, and so does all that its number is to send, until the number works again or \
         it expires · **fails**: it has ended, with this code and remedy.\n\n\
         | Meta's code | name | class | again? | a message | what to do |\n|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<&Row> = TABLE.iter().collect();
    rows.sort_by_key(|row| (*row.codes.start(), row.subcode));
    for row in rows {
        line(&mut text, &code(row), row, &refused(*row.codes.start(), row.subcode));
    }
    for (said, error) in [
        ("any other", refused(UNKNOWN_CODE, None)),
        ("any other, with a status of 500 or more", failing(UNKNOWN_CODE)),
        ("nobody to talk to", MetaError::Unreachable(NOT_CONNECTED)),
        ("no answer", MetaError::Unreachable("timeout")),
        ("an answer that makes no sense", MetaError::Unreadable),
        ("190, 1 or 101 to the app's own id and secret", MetaError::AppRefused(Refusal::default())),
    ] {
        line(&mut text, said, error.row(), &error);
    }
    text
}

fn line(text: &mut String, code: &str, row: &Row, error: &MetaError) {
    let (class, again) = (words(&format!("{:?}", row.class)), again(row.retry));
    let sending = sending(error);
    writeln!(text, "| {code} | `{}` | {class} | {again} | {sending} | {} |", row.name, row.remedy).unwrap();
}

/// A code that is in no row.
const UNKNOWN_CODE: i64 = 987_654;

fn refused(code: i64, subcode: Option<i64>) -> MetaError {
    MetaError::Refused(Refusal { code, subcode, status: 400, ..Refusal::default() })
}

fn failing(code: i64) -> MetaError {
    MetaError::Refused(Refusal { code, status: 500, ..Refusal::default() })
}

const AGAIN: &str = "sent again";
const A_STATUS_TELLS: &str = "a status tells";
const HELD_UNTIL_RECONNECTED: &str = "held until reconnected";
const HELD_UNTIL_LIFTED: &str = "held until Meta lifts it";
const FAILS: &str = "fails";

/// What becomes of a message that Meta answers so: as `flow/deliver` asks, in its order.
fn sending(error: &MetaError) -> &'static str {
    let mut account = account();
    match Outcome::of(error) {
        Outcome::Again => AGAIN,
        Outcome::Unknown => A_STATUS_TELLS,
        Outcome::Refused if !account.is_refused(error, Timestamp::UNIX_EPOCH) => FAILS,
        Outcome::Refused => match account.status() {
            Status::NeedsReconnect => HELD_UNTIL_RECONNECTED,
            Status::Restricted => HELD_UNTIL_LIFTED,
            other => panic!("{error:?} makes an account {other:?}"),
        },
    }
}

/// One that works.
fn account() -> Account {
    let (now, tenant) = (Timestamp::UNIX_EPOCH, "acme".parse().unwrap());
    let connection = ConnectionId::new(&tenant, [0; 16]);
    let claim = Claim { number: "1".parse().unwrap(), waba: "2".parse().unwrap(), tenant, connection, until: now };
    let summary = TokenSummary { kind: String::new(), expires_at: None, abilities: Vec::new(), checked_at: now };
    let fresh = Fresh {
        claim,
        facts: Facts::default(),
        business: None,
        coexistence: false,
        external_id: None,
        token: Sealed(Vec::new()),
        token_version: 1,
        summary,
        subject: None,
        sealed_at: now,
        pin: None,
        now,
    };
    Account::activated(fresh, None)
}

/// `TokenInvalid` is "token invalid".
fn words(name: &str) -> String {
    let spaced = name.chars().map(|letter| {
        let gap = if letter.is_uppercase() { " " } else { "" };
        format!("{gap}{}", letter.to_lowercase())
    });
    spaced.collect::<String>().trim_start().to_owned()
}

fn code(row: &Row) -> String {
    let (first, last) = (row.codes.start(), row.codes.end());
    match row.subcode {
        Some(subcode) => format!("{first} / {subcode}"),
        None if first == last => first.to_string(),
        None => format!("{first}–{last}"),
    }
}

fn again(retry: Retry) -> &'static str {
    match retry {
        Retry::Soon => "soon",
        Retry::Unknown => "unknown",
        Retry::Later => "later",
        Retry::Never => "never",
    }
}
