//! The WAN line: a pair of devices between router and ISP that is made anew for each session, as pppd does.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use crate::lab::namespace::{Assignment, Namespace};

/// The router's device. The ISP's is `isp0`.
const WAN: &str = "wan0";
const ISP: &str = "isp0";
/// The ISP's end of the line: shared address space, as many have it (RFC 6598).
const PEER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
/// The router's addresses come out of these networks.
const CUSTOMERS: (Ipv4Addr, u8) = (Ipv4Addr::new(203, 0, 113, 0), 24);

/// Both ends.
pub(crate) struct Line {
    router: Namespace,
    isp: Namespace,
}

impl Line {
    /// Two namespaces without a connection; the ISP's has the provider's address.
    pub(crate) fn new(provider: Ipv4Addr) -> io::Result<Self> {
        let line = Self { router: Namespace::new()?, isp: Namespace::new()? };
        line.isp.assign("lo", Assignment::new(provider, 32))?;
        Ok(line)
    }

    /// Where the agent lives.
    pub(crate) fn router(&self) -> &Namespace {
        &self.router
    }

    /// Where the provider lives.
    pub(crate) fn isp(&self) -> &Namespace {
        &self.isp
    }

    /// A session begins: a new device, addresses, default routes. Gives the instants since when IPv4 and IPv6 are
    /// usable.
    pub(crate) fn dial(&self, ipv4: Ipv4Addr, ipv6: Ipv6Addr) -> io::Result<(Instant, Instant)> {
        self.router.connect(WAN, &self.isp, ISP)?;
        self.isp.assign(ISP, Assignment::new(PEER, 32))?;
        self.isp.route(CUSTOMERS.0.into(), CUSTOMERS.1, ISP)?;
        // The address belongs to us, the /32 to the ISP: an agent that reads the wrong one publishes 100.64.0.1.
        self.router.assign(WAN, Assignment::point_to_point(ipv4, PEER))?;
        self.router.route(Ipv4Addr::UNSPECIFIED.into(), 0, WAN)?;
        let usable4 = Instant::now();
        self.router.route(Ipv6Addr::UNSPECIFIED.into(), 0, WAN)?;
        self.router.assign(WAN, Assignment::new(ipv6, 64))?;
        Ok((usable4, Instant::now()))
    }

    /// The session ends: the device goes, with everything on it.
    pub(crate) fn hang_up(&self) -> io::Result<()> {
        self.router.remove(WAN)
    }

    /// A new IPv6 address beside the old one, which is deprecated, as a router advertisement does it.
    pub(crate) fn renumber(&self, old: Ipv6Addr, new: Ipv6Addr) -> io::Result<Instant> {
        self.router.assign(WAN, Assignment::new(old, 64).deprecated())?;
        self.router.assign(WAN, Assignment::new(new, 64))?;
        Ok(Instant::now())
    }

    /// The session in words.
    pub(crate) fn describe(&self, ipv4: Ipv4Addr, ipv6: Ipv6Addr) -> io::Result<String> {
        Ok(format!("wan0 is device {}: {ipv4} peer {PEER}, {ipv6}", self.router.index(WAN)?))
    }
}
