//! The modifiers of a step: tries, polls, failures, approvals, evidence.

use super::Reader;
use crate::diagnostic::Severity;
use crate::program::{ApprovalSpec, Evidence, OnError, OnUncertain, Retry, Until};
use crate::yaml::{Data, Node};

impl Reader<'_, '_, '_> {
    pub(super) fn retry(&mut self, node: &Node) -> Retry {
        let mut retry = Retry::default();
        if let Data::Number(..) = node.data {
            retry.max_attempts = self.attempts(node).unwrap_or(retry.max_attempts);
            return retry;
        }
        if self.map(node, "'retry'").is_none() {
            return retry;
        }
        self.keys(
            node,
            &["max_attempts", "backoff_s", "factor", "max_backoff_s"],
            "'retry'",
        );
        if let Some(attempts) = node.get("max_attempts").and_then(|node| self.attempts(node)) {
            retry.max_attempts = attempts;
        }
        if let Some(backoff) = node.get("backoff_s").and_then(|node| self.duration(node)) {
            retry.backoff_ms = backoff;
        }
        if let Some(factor) = node.get("factor").and_then(|node| self.amount(node)) {
            retry.factor = factor.clamp(1.0, 100.0);
        }
        if let Some(most) = node.get("max_backoff_s").and_then(|node| self.duration(node)) {
            retry.max_backoff_ms = most;
        }
        retry
    }

    fn attempts(&mut self, node: &Node) -> Option<u32> {
        self.count(node, 1, 100)
            .and_then(|count| u32::try_from(count).ok())
    }

    pub(super) fn until(&mut self, node: &Node) -> Option<Until> {
        let every = node.get("every_s").and_then(|node| self.duration(node));
        let Some(until) = node.get("until") else {
            if let Some(entry) = node.entries().iter().find(|entry| entry.key == "every_s") {
                self.error(
                    "missing_key",
                    entry.key_at,
                    &entry.value.path,
                    "'every_s' needs 'until' beside it",
                );
            }
            return None;
        };
        let condition = self.expression(until)?;
        Some(Until {
            condition,
            every_ms: every.unwrap_or(5_000).max(100),
        })
    }

    pub(super) fn on_error(&mut self, node: &Node) -> OnError {
        match &node.data {
            Data::List(_) => OnError::Steps(self.steps(node, "on_error")),
            Data::Text(word, _) if word == "fail" => OnError::Fail,
            Data::Text(word, _) if word == "continue" => OnError::Continue,
            _ => {
                let word = node.as_text().unwrap_or(node.kind()).to_owned();
                self.one_of(
                    node,
                    &word,
                    &["fail", "continue"],
                    "a way to go on (or a list of steps)",
                );
                OnError::Fail
            }
        }
    }

    pub(super) fn on_uncertain(&mut self, node: &Node) -> Option<OnUncertain> {
        match self.text(node)?.as_str() {
            "ask" => Some(OnUncertain::Ask),
            "redo" => Some(OnUncertain::Redo),
            "accept" => Some(OnUncertain::Accept),
            word => {
                self.one_of(node, word, &["ask", "redo", "accept"], "a way to go on");
                None
            }
        }
    }

    pub(crate) fn approval(&mut self, node: &Node) -> ApprovalSpec {
        let mut approval = ApprovalSpec::default();
        let roles = match &node.data {
            Data::Bool(true) => return approval,
            Data::Map(_) => {
                self.keys(node, &["roles", "quorum", "expires_s"], "'approval'");
                approval.quorum = node
                    .get("quorum")
                    .and_then(|node| self.count(node, 1, 20))
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or(0);
                approval.expires_ms = node.get("expires_s").and_then(|node| self.duration(node));
                node.get("roles")
            }
            _ => Some(node),
        };
        if let Some(roles) = roles {
            let nodes = if let Data::List(items) = &roles.data {
                items.as_slice()
            } else {
                std::slice::from_ref(roles)
            };
            for role in nodes {
                let Some(name) = self.text(role) else { continue };
                if let Some(groups) = self.context.groups
                    && !groups.contains(&name)
                {
                    self.unknown_group(role, &name, groups);
                }
                approval.roles.push(name);
            }
        }
        approval
    }

    pub(super) fn evidence(&mut self, node: &Node, id: &str) -> Vec<Evidence> {
        let nodes = match &node.data {
            Data::Bool(true) => {
                return vec![Evidence {
                    name: id.to_owned(),
                    value: None,
                }];
            }
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut kept = Vec::new();
        for item in nodes {
            if let Data::Map(_) = item.data {
                self.keys(item, &["name", "value"], "'evidence'");
                let value = item.get("value").map(|node| self.template(node));
                kept.extend(
                    self.required_text(item, "name")
                        .map(|name| Evidence { name, value }),
                );
            } else {
                kept.extend(self.text(item).map(|name| Evidence { name, value: None }));
            }
        }
        kept
    }

    /// A slip is an error; a group that isn't here yet only keeps the recipe from running.
    fn unknown_group(&mut self, role: &Node, name: &str, groups: &[String]) {
        let message = format!("no group or role is called '{name}'");
        let near = crate::expr::nearest(name, groups.iter().map(String::as_str));
        let severity = if near.is_some() {
            Severity::Error
        } else {
            Severity::NeedsTool
        };
        self.findings
            .add(severity, "unknown_group", role.at, &role.path, message);
        match near {
            Some(near) => self.findings.suggest(near),
            None => self
                .findings
                .suggest("make it with `agentops setting set approvals.groups`"),
        }
    }
}
