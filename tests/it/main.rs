//! Specifications that need no privileges.

mod architecture;
mod cli;
mod config;
mod dialogues;
#[cfg(test)]
mod http;
mod simulator;
