//! Work side by side, on as many threads as the system grants. It never fails for want of
//! threads: what cannot be started is done by those there are, at worst by the caller alone.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// As many threads as there are processors, at least one and at most eight, whatever the
/// machine says: disks and hashing gain nothing from more.
#[must_use]
pub fn usual() -> usize {
    thread::available_parallelism().map_or(2, usize::from).clamp(1, 8)
}

/// Runs `work` on `threads` threads, the caller's among them, or on fewer when the system
/// has no more. The results come in no certain order, one a thread.
pub fn together<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let spawn = |_| Builder::new().spawn_scoped(scope, &work).ok();
        let others: Vec<_> = (1..threads).map_while(spawn).collect();
        let mut results = vec![work()];
        for other in others {
            results.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}

/// Runs `side` on a thread of its own while the caller's does `main`; after it when the
/// system grants none.
pub fn beside<S: Send, M>(side: impl Fn() -> S + Sync, main: impl FnOnce() -> M) -> (S, M) {
    thread::scope(|scope| {
        let other = Builder::new().spawn_scoped(scope, &side);
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
    fn both_halves_are_done_once() {
        let calls = AtomicUsize::new(0);
        let side = || calls.fetch_add(1, Ordering::Relaxed);
        assert_eq!(beside(side, || "main"), (0, "main"));
        assert_eq!(calls.into_inner(), 1);
    }

    #[test]
    fn i14_the_number_of_threads_is_bounded_on_any_machine() {
        assert!((1..=8).contains(&usual()));
        assert_eq!(together(3, || ()).len(), 3);
    }
}
