//! Who asks, and what they may do.

use types::{Actor, Failure, Role, Scope, UserId};

use crate::Result;

/// What a use case asks of whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The least role.
    pub role: Role,
    /// The scope that a token needs besides.
    pub scope: Scope,
}

/// How somebody showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// They sit at the machine: whoever can read the data folder may do everything in it.
    Local,
    /// A signed-in browser; its digest.
    Session(String),
    /// An API token with these scopes.
    Token(Vec<Scope>),
}

/// Somebody whose identity is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Their user; none for [`Proof::Local`].
    pub user: Option<UserId>,
    /// Their name, groups and roles, as runs and approvals know them.
    pub actor: Actor,
    /// Their roles.
    pub roles: Vec<Role>,
    /// How they showed it.
    pub proof: Proof,
}

impl Principal {
    /// Somebody at the machine.
    pub fn local(actor: Actor) -> Self {
        Self {
            user: None,
            actor,
            roles: vec![Role::Admin],
            proof: Proof::Local,
        }
    }

    /// Checks that they may do what asks for `need`.
    ///
    /// # Errors
    /// `role_missing`, or `scope_missing` for a token that was made without the scope.
    pub fn may(&self, need: Need) -> Result<()> {
        if !self.roles.iter().any(|role| role.implies(need.role)) {
            let roles: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
            let message = format!(
                "this asks for the role {}; {} has {}",
                need.role,
                self.actor.name,
                if roles.is_empty() {
                    "none".to_owned()
                } else {
                    roles.join(", ")
                }
            );
            return Err(Failure::new("role_missing", message).hint("an admin gives roles"));
        }
        match &self.proof {
            Proof::Token(scopes) if !scopes.iter().any(|scope| scope.implies(need.scope)) => {
                let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
                let message = format!(
                    "this asks for a token with the scope {}; this one has {}",
                    need.scope,
                    scopes.join(", ")
                );
                Err(Failure::new("scope_missing", message).hint("make another token with that scope"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a person asks: signed in, or at the machine. A token speaks for somebody who isn't there.
    pub fn is_present(&self) -> bool {
        !matches!(self.proof, Proof::Token(_))
    }

    /// Checks that a person asks for `what`, which would let a token's holder pass for one.
    ///
    /// # Errors
    /// `human_needed`.
    pub fn must_be_present(&self, what: &str) -> Result<()> {
        if self.is_present() {
            return Ok(());
        }
        let message = format!("only a person {what}, not a token of {}", self.actor.name);
        Err(Failure::new("human_needed", message).hint("sign in, and do it there"))
    }

    /// Whether they may do everything.
    pub fn is_admin(&self) -> bool {
        self.roles.contains(&Role::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(roles: &[Role], proof: Proof, need: (Role, Scope)) -> String {
        let principal = Principal {
            user: None,
            actor: Actor::user("ann"),
            roles: roles.to_vec(),
            proof,
        };
        let (role, scope) = need;
        let answer = principal.may(Need { role, scope });
        answer.map_or_else(|failure| failure.code, |()| "ok".to_owned())
    }

    #[test]
    fn a_token_needs_the_role_of_its_owner_and_a_scope_of_its_own() {
        let session = || Proof::Session("d".into());
        let token = |scope: Scope| Proof::Token(vec![scope]);
        let (look, start) = ((Role::Viewer, Scope::Read), (Role::Operator, Scope::Run));
        let (decide, manage) = ((Role::Approver, Scope::Approve), (Role::Admin, Scope::Admin));
        for (roles, proof, need, expected) in [
            (&[Role::Viewer][..], session(), look, "ok"),
            (&[], session(), look, "role_missing"),
            (&[Role::Viewer], session(), start, "role_missing"),
            (&[Role::Operator], session(), decide, "role_missing"),
            (&[Role::Admin], session(), decide, "ok"),
            (&[Role::Admin], token(Scope::Read), start, "scope_missing"),
            (&[Role::Viewer], token(Scope::Admin), start, "role_missing"),
            (&[Role::Operator], token(Scope::Run), look, "ok"),
            (&[Role::Admin], token(Scope::Admin), manage, "ok"),
            (&[Role::Admin], token(Scope::Admin), start, "ok"),
            (&[Role::Admin], token(Scope::Admin), decide, "scope_missing"),
            (&[Role::Admin], token(Scope::Approve), decide, "ok"),
        ] {
            assert_eq!(
                code(roles, proof.clone(), need),
                expected,
                "{roles:?} {proof:?} {need:?}"
            );
        }
    }
}
