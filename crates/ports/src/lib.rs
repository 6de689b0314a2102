//! Traits that the outside implements or offers
