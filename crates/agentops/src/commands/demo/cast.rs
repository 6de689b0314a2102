//! What the demo runs, and what its two users say when they are asked.

use serde_json::{Map, Value, json};
use types::Timestamp;

/// Who starts the runs and answers their questions.
pub(super) const USER: &str = "demo-user";
/// Who approves and confirms: somebody else, since nobody decides for themselves.
pub(super) const APPROVER: &str = "demo-approver";

/// The procedure that becomes an article.
const PROCEDURE: &str = include_str!("procedure.md");
/// Two weeks, in milliseconds.
const FORTNIGHT: u64 = 14 * 86_400_000;

/// One run of the demo.
pub(super) struct Scene {
    /// The recipe.
    pub recipe: &'static str,
    /// What it is about, one sentence.
    pub about: &'static str,
    /// What it is started with.
    pub inputs: Map<String, Value>,
    /// What [`USER`] answers when asked, by name.
    pub answers: &'static [(&'static str, &'static str)],
}

impl Scene {
    /// The answer to a question.
    pub fn answer(&self, name: &str) -> Option<&'static str> {
        self.answers
            .iter()
            .find(|(asked, _)| *asked == name)
            .map(|(_, answer)| *answer)
    }
}

/// The whole programme. The event begins two weeks from `now`.
pub(super) fn scenes(now: Timestamp) -> Vec<Scene> {
    let scene = |recipe, about, inputs: Value, answers| Scene {
        recipe,
        about,
        inputs: inputs.as_object().cloned().unwrap_or_default(),
        answers,
    };
    let later = (now + FORTNIGHT).to_string();
    let date = later.split('T').next().unwrap_or_default();
    vec![
        scene(
            "zoom-room-hdmi-black",
            "A boardroom's display is black; the restart needs somebody's approval.",
            json!({}),
            &[("room", "Boardroom 4A")],
        ),
        scene(
            "event-intake-wizard",
            "An event is asked for: story, tasks, webinar, checks, and a rehearsal that a person confirms.",
            json!({
                "event_type": "town_hall",
                "topic": "Quarterly town hall",
                "date": format!("{date}T17:00:00Z"),
                "contact": "dana.reyes@avops.example",
                "options": ["recording", "captions"],
            }),
            &[],
        ),
        scene(
            "sop-to-knowledge-article",
            "A procedure that somebody wrote down becomes an article.",
            json!({"sop": PROCEDURE, "publish": true}),
            &[],
        ),
        scene(
            "zoom-room-admin-policy-check",
            "A room's settings are compared with policy; what violates it becomes a task.",
            json!({"room": "Briefing Center"}),
            &[],
        ),
        scene(
            "zoom-room-health-check",
            "Every room is measured before anybody complains.",
            json!({}),
            &[],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_plays_a_recipe_that_ships() {
        let shipped = crate::shipped::seeds().expect("reads").recipes;
        let scenes = scenes(Timestamp::from_millis(1_736_150_400_000));
        for scene in &scenes {
            assert!(
                shipped.iter().any(|seed| seed.slug == scene.recipe),
                "{}",
                scene.recipe
            );
        }
        assert_eq!(scenes[1].inputs["date"], "2025-01-20T17:00:00Z");
        assert_eq!(scenes[0].answer("room"), Some("Boardroom 4A"));
    }
}
