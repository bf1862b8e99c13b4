//! Specifications that need no privileges.

mod simulator;
