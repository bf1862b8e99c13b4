//! The shell: everything that touches the world.

pub mod control;
pub mod settings;
