//! Faults on demand: which requests misbehave, how, and how often.

use axum::http::Method;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::{Error, Vendor};

/// The most rules at a time.
const MAX_FAULTS: usize = 100;
/// The longest latency, and how long a time-out fault keeps a client waiting, in milliseconds.
pub(crate) const MAX_DELAY_MS: u64 = 120_000;
/// The longest `Retry-After`, in seconds.
const MAX_RETRY_AFTER_S: u32 = 86_400;

/// How a request misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// 429 in the vendor's shape; nothing is done.
    RateLimit {
        /// The `Retry-After` header, in seconds.
        retry_after_s: u32,
    },
    /// The vendor says that the token has expired; nothing is done. Zoom really forgets the token.
    ExpiredToken,
    /// An error of the server; nothing is done.
    ServerError {
        /// 500 to 599.
        status: u16,
    },
    /// The request is done and answered late; it is done even if the client leaves meanwhile.
    /// Later rules still apply after the wait.
    Latency {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// Nothing is done, and no answer comes until the client leaves or 120 seconds have passed.
    Timeout,
    /// The request is done, then the connection closes without a byte of an answer.
    LostAnswer,
    /// The request is done and answered with status 200 and text that is no JSON; on a line, with
    /// bytes that are no message.
    Rubbish,
    /// Lines only: the request is done and half of its answer sent, then the connection closes.
    HalfLine,
    /// Lines only: the request is done and answered with megabytes that never end a message.
    Flood,
}

/// A rule: requests that match it misbehave. The first rule that fires decides; latencies add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Fault {
    /// Whose requests.
    pub vendor: Vendor,
    /// Only paths that start so, with or without the vendor's prefix. `None`: all.
    pub path_prefix: Option<String>,
    /// Only this method. `None`: all.
    pub method: Option<String>,
    /// What happens.
    pub kind: FaultKind,
    /// Fires at most so often. `None`: without end.
    pub times: Option<u32>,
    /// Fires only at every so-manieth matching request. `None`: at each.
    pub every: Option<u32>,
}

/// A rule and what it has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultStatus {
    /// The rule.
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that matched.
    pub seen: u64,
    /// Requests that misbehaved because of it.
    pub fired: u64,
}

/// What the rules say about one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How long to wait first, in milliseconds.
    pub delay_ms: u64,
    /// What to do instead of an answer.
    pub kind: Option<FaultKind>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FaultStatus>);

/// A rule as JSON: flat, with the kind's own numbers beside it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    vendor: Vendor,
    kind: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    RateLimit,
    ExpiredToken,
    ServerError,
    Latency,
    Timeout,
    LostAnswer,
    Rubbish,
    HalfLine,
    Flood,
}

/// A request as the rules see it.
struct Seen<'a> {
    vendor: Vendor,
    path: &'a str,
    method: &'a str,
    /// Whether it is the one that fetches a token.
    signs_in: bool,
}

impl Fault {
    /// All requests of a vendor, every time.
    pub fn new(vendor: Vendor, kind: FaultKind) -> Self {
        Fault {
            vendor,
            path_prefix: None,
            method: None,
            kind,
            times: None,
            every: None,
        }
    }

    /// Only for paths that start with `prefix`.
    pub fn on(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only for one method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// At most `times` times.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only every `every`-th matching request.
    pub fn every(mut self, every: u32) -> Self {
        self.every = Some(every);
        self
    }

    fn check(&self) -> Result<(), String> {
        match self.kind {
            FaultKind::ServerError { status } if !(500..=599).contains(&status) => {
                return Err(format!("status {status} is no server error; give 500 to 599"));
            }
            FaultKind::Latency { ms } if ms == 0 || ms > MAX_DELAY_MS => {
                return Err(format!("latency of {ms} ms; give 1 to {MAX_DELAY_MS}"));
            }
            FaultKind::RateLimit { retry_after_s } if retry_after_s > MAX_RETRY_AFTER_S => {
                return Err(format!(
                    "retry_after_s of {retry_after_s}; give at most {MAX_RETRY_AFTER_S}"
                ));
            }
            _ => {}
        }
        let on_lines = matches!(self.kind, FaultKind::HalfLine | FaultKind::Flood);
        let on_http = matches!(
            self.kind,
            FaultKind::RateLimit { .. } | FaultKind::ExpiredToken | FaultKind::ServerError { .. }
        );
        match self.vendor.own_scheme() {
            // The mail server has its own way to say most of them.
            Some(scheme) if self.method.is_some() || (on_http && scheme == "tcp") => {
                return Err(format!(
                    "{} speaks no HTTP: this rule can't hold for it",
                    self.vendor
                ));
            }
            None if on_lines => {
                return Err(format!("{} speaks HTTP: this kind is for lines", self.vendor));
            }
            Some("smtp") if on_lines => {
                return Err(format!("{} speaks SMTP: this kind is for lines", self.vendor));
            }
            _ => {}
        }
        if self.times == Some(0) || self.every == Some(0) {
            return Err("times and every count from 1".to_owned());
        }
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        if let Some(method) = &self.method
            && !known
                .iter()
                .any(|known| known.as_str().eq_ignore_ascii_case(method))
        {
            return Err(format!(
                "method '{method}' is not known; give GET, POST, PUT, PATCH or DELETE"
            ));
        }
        Ok(())
    }

    fn matches(&self, seen: &Seen<'_>) -> bool {
        let below = seen.path.strip_prefix(seen.vendor.prefix()).unwrap_or(seen.path);
        let path = self.path_prefix.as_ref().is_none_or(|prefix| {
            seen.path.starts_with(prefix.as_str()) || below.starts_with(prefix.as_str())
        });
        let method = self
            .method
            .as_ref()
            .is_none_or(|method| method.eq_ignore_ascii_case(seen.method));
        // The token endpoint is where a client goes to mend an expired token; it presents none.
        let sense = self.kind != FaultKind::ExpiredToken || !seen.signs_in;
        self.vendor == seen.vendor && path && method && sense
    }
}

impl Faults {
    /// Puts these rules in place of the old ones; all or none.
    pub(crate) fn set(&mut self, rules: Vec<Fault>) -> Result<(), Error> {
        if rules.len() > MAX_FAULTS {
            let reason = format!("{} rules; at most {MAX_FAULTS} are kept", rules.len());
            return Err(Error::BadFault { position: 0, reason });
        }
        for (index, rule) in rules.iter().enumerate() {
            rule.check().map_err(|reason| Error::BadFault {
                position: index + 1,
                reason,
            })?;
        }
        self.0 = rules
            .into_iter()
            .map(|fault| FaultStatus {
                fault,
                seen: 0,
                fired: 0,
            })
            .collect();
        Ok(())
    }

    pub(crate) fn list(&self) -> Vec<FaultStatus> {
        self.0.clone()
    }

    /// What happens to this call; counts it.
    pub(crate) fn verdict(&mut self, call: &Call) -> Verdict {
        self.judge(&Seen {
            vendor: call.vendor,
            path: &call.full_path,
            method: call.method.as_str(),
            signs_in: call
                .parts
                .first()
                .is_some_and(|part| matches!(part.as_str(), "oauth" | "token")),
        })
    }

    /// What happens to a request that came over a line; counts it.
    pub(crate) fn verdict_of(&mut self, vendor: Vendor, path: &str) -> Verdict {
        self.judge(&Seen {
            vendor,
            path,
            method: "",
            signs_in: false,
        })
    }

    fn judge(&mut self, seen: &Seen<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for status in &mut self.0 {
            let done = status
                .fault
                .times
                .is_some_and(|times| status.fired >= u64::from(times));
            if done || !status.fault.matches(seen) {
                continue;
            }
            status.seen += 1;
            if !status
                .seen
                .is_multiple_of(u64::from(status.fault.every.unwrap_or(1)))
            {
                continue;
            }
            status.fired += 1;
            if let FaultKind::Latency { ms } = status.fault.kind {
                verdict.delay_ms = (verdict.delay_ms + ms).min(MAX_DELAY_MS);
                continue;
            }
            verdict.kind = Some(status.fault.kind);
            break;
        }
        verdict
    }
}

impl TryFrom<Wire> for Fault {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let kind = match wire.kind {
            Name::RateLimit => FaultKind::RateLimit {
                retry_after_s: wire.retry_after_s.ok_or("rate_limit needs retry_after_s")?,
            },
            Name::ServerError => FaultKind::ServerError {
                status: wire.status.ok_or("server_error needs status")?,
            },
            Name::Latency => FaultKind::Latency {
                ms: wire.ms.ok_or("latency needs ms")?,
            },
            Name::ExpiredToken => FaultKind::ExpiredToken,
            Name::Timeout => FaultKind::Timeout,
            Name::LostAnswer => FaultKind::LostAnswer,
            Name::Rubbish => FaultKind::Rubbish,
            Name::HalfLine => FaultKind::HalfLine,
            Name::Flood => FaultKind::Flood,
        };
        let strays = [
            (
                wire.retry_after_s.is_some() && !matches!(kind, FaultKind::RateLimit { .. }),
                "retry_after_s",
            ),
            (
                wire.status.is_some() && !matches!(kind, FaultKind::ServerError { .. }),
                "status",
            ),
            (
                wire.ms.is_some() && !matches!(kind, FaultKind::Latency { .. }),
                "ms",
            ),
        ];
        if let Some((_, name)) = strays.iter().find(|(stray, _)| *stray) {
            return Err(format!("{name} doesn't go with this kind of fault"));
        }
        Ok(Fault {
            vendor: wire.vendor,
            path_prefix: wire.path_prefix,
            method: wire.method,
            kind,
            times: wire.times,
            every: wire.every,
        })
    }
}

impl From<Fault> for Wire {
    fn from(fault: Fault) -> Self {
        let mut wire = Wire {
            vendor: fault.vendor,
            kind: Name::Timeout,
            path_prefix: fault.path_prefix,
            method: fault.method,
            retry_after_s: None,
            status: None,
            ms: None,
            times: fault.times,
            every: fault.every,
        };
        wire.kind = match fault.kind {
            FaultKind::RateLimit { retry_after_s } => {
                wire.retry_after_s = Some(retry_after_s);
                Name::RateLimit
            }
            FaultKind::ServerError { status } => {
                wire.status = Some(status);
                Name::ServerError
            }
            FaultKind::Latency { ms } => {
                wire.ms = Some(ms);
                Name::Latency
            }
            FaultKind::ExpiredToken => Name::ExpiredToken,
            FaultKind::Timeout => Name::Timeout,
            FaultKind::LostAnswer => Name::LostAnswer,
            FaultKind::Rubbish => Name::Rubbish,
            FaultKind::HalfLine => Name::HalfLine,
            FaultKind::Flood => Name::Flood,
        };
        wire
    }
}
