//! Specifications that need no privileges.

// Marked as tests, so that the lints know helpers in them as such.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod config;
#[cfg(test)]
mod dialogues;
#[cfg(test)]
mod simulator;
