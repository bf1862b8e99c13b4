//! Specifications that need no privileges.

mod dialogues;
