//! The states of runs, steps, events and tickets, the four phases, and mock or real.

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

named! {
    /// Whether an event on a calendar stands.
    EventStatus "event status" {
        /// It takes its time.
        Confirmed "confirmed",
        /// It takes none any more.
        Cancelled "cancelled",
    }
}

named! {
    /// How far a ticket is.
    TicketStatus "ticket status" {
        /// Nobody has begun.
        New "new",
        /// Somebody sees to it.
        InProgress "in_progress",
        /// Something is waited for.
        OnHold "on_hold",
        /// It is done.
        Resolved "resolved",
        /// It is done and over.
        Closed "closed",
    }
}

impl TicketStatus {
    /// Whether somebody still has to see to it.
    pub fn is_open(self) -> bool {
        !matches!(self, TicketStatus::Resolved | TicketStatus::Closed)
    }
}

named! {
    /// How soon something must be seen to, most urgent first.
    Urgency "urgency" {
        /// At once.
        High "high",
        /// Today.
        Medium "medium",
        /// Some time.
        Low "low",
    }
}
