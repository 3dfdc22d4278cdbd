//! One connection of the fault server: requests in, scripted answers out. It must never hold the
//! tree's lock while it writes, nor live longer than its limit.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::fault::{Fault, Seen};
use super::reply::Reply;
use super::{DATE, Shared, key, lookup};

/// How long a misbehaving connection may hang about.
const MAX_HANG: Duration = Duration::from_secs(20);
/// The largest request head that is read.
const MAX_HEAD: usize = 64 << 10;

pub struct Connection<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    /// Where the request being answered stands in [`Tree::seen`].
    index: usize,
}

impl<'a> Connection<'a> {
    pub fn new(stream: TcpStream, shared: &'a Shared) -> Self {
        Self { stream, shared, index: 0 }
    }

    /// Answers requests until the client goes, a fault ends the connection, or the server stops.
    pub fn serve(&mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(Duration::from_millis(10)))?;
        self.stream.set_write_timeout(Some(MAX_HANG))?;
        while let Some((length, seen)) = self.read_head()? {
            let path = key(&seen.target);
            let (fault, file, date) = {
                let mut tree = self.shared.tree();
                self.index = tree.seen.len();
                tree.seen.push(seen.clone());
                let scripted = tree.scripts.get_mut(&path).and_then(VecDeque::pop_front);
                let fault = scripted.or_else(|| tree.faults.get(&path).cloned());
                let date = tree.date.clone().unwrap_or_else(|| DATE.into());
                (fault.unwrap_or(Fault::Healthy), lookup(&tree, &path), date)
            };
            if !matches!(fault, Fault::Reset(_)) {
                // Consumed only now: a close over unread bytes is what makes a reset.
                self.stream.read_exact(&mut vec![0; length])?;
            }
            if !self.answer(&seen, &fault, file.as_deref().map(Vec::as_slice), &date)? {
                break;
            }
        }
        Ok(())
    }

    /// Looks at the next request head without taking it: its length and what it says. What does not
    /// begin like a request is answered with 400, as servers do to TLS on a plain port.
    fn read_head(&mut self) -> io::Result<Option<(usize, Seen)>> {
        let mut buffer = vec![0; MAX_HEAD];
        let deadline = Instant::now() + MAX_HANG;
        let mut before = 0;
        while Instant::now() < deadline && !self.shared.stop.load(Ordering::SeqCst) {
            let count = match self.stream.peek(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if is_timeout(&error) => continue,
                Err(error) => return Err(error),
            };
            if !buffer[0].is_ascii_uppercase() {
                self.stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
                return Ok(None);
            }
            let head = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if let Some(end) = head.find("\r\n\r\n") {
                let mut lines = head[..end].lines();
                let mut words = lines.next().unwrap_or_default().split(' ').map(String::from);
                let (method, target) = (words.next(), words.next());
                let headers = lines.filter_map(|line| line.split_once(':'));
                return Ok(Some((
                    end + 4,
                    Seen {
                        method: method.unwrap_or_default(),
                        target: target.unwrap_or_default(),
                        headers: headers
                            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().into()))
                            .collect(),
                        sent: 0,
                    },
                )));
            }
            if count == MAX_HEAD || count == before {
                thread::sleep(Duration::from_millis(1));
            }
            before = count;
        }
        Ok(None)
    }

    /// Answers one request; false when the connection must end.
    fn answer(
        &mut self,
        seen: &Seen,
        fault: &Fault,
        file: Option<&[u8]>,
        date: &str,
    ) -> io::Result<bool> {
        match fault {
            Fault::Raw(bytes) => {
                self.stream.write_all(bytes)?;
                return Ok(false);
            }
            Fault::StallBeforeHead => {
                self.hang(MAX_HANG);
                return Ok(false);
            }
            _ => {}
        }
        let reply = Reply::to(seen, fault, file, date);
        self.stream.write_all(&reply.head)?;
        let body = &reply.body[..];
        let start = |count: usize| &body[..count.min(body.len())];
        match *fault {
            Fault::StallAfter(count) => {
                self.body(start(count))?;
                self.hang(MAX_HANG);
            }
            Fault::Drip(count, tick) => {
                let end = Instant::now() + MAX_HANG;
                for piece in body.chunks(count.max(1)) {
                    if Instant::now() > end || self.shared.stop.load(Ordering::SeqCst) {
                        break;
                    }
                    self.body(piece)?;
                    thread::sleep(tick);
                }
            }
            Fault::Reset(count) => {
                self.body(start(count))?;
                // Time for the client to read what went before the reset.
                thread::sleep(Duration::from_millis(30));
            }
            Fault::Truncate(count) => self.body(start(count))?,
            Fault::ChunkedTruncated(count) => {
                write!(self.stream, "{:x}\r\n", body.len())?;
                self.body(start(count))?;
            }
            _ if reply.chunked => {
                for piece in body.chunks(4096) {
                    write!(self.stream, "{:x}\r\n", piece.len())?;
                    self.body(piece)?;
                    self.stream.write_all(b"\r\n")?;
                }
                self.stream.write_all(b"0\r\n\r\n")?;
            }
            _ => self.body(body)?,
        }
        Ok(reply.keep)
    }

    /// Sends body bytes, as long as the network lives. Each piece is counted when it goes,
    /// so that what a client did not take of a long body is not.
    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(64 << 10).try_for_each(|piece| self.piece(piece))
    }

    fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wanted = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let take = |left: i64| {
            if left < 0 { Some(left) } else { Some((left - wanted).max(0)) }
        };
        let left = self.shared.budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        let left = left.unwrap_or_else(|left| left);
        let allowed = if left < 0 { wanted } else { wanted.min(left) };
        let sent = &bytes[..usize::try_from(allowed).unwrap_or(0)];
        self.shared.tree().seen[self.index].sent += sent.len() as u64;
        self.stream.write_all(sent)?;
        if sent.len() == bytes.len() { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    /// Keeps the connection open and silent until the client goes, the server ends, or `limit`.
    fn hang(&self, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end && !self.shared.stop.load(Ordering::SeqCst) {
            match self.stream.peek(&mut [0]) {
                Ok(0) => return,
                Ok(_) => thread::sleep(Duration::from_millis(10)),
                Err(error) if is_timeout(&error) => {}
                Err(_) => return,
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
