//! The limits that hold for a tool: what is set for it, for all, and what ships.

use types::{CallLimit, CallLimits, Millis};

use super::circuit::Rule;

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

/// The limits of one tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) per_minute: u32,
    pub(super) at_once: u32,
    pub(super) circuit: Rule,
}

/// What holds for `tool`.
pub(super) fn limits(set: &CallLimits, tool: &str) -> Limits {
    let own = set.get(tool).copied().unwrap_or_default();
    let all = set.get("*").copied().unwrap_or_default();
    let by_tool = SHIPPED_BY_TOOL.iter().find(|(name, _)| *name == tool);
    let by_tool = by_tool.map(|(_, limit)| *limit).unwrap_or_default();
    let limit = own.or(all).or(by_tool).or(SHIPPED);
    Limits {
        per_minute: limit.per_minute.unwrap_or(1).max(1),
        at_once: limit.at_once.unwrap_or(1).max(1),
        circuit: Rule {
            failures: limit.failures.unwrap_or(1).max(1),
            open_ms: Millis::from(limit.open_s.unwrap_or(1).max(1)) * 1000,
        },
    }
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
    fn the_nearest_word_on_a_limit_holds() {
        let limit = |per_minute| CallLimit {
            per_minute,
            ..CallLimit::default()
        };
        let set = CallLimits::from([
            ("zoom".to_owned(), limit(Some(5))),
            ("slack".to_owned(), limit(None)),
            ("*".to_owned(), limit(Some(50))),
        ]);
        for (tool, expected) in [("zoom", 5), ("slack", 50), ("web_search", 50), ("fax", 50)] {
            assert_eq!(limits(&set, tool).per_minute, expected, "{tool}");
        }
        let none = CallLimits::default();
        assert_eq!(limits(&none, "web_search").per_minute, 60);
        assert_eq!(limits(&none, "zoom").per_minute, 600);
        assert_eq!(limits(&none, "zoom").circuit.open_ms, 30_000);
    }
}
