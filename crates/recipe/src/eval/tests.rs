//! What expressions give, which labels they carry, and how they end when they can't.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use types::{Label, LabelMap, Labeled, Labels};

use super::*;

fn scope() -> Scope {
    let mut room = LabelMap::all(Labels::UNTRUSTED);
    room.set("/id", Label::System.into());
    room.set("/status", Label::System.into());
    let room = Labeled {
        value: json!({"id": "r1", "status": "Available", "name": "Board", "beds": 2, "tags": ["a", "b"]}),
        labels: room,
    };
    let mut rooms = LabelMap::all(Label::System.into());
    rooms.set("/0/name", Labels::UNTRUSTED);
    rooms.set("/1/name", Labels::UNTRUSTED);
    let rooms = Labeled {
        value: json!([{"id": "r2", "name": "Zulu", "cpu": 90}, {"id": "r3", "name": "Alpha", "cpu": 5}]),
        labels: rooms,
    };
    let mut scope = Scope::default();
    scope.set("zoom_room", Arc::new(room));
    scope.set("rooms", Arc::new(rooms));
    scope.set("skipped", Arc::new(Labeled::null()));
    let intake = json!({"room": "Board {{ 1 + 1 }}", "n": 7, "x": 1.5, "flag": true});
    scope.set("intake", Arc::new(Labeled::new(intake, Label::User)));
    scope
}

/// The value and labels that a string renders to, or the error's code and message.
fn show(template: &str) -> String {
    let rendered = Template::parse_text(template)
        .map_err(EvalError)
        .and_then(|template| render(&template, &scope()));
    match rendered {
        Ok(labeled) => format!("{} ({})", labeled.value, labeled.all_labels()),
        Err(EvalError(failure)) => format!("{}: {}", failure.code, failure.message),
    }
}

#[test]
fn types_are_kept_and_labels_follow() {
    for (template, expected) in [
        ("plain", r#""plain" (author)"#),
        ("{{ intake.n }}", "7 (user)"),
        (" {{ intake.n }}\n", "7 (user)"),
        ("{{ intake.n + 1 }}", "8 (author+user)"),
        ("n = {{ intake.n }}", r#""n = 7" (author+user)"#),
        ("{{ zoom_room.id }}", r#""r1" (system)"#),
        ("{{ zoom_room['id'] }}", r#""r1" (system)"#),
        ("{{ zoom_room.id }}-x", r#""r1-x" (author+system)"#),
        ("{{ zoom_room.name }}", r#""Board" (untrusted)"#),
        ("{{ zoom_room.tags }}", r#"["a","b"] (untrusted)"#),
        ("{{ zoom_room.status == 'Available' }}", "true (author+system)"),
        ("{{ rooms[0].id }}", r#""r2" (system)"#),
        ("{{ rooms[-1].id }}", r#""r3" (system)"#),
        ("{{ rooms | length }}", "2 (system+untrusted)"),
        (
            "{{ (rooms | selectattr('cpu', 'gt', 50) | first).id }}",
            r#""r2" (author+system)"#,
        ),
        (
            "{{ (rooms | selectattr('name', 'eq', 'Zulu') | first).id }}",
            r#""r2" (author+system+untrusted)"#,
        ),
        (
            "{{ rooms | map(attribute='id') | join(', ') }}",
            r#""r2, r3" (author+system)"#,
        ),
        (
            "{{ (rooms | sort(attribute='name'))[0].id }}",
            r#""r3" (author+system+untrusted)"#,
        ),
        (
            "{{ zoom_room.id if intake.flag else 'x' }}",
            r#""r1" (user+system)"#,
        ),
        ("{{ zoom_room.nope | default('x') }}", r#""x" (author+untrusted)"#),
        ("{{ skipped is none }}", "true ()"),
        ("{{ skipped == null }}", "true (author)"),
        (
            "{{ zoom_room != null and zoom_room.id is not null }}",
            "true (author+system+untrusted)",
        ),
        ("{{ intake.room }}", r#""Board {{ 1 + 1 }}" (user)"#),
        ("{{ intake.room | slug }}", r#""board-1-1" (user)"#),
        ("{{ {'a': intake.n} | to_json }}", r#""{\"a\":7}" (author+user)"#),
        (
            "{% for r in rooms if r.cpu > 50 %}{{ loop.index }}:{{ r.id }} {% endfor %}",
            r#""1:r2 " (author+system+untrusted)"#,
        ),
        (
            "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 1 == 1.0 }}",
            r#""3 -4 2 3.5 1024 true" (author)"#,
        ),
        (
            "{{ 'abc'[::-1] }}{{ [1,2,3][1:] }}{{ 'b' in 'abc' }}",
            r#""cba[2,3]true" (author)"#,
        ),
        ("{{ 1 < intake.n <= 7 }}", "true (author+user)"),
        ("${intake.n}", "7 (user)"),
        ("Room ${intake.n}, \\$5", r#""Room 7, \\$5" (author+user)"#),
    ] {
        assert_eq!(show(template), expected, "{template}");
    }
}

#[test]
fn failures_name_the_code_and_the_nearest_name() {
    for (template, expected) in [
        (
            "{{ zoom_rom.status }}",
            "template_undefined: 'zoom_rom.status' is undefined, did you mean 'zoom_room.status'",
        ),
        (
            "{{ zoom_room.stat }}",
            "template_undefined: 'zoom_room.stat' is undefined: zoom_room has beds, id, name, status, tags, did you mean 'zoom_room.status'",
        ),
        (
            "{{ skipped.id }}",
            "template_undefined: 'skipped.id' is undefined: skipped is none, as after a skipped step",
        ),
        (
            "{{ rooms[9].id }}",
            "template_undefined: 'rooms[9].id' is undefined: the list has 2 items",
        ),
        (
            "{{ intake.n.x }}",
            "template_undefined: 'intake.n.x' is undefined: intake.n is a number",
        ),
        (
            "{{ 'a' * 10**9 }}",
            "template_too_large: the expression builds more than it may: 1 MiB for a result",
        ),
        (
            "{{ [0] * 10**9 }}",
            "template_too_large: the expression builds more than it may: 1 MiB for a result",
        ),
        (
            "{{ range(10**12) | list }}",
            "template_fuel: the expression needs more than 100000 steps",
        ),
        (
            "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
            "template_fuel: the expression needs more than 100000 steps",
        ),
        (
            "{% set a = 'x' * 1000 %}{% set a = a | replace('x', a) %}{% set a = a | replace('x', a) %}{{ a }}",
            "template_too_large: the expression builds more than it may: 1 MiB for a result",
        ),
        (
            "{{ 1 + }}",
            "template_syntax: the expression doesn't parse: unexpected end of variable block",
        ),
        (
            "{{ intake.n | uper }}",
            "template_syntax: unknown filter 'uper', did you mean 'upper'",
        ),
        (
            "{% include 'x' %}",
            "template_syntax: only 'if', 'for' and 'set' tags are part of the language",
        ),
        ("{{ 1 / 0 }}", "template_failed: division by zero"),
        (
            "{{ 'a' + 1 }}",
            "template_failed: '+' can't take a string and a number",
        ),
        (
            "{{ 2 ** 10000 }}",
            "template_failed: the result is too large a number",
        ),
    ] {
        assert_eq!(show(template), expected, "{template}");
    }
}

#[test]
fn hostile_sources_end_in_syntax_errors_and_not_on_the_stack() {
    for hostile in [
        format!("{{{{ {} 1 }}}}", "not ".repeat(50_000)),
        format!("{{{{ {} 1 }}}}", "-".repeat(50_000)),
        format!("{{{{ 1 {} }}}}", "+ 1".repeat(50_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{{{{ a{} }}}}", ".b".repeat(50_000)),
        "{% if 1 %}".repeat(20_000),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(20_000)),
    ] {
        let failure = Template::parse_text(&hostile).expect_err("it is refused");
        assert_eq!(failure.code, "template_syntax");
    }
}

#[test]
fn the_deepest_expressions_that_parse_also_evaluate() {
    for (template, expected) in [
        (
            format!("{{{{ 1 {} }}}}", "+ 1".repeat(240)),
            "241 (author)".to_owned(),
        ),
        (
            format!("{{{{ {}1{} }}}}", "(".repeat(70), ")".repeat(70)),
            "1 (author)".to_owned(),
        ),
        (
            format!("{{{{ 'a' {} }}}}", "| upper".repeat(240)),
            "\"A\" (author)".to_owned(),
        ),
        (
            format!("{{{{ {}1{} }}}}", "[".repeat(60), "][0]".repeat(60)),
            "1 (author)".to_owned(),
        ),
        (
            format!("{}x{}", "{% if 1 %}".repeat(100), "{% endif %}".repeat(100)),
            "\"x\" (author)".to_owned(),
        ),
    ] {
        assert_eq!(show(&template), expected, "{template}");
    }
}

#[test]
fn names_are_those_read_from_outside() {
    let template =
        "{% for r in rooms %}{{ r.id }}{{ loop.index }}{{ other }}{% endfor %}{{ range(3) }}{{ null }}";
    let Template::Text { e } = Template::parse_text(template).expect("it parses") else {
        panic!("it is text")
    };
    assert_eq!(e.names, ["other", "rooms"]);
    assert_eq!(
        Expr::parse("a.b[c] ~ d | default(e)").expect("it parses").names,
        ["a", "c", "d", "e"]
    );
}

#[test]
fn older_spellings_are_read() {
    let source = |text: &str| match Template::parse_text(text).expect("it parses") {
        Template::Whole { e } | Template::Text { e } => e.source,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        source("$context.room_id"),
        "inputs.room_id | default(params.room_id)"
    );
    assert_eq!(source("See run $run_id. Bye"), "See run {{ run.id }}. Bye");
    assert_eq!(source("${item.id}"), "item.id");
    assert_eq!(
        Template::parse_text("costs $5 or ${1}").expect("it parses"),
        Template::literal("costs $5 or ${1}")
    );
}

/// Leaves of the property test's scope; each has a label of its own, so a lost label shows.
const LEAVES: [(&str, Label); 5] = [
    ("a", Label::User),
    ("b", Label::System),
    ("c.x", Label::Untrusted),
    ("c.y", Label::Model),
    ("l", Label::Operator),
];

fn leaf_scope(values: &[i64; 5]) -> Scope {
    let mut scope = Scope::default();
    scope.set("a", Arc::new(Labeled::new(values[0], LEAVES[0].1)));
    scope.set("b", Arc::new(Labeled::new(values[1], LEAVES[1].1)));
    let c = Labeled::object([
        ("x".to_owned(), Labeled::new(values[2], LEAVES[2].1)),
        ("y".to_owned(), Labeled::new(values[3], LEAVES[3].1)),
    ]);
    scope.set("c", Arc::new(c));
    let l = (0..4).map(|index| Labeled::new(values[4] * index, LEAVES[4].1));
    scope.set("l", Arc::new(Labeled::array(l)));
    scope
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("c.x".to_owned()),
        Just("c.y".to_owned()),
        Just("c".to_owned()),
        Just("l".to_owned()),
        Just("l[1]".to_owned()),
        (0..4i64).prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        let op = prop::sample::select(vec!["+", "-", "*", "==", "!=", "<", "~", "and", "or", "in"]);
        let filter = prop::sample::select(vec![
            "length",
            "string",
            "first",
            "last",
            "sort",
            "sum",
            "join(',')",
            "to_json",
            "default(1)",
            "unique",
            "max",
            "reverse",
            "list",
            "select('gt', 1)",
            "reject('odd')",
            "map('string')",
            "default(0, true)",
            "items",
            "values",
            "batch(2)",
        ]);
        let test = prop::sample::select(vec![
            "none", "odd", "defined", "string", "mapping", "gt(1)", "in(l)",
        ]);
        prop_oneof![
            (pair, op).prop_map(|((left, right), op)| format!("({left} {op} {right})")),
            (inner.clone(), filter).prop_map(|(value, filter)| format!("({value} | {filter})")),
            (inner.clone(), test).prop_map(|(value, test)| format!("({value} is {test})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(yes, test, no)| format!("({yes} if {test} else {no})")),
            (inner.clone(), inner.clone()).prop_map(|(list, index)| format!("({list})[{index}]")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("[{one}, {two}]")),
            (inner.clone(), inner).prop_map(|(one, two)| format!("{{'x': {one}, 'y': {two}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever value can change the result has its label in it.
    #[test]
    fn no_label_is_lost(source in expressions(), values in prop::array::uniform5(0..4i64), which in 0..5usize, other in 0..4i64) {
        let Ok(expr) = Expr::parse(&source) else { return Ok(()) };
        let mut changed = values;
        changed[which] = other;
        let (Ok(before), Ok(after)) = (eval(&expr, &leaf_scope(&values)), eval(&expr, &leaf_scope(&changed))) else {
            return Ok(());
        };
        if before.value != after.value {
            let label = LEAVES[which].1;
            prop_assert!(before.all_labels().contains(label), "{source}: {before:?} became {after:?}");
            prop_assert!(after.all_labels().contains(label), "{source}: {before:?} became {after:?}");
        }
    }

    #[test]
    fn arbitrary_sources_never_panic(source in r"[\{\}%a-z0-9 .|()\[\]'~*+$#-]{0,60}") {
        let _ = Expr::parse(&source).map(|expr| eval(&expr, &scope()));
        let _ = Template::parse_text(&format!("{{{{ {source}")).map(|template| render(&template, &scope()));
        let _ = Template::parse_text(&source).map(|template| render(&template, &scope()));
    }

    #[test]
    fn values_keep_their_type_through_a_whole_template(value in prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::from),
    ]) {
        let mut scope = Scope::default();
        scope.set("v", Arc::new(Labeled::new(json!({"inner": value}), Label::User)));
        let template = Template::parse_text("\n  {{ v.inner }}\n").expect("it parses");
        let rendered = render(&template, &scope).expect("it renders");
        prop_assert_eq!(rendered, Labeled::new(value, Label::User));
    }
}
