//! Near names, for messages that say what was probably meant.

use types::Failure;

/// The known name most like `name`, if any is like it.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// That there is no `noun` of this name, with the nearest known one or where to see them all.
pub(crate) fn not_found<'a>(
    noun: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> Failure {
    let failure = Failure::new("not_found", format!("there is no {noun} '{}'", cut(name)));
    match nearest(name, known) {
        Some(near) => failure.hint(format!("did you mean '{near}'?")),
        None => failure.hint(format!("see `{list}`")),
    }
}

/// At most 200 characters of what somebody typed, so that a message stays one.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_nonsense_is_not() {
        let known = ["zoom-room-hdmi-black", "event-intake-wizard"];
        assert_eq!(
            nearest("Zoom-Room-HDMI-Blck", known),
            Some("zoom-room-hdmi-black")
        );
        assert_eq!(nearest("xyz", known), None);
    }
}
