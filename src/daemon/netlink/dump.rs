//! Asks the kernel for all links or all addresses, on a socket of its own: nothing rings here, nothing overruns.
//!
//! The kernel prepares a dump inside our own system calls (`netlink_dump`, net/netlink/af_netlink.c), so there is
//! nothing to wait for and no task to wake; this is what makes a look cost microseconds.

use std::io;

use netlink_packet_core::{
    Emitable, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, parse_i32,
};
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::table;
use crate::engine::address::{Address, Link};

/// The kernel fills what it is offered, up to this (`netlink_recvmsg`); one message may be longer on odd hardware.
const ROOM_BYTES: usize = 32 * 1024;
/// A torn dump is repeated so often; then the change that tore it rings again. Our judgement.
const ATTEMPTS: usize = 3;

/// A socket for dumps, and the room for their answers.
#[derive(Debug)]
pub(super) struct Dumper {
    socket: Socket,
    sequence: u32,
    room: Vec<u8>,
}

impl Dumper {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { socket: open()?, sequence: 0, room: vec![0; ROOM_BYTES] })
    }

    /// All links, by ifindex.
    pub(super) fn links(&mut self) -> io::Result<Vec<Link>> {
        // linux/rtnetlink.h: RTM_GETLINK; kernels before 4.6 do not know the mask and send the statistics too.
        const RTM_GETLINK: u16 = 18;
        let mut question = LinkMessage::default();
        question.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let mut body = vec![0; question.buffer_len()];
        question.emit(&mut body);
        let mut links = self.dump(RTM_GETLINK, &body, |payload| {
            table::decode_link(payload).ok().as_ref().and_then(table::link)
        })?;
        links.sort_by_key(|link| link.ifindex);
        Ok(links)
    }

    /// All addresses of both families, in the kernel's order.
    pub(super) fn addresses(&mut self) -> io::Result<Vec<Address>> {
        // linux/rtnetlink.h: RTM_GETADDR
        const RTM_GETADDR: u16 = 22;
        self.dump(RTM_GETADDR, &[0; table::ADDRESS_HEADER_BYTES], |payload| {
            table::decode_address(payload).ok().as_ref().and_then(table::address)
        })
    }

    fn dump<T>(&mut self, kind: u16, body: &[u8], keep: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
        let mut failed = None;
        let mut torn = None;
        for _ in 0..ATTEMPTS {
            match self.attempt(kind, body, &keep) {
                Ok((found, Torn::No)) => return Ok(found),
                Ok((found, Torn::Yes)) => torn = Some(found),
                Err(error) => {
                    failed = Some(error);
                    // The kernel may still be in the middle of that dump, and refuses a second one meanwhile.
                    self.socket = open()?;
                }
            }
        }
        match (torn, failed) {
            (Some(found), _) => Ok(found),
            (None, failed) => Err(failed.unwrap_or_else(|| io::ErrorKind::InvalidData.into())),
        }
    }

    fn attempt<T>(
        &mut self,
        kind: u16,
        body: &[u8],
        keep: &impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<(Vec<T>, Torn)> {
        self.request(kind, body)?;
        let mut found = Vec::new();
        let mut torn = Torn::No;
        loop {
            let bytes = self.receive()?;
            let mut rest = self.room.get(..bytes).unwrap_or_default();
            while let Ok(message) = NetlinkBuffer::new_checked(rest) {
                let length = usize::try_from(message.length()).unwrap_or(usize::MAX);
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                if message.sequence_number() != self.sequence {
                    continue;
                }
                if message.flags() & NLM_F_DUMP_INTR != 0 {
                    torn = Torn::Yes;
                }
                match message.message_type() {
                    NLMSG_DONE | NLMSG_ERROR => return verdict(message.payload()).map(|()| (found, torn)),
                    _ => found.extend(keep(message.payload())),
                }
            }
        }
    }

    fn request(&mut self, kind: u16, body: &[u8]) -> io::Result<()> {
        // `struct nlmsghdr`, linux/netlink.h
        const HEADER_BYTES: usize = 16;
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = vec![0; HEADER_BYTES];
        request.extend_from_slice(body);
        let mut header = NetlinkHeader::default();
        header.length = u32::try_from(request.len()).unwrap_or(u32::MAX);
        header.message_type = kind;
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        header.sequence_number = self.sequence;
        header.emit(&mut request);
        self.socket.send(&request, 0).map(drop)
    }

    fn receive(&mut self) -> io::Result<usize> {
        // recv(2): the true length, even of what did not fit.
        const MSG_TRUNC: i32 = 0x20;
        let bytes = self.socket.recv(&mut self.room.as_mut_slice(), MSG_TRUNC)?;
        if bytes > self.room.len() {
            self.room.resize(bytes.next_multiple_of(ROOM_BYTES), 0);
            return Err(io::Error::new(io::ErrorKind::InvalidData, "netlink message longer than its buffer"));
        }
        Ok(bytes)
    }
}

/// Whether the table changed while it was dumped: NLM_F_DUMP_INTR, linux/netlink.h.
#[derive(Clone, Copy)]
enum Torn {
    No,
    Yes,
}

fn open() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    // It never has to wait (see above); should that ever be wrong, an error is better than a daemon that hangs.
    socket.set_non_blocking(true)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    // Connected to the kernel: the kernel itself refuses what others send (`netlink_getsockbyportid`).
    socket.connect(&SocketAddr::new(0, 0))?;
    Ok(socket)
}

/// NLMSG_DONE and NLMSG_ERROR both start with zero or a negative errno; old kernels' NLMSG_DONE may be empty.
fn verdict(payload: &[u8]) -> io::Result<()> {
    match payload.get(..4).map(parse_i32) {
        Some(Ok(errno)) if errno < 0 => Err(io::Error::from_raw_os_error(errno.saturating_neg())),
        _ => Ok(()),
    }
}
