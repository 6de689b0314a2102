//! Reads the embedded specifications of connectors and adds every other name an action goes by.

use serde::Deserialize;
use serde_json::Value;
use types::{ActionSpec, ToolSpec};

use crate::aliases;

/// A specification as it stands in a connector's folder; the actions leave out the tool's name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embedded {
    name: String,
    description: String,
    version: String,
    actions: Vec<serde_json::Map<String, Value>>,
}

/// The specification in `text`, which is part of this binary.
pub(crate) fn embedded(text: &str) -> ToolSpec {
    let Embedded {
        name,
        description,
        version,
        actions,
    } = serde_json::from_str(text).expect("an embedded specification is read by a test");
    let actions = actions
        .into_iter()
        .map(|mut action| {
            action.insert("tool".to_owned(), name.clone().into());
            let mut spec: ActionSpec =
                serde_json::from_value(Value::Object(action)).expect("an embedded action is read by a test");
            aliases::extend(&mut spec);
            spec
        })
        .collect();
    ToolSpec {
        name,
        description,
        version,
        actions,
    }
}
