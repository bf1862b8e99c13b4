//! ubus
mod blob;
mod blobmsg;
mod message;

/// Bytes that are no ubus message, or not one that may be received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Malformed;
