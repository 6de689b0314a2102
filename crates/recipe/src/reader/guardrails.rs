//! Bounds of a run and its rollback, in today's form and in the older list.

use super::Reader;
use crate::check::Dialect;
use crate::program::{Guardrails, Step};
use crate::yaml::{Data, Entry, Node};

const NATIVE: &[&str] = &["timeout_s", "max_cost_usd", "rollback"];
const OLDER: &[&str] = &[
    "timeout_s",
    "timeout_minutes",
    "max_cost_usd",
    "rollback",
    "rollback_actions",
];

/// Whether the guardrails say how to roll back.
pub(super) fn mentions_rollback(root: &Node) -> bool {
    let Some(node) = root.get("guardrails") else {
        return false;
    };
    let entries = node
        .entries()
        .iter()
        .chain(node.items().iter().flat_map(|item| item.entries()));
    entries
        .filter(|entry| matches!(entry.key.as_str(), "rollback" | "rollback_actions"))
        .any(|entry| {
            !matches!(&entry.value.data, Data::Null)
                && !matches!(&entry.value.data, Data::List(steps) if steps.is_empty())
        })
}

impl Reader<'_, '_, '_> {
    pub(super) fn guardrails(&mut self, node: &Node) -> Guardrails {
        let mut guardrails = Guardrails::default();
        // A rollback may run at any point, so any name may be there.
        let saved = self.names.saved.clone();
        match &node.data {
            Data::List(items) if self.dialect == Dialect::IpavLists => {
                for item in items {
                    self.part(item, &mut guardrails);
                }
            }
            _ => self.part(node, &mut guardrails),
        }
        self.names.saved = saved;
        guardrails
    }

    fn part(&mut self, node: &Node, guardrails: &mut Guardrails) {
        if self.map(node, "guardrails").is_none() {
            return;
        }
        self.keys(
            node,
            if self.dialect == Dialect::Native {
                NATIVE
            } else {
                OLDER
            },
            "'guardrails'",
        );
        for entry in node.entries() {
            match entry.key.as_str() {
                "timeout_s" => guardrails.timeout_ms = self.duration(&entry.value),
                "timeout_minutes" => {
                    guardrails.timeout_ms = self
                        .amount(&entry.value)
                        .map(|minutes| (minutes.min(527_040.0) * 60_000.0) as u64);
                }
                "max_cost_usd" => {
                    guardrails.max_cost_microusd = self
                        .amount(&entry.value)
                        .map(|usd| (usd.min(1e9) * 1e6).round() as u64);
                }
                "rollback" | "rollback_actions" => {
                    let steps = self.rollback(entry);
                    guardrails.rollback.extend(steps);
                }
                _ => {}
            }
        }
    }

    /// Steps; in the older form also a notification or plain words, alone or in a list.
    fn rollback(&mut self, entry: &Entry) -> Vec<Step> {
        let older = self.dialect == Dialect::IpavLists;
        match &entry.value.data {
            Data::List(items) if older => items.iter().filter_map(|item| self.rollback_step(item)).collect(),
            Data::Text(..) if older => self.rollback_step(&entry.value).into_iter().collect(),
            Data::Text(text, _) => {
                self.error(
                    "wrong_value",
                    entry.value.at,
                    &entry.value.path,
                    "'rollback' is a list of steps",
                );
                self.findings
                    .suggest(format!("- notify: {}", crate::traps::quoted(text)));
                Vec::new()
            }
            _ => self.steps(&entry.value, "'rollback'"),
        }
    }

    fn rollback_step(&mut self, node: &Node) -> Option<Step> {
        let Data::Text(text, _) = &node.data else {
            return self.step(node);
        };
        let scheme = text.split(':').next().unwrap_or_default();
        let key = if matches!(scheme, "slack" | "email" | "pagerduty") {
            "notify"
        } else {
            "step"
        };
        let value = Node {
            at: node.at,
            path: node.path.clone(),
            data: node.data.clone(),
        };
        let entry = Entry {
            key: key.to_owned(),
            key_at: node.at,
            value,
        };
        self.step(&Node {
            at: node.at,
            path: node.path.clone(),
            data: Data::Map(vec![entry]),
        })
    }
}
