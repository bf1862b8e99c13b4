//! `wanbeacon`: the kernel announces a new WAN address, the name follows.
//!
//! ```text
//! main ──▶ cli ──▶ daemon ──▶ config ──▶ engine ──▶ provider      one way; skipping a step is allowed
//! ```
//!
//! - [`provider`]: an update becomes requests, a reply becomes a verdict. Pure.
//! - [`engine`]: events in, actions out, time passed in. Pure; every rule about addresses and manners lives here.
//! - [`config`]: text becomes settings; every mistake with its place and its mend. Pure.
//! - [`daemon`]: the shell: netlink, HTTP, files, clocks, syslog, and the loop that joins them to the engine.
//! - [`cli`]: the commands.
//!
//! Read next: `engine/mod.rs` (events and actions), then `daemon/mod.rs` (the loop).

pub mod cli;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod provider;
