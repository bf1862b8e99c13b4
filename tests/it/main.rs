//! Specifications that need no privileges.
