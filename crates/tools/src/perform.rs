//! One attempt, watched: the call's time, a connector that panics, and what a missing answer means.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use types::{ActionSpec, Effect, Failure, LabelMap, Labeled, Outcome, ProbeResult};

use crate::{Answer, CallContext, CallError};

/// Runs a connector's work until the call's deadline, and turns a panic into an error.
pub(crate) async fn bounded<T>(
    ctx: &CallContext,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let left = ctx.deadline.since(ctx.now());
    if left == 0 {
        return Err(timed_out("the call's time was up before it began"));
    }
    let caught = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(Duration::from_millis(left), caught).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => {
            tracing::error!("a connector panicked");
            Err(CallError::unknown(Failure::new(
                "connector_failed",
                "the connector stopped in the middle of the call; this is a defect of the connector",
            )))
        }
        Err(_elapsed) => Err(timed_out(&format!("no answer within {left} ms"))),
    }
}

fn timed_out(message: &str) -> CallError {
    CallError::unknown(Failure::new("call_timed_out", message))
}

/// What an attempt came to. Without an answer a write is in doubt only if its effect had begun.
pub(crate) fn outcome(ctx: &CallContext, spec: &ActionSpec, result: Result<Answer, CallError>) -> Outcome {
    match result {
        Ok(answer) => Outcome::Succeeded {
            output: labeled(spec, answer.output),
            artifacts: answer.artifacts,
        },
        Err(CallError::Failed {
            failure,
            retryable,
            retry_after_ms,
        }) => Outcome::Failed {
            failure,
            retryable,
            retry_after_ms,
        },
        Err(CallError::HeldBack {
            failure,
            retry_after_ms,
        }) => Outcome::HeldBack {
            failure,
            retry_after_ms,
        },
        Err(CallError::Unknown { failure }) if spec.effect != Effect::Read && !ctx.may_have_happened() => {
            Outcome::Failed {
                failure,
                retryable: true,
                retry_after_ms: None,
            }
        }
        Err(CallError::Unknown { failure }) => Outcome::Unknown { failure },
        Err(CallError::NeedsInput(asked)) => Outcome::NeedsInput {
            needed: asked.needed,
            doubt: asked.doubt,
        },
    }
}

/// What a look-up found.
pub(crate) fn found(spec: &ActionSpec, result: Result<Option<Answer>, CallError>) -> ProbeResult {
    match result {
        Ok(Some(answer)) => ProbeResult::Happened {
            output: labeled(spec, answer.output),
            artifacts: answer.artifacts,
        },
        Ok(None) => ProbeResult::Absent,
        Err(error) => ProbeResult::Unclear {
            failure: error.failure().clone(),
        },
    }
}

fn labeled(spec: &ActionSpec, output: serde_json::Value) -> Labeled {
    let labels: LabelMap = spec.label(&output);
    Labeled {
        value: output,
        labels,
    }
}
