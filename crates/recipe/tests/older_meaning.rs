//! What an earlier tool's recipe means is never narrowed in silence: a write keeps everything that it
//! was given, and a graph runs in the order of its edges or not at all.

#[expect(dead_code, reason = "only the wide catalogue is needed here")]
mod common;
#[path = "common/wide.rs"]
mod wide;

use recipe::program::{Kind, Template};
use recipe::{Brings, CheckContext, Checked, Severity, check};

fn checked(text: &str) -> Checked {
    let catalog = wide::wide_catalog();
    check(text.as_bytes(), &CheckContext::new(&catalog))
}

/// Severity and code of each finding that isn't about undoing.
fn found(checked: &Checked) -> Vec<(Severity, &str)> {
    let found = checked.diagnostics.iter().filter(|found| found.code != "no_undo");
    found.map(|found| (found.severity, found.code.as_str())).collect()
}

fn call(tool: &str, action: &str, args: &str) -> String {
    format!("title: Old\nsteps:\n  - {{id: one, using: {tool}, action: {action}, params: {{{args}}}}}\n")
}

#[test]
fn a_write_keeps_what_its_action_does_not_take_and_cannot_be_run() {
    let write = checked(&call("servicenow", "create_task", "title: t, device: core-7"));
    assert_eq!(
        found(&write),
        [(Severity::NeedsTool, "argument_not_taken")],
        "{:#?}",
        write.diagnostics
    );
    assert!(!write.runnable());
    let recipe = write.recipe.expect("it can be kept");
    let steps = [&recipe.intake, &recipe.plan, &recipe.act, &recipe.verify];
    let step = steps.into_iter().flatten().next().expect("a step");
    let Kind::Action { args, .. } = &step.kind else {
        panic!("{:?}", step.kind)
    };
    let Template::Literal { v: given } = args else {
        panic!("{args:?}")
    };
    assert_eq!(given["device"], "core-7", "{given}");

    // What is missing beside it may be what isn't taken.
    let write = checked(&call("servicenow", "create_task", "device: core-7"));
    assert_eq!(found(&write), [(Severity::NeedsTool, "argument_not_taken")]);

    let read = checked(&call("zoom", "room_health", "room: a, device: core-7"));
    assert!(read.runnable(), "{:#?}", read.diagnostics);
    assert!(found(&read).contains(&(Severity::Warning, "older_dropped")));
}

/// The recipes that a graph runs, in order; or where its error stands.
fn graph(nodes: &[&str], more: &str) -> Result<Vec<String>, (u32, String)> {
    let nodes = nodes.join(",\n");
    let text = format!("{{\"name\": \"Ways\", \"graph\": [\n{nodes}\n]{more}}}");
    let checked = checked(&text);
    let mut found = checked.diagnostics.iter();
    if let Some(error) = found.find(|found| found.severity == Severity::Error) {
        return Err((error.line, error.code.clone()));
    }
    let recipe = checked.recipe.expect("a recipe");
    Ok(recipe.act.iter().map(|step| step.id.clone()).collect())
}

fn node(id: &str, more: &str) -> String {
    format!("{{\"id\": \"{id}\", \"run\": {{\"recipe\": \"r-{id}\"}}{more}}}")
}

#[test]
fn a_graph_runs_in_the_order_of_its_edges() {
    let (a, b, c) = (
        node("a", ", \"next\": \"b\""),
        node("b", ", \"next\": [\"c\"]"),
        node("c", ""),
    );
    let end = "{\"id\": \"over\", \"terminal\": true}";
    let abc = || Ok(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    assert_eq!(graph(&[&a, &c, &b], ""), abc());
    assert_eq!(graph(&[&c, &b, &a, end], ""), abc());
    assert_eq!(graph(&[&a, &b, &c], ""), abc());
    let plain = [node("a", ""), node("c", ""), node("b", "")];
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let edges = ", \"edges\": [{\"from\": \"b\", \"to\": \"c\"}, [\"a\", \"b\"]]";
    assert_eq!(graph(&plain, edges), abc());
    let last = node("c", ", \"next\": \"over\"");
    assert_eq!(graph(&[&last, &b, &a, end], ""), abc());
    // What needs what, without a line of its own.
    let (b, c) = (
        node("b", ", \"needs\": [\"a\"]"),
        node("c", ", \"depends_on\": \"b\""),
    );
    assert_eq!(graph(&[&c, &b, &node("a", "")], ""), abc());
}

#[test]
fn a_graph_without_one_order_is_an_error_where_its_edge_stands() {
    let node = |id: &str, next: &str| node(id, &format!(", \"next\": {next}"));
    let wrong = |line: u32| Err((line, "wrong_value".to_owned()));
    let (b, c) = (node("b", "\"c\""), node("c", "null"));
    for (nodes, line) in [
        // Two ways on, a ring, two beginnings, a node that isn't there, one with a condition.
        ([node("a", "[\"b\", \"c\"]"), b.clone(), c.clone()], 2),
        ([node("a", "\"b\""), b.clone(), node("c", "\"a\"")], 4),
        ([node("a", "\"c\""), b.clone(), c.clone()], 3),
        ([node("a", "\"d\""), b.clone(), c.clone()], 2),
        ([node("a", "{\"if\": \"x\", \"to\": \"b\"}"), b, c], 2),
    ] {
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        assert_eq!(graph(&nodes, ""), wrong(line), "{nodes:?}");
    }
}

#[test]
fn nodes_that_wait_for_one_another_are_an_error() {
    let ring = [node("a", ", \"needs\": \"b\""), node("b", ", \"needs\": \"a\"")];
    let ring: Vec<&str> = ring.iter().map(String::as_str).collect();
    assert_eq!(graph(&ring, ""), Err((2, "wrong_value".to_owned())));
}

#[test]
fn a_required_tool_is_called_as_the_steps_call_it() {
    let text = "name: O\nmcp_required: [slack_api, fax_api]\nsteps_by_agent:\n  ActAgent:\n    - {id: say, call: \
                slack_api.post_message, args: {channel: c, text: t}}\n";
    let checked = checked(text);
    let told: Vec<&str> = checked
        .diagnostics
        .iter()
        .map(|found| found.message.as_str())
        .collect();
    assert!(told.contains(&"'slack_api' is called 'slack' here"), "{told:#?}");
    assert!(
        !told.iter().any(|told| told.contains("no tool 'slack_api'")),
        "{told:#?}"
    );
    assert!(
        told.iter().any(|told| told.contains("no tool 'fax_api'")),
        "{told:#?}"
    );
}

#[test]
fn guardrails_bring_limits_of_whole_calls_a_minute() {
    let text = "{\"id\": \"g\", \"rate_limits\": {\"mcp-slack\": {\"rpm\": 60}, \"zoom\": 5, \"servicenow\": \
                {\"rps\": 1}, \"fax\": {\"rpm\": 1}, \"local\": 0}}";
    let checked = checked(text);
    let [Brings::Guardrails(set)] = checked.brings.as_slice() else {
        panic!("{:?}", checked.brings)
    };
    assert_eq!(set.limits, [("slack".to_owned(), 60), ("zoom".to_owned(), 5)]);
    let dropped = checked
        .diagnostics
        .iter()
        .filter(|found| found.code == "older_dropped");
    assert_eq!(dropped.count(), 4, "{:#?}", checked.diagnostics);
}
