//! Recipes of earlier tools: what each form becomes, what is told of it, and what is refused.

mod common;
#[path = "common/wide.rs"]
mod wide;

use recipe::program::Recipe;
use recipe::{Brings, CheckContext, Checked, Dialect, Severity, check, schema, show};
use serde_json::{Value, json};

const STEP_LIST: &str = include_str!("fixtures/older/step_list_projector.yaml");
const TOOL_LIST: &str = include_str!("fixtures/older/tool_list_badge.yaml");
const FIXED_AGENT: &str = include_str!("fixtures/older/fixed_agent_remediator.yaml");
const ORCHESTRATOR: &str = include_str!("fixtures/older/orchestrator_studio.yaml");
const WORKFLOW: &str = include_str!("fixtures/older/workflow_nightly.json");
const WORDS: &str = include_str!("fixtures/older/ipav_words.yaml");
const AGENT: &str = include_str!("fixtures/older/agent_keeper.json");
const GUARDRAILS: &str = include_str!("fixtures/older/guardrails_lamps.json");
const RECIPES: [&str; 6] = [STEP_LIST, TOOL_LIST, FIXED_AGENT, ORCHESTRATOR, WORKFLOW, WORDS];

fn checked(text: &str) -> Checked {
    let catalog = wide::wide_catalog();
    assert!(
        catalog.actions().count() > common::catalog().actions().count(),
        "the wide catalogue has more"
    );
    check(text.as_bytes(), &CheckContext::new(&catalog))
}

/// What is told of a text, line by line, and what it becomes.
fn told(text: &str) -> String {
    let checked = checked(text);
    let mut lines = vec![format!(
        "read as: {}; short name: {}",
        checked.dialect.title(),
        checked.slug.as_deref().unwrap_or("none")
    )];
    lines.extend(checked.diagnostics.iter().map(|found| {
        let severity = format!("{:?}", found.severity).to_lowercase();
        format!(
            "{}:{} {severity} {}: {}",
            found.line, found.column, found.code, found.message
        )
    }));
    lines.push("---".to_owned());
    match &checked.recipe {
        Some(recipe) => lines.push(show(recipe)),
        None => lines.push(format!("{:#}", json!(checked.brings))),
    }
    lines.join("\n")
}

fn tree(text: &str) -> Recipe {
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

/// The errors of a text: place and code, or the message where it matters.
fn errors(text: &str) -> Vec<(u32, u32, String)> {
    let found = checked(text).diagnostics.into_iter();
    found
        .filter(|found| found.severity == Severity::Error)
        .map(|found| (found.line, found.column, found.code))
        .collect()
}

#[test]
fn each_form_becomes_a_recipe_of_today() {
    insta::assert_snapshot!("step_list", told(STEP_LIST));
    insta::assert_snapshot!("tool_list", told(TOOL_LIST));
    insta::assert_snapshot!("fixed_agent", told(FIXED_AGENT));
    insta::assert_snapshot!("orchestrator", told(ORCHESTRATOR));
    insta::assert_snapshot!("workflow", told(WORKFLOW));
    insta::assert_snapshot!("words", told(WORDS));
}

#[test]
fn agents_and_guardrails_become_what_can_be_kept() {
    insta::assert_snapshot!("agent", told(AGENT));
    insta::assert_snapshot!("guardrails", told(GUARDRAILS));
}

#[test]
fn what_is_written_today_is_the_same_recipe_and_writing_it_again_changes_nothing() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for text in RECIPES {
        let recipe = tree(text);
        let today = show(&recipe);
        let again = checked(&today);
        assert_eq!(again.dialect, Dialect::Native, "{today}");
        let again = again
            .recipe
            .unwrap_or_else(|| panic!("{today}\n{:#?}", again.diagnostics));
        assert_eq!(without_lines(&again), without_lines(&recipe), "{today}");
        assert_eq!(show(&again), today);
        let value: Value = serde_saphyr::from_str(&today).expect("today's form is YAML");
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, [""; 0], "{today}");
    }
}

#[test]
fn steps_stay_in_their_order() {
    let ids = |recipe: &Recipe| -> Vec<String> {
        let phases = [&recipe.intake, &recipe.plan, &recipe.act, &recipe.verify];
        phases.into_iter().flatten().map(|step| step.id.clone()).collect()
    };
    assert_eq!(
        ids(&tree(TOOL_LIST)),
        [
            "plan_look_up",
            "act_ticket",
            "act_print",
            "plan_late",
            "verify_tell",
            "check",
            "check_2"
        ]
    );
    let steps = [
        "look",
        "act_agent_producer",
        "act_agent_engineer",
        "lights",
        "act_agent_look",
        "say",
        "again",
    ];
    assert_eq!(ids(&tree(ORCHESTRATOR)), steps);
}

#[test]
fn slips_are_errors_where_they_stand_in_the_older_text() {
    let mut cases = Vec::new();
    for (text, right, wrong) in [
        (STEP_LIST, "using: mcp-slack", "usign: mcp-slack"),
        (STEP_LIST, "action: get_room_status", "action: get_room_statu"),
        (STEP_LIST, "{{ s.lamp-hours }} h", "{{ s.lamp-hour }} h"),
        (STEP_LIST, "inputs.limit_hours > 0", "inputs.limit_hour > 0"),
        (STEP_LIST, "inputs.limit_hours > 0", "inputs.limit_hours >> 0"),
        (STEP_LIST, "id: order-lamp", "id: read-lamp"),
        (STEP_LIST, "priority: HIGH", "priority: soonish"),
        (
            STEP_LIST,
            "      short_description: \"New lamp for {{ inputs.building-code }}\"\n",
            "",
        ),
        (TOOL_LIST, "tool: zoom.find_room", "tool: zoom.find_rom"),
        (
            TOOL_LIST,
            "{{plan.look-up.result.name}}",
            "{{plan.look_upp.result.name}}",
        ),
        (
            TOOL_LIST,
            "when: act.ticket.result.number != null",
            "when: act.ticket.result.number = null",
        ),
        (
            TOOL_LIST,
            "when: act.ticket.result.number",
            "when: verify.tell.result.number",
        ),
        (
            FIXED_AGENT,
            "    call: get_room_health\n    args: {room: $context.room_id}",
            "    args: {room: $context.room_id}",
        ),
        (
            ORCHESTRATOR,
            "call: slack.post_message",
            "call: slack.post_mesage",
        ),
        (ORCHESTRATOR, "steps_by_agent:", "steps_by_agent: []\nrest:"),
        (WORKFLOW, "\"recipe\": \"deep-survey\", ", ""),
    ] {
        assert!(text.contains(right), "{right}");
        let found = errors(&text.replacen(right, wrong, 1));
        assert!(!found.is_empty(), "{wrong:?} is let through");
        cases.push(format!("{wrong:?} {found:?}"));
    }
    insta::assert_snapshot!("slips", cases.join("\n"));
}

#[test]
fn words_become_tasks_and_attempts_at_expressions_never_do() {
    let with = |check: &str| {
        format!(
            "title: a\nsteps:\n  - {{id: a, using: slack, action: post_message, params: {{channel: c, text: t}}}}\nverify:\n  - {check}\n"
        )
    };
    assert_eq!(errors(&with("The room is bright")), []);
    for slip in [
        "room is = bright",
        "the room.is bright",
        "is it 'bright",
        "(the room is bright",
        "a == and b",
    ] {
        let found = errors(&with(&format!("\"{slip}\"")));
        assert_eq!(
            found.first().map(|(line, ..)| *line),
            Some(5),
            "{slip}: {found:?}"
        );
    }
}

#[test]
fn the_form_is_chosen_by_the_shape_of_the_file() {
    let form = |text: &str| checked(text).dialect;
    for (text, expected) in [
        (
            "name: a\nsteps:\n  - {id: x, action: y, params: {}}\n",
            Dialect::StepList,
        ),
        (
            "name: a\nsteps:\n  - {id: x, using: y, action: z}\n  - {id: w, tool: y}\n  - {using: q, action: z}\n",
            Dialect::StepList,
        ),
        ("name: a\nsteps:\n  - {id: act.x, tool: y.z}\n", Dialect::ToolList),
        ("name: a\nsteps:\n  - {id: x, call: y}\n", Dialect::FixedAgents),
        ("agent_name: a\n", Dialect::FixedAgents),
        ("name: a\nsteps_by_agent: {}\n", Dialect::Orchestrator),
        ("{\"name\": \"a\", \"graph\": []}", Dialect::Workflow),
        (
            "{\"name\": \"a\", \"tools\": [\"slack\"], \"role\": \"b\"}",
            Dialect::Agent,
        ),
        ("{\"id\": \"a\", \"pii_filters\": []}", Dialect::Guardrails),
        ("{\"name\": \"a\", \"actions\": {\"b\": {}}}", Dialect::Manifest),
        ("name: a\nsteps:\n  - {id: x, check: y}\n", Dialect::Native),
        (
            "name: a\nintake: []\nplan: []\nact: []\nverify: []\nsteps: [{using: x}]\n",
            Dialect::Native,
        ),
    ] {
        assert_eq!(form(text), expected, "{text}");
    }
}

#[test]
fn approvals_are_never_looser() {
    let steps = |extra: &str, allow: &str| {
        format!(
            "agent_name: ActAgent\nmcp:\n  - tool: lamp_api\n    allow:\n      - {{name: burn{allow}}}\nsteps:\n  - {{id: burn, call: burn{extra}}}\n"
        )
    };
    let approvals = |extra: &str, allow: &str| -> Vec<String> {
        let recipe = tree(&steps(extra, allow));
        let show = |step: &recipe::program::Step| match &step.approval {
            None => format!("{} -", step.id),
            Some(asked) => format!("{} {:?} {}", step.id, asked.roles, asked.quorum),
        };
        recipe.act.iter().map(show).collect()
    };
    let check = |extra: &str, allow: &str, expected: &[&str]| {
        assert_eq!(approvals(extra, allow), expected, "{extra} {allow}")
    };
    check("", ", risk: low", &["burn -"]);
    check("", ", risk: high", &["burn [] 0"]);
    check("", ", risk: unheard-of", &["burn [] 0"]);
    check("", ", approval: false", &["burn -"]);
    check("", ", approval: required", &["burn [] 0"]);
    check(", approvals: [A]", ", risk: high", &["burn [\"A\"] 0"]);
    check(", approvals: [A]", ", approval: A", &["burn [\"A\"] 0"]);
    check(", approvals: [A, B]", "", &["burn_a [\"A\"] 0", "burn [\"B\"] 0"]);
    check(
        ", approvals: [A]",
        ", approval: {roles: [B, C], quorum: 2}",
        &["burn_a [\"A\"] 0", "burn [\"B\", \"C\"] 2"],
    );
    let unlisted = tree(&steps("", "").replace("call: burn", "call: melt"));
    assert!(
        unlisted.act[0].approval.is_some(),
        "what the list doesn't have needs an approval"
    );
}

#[test]
fn an_agent_comes_with_its_recipe_and_a_workflow_is_kept_whole() {
    let brought = checked(FIXED_AGENT).brings;
    let [Brings::Agent(agent)] = brought.as_slice() else {
        panic!("{brought:?}")
    };
    assert_eq!(
        (agent.name.as_str(), agent.tools.join(" ")),
        ("RemediationAgent", "zoom dsp_ctrl".to_owned())
    );
    let brought = checked(WORKFLOW).brings;
    let written: Value = serde_json::from_str(WORKFLOW).expect("it is JSON");
    assert_eq!(brought, [Brings::Workflow(written)]);
}
