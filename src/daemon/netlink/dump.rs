//! Asks the kernel for all links or all addresses, on a socket of its own: nothing rings here, nothing overruns.
//!
//! The kernel prepares a dump inside our own system calls (`netlink_dump`, net/netlink/af_netlink.c), so there is
//! nothing to wait for and no task to wake; this is what makes a look cost microseconds.

use std::io;

use netlink_packet_core::{
    DefaultNla, Emitable, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer,
    NetlinkHeader, parse_i32,
};
use netlink_packet_route::link::{LinkExtentMask, LinkHeader};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::{neighbour, table};
use crate::engine::address::{Address, Link};
use crate::engine::lan::Neighbour;

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
        let mut links =
            self.dump(RTM_GETLINK, &link_question(), |payload| table::link(payload).ok().flatten())?;
        links.sort_by_key(|link| link.ifindex);
        Ok(links)
    }

    /// All addresses of both families, in the kernel's order.
    pub(super) fn addresses(&mut self) -> io::Result<Vec<Address>> {
        // linux/rtnetlink.h
        const RTM_GETADDR: u16 = 22;
        self.dump(RTM_GETADDR, &[0; table::ADDRESS_HEADER_BYTES], |payload| {
            table::decode_address(payload).ok().as_ref().and_then(table::address)
        })
    }

    /// All IPv6 neighbours that were ever heard.
    pub(super) fn neighbours(&mut self) -> io::Result<Vec<Neighbour>> {
        // linux/rtnetlink.h
        const RTM_GETNEIGH: u16 = 30;
        self.dump(RTM_GETNEIGH, &neighbour::question(), neighbour::neighbour)
    }

    fn dump<T>(&mut self, kind: u16, body: &[u8], keep: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
        let mut failed = None;
        let mut torn = None;
        for _ in 0..ATTEMPTS {
            match self.attempt(kind, body, &keep) {
                Ok(answer) if answer.torn => torn = Some(answer.found),
                Ok(answer) => return Ok(answer.found),
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
    ) -> io::Result<Answer<T>> {
        self.request(kind, body)?;
        let mut answer = Answer { found: Vec::new(), torn: false, done: false };
        while !answer.done {
            let bytes = self.receive()?;
            answer.read(self.room.get(..bytes).unwrap_or_default(), self.sequence, keep)?;
        }
        Ok(answer)
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

/// What has come of one dump.
#[derive(Debug)]
struct Answer<T> {
    found: Vec<T>,
    /// The table changed while it was dumped: NLM_F_DUMP_INTR, linux/netlink.h.
    torn: bool,
    done: bool,
}

impl<T> Answer<T> {
    /// Reads one datagram: any number of messages.
    fn read(
        &mut self,
        mut datagram: &[u8],
        sequence: u32,
        keep: &impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<()> {
        while let Ok(message) = NetlinkBuffer::new_checked(datagram) {
            let length = usize::try_from(message.length()).ok();
            // NLMSG_ALIGN, linux/netlink.h; the last message need not be padded.
            let next = length.and_then(|length| length.checked_next_multiple_of(4));
            datagram = next.and_then(|next| datagram.get(next..)).unwrap_or_default();
            if message.sequence_number() != sequence {
                continue;
            }
            self.torn |= message.flags() & NLM_F_DUMP_INTR != 0;
            match message.message_type() {
                NLMSG_DONE | NLMSG_ERROR => {
                    self.done = true;
                    return verdict(message.payload());
                }
                _ => self.found.extend(keep(message.payload())),
            }
        }
        Ok(())
    }
}

/// Asks without the statistics; the mask spares the IPv6 counters, kernels before 4.4 send them all the same.
fn link_question() -> Vec<u8> {
    let mask = u32::from(LinkExtentMask::SkipStats).to_ne_bytes();
    let mask = DefaultNla::new(IFLA_EXT_MASK, mask.to_vec());
    let mut question = vec![0; table::LINK_HEADER_BYTES + mask.buffer_len()];
    LinkHeader::default().emit(&mut question);
    mask.emit(question.get_mut(table::LINK_HEADER_BYTES..).unwrap_or_default());
    question
}

// linux/rtnetlink.h and linux/if_link.h
const RTM_GETLINK: u16 = 18;
const IFLA_EXT_MASK: u16 = 29;

pub(super) fn open() -> io::Result<Socket> {
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

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkMessage};
    use proptest::prelude::*;

    use super::*;

    const KIND: u16 = 20;

    #[test]
    fn the_question_for_links_is_the_one_that_the_library_would_ask() {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let mut expected = vec![0; message.buffer_len()];
        message.emit(&mut expected);
        assert_eq!(link_question(), expected);
    }

    #[test]
    fn messages_are_taken_until_the_kernel_is_done() {
        let first = [message(KIND, 0, 7, b"one"), message(KIND, 0, 7, b"two")].concat();
        let last = [message(KIND, 0, 7, b"three"), message(NLMSG_DONE, 0, 7, &[0; 4])].concat();
        let mut answer = fresh();
        answer.read(&first, 7, &keep).unwrap();
        assert!(!answer.done);
        answer.read(&last, 7, &keep).unwrap();
        assert!(answer.done && !answer.torn);
        assert_eq!(answer.found, [&b"one"[..], b"two", b"three"]);
    }

    #[test]
    fn the_answer_to_another_question_is_skipped() {
        let datagram = [message(KIND, 0, 6, b"old"), message(NLMSG_DONE, 0, 6, &[0; 4])].concat();
        let mut answer = fresh();
        answer.read(&datagram, 7, &keep).unwrap();
        assert!(answer.found.is_empty() && !answer.done);
    }

    #[test]
    fn a_torn_dump_is_noticed_on_any_message() {
        for torn in 0..2 {
            let flag = |at| if at == torn { NLM_F_DUMP_INTR } else { 0 };
            let datagram = [message(KIND, flag(0), 7, b"one"), message(NLMSG_DONE, flag(1), 7, &[])].concat();
            let mut answer = fresh();
            answer.read(&datagram, 7, &keep).unwrap();
            assert!(answer.torn && answer.done);
        }
    }

    #[test]
    fn a_refusal_is_an_error() {
        for kind in [NLMSG_ERROR, NLMSG_DONE] {
            let refusal = message(kind, 0, 7, &(-16_i32).to_ne_bytes());
            let error = fresh().read(&refusal, 7, &keep).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(16));
        }
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(datagram in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..60) {
            let _ = fresh().read(&datagram, 7, &keep);
            let real = [message(KIND, 0, 7, b"one"), message(NLMSG_DONE, 0, 7, &datagram)].concat();
            let _ = fresh().read(&real[..real.len() - cut % real.len()], 7, &keep);
        }
    }

    fn fresh() -> Answer<Vec<u8>> {
        Answer { found: Vec::new(), torn: false, done: false }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the real ones")]
    fn keep(payload: &[u8]) -> Option<Vec<u8>> {
        Some(payload.to_vec())
    }

    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut header = NetlinkHeader::default();
        header.length = u32::try_from(16 + payload.len()).unwrap();
        header.message_type = kind;
        header.flags = flags;
        header.sequence_number = sequence;
        let mut bytes = vec![0; 16];
        header.emit(&mut bytes);
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}
