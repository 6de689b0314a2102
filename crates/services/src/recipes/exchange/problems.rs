//! What keeps files from being taken over: all of it, with its places.

use std::collections::BTreeMap;
use std::fmt;

use recipe::Severity;
use types::Failure;

use super::{From, Plan, manifests};
use crate::recipes::save::check_slug;
use crate::{Result, Services, tools};

/// The most problems that are told.
const MOST_TOLD: usize = 1_000;
/// The code of what is wrong with the files as a whole.
const INVALID: &str = "bundle_invalid";

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `FILE:LINE:COLUMN`, or the file alone; empty for all of them.
    pub at: String,
    /// A stable code: a finding of the recipe language's, or a failure's.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// Of the files as a whole, or of one of them.
    pub(super) fn whole(at: &str, message: impl Into<String>) -> Self {
        Self::new(at, INVALID, message)
    }

    fn new(at: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            code: code.to_owned(),
            message: message.into(),
        }
    }

    fn of(at: &str, failure: Failure) -> Self {
        Self::new(at, &failure.code, failure.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// Finds everything that is wrong with the documents of a plan, and puts aside what isn't taken here.
pub(super) async fn find_problems(services: &Services, plan: &mut Plan, from: From) -> Result<()> {
    let rows = services.store.tools(services.tenant).await?;
    let mut taken: BTreeMap<(String, u32), String> = BTreeMap::new();
    let mut problems = std::mem::take(&mut plan.problems);
    if from == From::Folder {
        let (recipes, others): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.documents)
            .into_iter()
            .partition(|document| document.slug.is_some() || has_errors(&document.checked));
        plan.documents = recipes;
        plan.skipped.extend(others.into_iter().map(|other| other.path));
    }
    for document in &plan.documents {
        let errors = document.checked.diagnostics.iter();
        let errors = errors.filter(|found| found.severity == Severity::Error);
        problems.extend(errors.map(|found| {
            let at = format!("{}:{}:{}", document.path, found.line, found.column);
            Problem::new(&at, &found.code, &found.message)
        }));
        for manifest in manifests(&document.checked) {
            let read = services.tools.read_manifest(manifest);
            let may = read.and_then(|spec| tools::may_be_http(services, &rows, &spec.name));
            problems.extend(may.err().map(|failure| Problem::of(&document.path, failure)));
        }
        let Some(slug) = &document.slug else { continue };
        // What saving would refuse, so that a plan never promises it.
        let named = check_slug(slug, false);
        problems.extend(named.err().map(|failure| Problem::of(&document.path, failure)));
        if let Some(other) = taken.insert((slug.clone(), document.number), document.path.clone()) {
            let message = format!("it would become '{slug}', and so would '{other}'");
            problems.push(Problem::whole(&document.path, message));
        }
    }
    if plan.documents.is_empty() && problems.is_empty() && from == From::Anywhere {
        let message = "there is no document of any known kind in it";
        problems.push(Problem::whole("", message));
    }
    if problems.len() > MOST_TOLD {
        let more = problems.len() - MOST_TOLD;
        problems.truncate(MOST_TOLD);
        problems.push(Problem::whole("", format!("and {more} more")));
    }
    plan.problems = problems;
    Ok(())
}

fn has_errors(checked: &recipe::Checked) -> bool {
    let mut found = checked.diagnostics.iter();
    found.any(|found| found.severity == Severity::Error)
}
