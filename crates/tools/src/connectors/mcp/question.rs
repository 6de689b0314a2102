//! What servers ask people in the midst of a call, as questions of ours, and the answers as they want
//! them. The newest revision answers a call with its questions; older ones ask while the call waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use types::{Answers, InputNeeded, Question};

use super::definition::plain_line;
use super::schema::usable;
use super::wire::RpcError;

/// The longest question, in characters.
const MOST_WORDS: usize = 2_000;
/// The longest URL that is shown, in bytes.
const MOST_URL: usize = 2_000;
/// The most questions of one attempt.
const MOST_QUESTIONS: usize = 10;
/// The most fields of one question.
const MOST_FIELDS: usize = 50;
/// The longest name of a question, in bytes.
const MOST_NAME: usize = 200;
/// The largest state that is kept for a server, in bytes.
const MOST_STATE: usize = 64 * 1024;
/// What a person says who doesn't want to answer.
const DECLINE: &str = "decline";
/// What a person says who has done what a URL leads to.
const DONE: &str = "done";

/// Serves what a server asks while a call waits: what people have answered before is given at once,
/// all else is put off and asked when the call has ended.
pub(super) struct Desk<'a> {
    answers: Option<&'a Answers>,
    asked: Vec<Question>,
    /// Why a question could not be put to people.
    unusable: Option<String>,
    /// Whether the server said that its tools have changed.
    pub(super) changed: bool,
}

impl<'a> Desk<'a> {
    /// With these answers at hand.
    pub(super) fn new(answers: Option<&'a Answers>) -> Self {
        Self {
            answers,
            asked: Vec::new(),
            unusable: None,
            changed: false,
        }
    }

    /// Takes in what a server tells.
    pub(super) fn told(&mut self, method: &str) {
        self.changed |= method == "notifications/tools/list_changed";
    }

    /// Answers what a server asks.
    pub(super) fn asked(&mut self, method: &str, params: &Value) -> Result<Value, RpcError> {
        match method {
            "ping" => Ok(json!({})),
            "elicitation/create" => Ok(self.elicited(params)),
            _ => Err(RpcError::not_offered(method)),
        }
    }

    fn elicited(&mut self, params: &Value) -> Value {
        let cancel = json!({"action": "cancel"});
        let question = match question(None, params) {
            Ok(question) => question,
            Err(why) => {
                self.unusable.get_or_insert(why);
                return cancel;
            }
        };
        let given = self.answers.and_then(|answers| answers.given.get(&question.key));
        if let Some(answer) = given {
            return reply(&answer.value, params);
        }
        let again = self.asked.iter().any(|asked| asked.key == question.key);
        if !again && self.asked.len() < MOST_QUESTIONS {
            self.asked.push(question);
        }
        cancel
    }

    /// What people must be asked before the call can be made anew, if anything.
    ///
    /// # Errors
    /// In words, why what the server asked can't be put to people.
    pub(super) fn needed(self) -> Result<Option<InputNeeded>, String> {
        if let Some(why) = self.unusable {
            return Err(why);
        }
        Ok((!self.asked.is_empty()).then(|| InputNeeded {
            questions: self.asked,
            resume: None,
            keep: true,
        }))
    }
}

/// What the newest revision answers instead of a result.
pub(super) enum Required {
    /// People are asked.
    People(InputNeeded),
    /// Nobody is: the call is to be repeated with this state.
    Again(String),
}

/// Reads a result with `resultType: input_required`.
///
/// # Errors
/// In words, why what the server asks can't be put to people.
pub(super) fn required(result: &Value) -> Result<Required, String> {
    let resume = result["requestState"].as_str().map(str::to_owned);
    if resume.as_ref().is_some_and(|state| state.len() > MOST_STATE) {
        return Err(format!("it wants more than {MOST_STATE} bytes kept for it"));
    }
    let requests = result["inputRequests"]
        .as_object()
        .filter(|requests| !requests.is_empty());
    let Some(requests) = requests else {
        return resume
            .map(Required::Again)
            .ok_or_else(|| "it doesn't say what".to_owned());
    };
    if requests.len() > MOST_QUESTIONS {
        return Err(format!("it asks more than {MOST_QUESTIONS} things at once"));
    }
    let mut kept = Kept {
        state: resume,
        asked: BTreeMap::new(),
    };
    let mut questions = Vec::new();
    for (key, request) in requests {
        let method = request["method"].as_str().unwrap_or_default();
        if method != "elicitation/create" {
            return Err(format!(
                "it wants {}, which is not offered",
                plain_line(method, 100)
            ));
        }
        let ours = kept.word_for(key)?;
        let question = question(Some(ours), &request["params"])?;
        let asked = Asked {
            name: key.clone(),
            digest: same(&question.prompt, &question.schema),
        };
        kept.asked.insert(question.key.clone(), asked);
        questions.push(question);
    }
    Ok(Required::People(InputNeeded {
        questions,
        resume: serde_json::to_string(&kept).ok(),
        keep: false,
    }))
}

/// What is kept until the answers are there: the server's state, and its own names for its questions,
/// which may be nothing that a person could type.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    state: Option<String>,
    asked: BTreeMap<String, Asked>,
}

/// A question as the server asked it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// The server's name for it.
    name: String,
    /// Digest of its words and form.
    digest: String,
}

impl Kept {
    /// A word for a question that the server calls `theirs`.
    fn word_for(&self, theirs: &str) -> Result<String, String> {
        if theirs.len() > MOST_NAME {
            return Err(format!("it asks under a name of more than {MOST_NAME} bytes"));
        }
        let apart = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let words = theirs.split(apart).map(|word| word.trim_matches('_'));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let bare = match words.join("-") {
            none if none.is_empty() => "question".to_owned(),
            bare => bare,
        };
        let mut ours = bare.clone();
        while self.asked.contains_key(&ours) {
            ours = format!("{bare}-{}", self.asked.len() + 1);
        }
        Ok(ours)
    }

    fn of(answers: &Answers) -> Self {
        let kept = answers
            .resume
            .as_deref()
            .and_then(|kept| serde_json::from_str(kept).ok());
        kept.unwrap_or_default()
    }
}

/// The answers to questions that a server asks anew, because it has lost the state that it gave with
/// them, if every one of them has the same name, words and form as when it was answered.
pub(super) fn answered_before(before: &Answers, needed: &InputNeeded) -> Option<Answers> {
    let again = Answers {
        resume: needed.resume.clone(),
        given: before.given.clone(),
    };
    let (older, newer) = (Kept::of(before), Kept::of(&again));
    let same = |question: &Question| {
        let asked = newer.asked.get(&question.key);
        before.given.contains_key(&question.key) && asked.is_some() && older.asked.get(&question.key) == asked
    };
    needed.questions.iter().all(same).then_some(again)
}

/// The state that a server gave with its questions.
pub(super) fn state_of(answers: &Answers) -> Option<String> {
    Kept::of(answers).state
}

/// The `inputResponses` of the newest revision.
pub(super) fn responses(answers: &Answers) -> Value {
    let kept = Kept::of(answers);
    let each = answers.given.iter().filter_map(|(ours, answer)| {
        let theirs = kept.asked.get(ours)?.name.clone();
        Some((theirs, reply(&answer.value, &Value::Null)))
    });
    Value::Object(each.collect::<Map<_, _>>())
}

/// The questions of an error that wants URLs to be visited first.
///
/// # Errors
/// In words, why they can't be put to people.
pub(super) fn of_urls(data: &Value) -> Result<InputNeeded, String> {
    let each = data["elicitations"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if each.is_empty() || each.len() > MOST_QUESTIONS {
        return Err(format!("it names {} places to visit", each.len()));
    }
    Ok(InputNeeded {
        questions: each
            .iter()
            .map(|params| question(None, params))
            .collect::<Result<_, _>>()?,
        resume: None,
        keep: true,
    })
}

/// One question. Without a key of the server's, the same words and the same form are the same question.
fn question(key: Option<String>, params: &Value) -> Result<Question, String> {
    let words = plain_line(
        params["message"].as_str().unwrap_or("The tool asks for this."),
        MOST_WORDS,
    );
    let (prompt, schema) = if params["mode"] == "url" {
        let url = params["url"].as_str().unwrap_or_default();
        if url.is_empty() || url.len() > MOST_URL || url.chars().any(|c| c.is_control() || c.is_whitespace())
        {
            return Err("it wants a place visited and doesn't name one that can be shown".to_owned());
        }
        let prompt =
            format!("{words} (open it yourself if you trust it: {url}; then answer {DONE}, else {DECLINE})");
        (prompt, json!({"type": "string", "enum": [DONE, DECLINE]}))
    } else {
        let form = form(&params["requestedSchema"])?;
        (
            format!("{words} (an object, or {DECLINE})"),
            json!({"type": ["object", "string"], "anyOf": [form, {"const": DECLINE}]}),
        )
    };
    let key = match key {
        Some(key) => key,
        None => {
            format!("q{}", same(&prompt, &schema))
        }
    };
    Ok(Question { key, prompt, schema })
}

/// What tells that a question is the same one: its words and its form.
fn same(prompt: &str, schema: &Value) -> String {
    let digest = types::digest(&json!({"prompt": prompt, "schema": schema}));
    digest.as_str()[..12].to_owned()
}

/// The schema of a form: an object of plain fields, as the protocol wants it.
fn form(schema: &Value) -> Result<Value, String> {
    let form = usable(schema).map_err(|why| format!("the schema of its question: {why}"))?;
    let fields = form["properties"].as_object().cloned().unwrap_or_default();
    if form["type"] != "object" || fields.len() > MOST_FIELDS {
        return Err(format!("its question is no form of at most {MOST_FIELDS} fields"));
    }
    let plain = |field: &Value| {
        let kind = field["type"].as_str().unwrap_or_default();
        let choice = field["items"].get("enum").or_else(|| field["items"].get("anyOf"));
        matches!(kind, "string" | "number" | "integer" | "boolean") || (kind == "array" && choice.is_some())
    };
    match fields.iter().find(|(_, field)| !plain(field)) {
        None => Ok(form),
        Some((name, _)) => Err(format!(
            "the field '{}' of its question is not a plain one",
            plain_line(name, 60)
        )),
    }
}

/// A person's answer in the protocol's words.
fn reply(answer: &Value, params: &Value) -> Value {
    match answer {
        Value::String(text) if text == DECLINE => json!({"action": "decline"}),
        Value::Object(_) if params["mode"] != "url" => json!({"action": "accept", "content": answer}),
        _ => json!({"action": "accept"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Label, Labeled};

    fn ask(message: &str) -> Value {
        json!({"message": message, "requestedSchema": {"type": "object", "properties": {
            "name": {"type": "string"}, "many": {"type": "array", "items": {"type": "string", "enum": ["a"]}}}}})
    }

    fn answers(key: &str, value: Value) -> Answers {
        Answers {
            resume: Some("s".into()),
            given: [(key.to_owned(), Labeled::new(value, Label::User))].into(),
        }
    }

    #[test]
    fn a_question_during_the_call_is_put_off_and_answered_the_next_time() {
        let mut desk = Desk::new(None);
        assert_eq!(
            desk.asked("elicitation/create", &ask("Who?")),
            Ok(json!({"action": "cancel"}))
        );
        assert_eq!(
            desk.asked("elicitation/create", &ask("Who?")),
            Ok(json!({"action": "cancel"}))
        );
        let needed = desk.needed().expect("usable").expect("asked");
        assert!(needed.keep && needed.questions.len() == 1);
        assert_eq!(needed.questions[0].prompt, "Who? (an object, or decline)");
        let key = &needed.questions[0].key;
        for (value, reply) in [
            (
                json!({"name": "x"}),
                json!({"action": "accept", "content": {"name": "x"}}),
            ),
            (json!("decline"), json!({"action": "decline"})),
        ] {
            let given = answers(key, value);
            let mut desk = Desk::new(Some(&given));
            assert_eq!(desk.asked("elicitation/create", &ask("Who?")), Ok(reply));
            assert_eq!(desk.needed(), Ok(None));
        }
    }

    #[test]
    fn nothing_but_questions_is_offered() {
        let mut desk = Desk::new(None);
        assert_eq!(desk.asked("ping", &Value::Null), Ok(json!({})));
        for method in ["sampling/createMessage", "roots/list", "x"] {
            assert!(desk.asked(method, &Value::Null).is_err());
        }
        desk.told("notifications/message");
        assert!(!desk.changed);
        desk.told("notifications/tools/list_changed");
        assert!(desk.changed);
    }

    #[test]
    fn a_url_is_shown_and_never_opened() {
        let params =
            json!({"mode": "url", "message": "Sign in", "url": "https://x.example/y", "elicitationId": "1"});
        let needed = of_urls(&json!({"elicitations": [params]})).expect("usable");
        assert!(needed.questions[0].prompt.contains("https://x.example/y"));
        let given = answers(&needed.questions[0].key, json!("done"));
        let mut desk = Desk::new(Some(&given));
        assert_eq!(
            desk.asked("elicitation/create", &params),
            Ok(json!({"action": "accept"}))
        );
        for url in ["", "https://x\u{1b}[2J"] {
            let bad = json!({"mode": "url", "message": "m", "url": url});
            assert!(of_urls(&json!({"elicitations": [bad]})).is_err());
        }
    }

    #[test]
    fn the_same_questions_are_answered_alike_after_the_state_is_lost() {
        let asks = |words: &str, state: &str| {
            let request = json!({"method": "elicitation/create", "params": ask(words)});
            let result = json!({"inputRequests": {"who": request}, "requestState": state});
            match required(&result) {
                Ok(Required::People(needed)) => needed,
                _ => panic!("people"),
            }
        };
        let before = Answers {
            resume: asks("Who?", "s1").resume,
            ..answers("who", json!({"name": "x"}))
        };
        let again = answered_before(&before, &asks("Who?", "s2")).expect("the same");
        assert_eq!(
            (state_of(&again).as_deref(), &again.given),
            (Some("s2"), &before.given)
        );
        assert_eq!(answered_before(&before, &asks("Who shall be paid?", "s2")), None);
        assert_eq!(answered_before(&Answers::default(), &asks("Who?", "s2")), None);
    }

    #[test]
    fn the_newest_revision_asks_in_its_answer() {
        let request = json!({"method": "elicitation/create", "params": ask("Who?")});
        let result = json!({"inputRequests": {"__app__:who": request.clone()}, "requestState": "s1"});
        let Ok(Required::People(needed)) = required(&result) else {
            panic!("people")
        };
        assert_eq!(
            needed.questions[0].key, "app-who",
            "a word that a person can type"
        );
        let given = Answers {
            resume: needed.resume,
            ..answers("app-who", json!({"name": "x"}))
        };
        assert_eq!(state_of(&given).as_deref(), Some("s1"));
        let sent = responses(&given);
        assert_eq!(
            sent,
            json!({"__app__:who": {"action": "accept", "content": {"name": "x"}}})
        );
        assert!(matches!(
            required(&json!({"requestState": "s"})),
            Ok(Required::Again(_))
        ));
        let nested = json!({"method": "elicitation/create", "params": {"requestedSchema": {"type": "object", "properties": {"a": {"type": "object"}}}}});
        let many: Map<String, Value> = (0..11).map(|at| (format!("k{at}"), request.clone())).collect();
        for bad in [
            json!({}),
            json!({"inputRequests": {"a": {"method": "sampling/createMessage"}}}),
            json!({"inputRequests": {"x".repeat(300): request}}),
            json!({"inputRequests": {"a": nested}}),
            json!({"inputRequests": many}),
            json!({"requestState": "x".repeat(70_000)}),
        ] {
            assert!(required(&bad).is_err(), "{bad}");
        }
    }
}
