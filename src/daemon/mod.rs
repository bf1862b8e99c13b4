//! To come.

pub mod http;
