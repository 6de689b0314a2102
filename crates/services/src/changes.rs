//! Changes of what people set up that belong together: gathered with their leaves, each seeing those
//! before it, and made in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::rows::Leaf;
use ports::{LibraryChange, SavedVersion};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{Actor, Catalog, ToolSpec};

use crate::{Result, Services, settings};

/// Changes that are all made, or none of them.
pub(crate) struct Changes<'s> {
    /// What they are made with.
    pub(crate) services: &'s Services,
    /// Who makes them.
    pub(crate) by: &'s Actor,
    made: Vec<(LibraryChange, Leaf)>,
    /// Settings: as they are until now, and what they become.
    settings: BTreeMap<&'static str, (Option<Value>, Value)>,
    /// Names of agents that come, in lower case.
    agents: BTreeSet<String>,
    catalog: Arc<Catalog>,
    tools: bool,
}

impl<'s> Changes<'s> {
    /// None yet.
    pub(crate) fn new(services: &'s Services, by: &'s Actor) -> Self {
        Self {
            services,
            by,
            made: Vec::new(),
            settings: BTreeMap::new(),
            agents: BTreeSet::new(),
            catalog: services.tools.catalog(),
            tools: false,
        }
    }

    /// Adds one; its place among all of them.
    pub(crate) fn push(&mut self, change: LibraryChange, leaf: Leaf) -> usize {
        match &change {
            LibraryChange::Agent { agent, .. } => {
                self.agents.insert(agent.name.to_lowercase());
            }
            LibraryChange::Tool { .. } => self.tools = true,
            LibraryChange::Version(_) | LibraryChange::Activate { .. } | LibraryChange::Setting { .. } => {}
        }
        self.made.push((change, leaf));
        self.made.len() - 1
    }

    /// Whether an agent of this name is among them.
    pub(crate) fn brings_agent(&self, name: &str) -> bool {
        self.agents.contains(&name.to_lowercase())
    }

    /// From here on there is this tool.
    pub(crate) fn know(&mut self, tool: ToolSpec) {
        self.catalog = Arc::new(with_tools(&self.catalog, vec![tool]));
    }

    /// The tools there are by now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    /// A setting as it is by now.
    pub(crate) async fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        match self.settings.get(key) {
            Some((_, now)) => settings::typed(key, now.clone()),
            None => settings::read(self.services, key).await,
        }
    }

    /// Changes a setting; it is a conflict if somebody else does so meanwhile.
    pub(crate) async fn set(&mut self, key: &'static str, value: Value) -> Result<()> {
        settings::check(key, &value)?;
        if let Some((_, now)) = self.settings.get_mut(key) {
            *now = value;
            return Ok(());
        }
        let before = self.services.store.setting(self.services.tenant, key).await?;
        self.settings.insert(key, (before, value));
        Ok(())
    }

    /// Makes all of them. What came of each that saves a version, by the place that [`Changes::push`] gave.
    ///
    /// # Errors
    /// `conflict` if somebody else changed one of these things meanwhile, or the store can't be written;
    /// then nothing is changed.
    pub(crate) async fn commit(mut self) -> Result<Vec<Option<SavedVersion>>> {
        let ruled = !self.settings.is_empty();
        for (key, (before, value)) in std::mem::take(&mut self.settings) {
            let body = json!({"key": key, "before": before, "after": value});
            let leaf = self.services.leaf("setting_changed", self.by, body);
            let change = LibraryChange::Setting {
                key: key.to_owned(),
                value,
                before: Some(before.unwrap_or(Value::Null)),
            };
            self.push(change, leaf);
        }
        if self.made.is_empty() {
            return Ok(Vec::new());
        }
        let services = self.services;
        let saved = services.store.change_library(services.tenant, self.made).await?;
        if ruled {
            services.runs.forget_facts();
        }
        if ruled || self.tools {
            services.tools.take_up().await?;
        }
        Ok(saved)
    }
}

/// A catalogue with these tools, in the place of those that have their names.
pub(crate) fn with_tools(catalog: &Catalog, tools: Vec<ToolSpec>) -> Catalog {
    let known = |name: &str| tools.iter().any(|tool| tool.name == name);
    let mut all: Vec<ToolSpec> = catalog.tools().cloned().collect();
    all.retain(|tool| !known(&tool.name));
    all.extend(tools);
    Catalog::new(all)
}
