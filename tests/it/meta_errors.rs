//! The table of Meta's errors: whole, without jargon, and written out for people.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use shared::domain::{
    connection::Obstacle,
    meta_error::{Class, MetaError, Refusal, Retry, Row, TABLE, UNKNOWN, row_of},
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
         | Meta's code | name | again? | what to do |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<&Row> = TABLE.iter().collect();
    rows.sort_by_key(|row| (*row.codes.start(), row.subcode));
    for row in rows {
        line(&mut text, &code(row), row);
    }
    let timeout = MetaError::Unreachable("timeout");
    let app = MetaError::AppRefused(Refusal::default());
    for (said, row) in [
        ("any other", &UNKNOWN),
        ("no answer", timeout.row()),
        ("an answer that makes no sense", MetaError::Unreadable.row()),
        ("190, 1 or 101 to the app's own id and secret", app.row()),
    ] {
        line(&mut text, said, row);
    }
    text
}

fn line(text: &mut String, code: &str, row: &Row) {
    writeln!(text, "| {code} | `{}` | {} | {} |", row.name, again(row.retry), row.remedy).unwrap();
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
