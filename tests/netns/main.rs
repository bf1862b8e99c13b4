//! Specifications on the real kernel, in namespaces of their own: the rooms that speak to it, and the whole agent.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod agent;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod ipv6;
#[cfg(test)]
mod lab;
#[cfg(test)]
#[path = "../lab/mod.rs"]
mod laboratory;
#[cfg(test)]
mod lan;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod name_server;
#[cfg(test)]
mod names;
#[cfg(test)]
mod netlink;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod provider_faults;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod resolver;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod two_lines;
#[cfg(test)]
mod ubus;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod visible;
#[cfg(test)]
mod world;
