//! Pages of lists: where one begins, by the key of the item before it, and how many items it holds.

use types::{RunId, Timestamp, TokenId, UserId};

/// A page of a list by name, in the order of the database and without regard to case where names have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByName {
    /// Only what comes after this name.
    pub after: Option<String>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which recipes to list: those that aren't archived, by name and short name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipeFilter {
    /// Only what comes after this name and short name.
    pub after: Option<(String, String)>,
    /// None whose short name begins so.
    pub not_begun: Option<String>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which versions of a recipe to list: newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VersionFilter {
    /// Only those older than this one.
    pub before: Option<u32>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which tokens to list: newest first, all conditions together, expired and revoked ones included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// Only those that work at this instant.
    pub working_at: Option<Timestamp>,
    /// Only those older than this one.
    pub before: Option<TokenId>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which dead letters to list: newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only what comes after the letter of this instant and run.
    pub before: Option<(Timestamp, RunId)>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}
