//! Specifications on the real kernel, in namespaces of their own.
