//! Work side by side, on as many threads as the system grants. It never fails for want of
//! threads: what cannot be started is done by those there are, at worst by the caller alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};

/// As many threads as there are processors, at least one and at most eight, whatever the
/// machine says: disks and hashing gain nothing from more.
#[must_use]
pub fn usual() -> usize {
    thread::available_parallelism().map_or(2, usize::from).clamp(1, 8)
}

/// Runs `work` on `threads` threads, the caller's among them, or on fewer when the system
/// has no more. The results come in no certain order, one a thread.
pub fn together<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let start = Start::of_caller();
    thread::scope(|scope| {
        let spawn = |_| Builder::new().spawn_scoped(scope, || start.first(&work)).ok();
        let others: Vec<_> = (1..threads).map_while(spawn).collect();
        start.give_way(others.len());
        let mut results = vec![work()];
        for other in others {
            results.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}

/// Work that other threads do while the caller does something else, until it joins them.
/// Dropped, it goes on without anybody waiting.
pub struct Begun<T> {
    work: Arc<dyn Fn() -> T + Send + Sync>,
    others: Vec<JoinHandle<T>>,
}

/// Begins `work` on `threads` threads, but not yet on the caller's, which is one of them; on
/// fewer when the system has no more.
pub fn begin<T: Send + 'static>(
    threads: usize,
    work: impl Fn() -> T + Send + Sync + 'static,
) -> Begun<T> {
    let work: Arc<dyn Fn() -> T + Send + Sync> = Arc::new(work);
    let start = Arc::new(Start::of_caller());
    let spawn = |_| {
        let (work, start) = (Arc::clone(&work), Arc::clone(&start));
        Builder::new().spawn(move || start.first(&*work)).ok()
    };
    let others: Vec<_> = (1..threads).map_while(spawn).collect();
    start.give_way(others.len());
    Begun { work, others }
}

impl<T> Begun<T> {
    /// Does the work on the caller's thread, too, and waits for the others. The results come
    /// in no certain order, one a thread.
    #[must_use]
    pub fn join(self) -> Vec<T> {
        let mut results = vec![(self.work)()];
        for other in self.others {
            results.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    }
}

impl<T> std::fmt::Debug for Begun<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("others", &self.others.len()).finish_non_exhaustive()
    }
}

/// Runs `side` on a thread of its own while the caller's does `main`; after it when the
/// system grants none.
pub fn beside<S: Send, M>(side: impl Fn() -> S + Sync, main: impl FnOnce() -> M) -> (S, M) {
    let start = Start::of_caller();
    thread::scope(|scope| {
        let other = Builder::new().spawn_scoped(scope, || start.first(&side));
        start.give_way(usize::from(other.is_ok()));
        let main = main();
        let side = match other {
            Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => side(),
        };
        (side, main)
    })
}

/// What `work` makes of each item, in their order, on at most `threads` threads.
pub fn map<I: Sync, T: Send>(threads: usize, items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    together(threads.min(items.len()), || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            let result = work(item);
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, result));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The first moments of new threads. Some systems put them behind their caller, on its own
/// processor, though others have nothing to do (a virtual one that rests looks taken), and move
/// them milliseconds later: work that is done by then would have been done by the caller alone.
struct Start {
    /// The caller's.
    processor: usize,
    arrived: AtomicUsize,
}

impl Start {
    fn of_caller() -> Self {
        Self { processor: processor(), arrived: AtomicUsize::new(0) }
    }

    /// What a new thread does before its work.
    fn first<T>(&self, work: impl FnOnce() -> T) -> T {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        if processor() == self.processor {
            leave(self.processor);
        }
        work()
    }

    /// Gives way to as many threads as have not arrived: each leaves at once.
    fn give_way(&self, threads: usize) {
        for _ in self.arrived.load(Ordering::Relaxed)..threads {
            thread::yield_now();
        }
    }
}

/// The number of the processor that this thread runs on.
#[cfg(target_os = "linux")]
fn processor() -> usize {
    rustix::thread::sched_getcpu()
}

/// Moves this thread to another processor, if it may run on one.
#[cfg(target_os = "linux")]
fn leave(processor: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(all) = sched_getaffinity(None) else { return };
    let mut others = all;
    if processor < CpuSet::MAX_CPU {
        others.unset(processor);
    }
    // Where there is no other one, the system refuses, and all is as it was.
    if sched_setaffinity(None, &others).is_ok() {
        let _ = sched_setaffinity(None, &all);
    }
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
fn processor() -> usize {
    0
}

/// Other systems choose by themselves.
#[cfg(not(target_os = "linux"))]
fn leave(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_done_once_and_in_its_place() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            assert_eq!(
                map(threads, &items, |item| item * 2),
                (0..200).step_by(2).collect::<Vec<_>>()
            );
        }
        assert_eq!(map(4, &[], |(): &()| ()), []);
    }

    #[test]
    fn work_that_was_begun_is_done_by_all_threads_and_waits_for_the_caller() {
        let calls = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&calls);
        let begun = begin(3, move || seen.fetch_add(1, Ordering::Relaxed));
        let mut results = begun.join();
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2]);
        assert_eq!(begin(0, || "alone").join(), ["alone"]);
    }

    #[test]
    fn both_halves_are_done_once() {
        let calls = AtomicUsize::new(0);
        let side = || calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!(beside(side, || "main"), (0, "main"));
        assert_eq!(calls.into_inner(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_leaves_its_processor_may_go_where_it_could_before() {
        let all = rustix::thread::sched_getaffinity(None).unwrap();
        let mut has_left = all.count() == 1;
        for _ in 0..1000 {
            let before = processor();
            leave(before);
            has_left |= processor() != before;
            assert_eq!(rustix::thread::sched_getaffinity(None).unwrap(), all);
        }
        assert!(has_left);
    }

    #[test]
    fn i14_the_number_of_threads_is_bounded_on_any_machine() {
        assert!((1..=8).contains(&usual()));
        assert_eq!(together(3, || ()).len(), 3);
    }
}
