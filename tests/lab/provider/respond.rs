//! What each mode puts on the wire once a request has been read.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::super::dyndns2::{self, Update};
use super::super::fault::Mode;
use super::super::wire::{self, Channel, End, Response};
use super::Shared;

/// Longer than any answer that a client has a reason to read.
const BIG_BYTES: u64 = 1 << 30;

/// Performs one mode; gives how the connection ends, what was said, and how many bytes of body were sent.
pub(super) fn respond(
    shared: &Shared,
    to: &mut dyn Channel,
    mode: &Mode,
    update: &Update,
    peer: IpAddr,
) -> (io::Result<End>, String, u64) {
    if let Some(response) = plain(shared, mode, update, peer) {
        let said = response.summary();
        return match response.send(to) {
            Ok(bytes) => (Ok(End::Next), said, bytes),
            Err(error) => (Err(error), said, 0),
        };
    }
    let mut bytes = 0;
    let end = misbehave(shared, to, mode, update, peer, &mut bytes);
    (end, String::new(), bytes)
}

/// Modes that are an ordinary answer.
fn plain(shared: &Shared, mode: &Mode, update: &Update, peer: IpAddr) -> Option<Response> {
    let page = |text: &str| {
        let html = format!(
            "<!doctype html><html><head><title>Hotel</title></head><body><h1>{text}</h1></body></html>\n"
        );
        let mut response = Response::new(200, html);
        response.content_type = "text/html; charset=utf-8";
        response
    };
    Some(match mode {
        Mode::Abuse => Response::new(200, "abuse\n"),
        Mode::BadAuth => Response::new(200, "badauth\n"),
        Mode::BadAuth401 => Response::new(401, "badauth\n").with("WWW-Authenticate", "Basic realm=\"ddns\""),
        Mode::Captive => page("You are offline. Please log in."),
        Mode::CaptiveGood => page("We wish you a good stay. Please log in."),
        Mode::Empty => Response::new(200, ""),
        Mode::Http429(pause) => Response::new(429, "slow down\n").with("Retry-After", &pause.as_secs().to_string()),
        Mode::Http500 => Response::new(500, "internal server error\n"),
        Mode::Http911 => Response::new(200, "911\n"),
        Mode::NoHost => Response::new(200, "nohost\n"),
        Mode::Redirect(url) => Response::new(302, "").with("Location", url),
        Mode::Slow(delay) => {
            let response = accept(shared, update, peer);
            shared.pause(*delay);
            response
        }
        Mode::CertificateExpired
        | Mode::CertificateNotYetValid
        | Mode::CertificateOtherAuthority
        | Mode::CertificateWrongName
        | Mode::Good
        // Set between accept and request: too late for these two.
        | Mode::HangAfterAccept
        | Mode::ResetAccept => accept(shared, update, peer),
        Mode::AppliedThenReset
        | Mode::Big
        | Mode::Drip
        | Mode::HangHeaders
        | Mode::ResetAfterRequest
        | Mode::Truncated => return None,
    })
}

fn accept(shared: &Shared, update: &Update, peer: IpAddr) -> Response {
    if update.path == dyndns2::PATH {
        Response::new(200, update.apply(&shared.zone, peer))
    } else {
        Response::new(404, "no such page\n")
    }
}

/// Modes that are no ordinary answer.
fn misbehave(
    shared: &Shared,
    to: &mut dyn Channel,
    mode: &Mode,
    update: &Update,
    peer: IpAddr,
    bytes: &mut u64,
) -> io::Result<End> {
    const HALF_A_HEADER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let header = |length: u64| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    if *mode == Mode::AppliedThenReset {
        update.apply(&shared.zone, peer);
        return Ok(End::Reset);
    }
    if *mode == Mode::HangHeaders {
        wire::send(to, HALF_A_HEADER)?;
        return wire::hang(to);
    }
    if *mode == Mode::Drip {
        wire::send(to, HALF_A_HEADER)?;
        wire::send(to, b"Connection: close\r\n\r\n")?;
        while !shared.pause(Duration::from_secs(1)) {
            wire::send(to, b"x")?;
            *bytes += 1;
        }
        return Ok(End::Close);
    }
    if *mode == Mode::Big {
        wire::send(to, header(BIG_BYTES).as_bytes())?;
        let mut block = b"good\n".to_vec();
        block.resize(64 * 1024, b'x');
        while *bytes < BIG_BYTES {
            wire::send(to, &block)?;
            *bytes += block.len() as u64;
            block.fill(b'x');
        }
        return Ok(End::Close);
    }
    if *mode == Mode::Truncated {
        wire::send(to, header(400).as_bytes())?;
        wire::send(to, b"go")?;
        *bytes = 2;
        return Ok(End::Close);
    }
    Ok(End::Reset)
}
