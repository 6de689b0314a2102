//! Questions that a tool asks in the midst of a call. The attempt that met them has ended; people
//! answer one by one, and when all is said another attempt takes the answers along.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::{Answers, Failure, InputNeeded, Labeled, Question};

use crate::decide::Decider;
use crate::event::Event;
use crate::frozen::FrozenCall;
use crate::key::StepKey;
use crate::locate::Work;
use crate::program::Action;
use crate::settle::call_again_is_safe;
use crate::state::{Stage, StepState};

/// The longest text of answers that an approval shows, in characters.
const SHOWN: usize = 1_000;

/// What a step's tool asked, and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// The questions of the last attempt that asked any.
    pub questions: Vec<Question>,
    /// What the next attempt takes along.
    pub answers: Answers,
}

impl Asking {
    /// Questions that nobody has answered yet.
    pub fn open(&self) -> impl Iterator<Item = &Question> {
        self.questions
            .iter()
            .filter(|question| !self.answers.given.contains_key(&question.key))
    }
}

/// The name under which people answer a question of a step.
pub fn question_name(step: &StepKey, key: &str) -> String {
    format!("{step}:{key}")
}

impl StepState {
    /// Questions of its tool that nobody has answered yet.
    pub fn open_questions(&self) -> impl Iterator<Item = &Question> {
        self.asking.iter().flat_map(Asking::open)
    }

    /// Whether it waits for answers to its tool's questions.
    pub(crate) fn waits_for_answers(&self) -> bool {
        self.stage == Stage::Person && self.asking.is_some()
    }

    pub(crate) fn ask(&mut self, needed: &InputNeeded) {
        let earlier = self.asking.take().filter(|_| needed.keep);
        let given = earlier.map(|asking| asking.answers.given).unwrap_or_default();
        self.asking = Some(Asking {
            questions: needed.questions.clone(),
            answers: Answers {
                resume: needed.resume.clone(),
                given,
            },
        });
    }

    /// Takes an answer. With the last one the step is ready again; an approval that was given before
    /// anybody knew the answers doesn't cover them.
    pub(crate) fn answer(&mut self, step: &StepKey, name: &str, value: &Labeled) {
        let Some(asking) = &mut self.asking else { return };
        let asked = asking
            .questions
            .iter()
            .find(|question| question_name(step, &question.key) == name);
        let Some(key) = asked.map(|question| question.key.clone()) else {
            return;
        };
        asking.answers.given.insert(key, value.clone());
        if asking.open().next().is_none() {
            self.approval = None;
            self.wait(Stage::Ready);
        }
    }

    /// The answers in words, for whoever approves a call that takes them along; empty if there are none.
    pub(crate) fn answers_shown(&self) -> String {
        let given = self.asking.iter().flat_map(|asking| &asking.answers.given);
        let given: Map<String, Value> = given
            .map(|(key, answer)| (key.clone(), answer.value.clone()))
            .collect();
        if given.is_empty() {
            return String::new();
        }
        let text: String = Value::Object(given).to_string().chars().take(SHOWN).collect();
        format!("; with these answers to the tool's questions: {text}")
    }
}

impl Decider<'_> {
    /// Asks people what the tool asked, if that hasn't been done yet.
    pub(crate) fn ask_questions(&mut self, key: &StepKey, state: &StepState) {
        if !self.may_start {
            return;
        }
        self.events.extend(requests(key, state.open_questions()));
        self.actions.push(Action::AskPerson { step: key.clone() });
    }
}

fn requests<'q>(key: &StepKey, questions: impl Iterator<Item = &'q Question>) -> Vec<Event> {
    questions
        .map(|question| Event::InputRequested {
            step: key.clone(),
            name: question_name(key, &question.key),
            prompt: question.prompt.clone(),
            schema: question.schema.clone(),
        })
        .collect()
}

/// The events of an attempt that ended with questions. Where the tool went on without the answers and
/// calling again isn't safe, nobody knows what it did: the table of unknown outcomes comes first, and
/// the questions are asked if it leads to another attempt.
pub(crate) fn needs_input(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    needed: InputNeeded,
    doubt: Option<Failure>,
) -> Vec<Event> {
    let doubt = doubt.filter(|_| !call_again_is_safe(call));
    let kept = state.asking.as_ref().filter(|_| needed.keep);
    let known =
        |question: &&Question| kept.is_some_and(|asking| asking.answers.given.contains_key(&question.key));
    let open: Vec<&Question> = needed
        .questions
        .iter()
        .filter(|question| !known(question))
        .collect();
    if open.is_empty() {
        let message = format!("step {}: the tool asks again what it was told already", work.key);
        let failure = Failure::new("question_repeated", message);
        return match doubt {
            Some(doubt) => crate::unknown::unknown(decider, work, state, call, doubt),
            None => vec![crate::settle::known_failure(
                decider, work, state, call, failure, None,
            )],
        };
    }
    let requested = requests(work.key, open.into_iter());
    let mut events = vec![Event::QuestionsAsked {
        step: work.key.clone(),
        attempt: state.attempt,
        needed: needed.clone(),
        known: doubt.is_none(),
    }];
    match doubt {
        None => events.extend(requested),
        Some(doubt) => events.extend(crate::unknown::unknown(decider, work, state, call, doubt)),
    }
    events
}
