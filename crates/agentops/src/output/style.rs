//! Colours, marks, spans and ages.

use types::{Millis, RunStatus, StepStatus, Timestamp};

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colours: bool,
}

impl Style {
    /// With colours, or without.
    pub fn new(colours: bool) -> Self {
        Self { colours }
    }

    fn paint(self, text: &str, style: console::Style) -> String {
        if self.colours && !text.is_empty() {
            style.force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// What matters.
    pub fn strong(self, text: &str) -> String {
        self.paint(text, console::Style::new().bold())
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint(text, console::Style::new().dim())
    }

    /// Good.
    pub fn good(self, text: &str) -> String {
        self.paint(text, console::Style::new().green())
    }

    /// Bad.
    pub fn bad(self, text: &str) -> String {
        self.paint(text, console::Style::new().red().bold())
    }

    /// To be looked at.
    pub fn warn(self, text: &str) -> String {
        self.paint(text, console::Style::new().yellow())
    }

    /// A run's state.
    pub fn run(self, status: RunStatus) -> String {
        match status {
            RunStatus::Succeeded => self.good(status.as_str()),
            RunStatus::Failed | RunStatus::Cancelled => self.bad(status.as_str()),
            RunStatus::Waiting | RunStatus::Paused | RunStatus::Undoing => self.warn(status.as_str()),
            RunStatus::Queued | RunStatus::Running => status.as_str().to_owned(),
        }
    }

    /// A step's mark.
    pub fn mark(self, status: StepStatus) -> String {
        match status {
            StepStatus::Succeeded => self.good("✓"),
            StepStatus::Failed => self.bad("✗"),
            StepStatus::Uncertain => self.bad("?"),
            StepStatus::Skipped => self.dim("–"),
            StepStatus::Undone => self.warn("↶"),
            StepStatus::Waiting => self.warn("…"),
            StepStatus::Running => "▸".to_owned(),
            StepStatus::Pending => "·".to_owned(),
        }
    }
}

/// A span for people: `340 ms`, `2.1 s`, `3 m 20 s`, `5 h 10 m`, `3 d 2 h`.
pub fn span(millis: Millis) -> String {
    let seconds = millis / 1000;
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} m {} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How long ago an instant was.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.since(at) / 1000 * 1000 {
        0 => "just now".to_owned(),
        millis => format!("{} ago", span(millis).replace(".0 s", " s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (millis, text) in [
            (340, "340 ms"),
            (2_149, "2.1 s"),
            (200_000, "3 m 20 s"),
            (18_600_000, "5 h 10 m"),
            (266_400_000, "3 d 2 h"),
        ] {
            assert_eq!(span(millis), text);
        }
        assert_eq!(
            ago(Timestamp::from_millis(0), Timestamp::from_millis(5_400)),
            "5 s ago"
        );
    }

    #[test]
    fn without_colours_there_are_no_escapes() {
        assert_eq!(Style::new(false).bad("x"), "x");
        assert!(Style::new(true).bad("x").contains('\u{1b}'));
    }
}
