//! The ways of misbehaving which the fault server knows, and its record of a request. Data only: it
//! must never touch a socket.

use std::time::Duration;

/// One way of misbehaving. "The body" is what the range asked for, "the file" all of it.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Serve properly: a pause between faults in a script.
    Healthy,
    /// A status with header lines of one's own and a body.
    Status(u16, Vec<(String, String)>, Vec<u8>),
    /// These bytes instead of any response, then the end of the stream.
    Raw(Vec<u8>),
    /// Take the request and say nothing.
    StallBeforeHead,
    /// Say nothing after so many bytes of the body.
    StallAfter(usize),
    /// So many bytes of the body at each tick.
    Drip(usize, Duration),
    /// A TCP reset after so many bytes of the body.
    Reset(usize),
    /// An orderly end after so many bytes, although `Content-Length` promised all.
    Truncate(usize),
    /// Further bytes behind the body, counted in `Content-Length`.
    Longer(Vec<u8>),
    /// This `Content-Length` value (or list of values, one line each) with the true body.
    Lengths(Vec<String>),
    /// No `Content-Length`: the end of the stream is the end of the body.
    NoLength,
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Chunked, cut after so many bytes inside a chunk.
    ChunkedTruncated(usize),
    /// Both `Content-Length` and `Transfer-Encoding: chunked`.
    LengthAndChunked,
    /// Answer 200 with the file although a range was asked.
    IgnoreRange,
    /// Answer 206 with this `Content-Range` and the bytes of the body.
    ContentRange(String),
    /// Answer 206 without being asked, with the file's second half.
    Unasked206,
    /// 206 that begins so many bytes earlier than asked, and says so.
    Overlap(usize),
    /// 416 to any range, proper service without one.
    NoRanges,
    /// A redirect: the status and the raw `Location` bytes, if any.
    Redirect(u16, Option<Vec<u8>>),
    /// The file with one bit turned, of the same length and under the same `ETag`.
    Corrupt,
    /// A false `Content-Encoding` on the true bytes.
    Encoding(&'static str),
    /// The login page of a captive portal, under status 200.
    Portal,
}

impl Fault {
    /// A bare status, e.g. 404.
    pub fn status(code: u16) -> Self {
        Self::Status(code, Vec::new(), format!("status {code}\n").into_bytes())
    }

    /// A status with one header line, e.g. `Retry-After`.
    pub fn status_with(code: u16, name: &str, value: &str) -> Self {
        Self::Status(code, vec![(name.into(), value.into())], b"see header\n".to_vec())
    }

    /// A redirect to `location`.
    pub fn redirect(code: u16, location: impl Into<Vec<u8>>) -> Self {
        Self::Redirect(code, Some(location.into()))
    }

    /// One header line of so many bytes.
    pub fn big_header(bytes: usize) -> Self {
        Self::Raw(format!("HTTP/1.1 200 OK\r\nX-Big: {}\r\n\r\n", "a".repeat(bytes)).into_bytes())
    }

    /// So many header lines.
    pub fn many_headers(count: usize) -> Self {
        let lines: Vec<String> = (0..count).map(|n| format!("X-{n}: 1\r\n")).collect();
        let lines = lines.concat();
        Self::Raw(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").into_bytes())
    }

    /// So many `100 Continue` responses before nothing.
    pub fn informational(count: usize) -> Self {
        Self::Raw("HTTP/1.1 100 Continue\r\n\r\n".repeat(count).into_bytes())
    }
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    /// The request target as sent: a path, an absolute URL (proxy) or `host:port` (CONNECT).
    pub target: String,
    /// Header lines in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body bytes sent in answer.
    pub sent: u64,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn range(&self) -> Option<&str> {
        self.header("range")
    }
}
