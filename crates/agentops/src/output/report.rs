//! What checking a recipe found, with the source line and where in it.

use recipe::{Diagnostic, Severity};

use super::Style;

/// The findings of one text, for people.
pub fn diagnostics(style: Style, name: &str, found: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in found {
        let severity = match finding.severity {
            Severity::Error => style.bad("error"),
            Severity::NeedsTool => style.warn("needs tool"),
            Severity::Warning => style.warn("warning"),
            Severity::Note => style.dim("note"),
        };
        let code = style.dim(&format!("[{}]", finding.code));
        text.push_str(&format!("{severity}: {} {code}\n", finding.message));
        let gutter = finding.line.to_string();
        let margin = " ".repeat(gutter.len());
        let place = format!(
            "{margin} {} {name}:{}:{}",
            style.dim("-->"),
            finding.line,
            finding.column
        );
        text.push_str(&format!("{place}\n"));
        let bar = style.dim("|");
        text.push_str(&format!(
            "{} {bar} {}\n",
            style.dim(&gutter),
            finding.source_line.trim_end()
        ));
        let before: String = finding
            .source_line
            .chars()
            .take((finding.column as usize).saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let shown = finding
            .source_line
            .chars()
            .count()
            .saturating_sub(before.chars().count())
            .max(1);
        let marks = "^".repeat((finding.length as usize).clamp(1, shown));
        text.push_str(&format!("{margin} {bar} {before}{}\n", style.bad(&marks)));
        if let Some(suggestion) = &finding.suggestion {
            text.push_str(&format!("{margin} {} {suggestion}\n", style.dim("= try:")));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_points_into_its_line() {
        let finding = Diagnostic {
            severity: Severity::Error,
            code: "unknown_key".into(),
            message: "there is no key 'wen'".into(),
            line: 12,
            column: 5,
            length: 3,
            source_line: "    wen: x".into(),
            suggestion: Some("when".into()),
            path: "/act/0/wen".into(),
        };
        insta::assert_snapshot!(diagnostics(Style::new(false), "a.yaml", &[finding]), @r"
        error: there is no key 'wen' [unknown_key]
           --> a.yaml:12:5
        12 |     wen: x
           |     ^^^
           = try: when
        ");
    }
}
