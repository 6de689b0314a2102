//! One call of a tool by hand: a run of one step, so it passes the same door, is journaled and
//! survives like any other.

use ports::Created;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use types::{ActionSpec, Actor, Failure, Label, Lookup, Mode};

use crate::recipes::{self, SaveRecipe};
use crate::requests::RepeatKey;
use crate::runs::{self, StartRun};
use crate::{Result, Services};

/// Starts a run whose only step calls `action` with `args`; twice with one start key starts once.
///
/// # Errors
/// `unknown_action`, `inputs_invalid`, or the store can't be written.
pub async fn call(
    services: &Services,
    action: &str,
    args: Map<String, Value>,
    mode: Option<Mode>,
    start_key: Option<RepeatKey>,
    by: &Actor,
) -> Result<Created> {
    let spec = find_action(services, action)?;
    let text = text(&spec, &args);
    let slug = recipes::call_slug(&spec.name());
    let version = version(services, &slug, text).await?;
    let wish = StartRun {
        version: Some(version),
        inputs: args,
        mode,
        start_key,
        ..StartRun::new(slug, by.clone())
    };
    runs::start(services, wish).await
}

/// The action of this name or alias.
///
/// # Errors
/// `unknown_action` with the nearest name.
pub fn find_action(services: &Services, name: &str) -> Result<ActionSpec> {
    let catalog = services.tools.catalog();
    if let Lookup::Found(spec) = catalog.find(name) {
        return Ok(spec.clone());
    }
    let near = crate::names::nearest(name, catalog.names()).map(|near| format!("did you mean '{near}'?"));
    let message = format!("no configured tool offers '{}'", crate::names::cut(name));
    Err(Failure::new("unknown_action", message)
        .hint(near.unwrap_or_else(|| "see `agentops tool list`".to_owned())))
}

/// Who saves the recipes of calls.
pub(crate) fn caller() -> Actor {
    Actor::system("tool call")
}

/// The version that holds this text: an older one if there is one, so that calling again and again
/// keeps one version for each set of argument names.
async fn version(services: &Services, slug: &str, text: String) -> Result<u32> {
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    if let Ok(versions) = recipes::all_versions(services, slug).await
        && let Some(same) = versions
            .iter()
            .find(|version| version.digest == digest && version.tree.is_some())
    {
        return Ok(same.version);
    }
    let wish = SaveRecipe {
        text,
        slug: Some(slug.to_owned()),
        activate: false,
        seen: None,
        by: caller(),
        person: false,
        labels: Label::Author.into(),
    };
    let saved = recipes::save(services, wish).await?;
    if saved.runnable {
        return Ok(saved.version);
    }
    let wrong = saved
        .checked
        .diagnostics
        .iter()
        .find(|found| found.severity == recipe::Severity::Error);
    let message = wrong.map_or_else(String::new, |found| found.message.clone());
    Err(Failure::new("inputs_invalid", message).hint("`agentops tool show TOOL` lists arguments"))
}

/// The recipe of one call. JSON texts are YAML texts too, so nothing in a name can break out.
fn text(spec: &ActionSpec, args: &Map<String, Value>) -> String {
    let name = spec.name();
    let quoted = |text: &str| Value::from(text).to_string();
    let mut inputs = String::new();
    let mut with = String::new();
    for argument in args.keys() {
        let schema = spec.input.pointer(&format!(
            "/properties/{}",
            argument.replace('~', "~0").replace('/', "~1")
        ));
        let kind = schema
            .and_then(|schema| schema.get("type"))
            .and_then(Value::as_str);
        let kind = kind
            .map(|kind| format!("type: {}, ", quoted(kind)))
            .unwrap_or_default();
        inputs.push_str(&format!("  {}: {{{kind}required: true}}\n", quoted(argument)));
        with.push_str(&format!(
            "      {}: {}\n",
            quoted(argument),
            quoted(&format!("{{{{ inputs.{argument} }}}}"))
        ));
    }
    let inputs = if inputs.is_empty() {
        String::new()
    } else {
        format!("inputs:\n{inputs}")
    };
    let with = if with.is_empty() {
        String::new()
    } else {
        format!("    with:\n{with}")
    };
    format!(
        "name: {}\ndescription: {}\n{inputs}intake: []\nplan: []\nact:\n  - id: call\n    action: {}\n{with}    \
         save: result\nverify: []\noutputs:\n  result: \"{{{{ result }}}}\"\n",
        quoted(&format!("Call {name}")),
        quoted(&format!("One call of {name} by hand")),
        quoted(&name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, ann};
    use serde_json::json;
    use types::{Labeled, Outcome, RunStatus};

    fn args(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[tokio::test]
    async fn a_call_is_a_run_of_one_step() {
        let bench = testing::bench().await;
        let services = &bench.services;
        let query = || args(json!({"query": "4A\": {{ run.id }}"}));
        let run = call(services, "lookup_zoom_room", query(), None, None, &ann())
            .await
            .expect("starts")
            .run;
        let output = Labeled::new(json!({"id": "r1"}), Label::System);
        bench
            .work(&Outcome::Succeeded {
                output,
                artifacts: vec![],
            })
            .await;
        let row = runs::find(services, run).await.expect("there");
        assert_eq!(
            (row.status, row.outputs),
            (RunStatus::Succeeded, json!({"result": {"id": "r1"}}))
        );
        call(services, "zoom.find_room", query(), None, None, &ann())
            .await
            .expect("starts");
        assert_eq!(
            recipes::all_versions(services, "tool-call-zoom-find-room")
                .await
                .expect("there")
                .len(),
            1
        );
    }

    #[tokio::test]
    async fn a_wrong_call_is_refused_before_anything_runs() {
        let bench = testing::bench().await;
        let services = &bench.services;
        let failure = call(services, "zoom.find_rom", args(json!({})), None, None, &ann())
            .await
            .expect_err("unknown");
        assert_eq!(
            (failure.code.as_str(), failure.hint.as_deref()),
            ("unknown_action", Some("did you mean 'zoom.find_room'?"))
        );
        for wrong in [json!({}), json!({"quary": "x"}), json!({"query": 5})] {
            let failure = call(services, "zoom.find_room", args(wrong), None, None, &ann())
                .await
                .expect_err("wrong");
            assert_eq!(failure.code, "inputs_invalid", "{failure}");
        }
    }
}
