//! The states of runs and steps, the four phases, and mock or real.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not one of the known names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{text}': expected one of {known}")]
pub struct UnknownStatus {
    what: &'static str,
    text: String,
    known: String,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident $what:literal { $($(#[$vdoc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in documents, rows and the interface.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = UnknownStatus;
            fn from_str(text: &str) -> Result<Self, UnknownStatus> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| UnknownStatus {
                    what: $what,
                    text: text.chars().take(80).collect(),
                    known: Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

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
