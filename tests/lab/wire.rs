//! As much of HTTP/1.1 as a provider needs (RFC 9112), over TCP or TLS.

use std::io::{self, Read, Write};

/// A connection, encrypted or not.
pub trait Channel: Read + Write {}
impl<T: Read + Write> Channel for T {}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// FIN.
    Close,
    /// The next request may come.
    Next,
    /// RST.
    Reset,
}

/// A request without its body.
pub struct Head {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header field; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the next request and drops its body; `None` when the client has no more.
pub fn read_head(from: &mut dyn Channel) -> io::Result<Option<Head>> {
    const LONGEST: usize = 64 * 1024;
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let length = from.read(&mut block)?;
        if length == 0 || bytes.len() > LONGEST {
            return Ok(None);
        }
        bytes.extend_from_slice(&block[..length]);
    };
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers = lines.filter_map(|line| line.split_once(':'));
    let head = Head {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: headers
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
    };
    let body = head.header("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    let missing = body.saturating_sub(bytes.len() - end - 4);
    io::copy(&mut from.take(missing as u64), &mut io::sink())?;
    Ok(Some(head))
}

/// An ordinary answer.
pub struct Response {
    status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Response {
    /// Plain text.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain", headers: Vec::new(), body: body.into() }
    }

    /// Adds a header field.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Status and first line of the body.
    pub fn summary(&self) -> String {
        format!("{} {}", self.status, self.body.lines().next().unwrap_or_default()).trim_end().to_owned()
    }

    /// Sends it; gives the length of the body.
    pub fn send(&self, to: &mut dyn Channel) -> io::Result<u64> {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        text += &format!("Content-Type: {}\r\nContent-Length: {}\r\n", self.content_type, self.body.len());
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        send(to, (text + "\r\n" + &self.body).as_bytes())?;
        Ok(self.body.len() as u64)
    }
}

/// Writes and flushes.
pub fn send(to: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Says nothing more until the client goes away.
pub fn hang(from: &mut dyn Channel) -> io::Result<End> {
    io::copy(from, &mut io::sink())?;
    Ok(End::Close)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        404 => "Not Found",
        429 => "Too Many Requests",
        _ => "Internal Server Error",
    }
}
