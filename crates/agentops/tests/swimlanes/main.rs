//! The shipped recipes end to end, through the binary: each leaves exactly its effects, whatever
//! people, vendors and the machine do meanwhile.

mod demo;
mod house;
mod recipes;
mod tools;
mod trouble;
mod world;
