//! Specifications that need no privileges.

mod architecture;
mod cli;
mod config;
mod dialogues;
#[cfg(test)]
mod http;
mod lab;
#[path = "../lab/mod.rs"]
mod laboratory;
mod simulator;
