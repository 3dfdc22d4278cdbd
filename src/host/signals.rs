//! Signals: the programs that we started end with us, and a file that grows beyond the
//! user's limit is an error, not a death. What ends us is still the signal itself, as
//! shells expect; nothing is tidied up, for the next run does that after any end.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

static CHILDREN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn children() -> MutexGuard<'static, BTreeSet<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that ends with us, until this is dropped.
#[derive(Debug)]
pub(super) struct Watch(u32);

/// Starts a program that is watched. A signal that comes meanwhile waits until it is.
pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Watch)> {
    static START: Once = Once::new();
    START.call_once(listen);
    let mut children = children();
    let child = command.spawn()?;
    children.insert(child.id());
    let watch = Watch(child.id());
    Ok((child, watch))
}

impl Drop for Watch {
    fn drop(&mut self) {
        children().remove(&self.0);
    }
}

/// Writing beyond the file size limit (`ulimit -f`) fails with EFBIG instead of ending us.
pub fn file_size_limit_is_an_error() {
    // Without it the limit ends the program, as it ends others.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Waits in a thread of its own for what ends us. Without a thread children go on, as they
/// do after most programs.
fn listen() {
    let ignored = ignored();
    let wanted = [SIGHUP, SIGINT, SIGTERM].into_iter();
    let wanted = wanted.filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let wait = move || {
        for signal in signals.forever() {
            for child in &*children() {
                let id = i32::try_from(*child).ok().and_then(Pid::from_raw);
                // One that has ended meanwhile needs no end.
                let _ = id.map(|id| kill_process(id, Signal::TERM));
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    };
    let _ = std::thread::Builder::new().spawn(wait);
}

/// The signals that whoever started us wants us to survive (`nohup`), a bit each. Linux
/// tells; elsewhere a hangup is taken for one of them, for the terminal tells all its
/// programs itself.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(1 << (SIGHUP - 1))
}
