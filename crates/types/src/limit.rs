//! How much a tool is asked to bear: what may be set for each tool, and within which bounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Failure, Timestamp};

/// Limits by tool; `*` stands for every tool that has none of its own.
pub type CallLimits = BTreeMap<String, CallLimit>;

/// One tool's limits. What is left out follows from `*`, and where that is silent from what ships.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimit {
    /// Calls begun in any sixty seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// Calls under way at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// Failures of the tool in a row after which its circuit opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// How long the circuit stays open at first, in seconds; each further time in a row is twice as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_s: Option<u32>,
}

/// That no call gets through to a tool now, without anybody holding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// When it is worth asking again.
    pub until: Timestamp,
    /// Why.
    pub failure: Failure,
}

impl CallLimit {
    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let bounds = [
            ("per_minute", self.per_minute, 6_000),
            ("at_once", self.at_once, 1_000),
            ("failures", self.failures, 1_000),
            ("open_s", self.open_s, 900),
        ];
        bounds.into_iter().find_map(|(name, value, most)| {
            let odd = value.filter(|value| !(1..=most).contains(value))?;
            Some(format!("{name} is a number from 1 to {most}, not {odd}"))
        })
    }

    /// These limits, with what they leave out taken from `other`.
    #[must_use]
    pub fn or(self, other: CallLimit) -> CallLimit {
        CallLimit {
            per_minute: self.per_minute.or(other.per_minute),
            at_once: self.at_once.or(other.at_once),
            failures: self.failures.or(other.failures),
            open_s: self.open_s.or(other.open_s),
        }
    }
}

/// For every tool: ten calls a second is more than people's work needs, and less than any of the
/// vendors minds.
const SHIPPED: CallLimit = CallLimit {
    per_minute: Some(600),
    at_once: Some(32),
    failures: Some(5),
    open_s: Some(30),
};

/// For tools that serve others too, or whose use costs.
const SHIPPED_BY_TOOL: &[(&str, CallLimit)] = &[
    ("email", per_minute(60)),
    ("page_fetch", per_minute(120)),
    ("web_search", per_minute(60)),
];

/// What holds for `tool`, nothing left out: what is set for it, for all tools, and what ships.
pub fn holding(set: &CallLimits, tool: &str) -> CallLimit {
    let own = set.get(tool).copied().unwrap_or_default();
    let all = set.get("*").copied().unwrap_or_default();
    let by_tool = SHIPPED_BY_TOOL.iter().find(|(name, _)| *name == tool);
    let by_tool = by_tool.map(|(_, limit)| *limit).unwrap_or_default();
    own.or(all).or(by_tool).or(SHIPPED)
}

const fn per_minute(most: u32) -> CallLimit {
    CallLimit {
        per_minute: Some(most),
        at_once: Some(8),
        failures: None,
        open_s: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_bounded_and_fill_each_others_gaps() {
        let own = CallLimit {
            per_minute: Some(30),
            ..CallLimit::default()
        };
        let rest = CallLimit {
            per_minute: Some(60),
            at_once: Some(4),
            ..CallLimit::default()
        };
        let both = own.or(rest);
        assert_eq!((both.per_minute, both.at_once), (Some(30), Some(4)));
        assert_eq!(both.problem(), None);
        for (per_minute, at_once) in [(0, 1), (6_001, 1), (1, 0), (1, 1_001)] {
            let odd = CallLimit {
                per_minute: Some(per_minute),
                at_once: Some(at_once),
                ..CallLimit::default()
            };
            assert!(odd.problem().is_some(), "{per_minute} {at_once}");
        }
    }
}
