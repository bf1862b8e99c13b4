//! Network namespaces and what is in them, over rtnetlink: needs no root where user namespaces are allowed, and no `ip`.
//!
//! All calls return when the kernel has done it, so the moment of return is the moment from which a test may count.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage as Rt;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, CacheInfo};
use netlink_packet_route::link::{InfoData, InfoVeth};
use netlink_packet_route::route::RouteMessage;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

/// A network namespace; it lives until this is dropped and its last process has ended.
pub struct Namespace {
    file: File,
    netlink: Socket,
    probe: UdpSocket,
}

/// An address as it is put on a device.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
    /// Our address.
    pub ip: IpAddr,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// Prefix length, of the peer's address if there is one.
    pub prefix_len: u8,
    /// Preferred lifetime in seconds: zero is deprecated, `None` is for ever.
    pub preferred_secs: Option<u32>,
}

impl Assignment {
    /// An address for ever.
    pub fn new(ip: impl Into<IpAddr>, prefix_len: u8) -> Self {
        Self { ip: ip.into(), peer: None, prefix_len, preferred_secs: None }
    }

    /// As pppd assigns it: ours alone, with the peer's address at the other end.
    pub fn point_to_point(ip: Ipv4Addr, peer: Ipv4Addr) -> Self {
        Self { peer: Some(peer.into()), ..Self::new(ip, 32) }
    }

    /// The same address, but deprecated.
    pub fn deprecated(self) -> Self {
        Self { preferred_secs: Some(0), ..self }
    }
}

/// Takes this process into a network namespace of its own, and into a user namespace of which it is root if it is not
/// allowed to do that otherwise. It must leave the first one: without root there is no way back into it.
///
/// # Errors
/// What the person at the keyboard has to do. Must be called before the first thread is started.
pub fn become_root() -> Result<(), String> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    if uid == 0 && unshare(UnshareFlags::NEWNET).is_ok() {
        return Ok(());
    }
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET).map_err(|error| {
        format!(
            "cannot make a user namespace ({error}). Run it as root, or allow it for this boot:\n  \
             sysctl -w kernel.unprivileged_userns_clone=1                  (Debian, if it was switched off)\n  \
             sysctl -w kernel.apparmor_restrict_unprivileged_userns=0     (Ubuntu 24.04 and later)\n  \
             docker run --privileged …                                     (in a container)"
        )
    })?;
    let map = |file: &str, text: String| {
        fs::write(file, text).map_err(|error| format!("cannot write {file} of a new user namespace: {error}"))
    };
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {uid} 1"))?;
    map("/proc/self/gid_map", format!("0 {gid} 1"))
}

impl Namespace {
    /// A new namespace with only `lo` in it, up. The calling thread stays where it is.
    pub fn new() -> io::Result<Self> {
        let before = current()?;
        unshare(UnshareFlags::NEWNET)?;
        let made = Self::of_this_thread();
        enter(&before)?;
        let made = made?;
        made.set_up("lo", true)?;
        Ok(made)
    }

    /// The namespace that the calling thread is in.
    pub fn of_this_thread() -> io::Result<Self> {
        let netlink = Socket::new(NETLINK_ROUTE)?;
        Ok(Self { file: current()?, netlink, probe: UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))? })
    }

    /// Does something inside: sockets that it opens and processes that it starts belong to this namespace.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let before = current()?;
        enter(&self.file)?;
        let done = work();
        enter(&before)?;
        Ok(done)
    }

    /// Makes a pair of connected devices, one here and one there, both up.
    pub fn connect(&self, device: &str, there: &Self, device_there: &str) -> io::Result<()> {
        let peer =
            LinkMessageBuilder::<LinkUnspec>::new().name(device_there).setns_by_fd(there.file.as_raw_fd());
        let pair =
            LinkVeth::new(device, device_there).set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())));
        self.request(Rt::NewLink(pair.build()), NLM_F_CREATE)?;
        // Not with the request above: a veth device refuses to go up before the other one exists.
        there.set_up(device_there, true)?;
        self.set_up(device, true)
    }

    /// Deletes a device and, of a pair, the other one.
    pub fn remove(&self, device: &str) -> io::Result<()> {
        let link = LinkMessageBuilder::<LinkUnspec>::new().index(self.index(device)?);
        self.request(Rt::DelLink(link.build()), 0)
    }

    /// Sets a device up or down.
    pub fn set_up(&self, device: &str, up: bool) -> io::Result<()> {
        let link = LinkMessageBuilder::<LinkUnspec>::new().index(self.index(device)?);
        self.request(Rt::SetLink(if up { link.up() } else { link.down() }.build()), 0)
    }

    /// The kernel's index of a device.
    pub fn index(&self, device: &str) -> io::Result<u32> {
        Ok(rustix::net::netdevice::name_to_index(self.probe.as_fd(), device)?)
    }

    /// Adds an address, or changes its lifetimes. No duplicate address detection: usable at once.
    pub fn assign(&self, device: &str, assignment: Assignment) -> io::Result<()> {
        let message = self.address_message(device, assignment)?;
        self.request(Rt::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Deletes an address.
    pub fn unassign(&self, device: &str, assignment: Assignment) -> io::Result<()> {
        let message = self.address_message(device, assignment)?;
        self.request(Rt::DelAddress(message), 0)
    }

    /// Adds a route to a network: `0.0.0.0/0` and `::/0` are the default routes.
    pub fn route(&self, to: IpAddr, prefix_len: u8, device: &str) -> io::Result<()> {
        let message = self.route_message(to, prefix_len, device)?;
        self.request(Rt::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Deletes a route.
    pub fn unroute(&self, to: IpAddr, prefix_len: u8, device: &str) -> io::Result<()> {
        let message = self.route_message(to, prefix_len, device)?;
        self.request(Rt::DelRoute(message), 0)
    }

    fn address_message(&self, device: &str, assignment: Assignment) -> io::Result<AddressMessage> {
        let mut message = AddressMessage::default();
        message.header.index = self.index(device)?;
        message.header.prefix_len = assignment.prefix_len;
        message.header.family = family(assignment.ip);
        let other_end = assignment.peer.unwrap_or(assignment.ip);
        message.attributes =
            vec![AddressAttribute::Local(assignment.ip), AddressAttribute::Address(other_end)];
        if assignment.ip.is_ipv6() {
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        if let Some(preferred) = assignment.preferred_secs {
            let mut lifetimes = CacheInfo::default();
            (lifetimes.ifa_preferred, lifetimes.ifa_valid) = (preferred, preferred.max(7200));
            message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
        }
        Ok(message)
    }

    fn route_message(&self, to: IpAddr, prefix_len: u8, device: &str) -> io::Result<RouteMessage> {
        let index = self.index(device)?;
        Ok(match to {
            IpAddr::V4(to) => RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(to, prefix_len)
                .output_interface(index)
                .build(),
            IpAddr::V6(to) => RouteMessageBuilder::<Ipv6Addr>::new()
                .destination_prefix(to, prefix_len)
                .output_interface(index)
                .build(),
        })
    }

    /// Sends one request and waits until the kernel has done it.
    fn request(&self, message: Rt, flags: u16) -> io::Result<()> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.netlink.send(&bytes, 0)?;
        let mut answer = Vec::with_capacity(32 * 1024);
        self.netlink.recv(&mut answer, 0)?;
        let answer = NetlinkMessage::<Rt>::deserialize(&answer).map_err(io::Error::other)?;
        let NetlinkPayload::Error(error) = answer.payload else { return Ok(()) };
        if error.code.is_some() { Err(error.to_io()) } else { Ok(()) }
    }
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn current() -> io::Result<File> {
    File::open("/proc/thread-self/ns/net")
}

fn enter(namespace: &File) -> io::Result<()> {
    Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

fn unshare(what: UnshareFlags) -> io::Result<()> {
    #[expect(deprecated, reason = "unsafe for CLONE_FILES only, and this crate forbids unsafe code")]
    Ok(rustix::thread::unshare(what)?)
}
