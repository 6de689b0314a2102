//! One call's surroundings: who calls, under which key, until when, and the way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ports::SendGuard;
use serde::de::DeserializeOwned;
use types::{Clock, Failure, LabelMap, Mode, RunId, TenantId, Timestamp};

use crate::http::{Http, Incoming, Ready, Request, Response, redirect};
use crate::marker::marker;
use crate::{CallError, Endpoint, Endpoints};

/// The longest that a request which only adorns the answer may take, in milliseconds.
const SIDE_REQUEST_MS: u64 = 2000;

/// The most redirects of one read that are followed.
const MOST_HOPS: usize = 5;

/// What a connector sees of one call.
pub struct CallContext {
    /// Whose call.
    pub tenant: TenantId,
    /// The run; none for a health check.
    pub run: Option<RunId>,
    /// Mock or real.
    pub mode: Mode,
    /// The idempotency key of the permit; the same for every attempt.
    pub key: String,
    /// The call is given up at this instant.
    pub deadline: Timestamp,
    /// Where the arguments came from.
    pub labels: LabelMap,
    /// What people answered to the tool's questions of earlier attempts, if it asked any.
    pub answers: Option<types::Answers>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) through: Option<String>,
    pub(crate) guard: Arc<dyn SendGuard>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) http: Arc<Http>,
    pub(crate) endpoints: Arc<dyn Endpoints>,
    /// How long the tool has asked to be let alone, in milliseconds; 0 if it hasn't.
    pub(crate) let_alone_ms: AtomicU64,
    /// Whether an effect may be under way: set before its first byte, taken back by a refusal.
    pub(crate) sent: AtomicBool,
}

impl CallContext {
    /// The current instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The text by which an effect of this call is found again.
    pub fn marker(&self) -> String {
        marker(&self.key)
    }

    /// Before this instant nothing of this run can have happened: its creation (ids are ordered by
    /// time) less five minutes for clocks that differ.
    pub fn began_after(&self) -> Timestamp {
        let millis = self.run.map_or(0, |run| {
            run.as_bytes()[..6]
                .iter()
                .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte))
        });
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(0)) - 5 * 60 * 1000
    }

    /// Where the call goes, of the tool's routes; empty if it has none.
    pub fn through(&self) -> &str {
        self.through.as_deref().unwrap_or_default()
    }

    /// Where the tool lives.
    ///
    /// # Errors
    /// `tool_not_configured` if the connector said that it isn't remote.
    pub fn endpoint(&self) -> Result<&Endpoint, CallError> {
        self.endpoint.as_ref().ok_or_else(|| {
            CallError::refused(Failure::new("tool_not_configured", "the tool has no endpoint"))
        })
    }

    /// A setting that the tool goes by; `None` if nobody has set it.
    ///
    /// # Errors
    /// `setting_invalid` if its value is of another type, or settings can't be read.
    pub async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CallError> {
        let asked = self.endpoints.setting(self.tenant, key).await;
        let Some(value) = asked.map_err(CallError::refused)? else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|error| {
            let message = format!("the stored setting {key} can't be read: {error}");
            let hint = format!("set it again with `agentops setting set {key} …`");
            CallError::refused(Failure::new("setting_invalid", message).hint(hint))
        })
    }

    /// Sends one request and reads the whole answer, whatever its status. The guard is asked
    /// directly before; nothing is retried, and only reads are redirected.
    ///
    /// # Errors
    /// `Failed` if nothing was sent, `Unknown` if the answer was lost, too long or late.
    pub async fn send(&self, request: &Request) -> Result<Response, CallError> {
        let mut response = self.exchange(self.endpoint()?, request).await?;
        let mut hop = None;
        for _ in 0..MOST_HOPS {
            let (endpoint, asked) = match &hop {
                None => (self.endpoint()?, request),
                Some((endpoint, asked)) => (endpoint, asked),
            };
            match redirect::next(endpoint, asked, &response)? {
                None => return Ok(response),
                Some((endpoint, asked)) => {
                    response = self.exchange(&endpoint, &asked).await?;
                    hop = Some((endpoint, asked));
                }
            }
        }
        match &hop {
            Some((endpoint, asked)) if redirect::next(endpoint, asked, &response)?.is_some() => {
                Err(redirect::too_many(MOST_HOPS))
            }
            _ => Ok(response),
        }
    }

    async fn exchange(&self, endpoint: &Endpoint, request: &Request) -> Result<Response, CallError> {
        let ready = self.http.prepare(endpoint, request)?;
        let limit = request
            .is_side()
            .then(|| SIDE_REQUEST_MS.min(self.deadline.since(self.now()) / 2));
        if request.is_effect() {
            self.begin_effect()?;
        } else {
            self.may_send()?;
        }
        let sent = ready.send(limit).await.inspect_err(|error| {
            if request.is_effect() && matches!(error, CallError::Failed { .. }) {
                self.refused();
            }
        });
        if let Ok(response) = &sent
            && let Some(wait) = response.let_alone_ms(self.now())
        {
            self.let_alone_ms.store(wait, Ordering::SeqCst);
        }
        sent
    }

    /// A request of this call that can go out later, when nobody waits for the call any more.
    pub(crate) fn prepare(&self, request: &Request) -> Result<Ready, CallError> {
        self.http.prepare(self.endpoint()?, request)
    }

    /// As [`CallContext::send`], but leaves the answer's body to be read as it comes.
    pub(crate) async fn open(&self, request: &Request) -> Result<Incoming, CallError> {
        let ready = self.http.prepare(self.endpoint()?, request)?;
        if request.is_effect() {
            self.begin_effect()?;
        } else {
            self.may_send()?;
        }
        ready.open().await.inspect_err(|error| {
            if request.is_effect() && matches!(error, CallError::Failed { .. }) {
                self.refused();
            }
        })
    }

    /// Must be called directly before an effect begins that isn't a [`Request`].
    ///
    /// # Errors
    /// The guard forbids it: nothing may be sent.
    pub fn begin_effect(&self) -> Result<(), CallError> {
        self.may_send()?;
        self.sent.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Says that the effect that was sent is known not to have happened.
    pub fn refused(&self) {
        self.sent.store(false, Ordering::SeqCst);
    }

    /// Whether an effect may be under way.
    pub(crate) fn may_have_happened(&self) -> bool {
        self.sent.load(Ordering::SeqCst)
    }

    /// Must be called directly before anything is sent that isn't a [`Request`] and changes nothing.
    pub(crate) fn may_send(&self) -> Result<(), CallError> {
        self.guard.may_send().map_err(CallError::retryable)
    }
}
