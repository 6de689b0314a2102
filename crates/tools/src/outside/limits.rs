//! The limits that hold for a tool: what is set for it, for all, and what ships.

use types::{CallLimits, Millis};

use super::circuit::Rule;

/// The limits of one tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) per_minute: u32,
    pub(super) at_once: u32,
    pub(super) circuit: Rule,
}

/// What holds for `tool`.
pub(super) fn limits(set: &CallLimits, tool: &str) -> Limits {
    let limit = types::holding(set, tool);
    Limits {
        per_minute: limit.per_minute.unwrap_or(1).max(1),
        at_once: limit.at_once.unwrap_or(1).max(1),
        circuit: Rule {
            failures: limit.failures.unwrap_or(1).max(1),
            open_ms: Millis::from(limit.open_s.unwrap_or(1).max(1)) * 1000,
        },
    }
}

#[cfg(test)]
mod tests {
    use types::CallLimit;

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
