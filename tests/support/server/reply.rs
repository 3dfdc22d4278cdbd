//! What the fault server answers, head and body, worked out before anything is sent. It must never
//! touch a socket.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::fault::{Fault, Seen};

/// A response, ready to be sent.
pub struct Reply {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Whether the body goes out in chunks.
    pub chunked: bool,
    /// Whether the connection lives on.
    pub keep: bool,
}

/// The part of a file that is sent.
struct Slice {
    start: usize,
    /// The value of `Content-Range` under status 206.
    range: Option<String>,
}

impl Reply {
    /// The answer to one request for `file` (none: 404), bent as `fault` says.
    pub fn to(seen: &Seen, fault: &Fault, file: Option<&[u8]>, date: &str) -> Self {
        let close = |status: &str, lines: &[u8], body: &[u8]| {
            let mut head = format!("HTTP/1.1 {status}\r\nDate: {date}\r\n").into_bytes();
            head.extend_from_slice(lines);
            head.extend_from_slice(b"Connection: close\r\n\r\n");
            Self { head, body: body.to_vec(), chunked: false, keep: false }
        };
        let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
        match (fault, file) {
            (Fault::Status(code, headers, body), _) => {
                let mut lines = String::new();
                for (name, value) in headers {
                    lines.extend([name, ": ", value, "\r\n"]);
                }
                let bodiless = matches!(code, 100..=199 | 204 | 304);
                let body: &[u8] = if bodiless { b"" } else { body };
                lines += &if bodiless { String::new() } else { length(body) };
                close(&format!("{code} Scripted"), lines.as_bytes(), body)
            }
            (Fault::Redirect(code, location), _) => {
                let mut lines = length(b"").into_bytes();
                if let Some(location) = location {
                    lines.extend_from_slice(b"Location: ");
                    lines.extend_from_slice(location);
                    lines.extend_from_slice(b"\r\n");
                }
                close(&format!("{code} Moved"), &lines, b"")
            }
            (Fault::Portal, _) => {
                let page = b"<!DOCTYPE html><html><title>Please log in</title></html>\n";
                let lines = length(page) + "Content-Type: text/html; charset=utf-8\r\n";
                close("200 OK", lines.as_bytes(), page)
            }
            (_, _) if seen.method != "GET" => close("405 Not Allowed", length(b"").as_bytes(), b""),
            (_, None) => close("404 Not Found", length(b"").as_bytes(), b""),
            (_, Some(file)) => Self::file(seen, fault, file, date),
        }
    }

    /// A file or a part of it, with a fault in its framing or bytes.
    fn file(seen: &Seen, fault: &Fault, file: &[u8], date: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        file.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let keep = matches!(fault, Fault::Healthy | Fault::IgnoreRange | Fault::NoRanges);
        let connection = if keep { "keep-alive" } else { "close" };
        let common = format!("Date: {date}\r\nConnection: {connection}\r\n");
        let Some(slice) = slice(seen, fault, file.len(), &etag) else {
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\n{common}\
                 Content-Range: bytes */{}\r\nContent-Length: 0\r\n\r\n",
                file.len()
            );
            return Self { head: head.into_bytes(), body: Vec::new(), chunked: false, keep };
        };
        let mut body = file[slice.start..].to_vec();
        match fault {
            Fault::Longer(more) => body.extend_from_slice(more),
            Fault::Corrupt => {
                let middle = body.len() / 2;
                body.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
            }
            _ => {}
        }
        let lengths = match fault {
            Fault::Lengths(values) => values.clone(),
            Fault::NoLength | Fault::Chunked | Fault::ChunkedTruncated(_) => Vec::new(),
            _ => vec![body.len().to_string()],
        };
        let chunked =
            matches!(fault, Fault::Chunked | Fault::ChunkedTruncated(_) | Fault::LengthAndChunked);
        let status = if slice.range.is_some() { "206 Partial Content" } else { "200 OK" };
        let mut lines = vec![
            format!("HTTP/1.1 {status}\r\n{common}ETag: {etag}"),
            "Accept-Ranges: bytes".into(),
            "Content-Type: application/octet-stream".into(),
        ];
        lines.extend(lengths.iter().map(|length| format!("Content-Length: {length}")));
        lines.extend(slice.range.map(|range| format!("Content-Range: {range}")));
        lines.extend(chunked.then(|| "Transfer-Encoding: chunked".into()));
        if let Fault::Encoding(label) = fault {
            lines.push(format!("Content-Encoding: {label}"));
        }
        let head = (lines.join("\r\n") + "\r\n\r\n").into_bytes();
        Self { head, body, chunked, keep }
    }
}

/// Which bytes the request gets; `None` when its range cannot be served.
fn slice(seen: &Seen, fault: &Fault, size: usize, etag: &str) -> Option<Slice> {
    let fresh = seen.header("if-range").is_none_or(|tag| tag == etag);
    let asked = seen.range().filter(|_| fresh && !matches!(fault, Fault::IgnoreRange));
    let start = match (asked, fault) {
        (Some(_), Fault::NoRanges) => return None,
        (None, Fault::Unasked206) => size / 2,
        (None, Fault::ContentRange(value)) => {
            return Some(Slice { start: 0, range: Some(value.clone()) });
        }
        (None, _) => {
            return Some(Slice { start: 0, range: None });
        }
        (Some(asked), _) => {
            let first = asked.strip_prefix("bytes=").and_then(|spec| spec.split('-').next());
            first.and_then(|first| first.parse().ok()).unwrap_or(0)
        }
    };
    if start >= size {
        return None;
    }
    let start = if let Fault::Overlap(back) = fault { start.saturating_sub(*back) } else { start };
    let range = match fault {
        Fault::ContentRange(value) => value.clone(),
        _ => format!("bytes {start}-{}/{size}", size - 1),
    };
    Some(Slice { start, range: Some(range) })
}
