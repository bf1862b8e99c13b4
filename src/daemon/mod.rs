//! The shell: everything that touches the world.

pub mod clock;
pub mod control;
pub mod netlink;
mod readiness;
pub mod settings;
