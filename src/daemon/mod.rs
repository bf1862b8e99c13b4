//! To come.

pub mod clock;
pub mod netlink;
mod readiness;
