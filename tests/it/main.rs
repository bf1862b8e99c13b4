//! Specifications that need no privileges.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod dialogues;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod http;
#[cfg(test)]
mod import;
#[cfg(test)]
mod lab;
#[cfg(test)]
#[path = "../lab/mod.rs"]
mod laboratory;
#[cfg(test)]
mod luci;
#[cfg(test)]
mod own;
#[cfg(test)]
mod package;
#[cfg(test)]
mod recordings;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod service;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod uci;
#[cfg(test)]
mod wire;
