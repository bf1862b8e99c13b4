//! Specifications that need no privileges.

mod lab;
#[path = "../lab/mod.rs"]
mod laboratory;
