//! Plain HTTP connectors, as a JSON manifest describes them: `GET /health`, and `POST /action` with
//! `{"tool","action","args"}`, answered by `{"ok":true,"result":…}` or `{"ok":false,"error":…}`. The
//! call's key goes along in the header `Idempotency-Key`.

mod manifest;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::{Failure, ToolSpec};

use crate::http::{Request, clip};
use crate::{Answer, CallContext, CallError, Connector};

pub use manifest::{HttpTool, Problem, http_tool};

/// One plain HTTP tool.
pub(crate) struct Plain {
    tool: HttpTool,
}

impl Plain {
    /// The connector of a tool.
    pub(crate) fn new(tool: HttpTool) -> Self {
        Self { tool }
    }
}

#[async_trait]
impl Connector for Plain {
    fn spec(&self) -> ToolSpec {
        self.tool.spec.clone()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let body = json!({ "tool": self.tool.spec.name, "action": action, "args": args });
        // Whether an action is a read is only what the manifest says, so every call counts as an effect.
        let request = Request::post(&["action"])
            .header("idempotency-key", ctx.marker())
            .json(body)
            .effect();
        let opened = ctx
            .send(&request)
            .await?
            .accept(ctx.now(), say)
            .and_then(|response| opened(response.json()?));
        opened.map(Answer::new).inspect_err(|error| {
            if matches!(error, CallError::Failed { .. }) {
                ctx.refused();
            }
        })
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let body = ctx
            .send(&Request::get(&["health"]))
            .await?
            .accept(ctx.now(), say)?
            .json()?;
        let well = body["ok"].as_bool().unwrap_or(body["status"] == "ok");
        let detail = say(&body).or_else(|| body["detail"].as_str().map(str::to_owned));
        if well {
            return Ok(detail.map_or("ok".to_owned(), |detail| clip(&detail)));
        }
        let words = detail.unwrap_or_else(|| "no reason given".to_owned());
        Err(CallError::retryable(Failure::new(
            "tool_failed",
            format!("the tool says that it isn't well: {}", clip(&words)),
        )))
    }
}

/// The result inside the envelope.
fn opened(mut body: Value) -> Result<Value, CallError> {
    match body["ok"].as_bool() {
        Some(true) => {
            let result = body.get_mut("result").map_or(Value::Null, Value::take);
            Ok(if result.is_object() {
                result
            } else {
                json!({ "result": result })
            })
        }
        Some(false) => {
            let words = say(&body).unwrap_or_else(|| "no reason given".to_owned());
            Err(CallError::refused(Failure::new(
                "tool_refused",
                format!("the tool refused: {}", clip(&words)),
            )))
        }
        None => Err(CallError::unknown(Failure::new(
            "answer_unreadable",
            "the tool answered without saying whether it is ok",
        ))),
    }
}

fn say(body: &Value) -> Option<String> {
    let error = &body["error"];
    error
        .as_str()
        .or(error["message"].as_str())
        .or(body["message"].as_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_opened() {
        assert_eq!(
            opened(json!({"ok": true, "result": {"a": 1}})),
            Ok(json!({"a": 1}))
        );
        assert_eq!(opened(json!({"ok": true, "result": 5})), Ok(json!({"result": 5})));
        let error = opened(json!({"ok": false, "error": "no such device"})).expect_err("refused");
        assert_eq!(error.failure().message, "the tool refused: no such device");
        assert!(matches!(
            opened(json!({"result": 1})),
            Err(CallError::Unknown { .. })
        ));
    }
}
