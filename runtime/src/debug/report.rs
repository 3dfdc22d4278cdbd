//! What the debug archive says: leaks grouped by allocation site, cycles, counters; as
//! text, or with `REML_DEBUG_FORMAT=json` as one JSON object a line. Never changes what
//! is live.

use core::sync::atomic::Ordering;

use super::{Record, STATE, State, cycles, object_of};
use crate::object;
use crate::panic::{self, Output};
use crate::sys;
use crate::value::bridge;

/// Objects allocated so far.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_get_alloc_count() -> u64 {
    STATE.with(|state| state.allocated)
}

/// Objects freed so far.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_get_free_count() -> u64 {
    STATE.with(|state| state.freed)
}

/// Writes the allocation counters to standard error.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_print_alloc_stats() {
    let (counters, bridge) = STATE.with(|state| {
        let counters = [
            ("allocated", state.allocated),
            ("freed", state.freed),
            ("live", state.allocated - state.freed),
            ("live_bytes", state.bytes),
            ("peak_bytes", state.peak),
            ("released_untagged", state.untagged),
        ];
        (counters, bridge::recorded(0))
    });
    counters_line("alloc_stats", &counters, bridge);
}

/// Writes the counters of references to standard error.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_print_refcount_stats() {
    let counters = STATE.with(|state| {
        [("inc_ref", state.taken), ("dec_ref", state.given), ("reached_zero", state.died)]
    });
    counters_line("refcount_stats", &counters, bridge::recorded(0));
}

/// Writes what is live, grouped by site, to standard error; how many objects.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_report_leaks() -> u64 {
    let mut out = Output::empty();
    let live = STATE.with(|state| {
        let untagged = state.untagged;
        let live = groups(state, &mut out, "leak", |_| true);
        if untagged > 0 {
            note_untagged(&mut out, untagged);
        }
        live
    });
    out.flush();
    live
}

/// Writes the objects that only cycles keep alive to standard error; how many.
#[unsafe(no_mangle)]
pub extern "C" fn reml_debug_report_cycles() -> u64 {
    if cycles::count() == 0 {
        return 0;
    }
    let mut out = Output::empty();
    let found = STATE.with(|state| {
        // SAFETY: live records; the lock is held.
        groups(state, &mut out, "cycle", |record| !unsafe { (*record).reached })
    });
    out.flush();
    found
}

/// Writes one entry for each site of the chosen records; how many records.
fn groups(
    state: &State,
    out: &mut Output,
    kind: &str,
    chosen: impl Fn(*mut Record) -> bool,
) -> u64 {
    let mut total = 0;
    for record in state.records().filter(|&record| chosen(record)) {
        total += 1;
        // SAFETY: live records; the caller holds the lock.
        let same = |other: &*mut Record| unsafe { (**other).frames.iter().eq(&(*record).frames) };
        // Newest first in the list: the first of a site stands for all of it.
        let first = state.records().filter(|&other| chosen(other)).find(same);
        if first != Some(record) {
            continue;
        }
        let (mut objects, mut bytes, mut oldest) = (0, 0, 0);
        for other in state.records().filter(|&other| chosen(other)).filter(same) {
            objects += 1;
            // SAFETY: as above.
            unsafe {
                bytes += (*other).size as u64;
                oldest = (*other).id;
            }
        }
        entry(out, kind, record, [objects, bytes, oldest]);
    }
    total
}

fn entry(out: &mut Output, kind: &str, record: *mut Record, [objects, bytes, id]: [u64; 3]) {
    // SAFETY: a live record; the caller holds the lock.
    let (tag, count, frames) = unsafe {
        let header = object::header(object_of(record));
        (header.type_tag, header.refcount.load(Ordering::Relaxed), &(*record).frames)
    };
    let json = as_json();
    let fields = [
        ("objects", objects),
        ("bytes", bytes),
        ("first_allocation", id),
        ("tag", u64::from(tag)),
        ("refcount", u64::from(count)),
    ];
    out.text(if json { "{\"event\":\"" } else { "reml: " });
    out.text(kind);
    out.text(if json { "\"" } else { ":" });
    for (name, value) in fields {
        out.text(if json { ",\"" } else { " " });
        out.text(name);
        out.text(if json { "\":" } else { "=" });
        out.number(value);
    }
    out.text(if json { ",\"site\":[" } else { "\n" });
    let used = frames.iter().position(|&frame| frame == 0).unwrap_or(frames.len());
    let mut index = 0;
    panic::places(frames.get(..used).unwrap_or_default(), |module, offset| {
        if json {
            out.text(if index == 0 { "\"" } else { ",\"" });
            out.json(module);
        } else {
            out.text("    at ");
            out.escaped(module);
        }
        out.text("+");
        out.hex(offset as u64);
        out.text(if json { "\"" } else { "\n" });
        index += 1;
    });
    out.text(if json { "]}\n" } else { "" });
}

fn note_untagged(out: &mut Output, untagged: u64) {
    if as_json() {
        out.text("{\"event\":\"untagged\",\"objects\":");
        out.number(untagged);
        out.text("}\n");
    } else {
        out.text("reml: note: ");
        out.number(untagged);
        out.text(" objects died with tag 0 or an unknown tag; their children were not released\n");
    }
}

fn counters_line(event: &str, counters: &[(&str, u64)], bridge_ok: u64) {
    let mut out = Output::empty();
    let json = as_json();
    out.text(if json { "{\"event\":\"" } else { "reml: " });
    out.text(event);
    out.text(if json { "\"" } else { ":" });
    let bridge = (1..=bridge::STATUSES).map(bridge::recorded).sum();
    let all =
        counters.iter().copied().chain([("bridge_status_0", bridge_ok), ("bridge_other", bridge)]);
    for (name, value) in all {
        out.text(if json { ",\"" } else { " " });
        out.text(name);
        out.text(if json { "\":" } else { "=" });
        out.number(value);
    }
    out.text(if json { "}\n" } else { "\n" });
    out.flush();
}

fn as_json() -> bool {
    sys::environment_is(b"REML_DEBUG_FORMAT", b"json")
}

/// Runs after the program's exit handlers: reports what is left. A panic says enough by
/// itself. `REML_DEBUG_EXIT=fail` makes leaks end the process with status 23.
unsafe extern "C" fn at_exit() {
    if panic::is_panicking() {
        return;
    }
    let live = reml_debug_report_leaks();
    reml_debug_report_cycles();
    if live > 0 && sys::environment_is(b"REML_DEBUG_EXIT", b"fail") {
        // SAFETY: plain C. Other libraries' exit handlers are passed over.
        unsafe { sys::_exit(23) }
    }
}

/// The C library calls what stands in this section at exit.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: unsafe extern "C" fn() = at_exit;
