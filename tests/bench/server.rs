//! A provider that says `good`, and when the kernel had the first segment of each update.

use std::io::{self, IoSliceMut, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

type Update = (Ipv4Addr, SystemTime);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    updates: mpsc::Receiver<Update>,
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Accepted sockets inherit it.
        setsockopt(&listener, sockopt::ReceiveTimestampns, &true)?;
        let address = listener.local_addr()?;
        let (sender, updates) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that was stopped meanwhile.
                let Ok(Some(update)) = serve(stream) else { continue };
                if sender.send(update).is_err() {
                    return;
                }
            }
        });
        Ok(Self { address, updates })
    }

    /// When the update to this address arrived.
    pub(crate) fn wait_for(&self, ip: Ipv4Addr, limit: Duration) -> Option<SystemTime> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (updated, arrived) = self.updates.recv_timeout(left).ok()?;
            if updated == ip {
                return Some(arrived);
            }
        }
    }
}

fn serve(mut stream: TcpStream) -> io::Result<Option<Update>> {
    let mut request = String::new();
    let mut arrived = None;
    while !request.contains("\r\n\r\n") {
        let mut room = [0; 2048];
        let mut pieces = [IoSliceMut::new(&mut room)];
        let mut space = nix::cmsg_space!(TimeSpec);
        let message = recvmsg::<()>(stream.as_raw_fd(), &mut pieces, Some(&mut space), MsgFlags::empty())?;
        let bytes = message.bytes;
        for note in message.cmsgs()? {
            if let ControlMessageOwned::ScmTimestampns(time) = note {
                arrived = arrived.or(Some(SystemTime::UNIX_EPOCH + Duration::from(time)));
            }
        }
        if bytes == 0 {
            return Ok(None);
        }
        request.push_str(&String::from_utf8_lossy(&room[..bytes]));
    }
    let ip = request.split("myip=").nth(1).and_then(|rest| rest.split(['&', ' ']).next());
    let ip = ip.and_then(|ip| ip.parse().ok());
    let body = format!("good {}\n", ip.unwrap_or(Ipv4Addr::UNSPECIFIED));
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(ip.zip(arrived))
}
