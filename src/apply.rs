//! The configurator: a file that declares deployments is held against what is there, written, and
//! every door behind it is looked at.

pub mod alias;
mod cdn;
mod channel;
mod deployment;
pub mod doors;
mod former;
pub mod json;
pub mod manifest;
pub mod objects;
pub mod plan;
mod raw;
mod reading;
mod register;
pub mod report;
pub mod run;
pub mod setup;
pub mod summary;
mod undo;
mod values;
pub mod webhook;
pub mod words;
mod write;

#[cfg(test)]
mod tests;
