//! What people are told about recipes that are wrong: a table of mistakes and their findings.

mod common;

use proptest::prelude::*;
use recipe::{CODES, CheckContext, Severity, check};

/// One line for each finding: place, severity, code, message, and what to write instead.
fn findings(text: &str) -> String {
    let catalog = common::catalog();
    let groups = ["Support_L1".to_owned(), "Support_L2".to_owned()];
    let recipes = ["Room status".to_owned()];
    let context = CheckContext {
        groups: Some(&groups),
        recipes: Some(&recipes),
        ..CheckContext::new(&catalog)
    };
    let checked = check(text.as_bytes(), &context);
    let errors = checked
        .diagnostics
        .iter()
        .any(|found| found.severity == Severity::Error);
    assert_eq!(
        checked.recipe.is_none(),
        errors,
        "a recipe is given exactly if there is no error"
    );
    let lines = checked.diagnostics.iter().map(|found| {
        assert!(
            CODES.contains(&found.code.as_str()),
            "{} is among the codes",
            found.code
        );
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::NeedsTool => "needs tool",
            Severity::Note => "note",
        };
        let suggestion = found
            .suggestion
            .as_ref()
            .map(|s| format!(" => {s}"))
            .unwrap_or_default();
        format!(
            "{}:{}+{} {severity} {}: {}{suggestion}",
            found.line, found.column, found.length, found.code, found.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The findings about steps in `act`; they begin in line 7.
fn act(steps: &str) -> String {
    findings(&format!(
        "name: x\ninputs: {{room: string}}\nintake: []\nplan:\n  - {{id: look, action: zoom.find_room, with: {{query: \"{{{{ intake.room }}}}\"}}, save: zoom_room}}\nact:\n{steps}\nverify: []\nguardrails: {{rollback: [{{manual: undo it}}]}}\n"
    ))
}

#[test]
fn yaml_traps() {
    insta::assert_snapshot!(act("  - action: zoom.find_room\n    with: {query: {{ intake.room }}}"), @r##"8:19+17 error yaml_unquoted_template: a value that begins with '{{' needs quotes, otherwise YAML reads it as a map => "{{ intake.room }}""##);
    insta::assert_snapshot!(act("  - action: zoom.find_room\n    with:\n      query: {{ intake.room }} and more"), @r##"9:14+26 error yaml_unquoted_template: a value that begins with '{{' needs quotes, otherwise YAML reads it as a map => "{{ intake.room }} and more""##);
    insta::assert_snapshot!(act("  - manual: {{ intake.room }}"), @r##"7:13+17 error yaml_unquoted_template: a value that begins with '{{' needs quotes, otherwise YAML reads it as a map => "{{ intake.room }}""##);
    insta::assert_snapshot!(act("  - action: slack.post_message\n    with:\n      channel: #avops\n      text: hello"), @r##"9:16+6 error yaml_comment: YAML takes what follows '#' for a comment, so there is no value here => "#avops""##);
    insta::assert_snapshot!(act("  - manual: Look at screen #3 please"), @r##"7:28+9 warning yaml_comment: everything from ' #' on is a comment and not part of the value => "Look at screen #3 please""##);
    insta::assert_snapshot!(act("  - manual: one\n    manual: two"), @r##"8:5+6 error yaml_duplicate_key: the key 'manual' stands here twice => keep one of the two"##);
    insta::assert_snapshot!(act("  - manual: !!str one"), @r##"7:19+3 error yaml_tag: YAML tags such as '!!str' or '!name' aren't part of the language => remove the tag; put a text in quotes to keep it a text"##);
    insta::assert_snapshot!(act("  - action: servicenow.create_incident\n    with: {title: 1.10, number: 1234e5}"), @r##"
    8:19+4 error yaml_number: the argument 'title' must be a text, but 1.10 without quotes is a number => "1.10"
    8:33+6 error yaml_number: the argument 'number' must be a text, but 1234e5 without quotes is a number => "1234e5"
    "##);
    insta::assert_snapshot!(act("  - action: zoom.restart_room\n    with: {room_id: a, force: no}"), @r##"8:31+2 error yaml_boolean: 'no' is a text in YAML 1.2, a boolean is due here => false"##);
    insta::assert_snapshot!(act("  - action: zoom.restart_room\n    on: true\n    with: {room_id: a, force: on}"), @r"
    8:5+2 error unknown_key: a step with 'action' has no key 'on'; known are action, with, mock, id, title, when, save, for_each, as, retry, timeout_s, until, every_s, on_error, undo, on_uncertain, approval, evidence
    9:31+2 error yaml_boolean: 'on' is a text in YAML 1.2, a boolean is due here => true
    ");
    insta::assert_snapshot!(act("\t- manual: one"), @r##"7:1+1 error yaml_syntax: a tab stands in the indentation, where YAML takes only spaces => use two spaces for each level"##);
    insta::assert_snapshot!(act("  - manual: Note: unplug it"), @r##"7:17+1 error yaml_syntax: this isn't YAML: mapping values are not allowed in this context =>   - manual: "Note: unplug it""##);
    insta::assert_snapshot!(act("  - manual: [a, b"), @r##"8:7+1 error yaml_syntax: this isn't YAML: illegal placement of ':' indicator"##);
    insta::assert_snapshot!(findings("name: 1.10\nversion: 1.10\nintake: []\nplan: []\nact: []\nverify: []\n"), @r##"
    1:7+4 error yaml_number: a text is due here, but 1.10 without quotes is the number 1.1 => "1.10"
    2:10+4 warning yaml_number: the version is a number here and is kept as the text '1.10' => "1.10"
    "##);
    insta::assert_snapshot!(findings("name: a\n---\nname: b\n"), @r##"
    1:1+4 error missing_section: the section 'intake' is missing => intake: []
    1:1+4 error missing_section: the section 'plan' is missing => plan: []
    1:1+4 error missing_section: the section 'act' is missing => act: []
    1:1+4 error missing_section: the section 'verify' is missing => verify: []
    3:1+1 error yaml_syntax: a recipe is one YAML document, but another one begins here
    "##);
    insta::assert_snapshot!(findings(""), @r##"1:1+1 error missing_section: the text is empty"##);
    insta::assert_snapshot!(findings("- a\n- b\n"), @r##"1:1+1 error wrong_value: a recipe is a map with a name and four sections, not a list"##);
}

#[test]
fn keys_and_sections() {
    insta::assert_snapshot!(findings("name: a\nintake: []\npaln: []\nact: []\nverify: []\n"), @r##"
    1:1+4 error missing_section: the section 'plan' is missing => plan: []
    3:1+4 error unknown_key: a recipe has no key 'paln' => plan
    "##);
    insta::assert_snapshot!(findings("intake: []\nplan: []\nact: {}\nverify: soon\n"), @r##"
    1:1+6 error missing_key: a recipe needs the key 'name'
    3:6+1 error wrong_value: a list for act is due here, not a map
    4:9+4 error wrong_value: a list for verify is due here, not 'soon'
    "##);
    insta::assert_snapshot!(act("  - acton: zoom.find_room"), @r##"7:5+5 error step_kind: this step says nothing to do: it needs one of ask, gather, action, agent, check, confirm, notify, manual, wait, run, parallel, step => action"##);
    insta::assert_snapshot!(act("  - restart the room"), @r##"7:5+16 error step_kind: a step is a map with a key such as 'action' or 'check', not a text => step: "restart the room""##);
    insta::assert_snapshot!(act("  - manual: a\n    check: true"), @r##"7:5+6 error step_kind: a step does one thing, but this one has both 'check' and 'manual' => make two steps of it"##);
    insta::assert_snapshot!(act("  - manual: a\n    with: {b: c}\n    timeout: 5"), @r##"
    8:5+4 error unknown_key: a step with 'manual' has no key 'with'; known are manual, id, title, when, save, for_each, as, retry, timeout_s, until, every_s, on_error, undo, on_uncertain, approval, evidence
    9:5+7 error unknown_key: a step with 'manual' has no key 'timeout' => timeout_s
    "##);
    insta::assert_snapshot!(act("  - manual: a\n    timeout_s: soon\n    retry: {max_attempts: 0, backof_s: 1}\n    on_error: skip\n    on_uncertain: hope"), @r##"
    8:16+4 error wrong_value: a span of time is due here, not 'soon' => seconds such as 30, or 90s, 10m, 1h30m
    9:27+1 error wrong_value: a whole number from 1 to 100 is due here, not 0
    9:30+8 error unknown_key: 'retry' has no key 'backof_s' => backoff_s
    10:15+4 error wrong_value: 'skip' isn't a way to go on (or a list of steps): expected one of fail, continue
    11:19+4 error wrong_value: 'hope' isn't a way to go on: expected one of ask, redo, accept
    "##);
    insta::assert_snapshot!(act("  - manual: a\n    every_s: 5\n    approval: {roles: [Suport_L2], quorum: many}"), @r##"
    8:5+7 error missing_key: 'every_s' needs 'until' beside it
    9:24+9 error unknown_group: no group or role is called 'Suport_L2' => Support_L2
    9:44+4 error wrong_value: a whole number from 1 to 20 is due here, not 'many'
    "##);
    insta::assert_snapshot!(act("  - wait: a while\n  - wait: {sginal: x}\n  - parallel: {a: b}"), @r##"
    7:11+7 error wrong_value: 'a while' is neither a span of time, nor a time, nor a signal => 10m, 2027-01-31T08:00:00Z, or signal:name
    8:12+6 error missing_key: 'wait' needs the key 'for'
    8:12+6 error unknown_key: 'wait' has no key 'sginal' => signal
    9:15+1 error wrong_value: a list for 'parallel' is due here, not a map
    "##);
    insta::assert_snapshot!(findings("name: a\ninputs: {room: {type: text, requird: true}, 2nd: string, n: {type: integer, default: many}}\nintake: []\nplan: []\nact: []\nverify: []\nguardrails: {timeout_s: -1, max_cost_usd: free, rollback: \"slack:#a b\"}\nsuccess_metrics: [{metric: a}]\n"), @r##"
    2:23+4 error wrong_value: 'text' isn't a type: expected one of string, number, integer, boolean, array, object
    2:29+7 error unknown_key: an input has no key 'requird' => required
    2:45+3 error wrong_value: '2nd' isn't a name: letters, digits and '_', not beginning with a digit => n2nd
    2:86+4 error bad_argument: the default doesn't fit: "many" is not of type "integer"
    7:25+2 error wrong_value: a span of time is due here, not -1 => seconds such as 30, or 90s, 10m, 1h30m
    7:43+4 error wrong_value: a number that isn't negative is due here, not 'free'
    7:59+12 error wrong_value: 'rollback' is a list of steps => - notify: "slack:#a b"
    8:20+6 error missing_key: a success metric needs the key 'target'
    "##);
}

#[test]
fn actions_and_arguments() {
    insta::assert_snapshot!(act("  - action: zoom.find_rom\n    with: {query: a}"), @r##"7:13+13 error unknown_action: there is no action 'zoom.find_rom' => zoom.find_room"##);
    insta::assert_snapshot!(act("  - action: zoom.reboot"), @r##"7:13+11 error unknown_action: there is no action 'zoom.reboot' => zoom.restart_room or zoom.find_room or zoom.check_policy"##);
    insta::assert_snapshot!(act("  - action: Restart the room"), @r##"7:13+16 error unknown_action: an action is called tool.action, and these are words => step: "Restart the room""##);
    insta::assert_snapshot!(act("  - action: qsys.set_gain\n    with: {db: -3}"), @r##"7:13+13 needs tool needs_tool: the tool 'qsys' isn't configured: the recipe can be kept but not run"##);
    insta::assert_snapshot!(act("  - action: zoom.restart_room\n    with: {room: a, delay_s: \"{{ 5 }}s\", force: \"{{ true }}\"}"), @r##"
    8:12+4 error bad_argument: 'zoom.restart_room' has no argument 'room'; it takes room_id, delay_s, force
    8:12+4 error bad_argument: 'zoom.restart_room' needs the argument 'room_id' => room_id: "{{ zoom_room.id }}"
    8:30+10 error bad_argument: the argument 'delay_s' must be of type number, but this always gives a text => write one whole {{ … }} to keep the value's type
    "##);
    insta::assert_snapshot!(act("  - action: servicenow.create_incident\n    with: {title: a, urgency: hi}"), @r##"8:31+2 error bad_argument: the argument 'urgency' doesn't fit: "hi" is not one of "low", "medium" or "high""##);
    insta::assert_snapshot!(act("  - notify: \"slak:#avops hello\"\n  - notify: hello\n  - notify: \"slack:#avops\"\n  - notify: \"email:a@b.example {{ zoom_room.name }} is up\""), @r##"
    7:13+19 error bad_notify: 'slak' isn't a way to notify: expected one of slack, pagerduty, email => slack:#avops hello
    8:13+5 error bad_notify: a notification begins with where it goes, such as 'slack:#channel text' => slack:#channel hello
    9:13+14 error bad_notify: a notification needs a target and a text, such as 'slack:#channel text'
    10:13+46 needs tool needs_tool: the tool 'email' isn't configured: the recipe can be kept but not run
    "##);
    insta::assert_snapshot!(act("  - run: Room stats"), @r##"7:10+10 needs tool unknown_recipe: there is no recipe 'Room stats': this one can be kept but not run => Room status"##);
    insta::assert_snapshot!(findings("name: a\nintake: []\nplan: []\nact:\n  - action: zoom.restart_room\n    with: {room_id: a}\nverify: []\n"), @r##"5:5+6 warning no_undo: 'zoom.restart_room' changes something, but neither 'undo' nor a rollback takes it back => add 'undo' to the step, or 'rollback' to the guardrails"##);
}

#[test]
fn names_and_expressions() {
    insta::assert_snapshot!(act("  - check: zoom_rom.status == 'Available'"), @r##"7:12+30 error template_undefined: 'zoom_rom' is undefined: no step before this one saves it => zoom_room"##);
    insta::assert_snapshot!(act("  - check: zoom_room.status = 'Available'"), @r##"7:12+30 error template_syntax: the expression doesn't parse: unexpected input after expression => zoom_room.status == 'Available'"##);
    insta::assert_snapshot!(act("  - check: The room is back"), @r##"7:12+16 error template_syntax: a check is an expression, and these are words => confirm: "The room is back""##);
    insta::assert_snapshot!(act("  - check: late.id == 1\n  - action: zoom.find_room\n    with: {query: a}\n    save: late"), @r##"7:12+12 error template_undefined: 'late' is read before it is saved (line 10) => move the step that saves it before this one"##);
    insta::assert_snapshot!(act("  - manual: \"{{ intake.rom }} {{ item }} {{ steps.lok.output }} {{ run.name }} {{ room }} {{ s.zoom_rom }}\""), @r##"
    7:13+95 error template_undefined: 'intake.rom' is undefined: no input and no 'ask' has this name => intake.room
    7:13+95 error template_undefined: 'item' can be read only in a step with 'for_each'
    7:13+95 error template_undefined: 'steps.lok' is undefined: no step before this one has this id => steps.look
    7:13+95 error template_undefined: 'run.name' is undefined: a run has id, recipe, agent, attempt and started_at
    7:13+95 error template_undefined: 'room' is undefined: no step before this one saves it => intake.room
    7:13+95 error template_undefined: 's.zoom_rom' is undefined: no step before this one saves it => s.zoom_room
    "##);
    insta::assert_snapshot!(act("  - manual: \"{{ nothing | default('-') }} {{ x | uper }}\""), @r##"7:13+45 error template_syntax: unknown filter 'uper', did you mean 'upper'"##);
    insta::assert_snapshot!(act("  - manual: \"{{ zoom_room.id \""), @r##"7:13+18 error template_syntax: the expression doesn't parse: unexpected end of input, expected end of variable block"##);
    insta::assert_snapshot!(act("  - id: look\n    manual: a\n  - id: my-step\n    manual: b"), @r##"
    7:9+4 error duplicate_id: the id 'look' is taken by another step (line 5)
    9:9+7 error wrong_value: 'my-step' isn't a name: letters, digits and '_', not beginning with a digit => my_step
    "##);
    insta::assert_snapshot!(act("  - action: zoom.find_room\n    with: {query: a}\n    save: inputs\n  - action: zoom.find_room\n    with: {query: a}\n    save: {id: status, two words: $.a}"), @r"
    9:11+6 error reserved_name: 'inputs' is a name of the language and can't be given to a value
    12:16+6 error wrong_value: what is saved must be a path into the output, such as $.status or $ for all of it; {value: …} saves a constant => $.status
    12:24+9 error wrong_value: 'two words' isn't a name: letters, digits and '_', not beginning with a digit => two_words
    ");
    insta::assert_snapshot!(act("  - parallel:\n      - {action: zoom.find_room, with: {query: a}, save: twice}\n      - {action: zoom.find_room, with: {query: b}, save: twice}"), @r##"9:9+1 error duplicate_save: two parallel branches save 'twice', and nobody knows which comes last"##);
    insta::assert_snapshot!(act("  - step: Feed the fish\n  - agent: investigator\n    goal: find out"), @r##"
    7:11+13 warning unbound_step: nothing could be bound to these words: this will be a task for a person
    8:12+12 warning no_agent_runtime: no agent runtime yet: this step will fail when it runs
    "##);
    insta::assert_snapshot!(findings("name: a\nintake:\n  - ask: What?\n  - ask: And where?\nplan: []\nact:\n  - manual: \"{{ intake.a }} {{ intake.b }}\"\nverify: []\n"), @r##"
    3:10+5 error unresolved_ask: nothing says which name this answer gets: it could be a, b => as: a
    4:10+10 error unresolved_ask: nothing says which name this answer gets => as: and_where
    "##);
}

#[test]
fn columns_count_characters() {
    let text = "name: ä\nintake: []\nplan:\n  - {manual: ääää, whn: true}\nact: []\nverify: []\n";
    let checked = check(text.as_bytes(), &CheckContext::new(&common::catalog()));
    let [found] = checked.diagnostics.as_slice() else {
        panic!("{:?}", checked.diagnostics)
    };
    assert_eq!(
        (found.line, found.column, found.length, found.path.as_str()),
        (4, 20, 3, "/plan/0/whn")
    );
    assert_eq!(found.source_line, "  - {manual: ääää, whn: true}");
    assert_eq!(found.suggestion.as_deref(), Some("when"));
    assert_eq!(checked.name.as_deref(), Some("ä"));
}

#[test]
fn every_code_has_a_page() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let of_values = ["template_fuel", "template_too_large", "template_failed"];
    for code in CODES.iter().chain(&of_values) {
        let page = std::fs::read_to_string(format!("{pages}/{code}.md")).unwrap_or_default();
        assert!(
            page.contains(code) && page.lines().count() > 3,
            "docs/errors/{code}.md says cause and cure"
        );
    }
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let sources = prop::sample::select(vec![
        include_str!("fixtures/good/hdmi_black.yaml"),
        include_str!("fixtures/good/every_kind.yaml"),
        include_str!("fixtures/good/plain_scaffold.yaml"),
        include_str!("fixtures/older/step_list_projector.yaml"),
        include_str!("fixtures/older/tool_list_badge.yaml"),
        include_str!("fixtures/older/fixed_agent_remediator.yaml"),
        include_str!("fixtures/older/orchestrator_studio.yaml"),
        include_str!("fixtures/older/workflow_nightly.json"),
        include_str!("fixtures/older/agent_keeper.json"),
        include_str!("fixtures/older/guardrails_lamps.json"),
        include_str!("fixtures/good/room_failover.yaml"),
    ]);
    let bits = prop::sample::select(vec![
        "{{", "}}", ": ", "- ", "\n", "#", "\t", "&a ", "*a", "!x ", "\"", "'", "[", "{", "|", "ä", "\u{0}",
        "1e9", "$.", "{%",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), bits, 0..12usize), 1..6);
    (sources, edits).prop_map(|(source, edits)| {
        let mut bytes = source.as_bytes().to_vec();
        for (at, bit, removed) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, bit.bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changed_recipes_never_panic_and_point_into_the_text(bytes in mutated()) {
        let checked = check(&bytes, &CheckContext::new(&common::catalog()));
        let lines = String::from_utf8_lossy(&bytes).lines().count() as u32;
        for found in &checked.diagnostics {
            prop_assert!(found.line >= 1 && found.line <= lines + 1, "{found:?}");
            prop_assert!(found.column >= 1 && found.length >= 1);
        }
        let errors = checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
        let none = errors || !checked.dialect.is_recipe();
        prop_assert_eq!(checked.recipe.is_none(), none);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&bytes, &CheckContext::new(&common::catalog()));
    }
}
