//! In front of every call: how many calls of a tool may begin in a minute and be under way at once,
//! and whether its circuit is closed. What is turned away here was never sent, and is known not to
//! have happened.

mod circuit;
mod limits;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use types::{CallLimits, Clock, Failure, HeldBack, Millis, Mode, TenantId, Timestamp};

use crate::{CallContext, CallError, Connector, origin_of};
use circuit::{Circuit, Shown, Why};
use limits::{Limits, limits};
use window::Window;

/// When it is worth asking a tool again that has too many calls under way, in milliseconds.
const BUSY_MS: Millis = 200;
/// Tools remembered at a time, each for one tenant and mode.
const MOST_TOOLS: usize = 4_096;
/// Origins in trouble remembered for one tool.
const MOST_ORIGINS: usize = 256;

/// Whose calls share their limits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) mode: Mode,
    pub(crate) tool: String,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The origin, such as `https://slack.com`.
    pub(crate) origin: String,
    /// Whether all calls of the tool go there, so that its trouble is the tool's.
    pub(crate) only: bool,
}

/// All that is known of calls to the outside.
pub(crate) struct Outside {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    set: CallLimits,
    tools: BTreeMap<Caller, Tool>,
}

/// One tool.
#[derive(Default)]
struct Tool {
    window: Window,
    under_way: u32,
    /// Circuits that aren't as new, by origin.
    circuits: BTreeMap<String, Circuit>,
    /// Where all its calls went last.
    only: Option<String>,
}

/// A call that was let through. Dropping it without an end says nothing of the tool.
pub(crate) struct Entry {
    outside: Arc<Outside>,
    caller: Caller,
    origin: String,
    tried: bool,
    ended: bool,
}

impl Caller {
    /// Whose limits a call counts against: those of the tool that it really goes to.
    pub(crate) fn of(ctx: &CallContext, tool: &str) -> Self {
        Self {
            tenant: ctx.tenant,
            mode: ctx.mode,
            tool: ctx.through.as_deref().unwrap_or(tool).to_owned(),
        }
    }
}

impl Target {
    /// Where a call goes; `None` if it stays on this machine.
    pub(crate) fn of(connector: &dyn Connector, ctx: &CallContext, args: &Value) -> Option<Self> {
        if let Some(origin) = connector.origin(args) {
            return Some(Target { origin, only: false });
        }
        let base_url = &ctx.endpoint.as_ref()?.base_url;
        let origin = origin_of(base_url).unwrap_or_else(|| base_url.clone());
        Some(Target { origin, only: true })
    }
}

impl Outside {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
        }
    }

    /// Replaces the limits; calls under way go on.
    pub(crate) fn set_limits(&self, set: CallLimits) {
        self.inner().set = set;
    }

    /// Forgets what tools did: they live elsewhere now.
    pub(crate) fn forget_trouble(&self) {
        self.inner().tools.values_mut().for_each(|tool| {
            tool.circuits.clear();
            tool.only = None;
        });
    }

    /// Lets a call through, or says why it must wait.
    ///
    /// # Errors
    /// `circuit_open`, `tool_closed`, `tool_busy` or `call_limit_reached`, each with how long to wait.
    pub(crate) fn enter(self: &Arc<Self>, caller: Caller, target: Target) -> Result<Entry, CallError> {
        let now = self.clock.now();
        let mut inner = self.inner();
        let limits = limits(&inner.set, &caller.tool);
        make_room(&mut inner.tools, now);
        let tool = inner.tools.entry(caller.clone()).or_default();
        if target.only {
            tool.only = Some(target.origin.clone());
        }
        if let Some((until, why)) = tool.shut_until(&target.origin, now) {
            return Err(shut(&caller.tool, &target.origin, until, why, now));
        }
        if let Some((until, failure)) = tool.full_until(&caller.tool, &limits, now) {
            return Err(held(failure, until, now));
        }
        let tried = tool.circuits.get_mut(&target.origin).is_some_and(Circuit::begin);
        tool.window.begin(now);
        tool.under_way += 1;
        drop(inner);
        Ok(Entry {
            outside: Arc::clone(self),
            caller,
            origin: target.origin,
            tried,
            ended: false,
        })
    }

    /// The tools that no call gets through to now, when it is worth asking again, and why.
    pub(crate) fn held_back(&self, tenant: TenantId, mode: Mode) -> BTreeMap<String, HeldBack> {
        let now = self.clock.now();
        let mut guard = self.inner();
        let Inner { set, tools } = &mut *guard;
        let mine = tools
            .iter_mut()
            .filter(|(caller, _)| caller.tenant == tenant && caller.mode == mode);
        mine.filter_map(|(caller, tool)| {
            let shut = tool.only.clone().and_then(|only| {
                let (until, why) = tool.shut_until(&only, now)?;
                Some((until, shut_failure(&caller.tool, &only, why)))
            });
            let (until, failure) = match shut {
                Some(shut) => shut,
                None => tool.full_until(&caller.tool, &limits(set, &caller.tool), now)?,
            };
            Some((caller.tool.clone(), HeldBack { until, failure }))
        })
        .collect()
    }

    /// What a call that wasn't let in by [`Outside::enter`] has shown, such as a health check.
    pub(crate) fn saw<T>(
        &self,
        caller: &Caller,
        target: &Target,
        result: &Result<T, CallError>,
        wait: Millis,
    ) {
        let shown = shown(result, wait);
        if shown == Shown::Ill {
            // Calls find that out by themselves; looking again and again must not keep them from the tool.
            return;
        }
        let now = self.clock.now();
        let mut inner = self.inner();
        let rule = limits(&inner.set, &caller.tool).circuit;
        make_room(&mut inner.tools, now);
        let tool = inner.tools.entry(caller.clone()).or_default();
        if target.only {
            tool.only = Some(target.origin.clone());
        }
        // Whoever asks by hand tries the tool, whether the circuit is due for it or not.
        tool.end(&target.origin, true, shown, rule, now);
    }

    /// What is in the way of a tool's calls at an origin, in words.
    pub(crate) fn trouble(&self, caller: &Caller, target: &Target) -> Option<String> {
        let now = self.clock.now();
        let mut inner = self.inner();
        let tool = inner.tools.get_mut(caller)?;
        let (until, why) = tool.shut_until(&target.origin, now)?;
        let seconds = until.since(now).div_ceil(1000);
        Some(match why {
            Why::Failures(count) => {
                let failures = if count == 1 { "failure" } else { "failures" };
                format!("the circuit is open for {seconds} s more, after {count} {failures} in a row")
            }
            Why::Asked => format!("it has asked to be let alone for {seconds} s more"),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tool {
    fn shut_until(&mut self, origin: &str, now: Timestamp) -> Option<(Timestamp, Why)> {
        self.circuits.get_mut(origin)?.shut_until(now)
    }

    fn full_until(&mut self, name: &str, limits: &Limits, now: Timestamp) -> Option<(Timestamp, Failure)> {
        if self.under_way >= limits.at_once {
            let message = format!(
                "{name} has {} calls under way, as many as it may have",
                self.under_way
            );
            return Some((now + BUSY_MS, Failure::new("tool_busy", message)));
        }
        let until = self.window.full_until(limits.per_minute, now)?;
        let message = format!(
            "{name} was called {} times within a minute, as often as it may be",
            limits.per_minute
        );
        Some((until, Failure::new("call_limit_reached", message)))
    }

    fn end(&mut self, origin: &str, tried: bool, shown: Shown, rule: circuit::Rule, now: Timestamp) {
        if !self.circuits.contains_key(origin) && self.circuits.len() >= MOST_ORIGINS {
            // Which one goes doesn't matter much: it is learnt anew by a few calls.
            self.circuits.pop_first();
        }
        let circuit = self.circuits.entry(origin.to_owned()).or_default();
        circuit.end(tried, shown, rule, now);
        if circuit.is_new() {
            self.circuits.remove(origin);
        }
    }
}

impl Entry {
    /// The call has ended. `wait` is how long the tool asked to be let alone, or 0, in milliseconds.
    pub(crate) fn end<T>(mut self, result: &Result<T, CallError>, wait: Millis) {
        self.leave(shown(result, wait));
    }

    fn leave(&mut self, shown: Shown) {
        let now = self.outside.clock.now();
        let mut inner = self.outside.inner();
        let rule = limits(&inner.set, &self.caller.tool).circuit;
        if let Some(tool) = inner.tools.get_mut(&self.caller) {
            tool.under_way = tool.under_way.saturating_sub(1);
            tool.end(&self.origin, self.tried, shown, rule, now);
        }
        drop(inner);
        self.ended = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.leave(Shown::Nothing);
        }
    }
}

/// What the end of a call says of its tool. Only what came, or never came, from the tool counts: bad
/// arguments, a lost lease or an address that may not be reached say nothing.
fn shown<T>(result: &Result<T, CallError>, wait: Millis) -> Shown {
    if wait > 0 {
        return Shown::LeaveAlone(wait);
    }
    let Err(error) = result else { return Shown::Well };
    if matches!(error, CallError::NeedsInput { .. }) {
        return Shown::Well;
    }
    match error.failure().code.as_str() {
        "tool_unreachable" | "tool_failed" | "call_timed_out" | "answer_unreadable" => Shown::Ill,
        "tool_refused" | "credentials_refused" | "tool_rate_limited" | "tool_redirected" => Shown::Well,
        _ => Shown::Nothing,
    }
}

fn shut(tool: &str, origin: &str, until: Timestamp, why: Why, now: Timestamp) -> CallError {
    held(shut_failure(tool, origin, why), until, now)
}

fn shut_failure(tool: &str, origin: &str, why: Why) -> Failure {
    match why {
        Why::Failures(count) => Failure::new(
            "circuit_open",
            format!("{tool} at {origin} has failed {count} times in a row, so it is let alone for a while"),
        )
        .hint(format!("`agentops tool health {tool}` tries it at once")),
        Why::Asked => Failure::new(
            "tool_closed",
            format!("{tool} at {origin} has asked everybody to come back later"),
        ),
    }
}

fn held(failure: Failure, until: Timestamp, now: Timestamp) -> CallError {
    CallError::HeldBack {
        failure,
        retry_after_ms: until.since(now).max(1),
    }
}

fn make_room(tools: &mut BTreeMap<Caller, Tool>, now: Timestamp) {
    if tools.len() >= MOST_TOOLS {
        tools.retain(|_, tool| tool.under_way > 0 || !tool.circuits.is_empty() || !tool.window.is_empty(now));
    }
}

#[cfg(test)]
mod tests;
