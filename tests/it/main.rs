//! Specifications that need no privileges.

mod config;
