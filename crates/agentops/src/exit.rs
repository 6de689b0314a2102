//! Exit codes: all of them, and which failure ends in which. They are stable.

use types::{Failure, RunStatus};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed that has no code of its own here.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// A check refused it: a recipe with errors, inputs that don't fit, a state that doesn't allow it.
    Refused = 4,
    /// The run has ended, and not by success.
    RunFailed = 5,
    /// The run waits for a person or a signal.
    RunWaits = 6,
    /// Another process holds the data folder.
    InUse = 7,
    /// The database or its disk, or there is no database yet.
    Store = 8,
    /// Interrupted by Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl Exit {
    /// Every code with its meaning, for the help text and the reference.
    pub const ALL: &'static [(Exit, &'static str)] = &[
        (Exit::Ok, "done; a watched run succeeded"),
        (Exit::Failed, "failed"),
        (Exit::Usage, "the command line or the configuration is wrong"),
        (Exit::NotFound, "there is no such thing"),
        (
            Exit::Refused,
            "refused by a check: errors in a recipe, inputs that don't fit, a wrong state",
        ),
        (Exit::RunFailed, "the run failed or was cancelled"),
        (Exit::RunWaits, "the run waits for a person or a signal"),
        (Exit::InUse, "another process holds the data folder"),
        (
            Exit::Store,
            "the database or its disk has a problem, or there is no database yet",
        ),
        (Exit::Interrupted, "interrupted"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// How a command ends whose failure this is.
    pub fn of(failure: &Failure) -> Exit {
        match failure.code.as_str() {
            "not_found" | "sandbox_pull_unknown" => Exit::NotFound,
            "data_in_use" | "node_in_use" => Exit::InUse,
            "config_unknown_key" | "config_invalid" | "config_unreadable" | "argument_invalid" => Exit::Usage,
            "disk_full"
            | "backup_elsewhere"
            | "clock_off"
            | "database_busy"
            | "database_damaged"
            | "database_newer"
            | "database_unreachable"
            | "store_failed"
            | "secret_key_wrong"
            | "data_not_initialised"
            | "journal_unreadable" => Exit::Store,
            "invalid_utf8"
            | "bundle_invalid"
            | "not_a_recipe"
            | "recipe_has_errors"
            | "recipe_name_invalid"
            | "recipe_not_active"
            | "recipe_not_reviewed"
            | "agent_lacks_tool"
            | "inputs_invalid"
            | "tool_not_configured"
            | "manifest_invalid"
            | "tool_name_taken"
            | "tool_not_removable"
            | "unknown_action"
            | "setting_unknown"
            | "setting_invalid"
            | "secret_invalid"
            | "run_ended"
            | "run_not_ended"
            | "run_in_that_state"
            | "step_unknown"
            | "step_not_waiting"
            | "input_not_asked"
            | "signal_invalid"
            | "payload_too_large"
            | "approval_closed"
            | "approval_not_yours"
            | "approval_voted"
            | "self_approval_off"
            | "conflict"
            | "body_invalid"
            | "human_needed"
            | "last_admin"
            | "query_invalid"
            | "sign_in_failed"
            | "token_invalid"
            | "user_invalid" => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// How a command ends that followed a run to this state.
    pub fn of_run(status: RunStatus) -> Exit {
        match status {
            RunStatus::Succeeded => Exit::Ok,
            RunStatus::Failed | RunStatus::Cancelled => Exit::RunFailed,
            _ => Exit::RunWaits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_all_are_told() {
        let told: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(told, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]);
    }

    #[test]
    fn failures_and_runs_have_their_exit() {
        for (code, exit) in [
            ("not_found", Exit::NotFound),
            ("data_in_use", Exit::InUse),
            ("inputs_invalid", Exit::Refused),
            ("agent_lacks_tool", Exit::Refused),
            ("recipe_not_reviewed", Exit::Refused),
            ("sign_in_failed", Exit::Refused),
            ("disk_full", Exit::Store),
            ("config_unknown_key", Exit::Usage),
            ("something_else", Exit::Failed),
        ] {
            assert_eq!(Exit::of(&Failure::new(code, "")), exit, "{code}");
        }
        assert_eq!(Exit::of_run(RunStatus::Cancelled), Exit::RunFailed);
        assert_eq!(Exit::of_run(RunStatus::Waiting), Exit::RunWaits);
    }
}
