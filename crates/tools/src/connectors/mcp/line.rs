//! What is said over a line to a server, whichever kind of line it is: the list of its tools, and a
//! call with what may come back instead of its answer.

use async_trait::async_trait;
use ports::McpTool;
use serde_json::{Map, Value};
use types::{Answers, Failure};

use super::question::{self, Desk, Required};
use super::wire::{INVALID_PARAMS, Protocol, Reply, URL_NEEDED};
use super::{result, session};
use crate::{Answer, CallContext, CallError};

/// How often a server may want a call made again without anybody being asked.
const ROUNDS: usize = 5;

/// One request.
pub(super) struct Ask<'a> {
    /// What is asked.
    pub(super) method: &'static str,
    /// With what.
    pub(super) params: Map<String, Value>,
    /// The tool that is called and its arguments; none for what changes nothing.
    pub(super) call: Option<(&'a McpTool, &'a Value)>,
}

/// A way to ask a server something.
#[async_trait]
pub(super) trait Line: Send {
    /// Asks, and serves what the server asks meanwhile.
    async fn ask(&mut self, ctx: &CallContext, ask: Ask<'_>, desk: &mut Desk<'_>)
    -> Result<Reply, CallError>;
}

/// Everything that a server lists, page by page.
pub(super) async fn list(
    line: &mut dyn Line,
    ctx: &CallContext,
    desk: &mut Desk<'_>,
) -> Result<Vec<Value>, CallError> {
    let mut tools = Vec::new();
    let mut cursor = None;
    for _ in 0..session::MOST_PAGES {
        let ask = Ask {
            method: "tools/list",
            params: session::page(cursor.as_deref()),
            call: None,
        };
        let reply = line.ask(ctx, ask, desk).await?;
        cursor = session::take_page(reply, &mut tools)?;
        if cursor.is_none() {
            break;
        }
    }
    Ok(tools)
}

/// Makes a call.
pub(super) async fn call(
    line: &mut dyn Line,
    ctx: &CallContext,
    protocol: &Protocol,
    tool: &McpTool,
    args: &Value,
    changed: &mut bool,
) -> Result<Answer, CallError> {
    let mut carried = ctx.answers.clone();
    let mut refused_with: Option<Answers> = None;
    let mut state: Option<String> = None;
    for _ in 0..ROUNDS {
        let answers = carried.as_ref();
        let mut desk = Desk::new(answers);
        let ask = Ask {
            method: "tools/call",
            params: session::call(protocol, tool, args, answers, state.as_deref()),
            call: Some((tool, args)),
        };
        let reply = line.ask(ctx, ask, &mut desk).await;
        *changed |= desk.changed;
        let answer = match reply? {
            Err(error) if error.code == URL_NEEDED => return Err(visit_first(&error.data, answers)),
            // It may have lost what it gave with its questions, such as by a restart: then it asks them
            // anew, and people needn't answer the same twice.
            Err(error) if error.code == INVALID_PARAMS && resumes(protocol, answers) => {
                refused_with = carried.take();
                state = None;
                continue;
            }
            Err(error) => Err(result::refused(&error)),
            Ok(given) => match (result::kind(&given), protocol) {
                ("complete", _) => result::answer(tool, given),
                ("input_required", Protocol::Stateless) => match question::required(&given) {
                    Ok(Required::People(needed)) => {
                        let before = refused_with.take();
                        carried = before.and_then(|before| question::answered_before(&before, &needed));
                        if carried.is_none() {
                            return Err(CallError::needs_input(needed, None));
                        }
                        continue;
                    }
                    Ok(Required::Again(wanted)) => {
                        state = Some(wanted);
                        continue;
                    }
                    Err(why) => return Err(CallError::refused(result::unusable_question(&why))),
                },
                (kind, _) => Err(result::unknown_kind(kind)),
            },
        };
        return settled(tool, desk, answer);
    }
    let message = format!(
        "the server wanted {} made again {ROUNDS} times without a reason",
        tool.name
    );
    Err(CallError::refused(Failure::new("tool_refused", message)))
}

/// Whether a call goes on where an earlier attempt of it met questions.
fn resumes(protocol: &Protocol, answers: Option<&Answers>) -> bool {
    *protocol == Protocol::Stateless && answers.is_some_and(|answers| !answers.given.is_empty())
}

/// What a call came to, given what the server asked while it was under way.
fn settled(tool: &McpTool, desk: Desk<'_>, answer: Result<Answer, CallError>) -> Result<Answer, CallError> {
    let needed = match desk.needed() {
        Ok(None) => return answer,
        Ok(Some(needed)) => needed,
        Err(why) => {
            let failure = result::unusable_question(&why);
            return Err(match answer {
                Err(CallError::Failed { .. }) => CallError::refused(failure),
                _ => CallError::unknown(failure),
            });
        }
    };
    let doubt = match answer {
        Ok(answer) => Some(result::went_on(&tool.name, &answer)),
        Err(CallError::Failed { .. }) => None,
        Err(error) => Some(error.failure().clone()),
    };
    Err(CallError::needs_input(needed, doubt))
}

/// A server that wants places visited first refuses until that is done.
fn visit_first(data: &Value, answers: Option<&Answers>) -> CallError {
    let needed = match question::of_urls(data) {
        Ok(needed) => needed,
        Err(why) => return CallError::refused(result::unusable_question(&why)),
    };
    let given = |key: &str| answers.and_then(|answers| answers.given.get(key));
    if needed
        .questions
        .iter()
        .all(|question| given(&question.key).is_some())
    {
        let message = "the server still wants a place visited that a person has answered for";
        return CallError::refused(Failure::new("tool_refused", message));
    }
    CallError::needs_input(needed, None)
}
