//! Random object graphs against an oracle that keeps counts in a map. After every step,
//! every live object's count and contents must be what the oracle says; at the end,
//! nothing may be live.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use reml_runtime::object::{Adt, Items, header, tag};
use reml_runtime::refs::{dec_ref, inc_ref, mem_alloc, reml_set_type_tag};
use reml_runtime::value::aggregate::{reml_destroy_array, reml_destroy_record, reml_destroy_tuple};
use reml_runtime::value::boxed::{reml_box_i64, reml_unbox_i64};
use reml_runtime::value::closure::reml_closure_new;
use reml_runtime::value::set::{reml_set_insert, reml_set_len, reml_set_new};

/// A step; numbers choose among the references held, modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Leaf(i64),
    Slots(u32, Vec<Option<usize>>),
    Closure(Option<usize>),
    Adt(Option<usize>, bool),
    Insert(usize, usize),
    Empty(usize),
    Take(usize),
    Give(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || prop::option::of(any::<usize>());
    let kinds = prop::sample::select(vec![tag::TUPLE, tag::RECORD, tag::ARRAY]);
    let step = prop_oneof![
        2 => any::<i64>().prop_map(Step::Leaf),
        3 => (kinds, prop::collection::vec(some(), 0..6)).prop_map(|(t, c)| Step::Slots(t, c)),
        2 => some().prop_map(Step::Closure),
        3 => (some(), any::<bool>()).prop_map(|(c, i)| Step::Adt(c, i)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(s, v)| Step::Insert(s, v)),
        1 => any::<usize>().prop_map(Step::Empty),
        2 => any::<usize>().prop_map(Step::Take),
        5 => any::<usize>().prop_map(Step::Give),
    ];
    prop::collection::vec(step, 0..200)
}

/// What the oracle knows about an object.
#[derive(Debug, Default)]
struct Known {
    count: u32,
    children: Vec<usize>,
    number: Option<i64>,
    is_set: bool,
    slots: u32,
}

#[derive(Default)]
struct Oracle {
    live: BTreeMap<usize, Known>,
    /// References held by the test, one entry each.
    held: Vec<usize>,
}

impl Oracle {
    fn pick(&self, number: usize) -> Option<usize> {
        (!self.held.is_empty()).then(|| self.held[number % self.held.len()])
    }

    fn born(&mut self, object: *mut u8, known: Known) {
        for child in &known.children {
            self.live.get_mut(child).expect("children are live").count += 1;
        }
        let fresh = self.live.insert(object as usize, Known { count: 1, ..known });
        assert!(fresh.is_none(), "a live object's memory was handed out again");
        self.held.push(object as usize);
    }

    fn give(&mut self, object: usize) {
        let known = self.live.get_mut(&object).expect("a live object");
        known.count -= 1;
        if known.count == 0 {
            let known = self.live.remove(&object).expect("just seen");
            known.children.into_iter().for_each(|child| self.give(child));
        }
    }

    fn check(&self) {
        for (&object, known) in &self.live {
            let object = object as *mut u8;
            // SAFETY: the oracle says that the object is live.
            unsafe {
                let count = header(object).refcount.load(std::sync::atomic::Ordering::Relaxed);
                assert_eq!(count, known.count);
                if let Some(number) = known.number {
                    assert_eq!(reml_unbox_i64(object), number);
                }
                if known.is_set {
                    let len = usize::try_from(reml_set_len(object));
                    assert_eq!(len, Ok(known.children.len()));
                }
            }
        }
    }
}

unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut u8;
}

/// An object with slots, filled as programs do it: each child gains a reference.
unsafe fn slots(kind: u32, children: &[Option<usize>]) -> *mut u8 {
    // SAFETY: plain C and objects the oracle holds live.
    unsafe {
        let items = calloc(children.len().max(1), 8).cast::<*mut u8>();
        for (index, child) in children.iter().enumerate() {
            let child = child.map_or(std::ptr::null_mut(), |child| child as *mut u8);
            inc_ref(child);
            items.add(index).write(child);
        }
        let object = mem_alloc(16);
        object
            .cast::<Items>()
            .write(Items { len: i64::try_from(children.len()).expect("few children"), items });
        reml_set_type_tag(object, kind);
        object
    }
}

fn run(steps: Vec<Step>) {
    let mut oracle = Oracle::default();
    for step in steps {
        // SAFETY: every object passed is live, as the oracle holds it.
        unsafe { carry_out(&mut oracle, step) };
        oracle.check();
    }
    while let Some(object) = oracle.held.pop() {
        oracle.give(object);
        // SAFETY: the test held this reference.
        unsafe { dec_ref(object as *mut u8) };
        oracle.check();
    }
    assert!(oracle.live.is_empty());
}

#[allow(clippy::too_many_lines, reason = "one arm for each kind of step")]
unsafe fn carry_out(oracle: &mut Oracle, step: Step) {
    let known = |children: &[Option<usize>]| Known {
        children: children.iter().flatten().copied().collect(),
        ..Known::default()
    };
    // SAFETY: the caller's promise.
    unsafe {
        match step {
            Step::Leaf(number) => {
                oracle
                    .born(reml_box_i64(number), Known { number: Some(number), ..Known::default() });
            }
            Step::Slots(kind, children) => {
                let children: Vec<_> =
                    children.iter().map(|child| oracle.pick((*child)?)).collect();
                let object = slots(kind, &children);
                oracle.born(object, Known { slots: kind, ..known(&children) });
            }
            Step::Closure(env) => {
                let env = env.and_then(|env| oracle.pick(env));
                let object = reml_closure_new(env.unwrap_or(0) as *mut u8, std::ptr::null_mut());
                oracle.born(object, known(&[env]));
            }
            Step::Adt(child, immediate) => {
                let child = child.and_then(|child| oracle.pick(child));
                let object = mem_alloc(16);
                object.cast::<Adt>().write(Adt { tag: 1, payload: child.unwrap_or(0) as *mut u8 });
                reml_set_type_tag(
                    object,
                    if immediate { tag::ADT | tag::IMMEDIATE } else { tag::ADT },
                );
                // An immediate is no reference, even when it looks like an object.
                let child = child.filter(|_| !immediate);
                inc_ref(child.unwrap_or(0) as *mut u8);
                oracle.born(object, known(&[child]));
            }
            Step::Insert(set, value) => {
                let set = oracle.pick(set).filter(|set| oracle.live[set].is_set);
                let Some(value) = oracle.pick(value) else {
                    return;
                };
                let base = set.map_or_else(|| reml_set_new(), |set| set as *mut u8);
                let object = reml_set_insert(base, value as *mut u8);
                if set.is_none() {
                    dec_ref(base);
                }
                let mut children = set.map_or(Vec::new(), |set| oracle.live[&set].children.clone());
                if !children.contains(&value) {
                    children.push(value);
                }
                oracle.born(object, Known { children, is_set: true, ..Known::default() });
            }
            Step::Empty(number) => {
                let Some(object) = oracle.pick(number) else {
                    return;
                };
                let destroy = match oracle.live[&object].slots {
                    tag::TUPLE => reml_destroy_tuple,
                    tag::RECORD => reml_destroy_record,
                    tag::ARRAY => reml_destroy_array,
                    _ => return,
                };
                destroy(object as *mut u8);
                let known = oracle.live.get_mut(&object).expect("held objects are live");
                let children = std::mem::take(&mut known.children);
                for child in children {
                    oracle.give(child);
                }
            }
            Step::Take(number) => {
                let Some(object) = oracle.pick(number) else {
                    return;
                };
                inc_ref(object as *mut u8);
                oracle.live.get_mut(&object).expect("held objects are live").count += 1;
                oracle.held.push(object);
            }
            Step::Give(number) => {
                let Some(object) = oracle.pick(number) else {
                    return;
                };
                let at = number % oracle.held.len();
                oracle.held.swap_remove(at);
                oracle.give(object);
                dec_ref(object as *mut u8);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_agree_with_the_oracle(steps in steps()) {
        run(steps);
    }
}
