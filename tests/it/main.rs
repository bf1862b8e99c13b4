//! Specifications that need no privileges.

mod simulator;
mod architecture;
mod cli;
mod config;
mod dialogues;
