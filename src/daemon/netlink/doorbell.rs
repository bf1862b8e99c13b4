//! The socket on which the kernel rings. What it says is not read beyond who says it and about what kind of thing.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use netlink_packet_core::NetlinkBuffer;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rtnetlink::MulticastGroup;
use rustix::io::Errno;
use socket2::{SockFilter, SockRef};
use tokio::io::unix::AsyncFd;

use super::neighbour::AF_INET6;
use crate::daemon::clock;
use crate::daemon::readiness::readable;
use crate::engine::Instant;

/// `struct nlmsghdr`, linux/netlink.h: all that is read of a notification.
const HEADER_BYTES: usize = 16;
/// The kernel doubles it, within rmem_max: room for about 2,500 notifications (measured, 6.18). Our judgement.
const RECEIVE_BUFFER_BYTES: i32 = 1 << 20;

const GROUPS: [MulticastGroup; 5] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
];

/// A subscribed socket.
#[derive(Debug)]
pub(super) struct Doorbell {
    socket: Socket,
    /// A second descriptor of the socket, in the poll set. `None` while nobody listens: a storm does not even wake us.
    ear: Option<AsyncFd<OwnedFd>>,
    hears_neighbours: bool,
}

/// What rang since the last time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Rings {
    /// When the first of these was read.
    pub(super) first: Option<Instant>,
    /// How many.
    pub(super) count: u64,
    /// Links may have changed.
    pub(super) links: bool,
    /// Addresses may have changed.
    pub(super) addresses: bool,
    /// The kernel had to drop notifications: anything may have changed.
    pub(super) overrun: bool,
}

impl Doorbell {
    pub(super) fn new() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.set_non_blocking(true)?;
        // Both are comfort: without them there are more overruns and more bells, and nothing is lost.
        let _ = socket.set_rx_buf_sz(RECEIVE_BUFFER_BYTES);
        let _ = SockRef::from(&socket).attach_filter(&filter());
        // The kernel chooses the port: any process may have taken the one that is our pid.
        socket.bind(&SocketAddr::new(0, 0))?;
        for group in GROUPS {
            socket.add_membership(group as u32)?;
        }
        Ok(Self { socket, ear: None, hears_neighbours: false })
    }

    /// Waits until something rings, and takes all of it. Cancel-safe: nothing is taken before the last wait.
    pub(super) async fn rung(&mut self) -> io::Result<Rings> {
        let ear = match &mut self.ear {
            Some(ear) => ear,
            none => none.insert(readable(self.socket.as_fd().try_clone_to_owned()?)?),
        };
        loop {
            let mut ready = ear.readable().await?;
            let rings = drain(&self.socket)?;
            ready.clear_ready();
            if rings.first.is_some() {
                return Ok(rings);
            }
        }
    }

    /// From now on neighbours ring too, or no longer.
    pub(super) fn hear_neighbours(&mut self, wanted: bool) -> io::Result<()> {
        if wanted == self.hears_neighbours {
            return Ok(());
        }
        self.hears_neighbours = wanted;
        let group = MulticastGroup::Neigh as u32;
        if wanted { self.socket.add_membership(group) } else { self.socket.drop_membership(group) }
    }

    /// Takes what has rung, without waiting.
    pub(super) fn drain(&self) -> io::Result<Rings> {
        drain(&self.socket)
    }

    /// Lets it ring; the kernel keeps or drops as it likes until [`Doorbell::rung`] or [`Doorbell::drain`].
    pub(super) fn rest(&mut self) {
        self.ear = None;
    }
}

impl Rings {
    pub(super) fn add(&mut self, later: Self) {
        self.first = self.first.or(later.first);
        self.count += later.count;
        self.links |= later.links;
        self.addresses |= later.addresses;
        self.overrun |= later.overrun;
    }

    fn ring(&mut self, kind: u16) {
        self.first = self.first.or_else(|| Some(clock::monotonic()));
        self.count += 1;
        match kind {
            RTM_NEWLINK | RTM_DELLINK => self.links = true,
            RTM_NEWROUTE | RTM_DELROUTE => {}
            // Addresses, neighbours; and whatever a later kernel may send to these groups.
            _ => self.addresses = true,
        }
    }
}

/// Reads until there is nothing left. It must be that far after an overrun: until the queue is empty the kernel drops
/// all that is new and does not say so again. A storm cannot hold us here: the kernel makes its notifications one at
/// a time under its own lock, and takes many times longer than we do to read 16 bytes.
fn drain(socket: &Socket) -> io::Result<Rings> {
    let mut rings = Rings::default();
    loop {
        let mut header = [0_u8; HEADER_BYTES];
        match socket.recv_from(&mut &mut header[..], 0) {
            // Root of our network namespace can send us what it likes; the kernel's own port is 0.
            Ok((_, sender)) if sender.port_number() != 0 => {}
            Ok((bytes, _)) if bytes < HEADER_BYTES => rings.ring(0),
            Ok(_) => rings.ring(NetlinkBuffer::new(&header).message_type()),
            Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::AGAIN) => return Ok(rings),
                Some(Errno::NOBUFS) => {
                    rings.first = rings.first.or_else(|| Some(clock::monotonic()));
                    rings.overrun = true;
                }
                Some(Errno::INTR) => {}
                _ => return Err(error),
            },
        }
    }
}

// linux/rtnetlink.h
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_NEWNEIGH: u16 = 28;
const RTM_DELNEIGH: u16 = 29;

/// A classic BPF program (Documentation/networking/filter.rst) that keeps quiet about routes that lead nowhere else:
/// each address brings local, broadcast, anycast and multicast ones, and old kernels announce cache entries.
/// All else passes, unreachable routes too: one that goes away may be what the way out waited for. Of neighbours, those
/// of IPv6.
fn filter() -> [SockFilter; 16] {
    // linux/filter.h
    const LOAD_U8: u16 = 0x30;
    const LOAD_U16: u16 = 0x28;
    const LOAD_U32: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const JUMP_GREATER: u16 = 0x25;
    const JUMP_NOT_LESS: u16 = 0x35;
    const JUMP_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    // Offsets from the start of `struct nlmsghdr`; `struct rtmsg` follows it.
    const NLMSG_TYPE: u32 = 4;
    const RTM_TYPE: u32 = 16 + 7;
    const RTM_FLAGS: u32 = 16 + 8;
    const NDM_FAMILY: u32 = 16;
    const RTN_LOCAL: u32 = 2;
    const RTN_MULTICAST: u32 = 5;
    const RTM_F_CLONED: u32 = 0x200;
    // Loads are of network byte order, the message is of the host's.
    let load = |code, offset| SockFilter::new(code, 0, 0, offset);
    [
        load(LOAD_U16, NLMSG_TYPE),
        SockFilter::new(JUMP_EQUAL, 1, 0, u16::to_be(RTM_NEWROUTE).into()),
        SockFilter::new(JUMP_EQUAL, 0, 7, u16::to_be(RTM_DELROUTE).into()),
        load(LOAD_U32, RTM_FLAGS),
        SockFilter::new(JUMP_SET, 4, 0, u32::to_be(RTM_F_CLONED)),
        load(LOAD_U8, RTM_TYPE),
        SockFilter::new(JUMP_NOT_LESS, 0, 1, RTN_LOCAL),
        SockFilter::new(JUMP_GREATER, 0, 1, RTN_MULTICAST),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(JUMP_EQUAL, 1, 0, u16::to_be(RTM_NEWNEIGH).into()),
        SockFilter::new(JUMP_EQUAL, 0, 2, u16::to_be(RTM_DELNEIGH).into()),
        load(LOAD_U8, NDM_FAMILY),
        SockFilter::new(JUMP_EQUAL, 0, 1, AF_INET6.into()),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}
