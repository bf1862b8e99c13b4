//! Specifications of the provider `rfc2136` at real name servers of the distribution: BIND, Knot DNS and PowerDNS, on
//! loopback. The configurations are those of docs/rfc2136.md.

#[cfg(test)]
mod client;
#[cfg(test)]
#[path = "../lab/mod.rs"]
mod laboratory;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod ways;
