//! What people and their tokens may do.

use crate::named::named;

named! {
    /// What a person may do. Groups, which name approvers, stand beside roles.
    Role "role" {
        /// May look at everything but secrets, users and tokens of others.
        Viewer "viewer",
        /// May start runs, answer them and stop them.
        Operator "operator",
        /// May decide approvals.
        Approver "approver",
        /// May do everything, set-up and users included.
        Admin "admin",
    }
}

named! {
    /// What an API token may do, besides being bound by its owner's roles.
    Scope "scope" {
        /// Look at what the owner may look at.
        Read "read",
        /// Start, answer and stop runs, and call tools.
        Run "run",
        /// Write agents and recipes.
        Write "write",
        /// Decide approvals; off unless it is asked for by name.
        Approve "approve",
        /// Everything that only admins may do.
        Admin "admin",
    }
}

impl Role {
    /// Whether whoever has this role may do what asks for `other`: everybody may look, and an admin
    /// may do everything.
    pub fn implies(self, other: Role) -> bool {
        self == other || self == Role::Admin || other == Role::Viewer
    }
}

impl Scope {
    /// Whether a token with this scope may do what asks for `other`: whoever may do something may
    /// look, and `admin` covers everything but approving.
    pub fn implies(self, other: Scope) -> bool {
        self == other || other == Scope::Read || (self == Scope::Admin && other != Scope::Approve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_no_approver() {
        let may = |role: Role| -> Vec<&str> {
            let all = Role::ALL.iter().filter(|other| role.implies(**other));
            all.map(|other| other.as_str()).collect()
        };
        assert_eq!(may(Role::Viewer), ["viewer"]);
        assert_eq!(may(Role::Operator), ["viewer", "operator"]);
        assert_eq!(may(Role::Approver), ["viewer", "approver"]);
        assert_eq!(may(Role::Admin), ["viewer", "operator", "approver", "admin"]);
    }
}
