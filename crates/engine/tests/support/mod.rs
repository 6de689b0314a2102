//! What the cases need: recipes in few words, and a shell without clock, network or disk.

pub mod build;
pub mod chaos;
pub mod random;
pub mod world;

pub use build::*;
pub use random::{Dice, random_recipe};
pub use world::{Reply, World, key};
