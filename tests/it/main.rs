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
mod http;
#[cfg(test)]
mod simulator;
