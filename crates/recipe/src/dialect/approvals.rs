//! Approvals and risks of older steps: each becomes an approval of today's, stricter where today has
//! no word for it, never looser.

use super::Older;
use super::action::Call;
use super::build::{self, first, many, scalar};
use crate::reader::snake_case;
use crate::yaml::{Data, Entry, Node};

/// Whose approval is needed; several of these are needed all.
#[derive(Debug, Clone)]
pub(super) struct Need {
    /// Any of these; empty is anyone who may approve.
    roles: Vec<String>,
    quorum: Option<Node>,
    expires: Option<Node>,
    at: Node,
}

/// One entry of an agent's allow-list.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    pub tool: String,
    pub name: String,
    pub needs: Vec<Need>,
}

impl Older<'_, '_, '_> {
    /// What an `approval`, `approvals` or `risk` asks for.
    pub(super) fn needs(&mut self, node: &Node) -> Vec<Need> {
        let mut needs = Vec::new();
        for entry in node.entries() {
            match entry.key.as_str() {
                "approval" | "approvals" | "approve" | "requires_approval" | "approval_required" => {
                    needs.extend(self.wished(&entry.value));
                }
                "risk" => needs.extend(self.risky(&entry.value)),
                _ => {}
            }
        }
        needs
    }

    pub(super) fn wished(&mut self, node: &Node) -> Vec<Need> {
        let anyone = || Need {
            roles: Vec::new(),
            quorum: None,
            expires: None,
            at: node.clone(),
        };
        match &node.data {
            Data::Bool(true) => vec![anyone()],
            Data::Bool(false) | Data::Null | Data::Broken => Vec::new(),
            Data::Text(word, _) => match word.to_lowercase().as_str() {
                "none" | "no" | "false" | "auto" | "automatic" | "never" | "not_required" => Vec::new(),
                "required" | "yes" | "true" | "manual" | "always" | "human" | "ask" => vec![anyone()],
                _ => vec![Need {
                    roles: vec![word.clone()],
                    ..anyone()
                }],
            },
            // Each of a list has to agree.
            Data::List(items) => items.iter().flat_map(|item| self.wished(item)).collect(),
            Data::Map(entries) => {
                if entries
                    .iter()
                    .any(|entry| entry.key == "required" && matches!(entry.value.data, Data::Bool(false)))
                {
                    return Vec::new();
                }
                const ROLES: &[&str] = &[
                    "roles",
                    "groups",
                    "role",
                    "group",
                    "approvers",
                    "by",
                    "required_roles",
                ];
                const QUORUM: &[&str] = &["quorum", "count", "min", "min_approvals"];
                const EXPIRES: &[&str] = &["expires_s", "timeout_s", "timeout", "expires"];
                for entry in entries {
                    let known = [ROLES, QUORUM, EXPIRES, &["required"]].concat();
                    if !known.contains(&entry.key.as_str()) {
                        self.left_over(entry, &known, &["note", "reason", "comment"], "an approval");
                    }
                }
                let roles =
                    first(node, ROLES).map(|roles| many(&roles.value).iter().filter_map(scalar).collect());
                vec![Need {
                    roles: roles.unwrap_or_default(),
                    quorum: first(node, QUORUM).map(|quorum| quorum.value.clone()),
                    expires: first(node, EXPIRES).map(|expires| expires.value.clone()),
                    at: node.clone(),
                }]
            }
            Data::Number(..) => vec![Need {
                quorum: Some(node.clone()),
                ..anyone()
            }],
        }
    }

    fn risky(&mut self, node: &Node) -> Vec<Need> {
        let word = scalar(node).unwrap_or_default().to_lowercase();
        match word.as_str() {
            "none" | "low" | "minimal" | "info" | "read" | "safe" => return Vec::new(),
            "medium" | "moderate" | "write" => {
                self.assumed(
                    node,
                    "a medium risk is left to this installation's rules for approvals",
                );
                return Vec::new();
            }
            "high" | "critical" | "severe" | "dangerous" | "destructive" => {}
            _ => self.assumed(
                node,
                format!("the risk '{word}' isn't known, so it is taken for a high one"),
            ),
        }
        vec![Need {
            roles: Vec::new(),
            quorum: None,
            expires: None,
            at: node.clone(),
        }]
    }

    /// The approval of a step, and the approvals before it where it needs several.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one step that is being made"
    )]
    pub(super) fn approvals(
        &mut self,
        node: &Node,
        call: Option<&Call<'_>>,
        action: Option<&str>,
        id: &str,
        when: Option<Entry>,
        entries: &mut Vec<Entry>,
        before: &mut Vec<Node>,
    ) {
        let mut needs = self.needs(node);
        if let Some(call) = call {
            needs.extend(self.of_allow_list(call));
        }
        let mut needs = distinct(needs);
        let own = if action.is_some() { needs.pop() } else { None };
        for need in needs {
            let about = format!("{id} may begin");
            before.push(self.gate(&need, id, &about, when.clone()));
        }
        if let Some(need) = own {
            entries.push(build::entry("approval", approval(&need)));
        }
    }

    /// What the agent's allow-list asks for this call. One that isn't in the list needs an approval.
    fn of_allow_list(&mut self, call: &Call<'_>) -> Vec<Need> {
        if self.allowed.is_empty() {
            return Vec::new();
        }
        let name = call.action.rsplit('.').next().unwrap_or(&call.action);
        let tool = call
            .tool
            .clone()
            .or_else(|| call.action.split_once('.').map(|(tool, _)| tool.to_owned()));
        let found = self
            .allowed
            .iter()
            .find(|allowed| allowed.name == name && tool.as_ref().is_none_or(|tool| *tool == allowed.tool));
        if let Some(found) = found {
            return found.needs.clone();
        }
        let message = format!(
            "'{}' isn't in the agent's allow-list, so it needs an approval",
            call.action
        );
        self.assumed(call.node, message);
        vec![Need {
            roles: Vec::new(),
            quorum: None,
            expires: None,
            at: call.node.clone(),
        }]
    }

    /// Approvals that must be there before an agent's first step.
    pub(super) fn gates(&mut self, node: &Node, agent: &str) -> Vec<Node> {
        let needs = distinct(self.wished(node));
        let about = format!("the steps of {agent} may begin");
        let id = snake_case(agent);
        needs
            .iter()
            .map(|need| self.gate(need, &id, &about, None))
            .collect()
    }

    /// A step that does nothing but wait for an approval and note it.
    fn gate(&mut self, need: &Need, id: &str, about: &str, when: Option<Entry>) -> Node {
        let at = &need.at;
        let whose = if need.roles.is_empty() {
            "approval".to_owned()
        } else {
            need.roles.join("_or_")
        };
        let id = self.free_id(&format!("{id}_{}", snake_case(&whose)));
        let words = match need.roles.as_slice() {
            [] => format!("Approved: {about}"),
            roles => format!("Approved by {}: {about}", roles.join(" or ")),
        };
        let with = build::map(at, vec![build::entry("text", build::text(at, words.clone()))]);
        let mut entries = vec![
            build::entry("id", build::text(at, id)),
            build::entry("title", build::text(at, words)),
            build::entry("action", build::text(at, "local.note")),
            build::entry("with", with),
        ];
        entries.extend(when);
        entries.push(build::entry("approval", approval(need)));
        build::map(at, entries)
    }
}

/// Each need once; that anyone agrees goes without saying where somebody must.
fn distinct(needs: Vec<Need>) -> Vec<Need> {
    let named = needs.iter().any(|need| !need.roles.is_empty());
    let mut kept: Vec<Need> = Vec::new();
    for need in needs {
        let anyone = need.roles.is_empty() && need.quorum.is_none();
        let same =
            |other: &Need| other.roles == need.roles && need.quorum.is_none() && need.expires.is_none();
        if (anyone && named) || kept.iter().any(same) {
            continue;
        }
        kept.push(need);
    }
    kept
}

fn approval(need: &Need) -> Node {
    let roles = need
        .roles
        .iter()
        .map(|role| build::text(&need.at, role.clone()))
        .collect();
    let mut entries = vec![build::entry("roles", build::list(&need.at, roles))];
    entries.extend(need.quorum.clone().map(|quorum| build::entry("quorum", quorum)));
    entries.extend(
        need.expires
            .clone()
            .map(|expires| build::entry("expires_s", expires)),
    );
    build::map(&need.at, entries)
}
