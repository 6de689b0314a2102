//! The pure half of the door: request and facts in, verdict out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use types::{ActionSpec, Actor, ApprovalId, Digest, Failure, Labeled, Millis, Mode, RunId, Timestamp};

use crate::{Matrix, Rule, Schemas};

/// An approval that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Groups or roles, any of which may approve; empty is anyone who may approve.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How many different people must approve.
    pub quorum: u32,
    /// After how long the request lapses, in milliseconds.
    pub expires_ms: Millis,
}

impl Default for Need {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            quorum: 1,
            expires_ms: 24 * 60 * 60 * 1000,
        }
    }
}

impl Need {
    /// The stricter of both in every respect: where both name groups, those that both name. `None` if
    /// both name groups and share none, for then nobody could approve for both.
    #[must_use]
    pub fn and(self, other: &Need) -> Option<Need> {
        let shared: Vec<String> = self
            .groups
            .iter()
            .filter(|g| other.groups.contains(g))
            .cloned()
            .collect();
        let groups = match (self.groups.is_empty(), other.groups.is_empty()) {
            (true, _) => other.groups.clone(),
            (_, true) => self.groups,
            _ if shared.is_empty() => return None,
            _ => shared,
        };
        Some(Need {
            groups,
            quorum: self.quorum.max(other.quorum).max(1),
            expires_ms: self.expires_ms.min(other.expires_ms),
        })
    }
}

/// An approval that has been given, as the run's journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Which approval.
    pub approval: ApprovalId,
    /// The arguments it was given for.
    pub digest: Digest,
    /// Mock or real, as shown to the approvers.
    pub mode: Mode,
    /// The policy under which it was asked.
    pub policy_version: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// How many different people approved.
    pub approvers: u32,
}

/// A call that asks to pass.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The run that asks.
    pub run: RunId,
    /// The step that asks.
    pub step: &'a str,
    /// Which attempt of the step.
    pub attempt: u32,
    /// The action.
    pub action: &'a ActionSpec,
    /// The frozen arguments.
    pub args: &'a Labeled,
    /// Their digest.
    pub digest: &'a Digest,
    /// The idempotency key.
    pub key: &'a str,
    /// Mock or real.
    pub mode: Mode,
    /// Who started the run.
    pub requester: &'a Actor,
    /// The time of deciding.
    pub now: Timestamp,
    /// What the author asks beside policy.
    pub author: Option<&'a Need>,
    /// The approval given for this step, if any.
    pub granted: Option<&'a Granted>,
}

/// What is true at the time of deciding; the runtime loads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The matrix in force.
    pub matrix: Matrix,
    /// Tools that a person has paused.
    pub paused_tools: BTreeSet<String>,
}

/// What the door says.
#[derive(Debug)]
pub enum Verdict {
    /// The call may be performed, once, as described in the permit.
    Permit(Permit),
    /// A person must approve first.
    Ask {
        /// Whose approval.
        need: Need,
        /// Why, in words.
        reason: String,
    },
    /// The call is refused.
    Deny {
        /// Why.
        failure: Failure,
    },
}

/// Leave to perform one attempt of one call. It can be made only by the door, not copied, and not
/// read from outside.
///
/// Nobody else can make one, change one, or use one twice:
///
/// ```compile_fail,E0451
/// fn forge(good: governance::Permit) -> governance::Permit {
///     governance::Permit { attempt: 2, ..good }
/// }
/// ```
/// ```compile_fail,E0277
/// fn needs<T: Clone + serde::de::DeserializeOwned>() {}
/// needs::<governance::Permit>();
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    run: RunId,
    step: String,
    attempt: u32,
    action: String,
    digest: Digest,
    key: String,
    mode: Mode,
    look_up_only: bool,
}

impl Permit {
    fn new(request: &Request<'_>, look_up_only: bool) -> Self {
        Self {
            run: request.run,
            step: request.step.to_owned(),
            attempt: request.attempt,
            action: request.action.name(),
            digest: request.digest.clone(),
            key: request.key.to_owned(),
            mode: request.mode,
            look_up_only,
        }
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The step.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The attempt.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// `tool.action`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Digest of the arguments the permit is for.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The idempotency key to send.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Mock or real.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether it covers only looking up what an earlier attempt did.
    pub fn look_up_only(&self) -> bool {
        self.look_up_only
    }
}

/// Decides a request: the schema of the arguments, then the approval matrix, sharpened by the
/// author's own wish. An approval counts only if it was given for exactly these arguments, this mode
/// and this version of the policy.
pub fn decide(request: &Request<'_>, facts: &Facts, schemas: &Schemas) -> Verdict {
    if let Err(failure) = schemas.check(&request.action.name(), &request.args.value) {
        return Verdict::Deny { failure };
    }
    let (rule, reason) = facts.matrix.rule(request.action);
    let need = match (rule, request.author) {
        (Rule::Deny, _) => {
            return Verdict::Deny {
                failure: Failure::new(
                    "policy_denied",
                    format!(
                        "{} is refused by policy {}",
                        request.action.name(),
                        facts.matrix.version
                    ),
                )
                .hint("an operator can change the approval matrix in the settings"),
            };
        }
        (Rule::Run, None) => return Verdict::Permit(Permit::new(request, false)),
        (Rule::Run, Some(author)) => author.clone(),
        (Rule::Ask(need), None) => need,
        (Rule::Ask(need), Some(author)) => match need.clone().and(author) {
            Some(both) => both,
            None => {
                let message = format!(
                    "the recipe wants an approval for {} from {}, the policy from {}, and they share no group",
                    request.action.name(),
                    author.groups.join(" or "),
                    need.groups.join(" or "),
                );
                let failure = Failure::new("approval_groups_disjoint", message)
                    .hint("name a group of the policy in the recipe, or change the rule of the action");
                return Verdict::Deny { failure };
            }
        },
    };
    match request.granted {
        Some(granted)
            if granted.digest == *request.digest
                && granted.mode == request.mode
                && granted.policy_version == facts.matrix.version
                && granted.expires_at > request.now
                && granted.approvers >= need.quorum =>
        {
            Verdict::Permit(Permit::new(request, false))
        }
        _ => Verdict::Ask {
            need,
            reason: reason.to_owned(),
        },
    }
}

/// Leave to look up what an earlier, permitted attempt of the same call did. It lets nothing be
/// changed, so no approval is asked.
pub fn permit_look_up(request: &Request<'_>) -> Permit {
    Permit::new(request, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use types::{Effect, Idempotency, Label, Risk};

    fn action(name: &str, effect: Effect) -> ActionSpec {
        let (tool, action) = name.split_once('.').expect("dotted");
        ActionSpec {
            tool: tool.into(),
            action: action.into(),
            description: String::new(),
            aliases: vec![],
            input: serde_json::json!({}),
            output: serde_json::json!({}),
            arg_classes: BTreeMap::new(),
            trust: BTreeMap::new(),
            effect,
            idempotency: Idempotency::Unkeyed,
            risk: Risk::Low,
            notification: false,
            probe: false,
            timeout_ms: 1,
        }
    }

    fn verdict(spec: &ActionSpec, author: Option<&Need>, granted: Option<&Granted>, facts: &Facts) -> String {
        let args = Labeled::new("x", Label::Author);
        let digest = types::digest(&args.value);
        let requester = Actor::user("ann");
        let request = Request {
            run: RunId::from_bytes([1; 16]),
            step: "act/x",
            attempt: 1,
            action: spec,
            args: &args,
            digest: &digest,
            key: "k",
            mode: Mode::Mock,
            requester: &requester,
            now: Timestamp::from_millis(1_000),
            author,
            granted,
        };
        match decide(
            &request,
            facts,
            &Schemas::new(&types::Catalog::new([types::ToolSpec {
                name: spec.tool.clone(),
                description: String::new(),
                version: String::new(),
                actions: vec![spec.clone()],
            }])),
        ) {
            Verdict::Permit(_) => "permit".into(),
            Verdict::Ask { need, .. } => format!("ask {} of {:?}", need.quorum, need.groups),
            Verdict::Deny { failure } => failure.code,
        }
    }

    #[test]
    fn reads_run_and_destructive_actions_ask() {
        let facts = Facts::default();
        assert_eq!(
            verdict(&action("zoom.find_room", Effect::Read), None, None, &facts),
            "permit"
        );
        assert_eq!(
            verdict(&action("x.wipe", Effect::Destructive), None, None, &facts),
            "ask 1 of []"
        );
        assert_eq!(
            verdict(&action("zoom.restart_room", Effect::Write), None, None, &facts),
            "ask 1 of []"
        );
        assert_eq!(
            verdict(
                &action("servicenow.create_incident", Effect::Write),
                None,
                None,
                &facts
            ),
            "permit"
        );
        assert_eq!(
            verdict(&action("x.other", Effect::Write), None, None, &facts),
            "ask 1 of []"
        );
    }

    #[test]
    fn an_author_can_only_make_it_stricter() {
        let mut facts = Facts::default();
        let strict = Need {
            groups: vec!["L2".into()],
            quorum: 2,
            expires_ms: 5,
        };
        assert_eq!(
            verdict(&action("x.read", Effect::Read), Some(&strict), None, &facts),
            "ask 2 of [\"L2\"]"
        );
        let policy = |groups: &[&str]| {
            Rule::Ask(Need {
                groups: groups.iter().map(ToString::to_string).collect(),
                ..Need::default()
            })
        };
        facts
            .matrix
            .overrides
            .insert("x.read".into(), policy(&["L2", "L3"]));
        assert_eq!(
            verdict(&action("x.read", Effect::Read), Some(&strict), None, &facts),
            "ask 2 of [\"L2\"]",
            "whom both name"
        );
        facts.matrix.overrides.insert("x.read".into(), policy(&["L3"]));
        assert_eq!(
            verdict(&action("x.read", Effect::Read), Some(&strict), None, &facts),
            "approval_groups_disjoint",
            "nobody may approve for both"
        );
        facts.matrix.overrides.insert("x.read".into(), Rule::Deny);
        assert_eq!(
            verdict(&action("x.read", Effect::Read), Some(&strict), None, &facts),
            "policy_denied"
        );
    }

    #[test]
    fn an_approval_is_bound_to_arguments_mode_and_policy() {
        let facts = Facts::default();
        let spec = action("x.wipe", Effect::Destructive);
        let good = Granted {
            approval: ApprovalId::from_bytes([2; 16]),
            digest: types::digest(&serde_json::json!("x")),
            mode: Mode::Mock,
            policy_version: facts.matrix.version.clone(),
            expires_at: Timestamp::from_millis(1_001),
            approvers: 1,
        };
        assert_eq!(verdict(&spec, None, Some(&good), &facts), "permit");
        let other = [
            Granted {
                digest: types::digest(&serde_json::json!("y")),
                ..good.clone()
            },
            Granted {
                mode: Mode::Real,
                ..good.clone()
            },
            Granted {
                policy_version: "older".into(),
                ..good.clone()
            },
            Granted {
                expires_at: Timestamp::from_millis(1_000),
                ..good.clone()
            },
            Granted { approvers: 0, ..good },
        ];
        for wrong in &other {
            assert_eq!(verdict(&spec, None, Some(wrong), &facts), "ask 1 of []");
        }
    }
}
