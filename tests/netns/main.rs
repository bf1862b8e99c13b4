//! Specifications on the real kernel, in namespaces of their own.

#[cfg(test)]
mod lab;
#[cfg(test)]
mod netlink;
