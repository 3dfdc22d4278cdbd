//! The allocator of the debug archive: every object is known, from its allocation site to
//! its death, and lies in a quarantine for a while after. Never used in the release
//! archive; it takes one lock and is slow.
//!
//! An object here has a record in front of its header and a guard behind its payload:
//!
//! `[Record][refcount, tag][payload …][guard]`

mod cycles;
mod lock;
mod report;

use core::ffi::c_void;
use core::ptr::{null, null_mut};

use crate::object::{self, HEADER};
use crate::panic::{self, Caller, Code, Part};
use crate::sys;
use lock::Locked;

/// Return addresses kept for each allocation, the runtime's own among them at first.
pub const FRAMES: usize = 16;
/// Bytes of dead objects kept before their memory is used again.
const QUARANTINE: usize = 16 << 20;
/// What dead payloads are filled with.
const DEAD_BYTE: u8 = 0xdb;
const GUARD: u64 = 0x5245_4d4c_4755_4152;
const ALIVE: u64 = 0x5245_4d4c_4c49_5645;
const DEAD: u64 = 0x5245_4d4c_4445_4144;

/// What is known about an object.
#[repr(C)]
pub struct Record {
    /// [`ALIVE`] or [`DEAD`].
    state: u64,
    /// Number of the allocation, from 1.
    pub id: u64,
    /// Bytes asked for.
    pub size: usize,
    /// Return addresses of the allocation, innermost first, then zeros.
    pub frames: [usize; FRAMES],
    previous: *mut Record,
    next: *mut Record,
    /// References from other live objects; for the cycle report.
    pub internal: u64,
    /// Reached from outside; for the cycle report.
    pub reached: bool,
}

/// All counters, and the two lists of records.
pub struct State {
    live: *mut Record,
    /// Dead objects, oldest first.
    oldest: *mut Record,
    newest: *mut Record,
    quarantined: usize,
    /// Allocations so far.
    pub allocated: u64,
    /// Frees so far.
    pub freed: u64,
    /// Bytes in live objects, and their highest number.
    pub bytes: u64,
    /// Highest value of `bytes`.
    pub peak: u64,
    /// Objects that died with tag 0 or an unknown one and a payload that could hold
    /// children, which were then not released.
    pub untagged: u64,
    /// Calls of `inc_ref` and `dec_ref`, children included, and deaths.
    pub taken: u64,
    /// References given back.
    pub given: u64,
    /// Counts that reached 0.
    pub died: u64,
}

// SAFETY: the pointers are to records that only the holder of the lock touches.
unsafe impl Send for State {}

/// The state of this process.
pub static STATE: Locked<State> = Locked::new(State {
    live: null_mut(),
    oldest: null_mut(),
    newest: null_mut(),
    quarantined: 0,
    allocated: 0,
    freed: 0,
    bytes: 0,
    peak: 0,
    untagged: 0,
    taken: 0,
    given: 0,
    died: 0,
});

impl State {
    /// The live objects, newest first.
    pub fn records(&self) -> impl Iterator<Item = *mut Record> + use<> {
        // SAFETY: the list holds live records; callers hold the lock while they iterate.
        core::iter::successors(some(self.live), |&record| some(unsafe { (*record).next }))
    }
}

fn some(record: *mut Record) -> Option<*mut Record> {
    (!record.is_null()).then_some(record)
}

/// The object of a record.
pub fn object_of(record: *mut Record) -> *mut u8 {
    record.cast::<u8>().wrapping_add(size_of::<Record>() + HEADER)
}

fn record_of(object: *mut u8) -> *mut Record {
    object.wrapping_sub(size_of::<Record>() + HEADER).cast()
}

/// Payload bytes up to the guard.
fn rounded(size: usize) -> usize {
    size.next_multiple_of(8)
}

/// Allocates a zero-filled object with count 1 and tag 0; panics when it cannot.
#[must_use]
pub fn alloc(size: usize) -> *mut u8 {
    crate::threads::init();
    let around = size_of::<Record>() + HEADER + size_of::<u64>();
    let total = size.checked_next_multiple_of(8).and_then(|size| size.checked_add(around));
    let Some(total) = total.filter(|&total| isize::try_from(total).is_ok()) else {
        fail(Code::SizeOverflow, "mem_alloc: a size of ", size, " bytes overflows");
    };
    // SAFETY: plain C; the result is checked.
    let record = unsafe { sys::calloc(1, total) }.cast::<Record>();
    if record.is_null() {
        fail(Code::OutOfMemory, "mem_alloc: out of memory asking for ", size, " bytes");
    }
    let object = object_of(record);
    let mut frames = [0; FRAMES];
    let kept = panic::walk(Caller::here(), &mut frames);
    frames.iter_mut().skip(kept).for_each(|frame| *frame = 0);
    STATE.with(|state| {
        state.allocated += 1;
        state.bytes += size as u64;
        state.peak = state.peak.max(state.bytes);
        // SAFETY: the block is ours and large enough; `live` is a record or null.
        unsafe {
            record.write(Record {
                state: ALIVE,
                id: state.allocated,
                size,
                frames,
                previous: null_mut(),
                next: state.live,
                internal: 0,
                reached: false,
            });
            if !state.live.is_null() {
                (*state.live).previous = record;
            }
            object.sub(HEADER).cast::<u64>().write(1);
            object.add(rounded(size)).cast::<u64>().write(GUARD);
        }
        state.live = record;
    });
    object
}

fn fail(code: Code, before: &'static str, size: usize, after: &'static str) -> ! {
    panic::fault(code, &[Part::Text(before), Part::Number(size as u64), Part::Text(after)])
}

/// Frees an object into the quarantine.
///
/// # Safety
/// `object` was made by [`alloc`] and is not free already; the caller owns it alone.
pub unsafe fn free(object: *mut u8) {
    let record = record_of(object);
    // SAFETY: the caller's promise, which the record confirms or refutes first.
    let dropped = unsafe {
        if (*record).state != ALIVE {
            corrupt("freed object is not one of ours, or its header was overwritten: ", object);
        }
        if object.add(rounded((*record).size)).cast::<u64>().read() != GUARD {
            corrupt("payload written beyond its end, object ", object);
        }
        let tag = object::tag_of(object);
        object.sub(HEADER).cast::<u64>().write(0);
        STATE.with(|state| {
            let size = (*record).size;
            // Flags say nothing of the type; the release loop sets one of its own.
            let flags = object::tag::OWNED | object::tag::IMMEDIATE | object::tag::RESUMED;
            if (tag == 0 || tag & !flags > 11) && size >= 8 {
                state.untagged += 1;
            }
            state.freed += 1;
            state.bytes -= size as u64;
            unlink(state, record);
            (*record).state = DEAD;
            object.write_bytes(DEAD_BYTE, rounded(size));
            quarantine(state, record)
        })
    };
    release_all(dropped);
}

unsafe fn unlink(state: &mut State, record: *mut Record) {
    // SAFETY: the record is in the list of live ones; the caller holds the lock.
    unsafe {
        let (previous, next) = ((*record).previous, (*record).next);
        if previous.is_null() {
            state.live = next;
        } else {
            (*previous).next = next;
        }
        if !next.is_null() {
            (*next).previous = previous;
        }
    }
}

/// Appends a dead record; the records to release, linked, to stay below the limit.
unsafe fn quarantine(state: &mut State, record: *mut Record) -> *mut Record {
    let mut dropped = null_mut();
    // SAFETY: quarantined records are dead and in this list alone; the lock is held.
    unsafe {
        (*record).next = null_mut();
        if state.newest.is_null() {
            state.oldest = record;
        } else {
            (*state.newest).next = record;
        }
        state.newest = record;
        state.quarantined += size_of::<Record>() + rounded((*record).size);
        while state.quarantined > QUARANTINE && state.oldest != record {
            let oldest = state.oldest;
            state.oldest = (*oldest).next;
            state.quarantined -= size_of::<Record>() + rounded((*oldest).size);
            (*oldest).next = dropped;
            dropped = oldest;
        }
    }
    dropped
}

/// Looks at what dead objects hold now, and gives their memory back.
fn release_all(mut record: *mut Record) {
    while !record.is_null() {
        // SAFETY: the records left the quarantine and are nobody else's.
        unsafe {
            let next = (*record).next;
            let object = object_of(record);
            let payload = core::slice::from_raw_parts(object, rounded((*record).size));
            if payload.iter().any(|&byte| byte != DEAD_BYTE) {
                corrupt("payload written after release, object ", object);
            }
            sys::free(record.cast::<c_void>());
            record = next;
        }
    }
}

fn corrupt(text: &'static str, object: *mut u8) -> ! {
    panic::fault(Code::Corrupt, &[Part::Text(text), Part::Address(object as usize)])
}

/// Nothing to add: the debug archive catches misuse of dead objects itself.
///
/// # Safety
/// As in the release archive.
pub unsafe fn report_dead(_: *mut u8, _: bool) {}

/// Never: objects here are blocks of `malloc`, whose memory goes when they die, so a count
/// is always looked at first.
#[must_use]
pub fn is_contended(_: *mut u8) -> bool {
    false
}

/// Of no use here; see [`is_contended`].
pub fn note_contended(_: *mut u8) {}

/// Of no use here; see [`is_contended`].
pub fn forget_contended() {}

/// Counts a call of `inc_ref`.
pub fn note_taken() {
    STATE.with(|state| state.taken += 1);
}

/// Counts a reference given back, and a death.
pub fn note_given(last: bool) {
    STATE.with(|state| {
        state.given += 1;
        state.died += u64::from(last);
    });
}

/// The child slots of an object, as its tag says: where they are and how many.
unsafe fn children(object: *mut u8) -> (*const *mut u8, usize) {
    use object::tag;
    // SAFETY: the caller passes a live object whose payload is as its tag says.
    unsafe {
        let field = |at: usize| object.add(at).cast::<*mut u8>().cast_const();
        match object::tag_of(object) {
            tag::TUPLE | tag::RECORD | tag::ARRAY | tag::SET => {
                let slots = crate::release::slots(object);
                let items = *slots.items;
                let len = if items.is_null() { 0 } else { usize::try_from(slots.len).unwrap_or(0) };
                (items.cast_const(), len)
            }
            tag::CLOSURE | crate::release::OWNED_STRING => (field(0), 1),
            tag::ADT => (field(8), 1),
            _ => (null(), 0),
        }
    }
}
