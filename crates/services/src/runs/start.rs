//! Starting a run: which version, for which agent, with which inputs, mock or real. All of it is
//! fixed here for good.

mod fit;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use engine::event::AgentRef;
use engine::{EVENT_VERSION, Event, Limits, Recorded, RunCreated, complete_inputs, evolve, rows};
use ports::{AgentRecord, Created, NewRun};
use recipe::Recipe;
use recipe::program::Kind;
use serde_json::{Map, Value};
use types::{Actor, AgentId, Failure, Label, Labeled, Mode, RecipeId, RunId};

use fit::{agent_has_tools, all_steps, arguments_are_taken, tools_are_there};

use super::answer::{BLANK, is_blank, problems};
use crate::names::{cut, nearest};
use crate::recipes::{RunnableVersion, runnable, tree};
use crate::requests::{RepeatKey, reused};
use crate::{Result, Services, agents, settings};

/// The largest inputs of a run, in bytes of JSON.
const INPUTS: usize = 256 * 1024;

/// A wish to run a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct StartRun {
    /// Slug, name or id of the recipe.
    pub recipe: String,
    /// A version other than the active one.
    pub version: Option<u32>,
    /// The agent to run for, if not the recipe's own.
    pub agent: Option<String>,
    /// Inputs by name.
    pub inputs: Map<String, Value>,
    /// Mock or real; the setting `runs.mode` if not said.
    pub mode: Option<Mode>,
    /// Who starts it.
    pub requester: Actor,
    /// Starting twice with one key starts once.
    pub start_key: Option<RepeatKey>,
}

impl StartRun {
    /// A run of this recipe without inputs.
    pub fn new(recipe: impl Into<String>, requester: Actor) -> Self {
        Self {
            recipe: recipe.into(),
            version: None,
            agent: None,
            inputs: Map::new(),
            mode: None,
            requester,
            start_key: None,
        }
    }
}

/// Starts a run: after this it is durable, and a worker takes it up.
///
/// # Errors
/// `not_found`, `recipe_not_active`, `recipe_not_reviewed`, `recipe_has_errors`, `tool_not_configured`,
/// `argument_not_taken`, `agent_lacks_tool`, `inputs_invalid` with every problem at once,
/// `idempotency_key_reused` if the key has started another run, or the store can't be written.
pub async fn start(services: &Services, wish: StartRun) -> Result<Created> {
    let RunnableVersion { reference, recipe } = runnable(services, &wish.recipe, wish.version).await?;
    let catalog = services.tools.catalog();
    let mode = match wish.mode {
        Some(mode) => mode,
        None => settings::read(services, settings::MODE).await?,
    };
    tools_are_there(&catalog, &recipe, mode)?;
    arguments_are_taken(&catalog, &recipe, mode)?;
    let agent = agent(services, wish.agent.as_deref(), &recipe).await?;
    if let Some(agent) = &agent {
        agent_has_tools(&catalog, &recipe, agent)?;
    }
    let agent = agent.map(|agent| AgentRef {
        id: agent.id,
        name: agent.name,
    });
    let asked = Wanted {
        version: wish.version,
        mode: wish.mode,
        agent: agent
            .as_ref()
            .filter(|_| wish.agent.is_some())
            .map(|agent| agent.id),
        given: wish.inputs.clone(),
    };
    let inputs = inputs(&recipe, wish.inputs)?;
    let created = RunCreated {
        tenant: services.tenant,
        run: RunId::new(services.clock.as_ref(), services.entropy.as_ref()),
        recipe: reference,
        agent,
        inputs,
        mode,
        requester: wish.requester,
        seed: seed(services),
        parent: None,
        lineage: Vec::new(),
        fork: None,
    };
    let recipe = created.recipe.id;
    let started = create(services, created, Vec::new(), wish.start_key).await?;
    if !started.new && !asked.was_asked(services, recipe, started.run).await? {
        return Err(reused());
    }
    Ok(started)
}

/// What a start asks for, to be compared with the run that the same key has started.
struct Wanted {
    version: Option<u32>,
    mode: Option<Mode>,
    agent: Option<AgentId>,
    given: Map<String, Value>,
}

impl Wanted {
    /// Whether this is what started `run`. What was left open then and now doesn't count: another version
    /// may be active by now, and `runs.mode` another one.
    async fn was_asked(&self, services: &Services, recipe: RecipeId, run: RunId) -> Result<bool> {
        let older = created(services, run).await?;
        if older.recipe.id != recipe || older.fork.is_some() {
            return Ok(false);
        }
        let version = services
            .store
            .version(services.tenant, recipe, older.recipe.version)
            .await?;
        // The inputs are compared as the version that the run follows completes them.
        let given = Labeled::new(Value::Object(self.given.clone()), Label::User);
        let (inputs, _) = complete_inputs(&*tree(&version)?, &given);
        Ok(self.version.is_none_or(|version| version == older.recipe.version)
            && self.mode.is_none_or(|mode| mode == older.mode)
            && self
                .agent
                .is_none_or(|agent| older.agent.as_ref().is_some_and(|older| older.id == agent))
            && inputs == older.inputs)
    }
}

/// What is fixed of a run: its first event.
pub(super) async fn created(services: &Services, run: RunId) -> Result<RunCreated> {
    let first = services.store.journal(services.tenant, run, 0, 1).await?;
    match first.into_iter().next().map(|recorded| recorded.event) {
        Some(Event::RunCreated(created)) => Ok(*created),
        _ => Err(Failure::new(
            "journal_unreadable",
            format!("the journal of {run} does not begin as one does"),
        )),
    }
}

/// Inserts a run with its first events and rows.
pub(super) async fn create(
    services: &Services,
    created: RunCreated,
    more: Vec<Recorded>,
    start_key: Option<RepeatKey>,
) -> Result<Created> {
    let at = services.now();
    let event = Event::RunCreated(Box::new(created.clone()));
    let first = Recorded {
        seq: 1,
        at,
        v: EVENT_VERSION,
        event,
    };
    let events: Vec<Recorded> = std::iter::once(first).chain(more.iter().cloned()).collect();
    let state = events.iter().fold(None, evolve).ok_or_else(|| {
        // The first event is a creation by construction, so the fold always begins.
        Failure::new("internal", "a run's first event did not make a state")
    })?;
    let mut rows = rows(&state, &events, at, Limits::default().pause_poll_ms);
    rows.run.wake_at = at;
    let new = NewRun {
        created,
        at,
        more,
        rows,
        start_key: start_key.map(|key| key.text().to_owned()),
        lease: None,
    };
    Ok(services.runs.start(new).await?)
}

/// A seed for the run's jitter.
pub(super) fn seed(services: &Services) -> u64 {
    let mut bytes = [0u8; 8];
    services.entropy.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

async fn agent(services: &Services, wanted: Option<&str>, recipe: &Recipe) -> Result<Option<AgentRecord>> {
    let Some(name) = wanted.or(recipe.agent.as_deref()) else {
        return Ok(None);
    };
    agents::show(services, name).await.map(Some)
}

/// Given inputs with their labels and the recipe's defaults, or every problem with them.
fn inputs(recipe: &Recipe, given: Map<String, Value>) -> Result<Labeled> {
    let mut found = Vec::new();
    let size = Value::Object(given.clone()).to_string().len();
    if size > INPUTS {
        found.push(format!(
            "the inputs have {size} bytes of JSON; at most {INPUTS} are taken"
        ));
    }
    let known = known_inputs(recipe);
    for (name, value) in &given {
        if !known.contains(name.as_str()) {
            found.push(unknown_input(name, &known));
        }
        if let Some(spec) = recipe.inputs.iter().find(|spec| spec.name == *name) {
            let mut bad = problems(&spec.schema, value);
            if spec.required && is_blank(&spec.schema, value) {
                bad.push(BLANK.to_owned());
            }
            found.extend(bad.into_iter().map(|problem| format!("'{name}': {problem}")));
        }
    }
    let (inputs, missing) = complete_inputs(recipe, &Labeled::new(Value::Object(given), Label::User));
    found.extend(missing.into_iter().map(|name| {
        let spec = recipe.inputs.iter().find(|spec| spec.name == name);
        let about = spec
            .map(|spec| spec.description.as_str())
            .filter(|text| !text.is_empty());
        format!(
            "'{name}' is missing{}",
            about.map(|text| format!(" ({text})")).unwrap_or_default()
        )
    }));
    if found.is_empty() {
        return Ok(inputs);
    }
    Err(Failure::new(
        "inputs_invalid",
        format!("the inputs don't fit '{}': {}", recipe.name, found.join("; ")),
    )
    .hint("`agentops recipe show NAME` says which inputs a recipe takes"))
}

/// Declared inputs, and names that the recipe asks for.
fn known_inputs(recipe: &Recipe) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = recipe.inputs.iter().map(|spec| spec.name.as_str()).collect();
    for step in all_steps(recipe) {
        if let Kind::Ask { name, .. } = &step.kind {
            names.insert(name);
        }
    }
    names
}

fn unknown_input(name: &str, known: &BTreeSet<&str>) -> String {
    let name = cut(name);
    match nearest(&name, known.iter().copied()) {
        Some(near) => format!("there is no input '{name}'; did you mean '{near}'?"),
        None if known.is_empty() => format!("there is no input '{name}'; the recipe takes none"),
        None => {
            let known: Vec<&str> = known.iter().copied().collect();
            format!("there is no input '{name}'; there are {}", known.join(", "))
        }
    }
}
