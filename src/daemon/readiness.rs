//! Descriptors that tokio has no type for (timers, netlink) in its poll set.

use std::io;
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Puts a descriptor into the runtime's poll set, for reading; dropping it takes it out.
/// For types that keep their descriptor as long as they live.
///
/// # Errors
///
/// The kernel's `epoll_ctl`.
#[expect(
    deprecated,
    reason = "its successor is `unsafe`, because some types close their descriptor early (tokio#8587); \
              an OwnedFd and what is around one cannot, and `unsafe` is forbidden in this house"
)]
pub(super) fn readable<Fd: AsRawFd>(fd: Fd) -> io::Result<AsyncFd<Fd>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}
