//! Specifications that need no privileges.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panic")]

mod lab;
#[path = "../lab/mod.rs"]
mod laboratory;
