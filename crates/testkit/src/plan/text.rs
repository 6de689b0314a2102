//! A plan in the recipe language. JSON is YAML, so the text is built as a value.

use serde_json::{Map, Value, json};

use super::{Call, Node, OnError, Plan};

/// The recipe's text; `all` are the recipes that child steps name by position.
pub fn text(plan: &Plan, all: &[Plan]) -> String {
    let [first, second, third] = &plan.phases;
    let block = |nodes: &[Node]| -> Value { nodes.iter().flat_map(|node| steps(node, all)).collect() };
    let rollback: Vec<Value> = plan.rollback.iter().map(|call| step(call, false)).collect();
    let whole = json!({
        "name": plan.slug,
        "description": "random steps against the ledger",
        "inputs": {"token": {"type": "string", "required": true}},
        "intake": [],
        "plan": block(first),
        "act": block(second),
        "verify": block(third),
        "guardrails": {"rollback": rollback},
    });
    format!("{whole:#}")
}

fn steps(node: &Node, all: &[Plan]) -> Vec<Value> {
    match node {
        Node::Call(call) => vec![step(call, false)],
        Node::Each { call, items } => {
            let mut step = step(call, true);
            step["for_each"] = (0..*items).collect();
            vec![step]
        }
        Node::Gate { read, then } => {
            let mut first = step(read, false);
            first["save"] = json!(format!("r_{}", read.id));
            let mut second = step(then, false);
            second["when"] = json!(format!("r_{}.value >= 5", read.id));
            vec![first, second]
        }
        Node::Poll { read, seen } => {
            let mut step = step(read, false);
            step["save"] = json!(format!("r_{}", read.id));
            step["until"] = json!(format!("r_{}.seen >= {seen}", read.id));
            step["every_s"] = json!(0.1);
            vec![step]
        }
        Node::Parallel { id, branches, most } => {
            let branches: Vec<Vec<Value>> = branches
                .iter()
                .map(|branch| branch.iter().flat_map(|node| steps(node, all)).collect())
                .collect();
            let mut step = json!({"id": id, "parallel": branches});
            if let Some(most) = most {
                step["max_concurrency"] = json!(most);
            }
            vec![step]
        }
        Node::Child { id, plan } => {
            let inputs = json!({"token": format!("{{{{ inputs.token }}}}/{id}")});
            vec![json!({"id": id, "run": all[*plan].slug, "with": inputs})]
        }
        Node::Wait { id, millis } => vec![json!({"id": id, "wait": format!("{millis}ms")})],
    }
}

fn step(call: &Call, in_loop: bool) -> Value {
    let item = if in_loop { "[{{ item }}]" } else { "" };
    let mut step = Map::new();
    step.insert("id".to_owned(), json!(call.id));
    step.insert(
        "action".to_owned(),
        json!(format!("ledger.{}", call.operation.name())),
    );
    let token = format!("{{{{ inputs.token }}}}/{}{item}", call.id);
    step.insert("with".to_owned(), json!({"token": token}));
    // Refusals before sending count as failures, and a stopped process may meet several.
    let retry = json!({"max_attempts": 40, "backoff_s": 0.05, "factor": 2, "max_backoff_s": 0.5});
    step.insert("retry".to_owned(), retry);
    match &call.on_error {
        OnError::Fail => {}
        OnError::Continue => {
            step.insert("on_error".to_owned(), json!("continue"));
        }
        OnError::Steps(steps) => {
            let steps: Vec<Value> = steps.iter().map(|call| self::step(call, in_loop)).collect();
            step.insert("on_error".to_owned(), json!(steps));
        }
    }
    if let Some(undo) = &call.undo {
        step.insert("undo".to_owned(), json!([self::step(undo, in_loop)]));
    }
    Value::Object(step)
}
