//! The states of runs and steps, the four phases, and mock or real.

use crate::named::named;

named! {
    /// The state of a run.
    RunStatus "run status" {
        /// Stored, not yet taken by a worker.
        Queued "queued",
        /// Being worked on.
        Running "running",
        /// Waiting for time, a person, a signal or a child.
        Waiting "waiting",
        /// Held by a person.
        Paused "paused",
        /// Running its undo steps.
        Undoing "undoing",
        /// Ended; every step that had to succeed did.
        Succeeded "succeeded",
        /// Ended by a failure.
        Failed "failed",
        /// Ended by a person.
        Cancelled "cancelled",
    }
}

impl RunStatus {
    /// Whether the run has ended.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled
        )
    }
}

named! {
    /// The state of a step.
    StepStatus "step status" {
        /// Scheduled, its effect not begun.
        Pending "pending",
        /// Its effect has begun.
        Running "running",
        /// Waiting for time, a person, a signal, a child or a retry.
        Waiting "waiting",
        /// Done.
        Succeeded "succeeded",
        /// Failed for good.
        Failed "failed",
        /// Left out because of `when`.
        Skipped "skipped",
        /// Nobody knows whether its effect happened.
        Uncertain "uncertain",
        /// Done, then undone.
        Undone "undone",
    }
}

impl StepStatus {
    /// Whether nothing more happens to the step while its run goes forward.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped | StepStatus::Undone
        )
    }
}

named! {
    /// The four phases, in the order they run.
    Phase "phase" {
        /// What is asked.
        Intake "intake",
        /// What is prepared.
        Plan "plan",
        /// What is done.
        Act "act",
        /// How it is checked.
        Verify "verify",
    }
}

named! {
    /// Whether a run calls the sandbox or the real services; fixed when the run is created.
    Mode "mode" {
        /// The sandbox.
        Mock "mock",
        /// The configured services.
        Real "real",
    }
}
