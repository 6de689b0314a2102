//! Whole recipes: what they become, that they read back, and that they fit the schema.

mod common;

use recipe::program::{Kind, Recipe, Step, Template};
use recipe::{CheckContext, Checked, Dialect, Severity, check, schema, show};
use serde_json::{Value, json};

const HDMI: &str = include_str!("fixtures/good/hdmi_black.yaml");
const EVERY: &str = include_str!("fixtures/good/every_kind.yaml");
const SCAFFOLD: &str = include_str!("fixtures/good/plain_scaffold.yaml");
const FAILOVER: &str = include_str!("fixtures/good/room_failover.yaml");

fn checked(text: &str) -> Checked {
    check(text.as_bytes(), &CheckContext::new(&common::catalog()))
}

fn codes(checked: &Checked) -> Vec<(Severity, &str, u32)> {
    checked
        .diagnostics
        .iter()
        .map(|found| (found.severity, found.code.as_str(), found.line))
        .collect()
}

fn read(text: &str) -> Recipe {
    let checked = checked(text);
    checked
        .recipe
        .unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

/// The tree without lines.
fn without_lines(recipe: &Recipe) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("line");
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(recipe).expect("the tree serialises");
    strip(&mut value);
    value
}

#[test]
fn the_shipped_shape_checks_without_findings() {
    let checked = checked(HDMI);
    assert_eq!(codes(&checked), []);
    assert!(checked.runnable());
    let recipe = checked.recipe.expect("there is a tree");
    assert_eq!(
        (recipe.version.as_deref(), recipe.guardrails.max_cost_microusd),
        (Some("2"), Some(500_000))
    );
    assert_eq!(recipe.plan[0].line, 13);
    let Kind::Action { action, args } = &recipe.verify[2].kind else {
        panic!("a notification is an action")
    };
    assert_eq!(action, "slack.post_message");
    let Template::Map { entries } = args else {
        panic!("{args:?}")
    };
    assert_eq!(entries[0], ("channel".to_owned(), Template::literal("#avops")));
    assert!(matches!(&entries[1].1, Template::Text { e } if e.names == ["intake"]));
    assert_eq!(
        recipe
            .verify
            .iter()
            .map(|step| step.id.as_str())
            .collect::<Vec<_>>(),
        ["find_room", "check", "notify_2"]
    );
}

#[test]
fn every_kind_of_step_is_read() {
    let checked = checked(EVERY);
    assert_eq!(codes(&checked), [(Severity::Warning, "no_agent_runtime", 37)]);
    let binding = &checked.bindings[0];
    assert_eq!(
        (binding.step.as_str(), binding.action.as_deref(), binding.writes),
        ("look", Some("zoom.find_room"), false)
    );
    let recipe = checked.recipe.expect("there is a tree");
    let kinds: Vec<String> = recipe
        .act
        .iter()
        .map(|step| format!("{}: {}", step.id, step.title))
        .collect();
    insta::assert_snapshot!(kinds.join("\n"), @r##"
    confirm: Nobody is in {{ left.name }}
    manual: Unplug the codec of {{ right.name }}: wait ten seconds
    wait: wait 90m
    wait_2: wait for the signal room_ready
    wait_3: wait until 2027-01-31T08:00:00Z
    run: run Room status
    agent: agent investigator
    create_incident: servicenow.create_incident
    "##);
}

#[test]
fn the_scaffold_of_the_runbook_is_read_in_its_older_form() {
    let checked = checked(SCAFFOLD);
    assert_eq!(checked.dialect, Dialect::IpavLists);
    assert_eq!(
        codes(&checked),
        [
            (Severity::Note, "older_assumed", 7),
            (Severity::Note, "older_assumed", 10),
            (Severity::Note, "older_assumed", 13),
        ]
    );
    insta::assert_snapshot!(show(&checked.recipe.expect("there is a tree")), @r##"
    name: Zoom Room Admin Policy Check
    description: Validate room policy and report status.
    version: "1"
    intake:
      - id: ask_room
        ask: Room email or display name?
        as: room
    plan:
      - id: find_room
        action: zoom.find_room
        with:
          query: "{{ intake.room }}"
        save: zoom_room
    act:
      - id: check_policy
        action: zoom.check_policy
        with:
          room_id: "{{ zoom_room.id }}"
        save: policy
      - id: report_status
        action: local.report_status
        with:
          room: "{{ zoom_room }}"
          policy: "{{ policy }}"
    verify:
      - id: check
        check: "zoom_room.status in ['Available', 'InMeeting']"
      - id: notify
        action: slack.post_message
        with:
          channel: "#avops"
          text: "Room {{intake.room}} verified"
    guardrails:
      timeout_s: 20
      rollback:
        - id: notify_2
          action: slack.post_message
          with:
            channel: "#avops"
            text: "policy check failed; rollback initiated"
    "##);
}

#[test]
fn plain_words_become_tasks_and_bindings_that_are_shown() {
    let checked = checked(FAILOVER);
    assert_eq!(checked.dialect, Dialect::IpavLists);
    assert!(checked.recipe.is_some(), "{:#?}", checked.diagnostics);
    let bindings: Vec<String> = checked
        .bindings
        .iter()
        .map(|b| {
            format!(
                "{} {}: {:?} {} writes={}",
                b.line, b.words, b.action, b.score, b.writes
            )
        })
        .collect();
    insta::assert_snapshot!(bindings.join("\n"), @r##"
    7 See that the other room is free: None 0.73 writes=false
    8 Look for double bookings: None 1.79 writes=false
    10 Give the first room back: None 0.73 writes=false
    11 Restart the zoom room controller: None 7.7 writes=false
    17 Give both rooms back: None 0.73 writes=false
    "##);
}

#[test]
fn a_clear_binding_is_made_and_flagged_when_it_writes() {
    let text = "name: a\nintake:\n  - gather: room_id\nplan: []\nact:\n  - step: Restart the zoom room controller\nverify: []\n";
    let checked = checked(text);
    assert_eq!(codes(&checked), [(Severity::Warning, "no_undo", 6)]);
    let binding = &checked.bindings[0];
    assert_eq!(
        (binding.action.as_deref(), binding.writes),
        (Some("zoom.restart_room"), true)
    );
    let step = &checked.recipe.expect("there is a tree").act[0];
    assert_eq!(step.title, "Restart the zoom room controller");
}

#[test]
fn a_clear_binding_without_its_arguments_says_which_it_needs() {
    let text = |with: &str| {
        format!(
            "name: a\nintake: []\nplan: []\nact:\n  - step: Find the Zoom room{with}\n  - step: Post a Slack message\nverify: []\n"
        )
    };
    let told = |checked: &recipe::Checked| -> Vec<String> {
        let found = checked.diagnostics.iter();
        found
            .map(|one| format!("{} {}", one.message, one.suggestion.clone().unwrap_or_default()))
            .collect()
    };
    let message = "bound to slack.post_message, but it needs: channel, text: give them in 'with', for until then this will be a task for a person with: {channel: …, text: …}";
    let without = checked(&text(""));
    assert_eq!(
        told(&without),
        [
            "bound to zoom.find_room, but it needs: query: give them in 'with', for until then this will be a task for a person with: {query: …}",
            message
        ]
    );
    assert_eq!(without.bindings[0].action, None);
    let with = checked(&text("\n    with: {query: ZR-101}"));
    assert_eq!(told(&with), [message]);
    assert_eq!(with.bindings[0].action.as_deref(), Some("zoom.find_room"));
}

#[test]
fn without_any_tool_words_are_tasks_and_actions_need_tools() {
    let text = "name: a\nintake: []\nplan: []\nact:\n  - step: Feed the fish\n  - action: zoom.find_room\nverify: []\n";
    let checked = check(text.as_bytes(), &CheckContext::new(&types::Catalog::default()));
    assert_eq!(
        codes(&checked),
        [
            (Severity::Warning, "unbound_step", 5),
            (Severity::NeedsTool, "needs_tool", 6)
        ]
    );
    assert!(checked.recipe.is_some() && !checked.runnable());
}

#[test]
fn a_slip_in_todays_form_never_becomes_a_persons_task() {
    let text = SCAFFOLD.replace("guardrails:\n  - timeout_s: 20\n  - rollback: \"slack:#avops 'policy check failed; rollback initiated'\"", "outputs: {}");
    let slip = text.replace("\"zoom_room.status == 'online'\"", "zoom_room status online");
    let checked = checked(&slip);
    assert_eq!(checked.dialect, Dialect::Native);
    assert!(checked.recipe.is_none());
}

#[test]
fn what_is_shown_reads_back_as_the_same_tree() {
    for text in [HDMI, EVERY, SCAFFOLD, FAILOVER] {
        let recipe = read(text);
        let shown = show(&recipe);
        let again = checked(&shown);
        let Some(back) = again.recipe else {
            panic!("{shown}\n{:#?}", again.diagnostics)
        };
        assert_eq!(again.dialect, Dialect::Native, "{shown}");
        assert_eq!(without_lines(&back), without_lines(&recipe), "{shown}");
    }
}

#[test]
fn fixtures_in_todays_form_fit_the_schema() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for text in [
        HDMI.to_owned(),
        EVERY.to_owned(),
        show(&read(SCAFFOLD)),
        show(&read(FAILOVER)),
    ] {
        let value: Value = serde_saphyr::from_str(&text).expect("the fixture is YAML");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{text}");
    }
    for wrong in [
        json!({"name": "x"}),
        json!({"name": "x", "intake": [], "plan": [], "act": [], "verify": [{"check": "a", "manual": "b"}]}),
        json!({"name": "x", "intake": [], "plan": [], "act": [], "verify": [{"chek": "a"}]}),
        json!({"name": "x", "intake": [], "plan": [], "act": [], "verify": [], "steps": []}),
        json!({"name": "x", "intake": [{"ask": "a", "timeout_s": "soon"}], "plan": [], "act": [], "verify": []}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn a_stored_tree_reads_back() {
    let recipe = read(EVERY);
    let stored = serde_json::to_string(&recipe).expect("the tree serialises");
    assert_eq!(
        serde_json::from_str::<Recipe>(&stored).expect("the tree reads"),
        recipe
    );
}

/// Steps of a tree, nested ones included.
fn all_steps(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + all_steps(&step.undo)).sum()
}

#[test]
fn bounds_hold() {
    let many = format!(
        "name: a\nintake: []\nplan:\n{}act: []\nverify: []\n",
        "  - check: true\n".repeat(2_001)
    );
    assert!(
        checked(&many)
            .diagnostics
            .iter()
            .any(|found| found.code == "recipe_too_large")
    );
    let enough = format!(
        "name: a\nintake: []\nplan:\n{}act: []\nverify: []\n",
        "  - check: true\n".repeat(2_000)
    );
    assert_eq!(all_steps(&read(&enough).plan), 2_000);
    let big = "#".repeat(256 * 1024 + 1);
    assert_eq!(codes(&checked(&big)), [(Severity::Error, "recipe_too_large", 1)]);
    let bytes = check(b"name: a\nplan: \xff\n", &CheckContext::new(&common::catalog()));
    assert_eq!(bytes.diagnostics[0].message, "byte 14 (0xff) isn't UTF-8");
    assert_eq!((bytes.diagnostics[0].line, bytes.diagnostics[0].column), (2, 7));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    assert_eq!(codes(&checked(bomb)), [(Severity::Error, "yaml_alias_bomb", 5)]);
    let deep = format!("name: {}{}", "[".repeat(80), "]".repeat(80));
    assert!(
        checked(&deep)
            .diagnostics
            .iter()
            .all(|found| found.severity == Severity::Error)
    );
}

#[test]
fn children_that_lead_back_are_found() {
    let catalog = common::catalog();
    let known = ["Child".to_owned(), "Grandchild".to_owned(), "Own".to_owned()];
    let children = |name: &str| match name {
        "Child" => Some(vec!["Grandchild".to_owned()]),
        "Grandchild" => Some(vec!["Own".to_owned()]),
        _ => None,
    };
    let context = CheckContext {
        recipes: Some(&known),
        children: Some(&children),
        ..CheckContext::new(&catalog)
    };
    let text = "name: Own\nintake: []\nplan: []\nact:\n  - run: Child\n  - run: Chld\nverify: []\n";
    let found: Vec<String> = check(text.as_bytes(), &context)
        .diagnostics
        .into_iter()
        .map(|d| d.message)
        .collect();
    assert_eq!(
        found,
        [
            "these recipes run each other for ever: Own → Child → Grandchild → Own",
            "there is no recipe 'Chld': this one can be kept but not run"
        ]
    );
}
