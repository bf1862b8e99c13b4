//! Which address of a device may be published, and why the others may not.

use std::net::IpAddr;

/// The kernel's links and addresses at one moment, whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    /// All links of the network namespace, by ifindex.
    pub links: Vec<Link>,
    /// All addresses, in the kernel's order.
    pub addresses: Vec<Address>,
}

/// One link (RTM_NEWLINK).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Kernel index; a device that is made anew gets a new one.
    pub ifindex: u32,
    /// Device name (`pppoe-wan`).
    pub name: String,
    /// IFF_UP and IFF_LOWER_UP. The operational state is not asked: ppp's is "unknown" when it is up.
    pub up: bool,
}

/// `ifa_scope` of linux/rtnetlink.h.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// RT_SCOPE_UNIVERSE.
    Universe,
    /// RT_SCOPE_SITE.
    Site,
    /// RT_SCOPE_LINK.
    Link,
    /// RT_SCOPE_HOST and anything narrower.
    Host,
}

/// One address (RTM_NEWADDR).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The link that it is on.
    pub ifindex: u32,
    /// IFA_LOCAL, else IFA_ADDRESS: our end of a point-to-point link, never the peer's.
    pub ip: IpAddr,
    /// Prefix length in bits.
    pub prefix_len: u8,
    /// Scope.
    pub scope: Scope,
    /// IFA_F_TENTATIVE: duplicate address detection has not finished (RFC 4862).
    pub tentative: bool,
    /// IFA_F_DADFAILED.
    pub dad_failed: bool,
    /// IFA_F_DEPRECATED, or a preferred lifetime of zero whatever the flag says.
    pub deprecated: bool,
    /// IFA_F_TEMPORARY on IPv6 (RFC 8981).
    pub temporary: bool,
    /// IFA_F_SECONDARY on IPv4 (the same bit).
    pub secondary: bool,
    /// IFA_CACHEINFO `cstamp`: when it was added, in hundredths of a second; wraps. Refreshes do not change it.
    pub created: u32,
}
