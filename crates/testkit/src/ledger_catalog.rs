//! The tool `ledger` as the registry would describe it.

use std::collections::BTreeMap;

use serde_json::json;
use types::{ActionSpec, Catalog, Effect, Idempotency, Label, Millis, Risk, ToolSpec};

use crate::Bug;
use crate::ledger::Operation;

/// The longest one call may take; short, so that a chaos run meets many time-outs.
const TIMEOUT_MS: Millis = 600;
/// How long a marked effect may need to become visible; longer than the ledger ever delays one.
const SETTLE_MS: Millis = 450;

/// The catalogue: truthful, unless the bug is to declare everything unkeyed.
pub(crate) fn catalog(bug: Bug) -> Catalog {
    let actions = Operation::ALL.map(|operation| action(operation, bug));
    Catalog::new([ToolSpec {
        name: "ledger".to_owned(),
        description: "keeps a record of every effect".to_owned(),
        version: "1".to_owned(),
        actions: actions.into(),
    }])
}

fn action(operation: Operation, bug: Bug) -> ActionSpec {
    let reads = operation == Operation::Read;
    let truth = match operation {
        Operation::Idempotent | Operation::Read => Idempotency::Natural,
        Operation::Keyed => Idempotency::NativeKey,
        Operation::Marked => Idempotency::Marker { settle_ms: SETTLE_MS },
        Operation::Unkeyed | Operation::Probed => Idempotency::Unkeyed,
    };
    let parks = bug == Bug::ParkEverything && !reads;
    ActionSpec {
        tool: "ledger".to_owned(),
        action: operation.name().to_owned(),
        description: format!("one {} entry", operation.name()),
        aliases: Vec::new(),
        input: json!({"type": "object", "required": ["token"], "additionalProperties": false,
            "properties": {"token": {"type": "string"}}}),
        output: json!({"type": "object", "properties": {"token": {"type": "string"},
            "value": {"type": "integer"}, "seen": {"type": "integer"}}}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::from([
            ("/token".to_owned(), Label::System),
            ("/value".to_owned(), Label::System),
            ("/seen".to_owned(), Label::System),
        ]),
        effect: if reads { Effect::Read } else { Effect::Write },
        idempotency: if parks { Idempotency::Unkeyed } else { truth },
        risk: Risk::Low,
        notification: false,
        probe: operation == Operation::Probed && !parks,
        timeout_ms: TIMEOUT_MS,
    }
}
