//! The laboratory: a dyndns2 provider that can be made to misbehave, the name servers behind it, and a WAN line.
//!
//! ```text
//! agent ──HTTP(S)──▶ provider ──▶ zone ──▶ dns ◀── query ◀── whoever wants to know what a name resolves to
//! ```
//!
//! - [`provider`]: the server; records every request, and waits for requests without polling.
//! - [`fault`]: the ways in which it fails.
//! - [`dyndns2`]: what it says when it does not.
//! - [`zone`]: names and their addresses: exactly what the provider accepted.
//! - [`dns`]: the authoritative server of that zone, and as a resolver: dead, SERVFAIL, NXDOMAIN.
//! - [`query`]: asks a DNS server one question.
//! - [`wire`]: the little HTTP that it speaks.
//! - [`ubus`]: a stand-in for ubusd, netifd and procd, and a second client.
//! - [`echo`]: a web service that answers with the address of who asks.
//! - [`certificates`]: the laboratory's own certification authority.
//! - [`namespace`]: network namespaces and the links between them, without `ip` and without root.
//!
//! Servers bind in the network namespace of the thread that starts them and stop when they are dropped.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "shared by the tests and the examples: each takes what it needs, measures real time, and fails by panic"
)]

pub mod certificates;
pub mod dns;
pub mod dyndns2;
pub mod echo;
pub mod fault;
pub mod namespace;
pub mod provider;
pub mod query;
pub mod ubus;
pub mod wire;
pub mod zone;
