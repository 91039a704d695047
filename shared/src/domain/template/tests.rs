use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::violation::Violation;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn order() -> Value {
    json!({"name": "order_shipped", "language": "en_US", "category": "UTILITY", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["4711"]}},
        {"type": "BODY", "text": "Hi {{1}}, your order is on its way and comes on {{2}}.",
            "example": {"body_text": [["Ada", "Monday"]]}},
        {"type": "FOOTER", "text": "Harbour Bakery"},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Thanks"},
            {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/4711"]},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550001234"}]}]})
}

/// [`order`] with something else in one place.
fn with(pointer: &str, value: Value) -> Value {
    let mut template = order();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = template.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match (parent, name.parse::<usize>()) {
        (Value::Array(list), Ok(index)) if index < list.len() => list[index] = value,
        (Value::Array(list), _) => list.push(value),
        (Value::Object(object), _) if value.is_null() => drop(object.remove(name)),
        (object, _) => object[name] = value,
    }
    template
}

fn wrong(template: Value) -> Vec<String> {
    let found = Draft::read(template).err().unwrap_or_default();
    found.into_iter().map(|Violation { pointer, .. }| pointer).collect()
}

#[test]
fn a_template_as_meta_takes_it_is_taken_as_it_is() {
    let draft = Draft::read(order()).unwrap();

    assert_eq!((draft.key.to_string().as_str(), Value::Object(draft.body)), ("order_shipped#en_US", order()));
    for right in [
        with("/language", json!("fil")),
        with("/category", json!("marketing")),
        with("/components/0", json!({"type": "header", "format": "image", "example": {"header_handle": ["4::aW"]}})),
        with("/components/0", json!({"type": "HEADER", "format": "LOCATION"})),
        with("/components/1/text", json!("a".repeat(1024))),
        with("/components/3", json!({"type": "SOMETHING_NEW", "text": ""})),
        with("/components/3/buttons", json!([{"type": "SOMETHING_NEW"}])),
        json!({"name": "from_the_library", "language": "en", "category": "UTILITY", "library_template_name": "delivery"}),
        json!({"name": "code", "language": "en", "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "add_security_recommendation": true}, {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]}),
        json!({"name": "named", "language": "en", "category": "UTILITY", "parameter_format": "NAMED", "components": [
            {"type": "BODY", "text": "Hi {{first_name}}, see you on {{day}}, {{first_name}}.", "example":
                {"body_text_named_params": [{"param_name": "first_name", "example": "Ada"},
                    {"param_name": "day", "example": "Monday"}]}}]}),
    ] {
        assert_eq!(wrong(right.clone()), Vec::<String>::new(), "{right}");
    }
}

#[test]
fn what_meta_would_refuse_is_pointed_at() {
    let reply = json!({"type": "QUICK_REPLY", "text": "Yes"});
    let url = json!({"type": "URL", "text": "Go", "url": "https://example.com"});
    let phone = json!({"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550001234"});
    let card =
        |body: &str| json!({"components": [{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": body}]});
    let header = |text: &str, examples: Value| json!({"type": "HEADER", "format": "TEXT", "text": text, "example": {"header_text": examples}});
    let body =
        |text: &str, examples: Value| json!({"type": "BODY", "text": text, "example": {"body_text": [examples]}});
    let broken = [
        (json!([]), ""),
        (with("/name", json!("Order-Shipped")), "/name"),
        (with("/name", json!("")), "/name"),
        (with("/name", json!("a".repeat(513))), "/name"),
        (with("/name", Value::Null), "/name"),
        (with("/language", json!("english")), "/language"),
        (with("/language", json!("en-US")), "/language"),
        (with("/category", json!("SPAM")), "/category"),
        (with("/category", Value::Null), "/category"),
        (with("/parameter_format", json!("BY_NAME")), "/parameter_format"),
        (with("/components", json!([])), "/components"),
        (with("/components", Value::Null), "/components"),
        (with("/components/1", json!({"type": "FOOTER_2"})), "/components"),
        (with("/components/4", json!({"type": "body", "text": "Twice"})), "/components/4/type"),
        (with("/components/0", json!({"type": "HEADER"})), "/components/0/format"),
        (with("/components/0", json!({"type": "HEADER", "format": "TEXT"})), "/components/0/text"),
        (with("/components/0/text", json!("a".repeat(61))), "/components/0/text"),
        (with("/components/0", header("{{1}} of {{2}}", json!(["1", "2"]))), "/components/0/text"),
        (with("/components/0/example", Value::Null), "/components/0/example"),
        (with("/components/0", json!({"type": "HEADER", "format": "IMAGE"})), "/components/0/example"),
        (
            with("/components/0", json!({"type": "HEADER", "format": "VIDEO", "example": {"header_handle": []}})),
            "/components/0/example/header_handle",
        ),
        (with("/components/1/text", json!("")), "/components/1/text"),
        (with("/components/1/text", json!("a".repeat(1025))), "/components/1/text"),
        (with("/components/1", body("Hi {{1}} and {{3}}.", json!(["a", "b"]))), "/components/1/text"),
        (with("/components/1", body("Hi {{name}}.", json!(["a"]))), "/components/1/text"),
        (with("/components/1", body("Hi {{1}.", json!(["a"]))), "/components/1/text"),
        (with("/components/1", body("Hi {{1}} and {{2}}.", json!(["a"]))), "/components/1/example/body_text/0"),
        (with("/components/1/example", json!({"header_text": ["a"]})), "/components/1/example/body_text"),
        (with("/components/2/text", json!("a".repeat(61))), "/components/2/text"),
        (with("/components/2/text", json!("From {{1}}")), "/components/2/text"),
        (with("/components/3/buttons", json!([])), "/components/3/buttons"),
        (with("/components/3/buttons", json!(vec![reply.clone(); 11])), "/components/3/buttons"),
        (with("/components/3/buttons/0/text", json!("a".repeat(26))), "/components/3/buttons/0/text"),
        (with("/components/3/buttons", json!([reply, url, reply])), "/components/3/buttons"),
        (with("/components/3/buttons", json!([url, url, url])), "/components/3/buttons/2/type"),
        (with("/components/3/buttons", json!([phone, phone])), "/components/3/buttons/1/type"),
        (with("/components/3/buttons/1/url", json!("example.com/{{1}}")), "/components/3/buttons/1/url"),
        (with("/components/3/buttons/1/url", json!("https://example.com/{{1}}/x")), "/components/3/buttons/1/url"),
        (with("/components/3/buttons/1/url", json!("https://e.com/{{1}}{{2}}")), "/components/3/buttons/1/url"),
        (with("/components/3/buttons/1/example", Value::Null), "/components/3/buttons/1/example"),
        (with("/components/3/buttons/2/phone_number", json!("call us")), "/components/3/buttons/2/phone_number"),
        (
            with("/components/3/buttons", json!([{"type": "COPY_CODE", "example": "a".repeat(16)}])),
            "/components/3/buttons/0/example",
        ),
        (
            with("/components/3/buttons", json!([{"type": "OTP", "otp_type": "BY_MAIL"}])),
            "/components/3/buttons/0/otp_type",
        ),
        (
            with("/components/3/buttons", json!([{"type": "OTP", "otp_type": "ONE_TAP"}])),
            "/components/3/buttons/0/supported_apps",
        ),
        (with("/components/3", json!({"type": "CAROUSEL", "cards": [card("One")]})), "/components/3/cards"),
        (
            with("/components/3", json!({"type": "CAROUSEL", "cards": [card("One"), card(&"a".repeat(161))]})),
            "/components/3/cards/1/components/1/text",
        ),
        (
            with(
                "/components/3",
                json!({"type": "CAROUSEL", "cards": [card("One"), {"components": [{"type": "BODY", "text": "x"}]}]}),
            ),
            "/components/3/cards/1/components",
        ),
    ];
    assert!(broken.len() >= 30);
    for (template, expected) in broken {
        assert_eq!(wrong(template.clone()), [expected], "{template}");
    }
}

#[test]
fn what_is_to_be_filled_in_is_derived() {
    let mut graph = order();
    graph["id"] = json!("9");
    let Value::Object(graph) = graph else { unreachable!() };
    let parameters = Template::of(graph, second(0)).unwrap().parameters().unwrap();

    let told = parameters.iter().map(|one| (one.place, one.name.as_str(), one.kind, one.example.as_deref()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Place::Header, "1", Filled::Text, Some("4711")),
            (Place::Body, "1", Filled::Text, Some("Ada")),
            (Place::Body, "2", Filled::Text, Some("Monday")),
            (Place::Button(1), "1", Filled::Text, Some("https://example.com/4711")),
        ]
    );
}

fn stored(mut graph: Value, at: Timestamp) -> Template {
    graph["id"] = json!("9");
    graph["status"] = json!("PENDING");
    let Value::Object(graph) = graph else { unreachable!() };
    Template::of(graph, at).unwrap()
}

fn sent(components: &[Value]) -> Vec<(String, String)> {
    let template = stored(order(), second(0));
    let message = json!({"name": "order_shipped", "language": {"code": "en_US"}, "components": components});
    let misfits = template.misfits(Sent { template: &message, pointer: "/template" });
    misfits.into_iter().map(|misfit| (misfit.pointer, misfit.detail)).collect()
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| json!({"type": "text", "text": text})).collect()
}

fn button(index: u64, sub_type: &str) -> Value {
    json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": texts(&["x"])})
}

fn filled() -> Vec<Value> {
    vec![
        json!({"type": "header", "parameters": texts(&["4711"])}),
        json!({"type": "body", "parameters": texts(&["Ada", "Monday"])}),
        button(1, "url"),
    ]
}

#[test]
fn a_message_that_fits_its_template_passes() {
    assert_eq!(sent(&filled()), []);
    let mut otherwise = filled();
    otherwise[1]["parameters"][1] = json!({"type": "date_time", "date_time": {"fallback_value": "Monday"}});
    otherwise[2]["index"] = json!("1");
    otherwise.push(json!({"type": "button", "sub_type": "quick_reply", "index": 0,
        "parameters": [{"type": "payload", "payload": "thanks"}]}));
    assert_eq!(sent(&otherwise), []);
}

#[test]
fn what_cannot_fit_is_pointed_at() {
    let without = |place: usize| {
        let mut components = filled();
        components.remove(place);
        components
    };
    let replaced = |place: usize, component: Value| {
        let mut components = filled();
        components[place] = component;
        components
    };
    let more = |component: Value| [filled(), vec![component]].concat();
    for (components, expected) in [
        (without(0), "/template/components"),
        (without(1), "/template/components"),
        (without(2), "/template/components"),
        (replaced(1, json!({"type": "body", "parameters": texts(&["Ada"])})), "/template/components/1/parameters"),
        (
            replaced(1, json!({"type": "body", "parameters": texts(&["a", "b", "c"])})),
            "/template/components/1/parameters",
        ),
        (
            replaced(0, json!({"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]})),
            "/template/components/0/parameters/0/type",
        ),
        (replaced(2, button(1, "quick_reply")), "/template/components/2/sub_type"),
        (more(button(3, "url")), "/template/components/3/index"),
    ] {
        let pointers: Vec<String> = sent(&components).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, [expected], "{components:?}");
    }
}

#[test]
fn named_variables_and_headers_of_other_formats_are_held_to_theirs() {
    let named = json!({"name": "named", "language": "en", "parameter_format": "NAMED", "components": [
        {"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi {{first_name}}, on {{day}}."}]});
    let template = stored(named, second(0));
    let misfits = |header: Value, names: [Option<&str>; 2]| {
        let mut body = texts(&["a", "b"]);
        for (at, name) in names.into_iter().enumerate() {
            if let Some(name) = name {
                body[at]["parameter_name"] = json!(name);
            }
        }
        let message =
            json!({"components": [{"type": "header", "parameters": [header]}, {"type": "body", "parameters": body}]});
        let found = template.misfits(Sent { template: &message, pointer: "" });
        found.into_iter().map(|misfit| misfit.pointer).collect::<Vec<_>>()
    };
    let image = json!({"type": "image", "image": {"id": "1"}});
    let right = [Some("day"), Some("first_name")];

    assert_eq!(misfits(image.clone(), right), [""; 0]);
    assert_eq!(misfits(json!({"type": "video", "video": {"id": "1"}}), right), ["/components/0/parameters/0/type"]);
    assert_eq!(misfits(image.clone(), [None, Some("day")]), ["/components/1/parameters/0/parameter_name"]);
    assert_eq!(misfits(image.clone(), [Some("x"), Some("day")]), ["/components/1/parameters/0/parameter_name"]);
    assert_eq!(misfits(image, [Some("day"), Some("day")]), ["/components/1/parameters/1/parameter_name"]);
}

fn news() -> Vec<(&'static str, Value, i64)> {
    let about = |mut value: Value| {
        value["message_template_id"] = json!(9);
        value["message_template_name"] = json!("order_shipped");
        value["message_template_language"] = json!("en_US");
        value
    };
    let status = "message_template_status_update";
    vec![
        (status, about(json!({"event": "APPROVED", "reason": "NONE"})), 10),
        (
            "message_template_quality_update",
            about(json!({"previous_quality_score": "UNKNOWN", "new_quality_score": "GREEN"})),
            20,
        ),
        (
            "message_template_quality_update",
            about(json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"})),
            20,
        ),
        (status, about(json!({"event": "PAUSED", "reason": "NONE"})), 30),
        (
            "template_category_update",
            about(json!({"correct_category": "MARKETING", "new_category": "UTILITY",
            "category_update_timestamp": 1_800_000_060})),
            40,
        ),
        (status, about(json!({"event": "FLAGGED"})), 45),
        (status, about(json!({"event": "REINSTATED"})), 50),
        ("template_category_update", about(json!({"previous_category": "UTILITY", "new_category": "MARKETING"})), 60),
        (
            "message_template_components_update",
            about(json!({"message_template_element": "Hi {{1}}!",
            "message_template_title": "Order {{1}}"})),
            70,
        ),
        ("message_template_something_new", about(json!({"event": "?"})), 80),
    ]
}

fn tell(template: &mut Template, (field, value, at): &(&str, Value, i64)) {
    let told = Told { field, value, at: second(*at) };
    *template = told.takes_effect_on(Some(template.clone())).unwrap();
}

proptest! {
    #[test]
    fn news_in_any_order_and_however_often_end_in_the_same(
        order_of in Just(news()).prop_shuffle(),
        again in prop::collection::vec(0_usize..10, 0..20),
    ) {
        let made = stored(order(), second(5));
        let mut template = made.clone();
        for told in &order_of {
            tell(&mut template, told);
        }
        // Of two seconds that are the same, what was told already does not come again: `flow/told` sees to that.
        for told in again.into_iter().map(|place| &order_of[place]).filter(|told| told.2 != 20) {
            tell(&mut template, told);
        }

        let shown = |name: &str| template.graph[name].clone();
        prop_assert_eq!(shown("status"), json!("APPROVED"));
        prop_assert_eq!(shown("quality_score"), json!({"score": "RED", "date": 1_800_000_020}));
        prop_assert_eq!(shown("category"), json!("MARKETING"));
        prop_assert_eq!(shown("previous_category"), json!("UTILITY"));
        prop_assert!(!template.graph.contains_key("correct_category"));
        prop_assert_eq!((template.category_changed_at, template.category_changes_at), (Some(second(60)), None));
        prop_assert_eq!(shown("components"), json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["4711"]}},
            {"type": "BODY", "text": "Hi {{1}}!"},
        ]));
    }
}

#[test]
fn a_change_of_category_is_announced_and_then_made() {
    let mut template = stored(order(), second(5));

    tell(&mut template, &news()[4]);
    assert_eq!(template.graph["correct_category"], json!("MARKETING"));
    assert_eq!(template.category(), Some("UTILITY"));
    assert_eq!((template.category_changes_at, template.category_changed_at), (Some(second(60)), None));
}

#[test]
fn a_list_that_was_read_before_something_was_told_is_older() {
    let mut template = stored(order(), second(5));
    tell(&mut template, &news()[3]);
    let listed = |status: &str, category: &str, at: i64| {
        let mut graph = stored(order(), second(at)).graph;
        graph.insert("status".to_owned(), json!(status));
        graph.insert("category".to_owned(), json!(category));
        Template::of(graph, second(at)).unwrap()
    };

    template.is_seen(listed("APPROVED", "UTILITY", 20), second(20));
    assert_eq!((template.status(), template.category_changed_at), (Some("PAUSED"), None));
    template.is_seen(listed("APPROVED", "MARKETING", 40), second(40));
    assert_eq!((template.status(), template.category()), (Some("APPROVED"), Some("MARKETING")));
    assert_eq!(template.category_changed_at, Some(second(40)));
}

#[test]
fn what_was_deleted_does_not_come_back_but_under_another_id() {
    let mut template = stored(order(), second(5));
    template.is_deleted(second(10));
    for told in news() {
        tell(&mut template, &told);
    }
    template.is_seen(stored(order(), second(99)), second(99));
    assert!(template.is_gone());

    let mut other = news()[0].clone();
    other.1["message_template_id"] = json!("10");
    other.2 = 100;
    tell(&mut template, &other);
    assert_eq!((template.id.as_str(), template.status(), template.parameters()), ("10", Some("APPROVED"), None));
    // What was told of the former one stays its own.
    other.1["message_template_id"] = json!("9");
    other.1["event"] = json!("DISABLED");
    other.2 = 90;
    tell(&mut template, &other);
    assert_eq!((template.id.as_str(), template.status()), ("10", Some("APPROVED")));
}

#[test]
fn what_a_list_lacks_is_gone_unless_it_is_newer_than_the_list() {
    let mut template = stored(order(), second(100));
    template.is_missed(second(130));
    assert!(!template.is_gone());
    template.is_missed(second(161));
    assert!(template.is_gone());
}

#[test]
fn names_and_languages_are_metas() {
    for (text, is_name) in [("a", true), ("order_2", true), ("Order", false), ("a-b", false), ("", false), ("ä", false)]
    {
        assert_eq!(text.parse::<Name>().is_ok(), is_name, "{text}");
    }
    for (text, is_language) in [
        ("en", true),
        ("fil", true),
        ("en_US", true),
        ("zh_HK", true),
        ("prs_AF", true),
        ("e", false),
        ("EN", false),
        ("en-US", false),
        ("en_us", false),
        ("en_", false),
        ("en_US#x", false),
    ] {
        assert_eq!(text.parse::<Language>().is_ok(), is_language, "{text}");
    }
}
