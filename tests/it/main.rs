//! Specifications that need no privileges.
#[cfg(test)]
mod http;
