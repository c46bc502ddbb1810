// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to find a PvD, among ten of them and among a hundred thousand, and to hear a router again. Prints one JSON
//! object; `cargo xtask bench pvd` builds and runs it and makes a table of it.
//!
//! Each figure is the median of many short rounds, in which all ways and sizes have their turn, so that what else the machine does
//! falls on all of them. PvDs are asked for in an order that no cache foresees. The names that are asked for do not count:
//! they are made, a few hundred at a time in the same memory, and then these are looked up and timed. So each is at hand, as one
//! from a message would be. If they lay ready, a hundred thousand of them would take three times the room of the table that is
//! measured, and would drive it out of the cache.
//!
//! Beside ours is a list as the kernel patch that came before had it (its version of 2018, d666a05): records of a thousand
//! bytes, linked, the newest at the head, compared by their names of 256 bytes until one fits.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{cpus, pin};
use pvd::{Advert, Limits, PvdHandle, PvdName, Reader, Registry, Statement};
use serde_json::{Value, json};
use wire::nd::{NdOption, PrefixInfo, PvdOption, RaHeader, Rdnss, RouterAdvert, encode};

const SIZES: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
const ROUNDS: usize = 101;
/// Those in which lists have their turn.
const LIST_ROUNDS: usize = 5;
/// Look-ups of a round.
const LOOKS: usize = 20_000;
/// Names that are made at once, and then looked up.
const READ: usize = 200;
/// Look-ups of a round in a list: as many as take about as long.
const LIST_LOOKS: usize = 2_000_000;
/// Changes a second of the one who writes while others read.
const CHANGES: u64 = 10_000;
const NOW: Duration = Duration::from_secs(1);
const LIMITS: Limits = Limits { pvds: 200_000, port_pvds: 16, entries: 1_000_000, port_entries: 256 };

fn main() {
    let (here, there) = cpus();
    pin(here);
    let mut beds: Vec<Bed> = SIZES.map(Bed::new).into();
    let ways: [(&str, Way); 4] =
        [("name", Bed::by_name), ("reader", Bed::by_reader), ("handle", Bed::by_handle), ("list", Bed::by_list)];
    let mut figures = json!({});
    let mut spent = vec![vec![Vec::new(); beds.len()]; ways.len()];
    for round in 0..ROUNDS {
        for ((way, measure), spent) in ways.iter().zip(&mut spent) {
            let has_turn = *way != "list" || round < LIST_ROUNDS;
            let beds = beds.iter_mut().zip(spent).filter(|_| has_turn);
            beds.for_each(|(bed, spent)| spent.push(measure(bed, round)));
        }
    }
    for ((way, _), spent) in ways.into_iter().zip(spent) {
        for (size, spent) in SIZES.iter().zip(spent) {
            figures[way][size.to_string()] = json!(median(spent));
        }
    }
    for bed in beds {
        let size = bed.names.len().to_string();
        let (spent, changes) = under_change(bed, (here, there));
        for (state, spent) in STATES.iter().zip(spent) {
            figures[state][&size] = json!(spent);
        }
        figures["changes"][&size] = json!(changes);
    }
    figures["refresh"] = refresh();
    println!("{figures}");
}

/// Nanoseconds of one look-up, in one round.
type Way = fn(&mut Bed, usize) -> f64;

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn nanos(looks: usize, mut look: impl FnMut(usize) -> bool) -> f64 {
    let begin = Instant::now();
    let found = (0..looks).filter(|number| look(*number)).count();
    assert_eq!(found, looks, "all are there");
    begin.elapsed().as_nanos() as f64 / looks as f64
}

/// The same of `looks` names, from one on and around.
fn nanos_by_name(names: &[usize], from: usize, looks: usize, mut look: impl FnMut(&PvdName) -> bool) -> f64 {
    let mut spent = 0.0;
    for begin in (0..looks).step_by(READ) {
        let numbers = (begin..looks.min(begin + READ)).map(|number| names[(from + number) % names.len()]);
        let read: Vec<PvdName> = numbers.map(name).collect();
        spent += read.len() as f64 * nanos(read.len(), |number| look(black_box(&read[number])));
    }
    spent / looks as f64
}

/// PvDs, and the numbers of their names in the order in which they are asked for.
struct Bed {
    names: Vec<usize>,
    handles: Vec<PvdHandle>,
    registry: Registry,
    reader: Reader,
    list: List,
}

impl Bed {
    fn new(size: usize) -> Bed {
        let names = shuffled(size);
        let (mut registry, mut list) = (Registry::new(LIMITS, 7), List(None));
        for number in 0..size {
            registry.set(&name(number), &Statement::default(), NOW).expect("there is room");
            list.add(&name(number));
        }
        let handle = |number: &usize| registry.members().by_name(&name(*number)).expect("it is there").handle();
        let handles = names.iter().map(handle).collect();
        let reader = registry.reader();
        Bed { names, handles, registry, reader, list }
    }

    fn by_name(&mut self, round: usize) -> f64 {
        let members = self.registry.members();
        nanos_by_name(&self.names, round * LOOKS, LOOKS, |name| members.by_name(name).is_some())
    }

    fn by_reader(&mut self, round: usize) -> f64 {
        nanos_by_name(&self.names, round * LOOKS, LOOKS, |name| self.reader.members().by_name(name).is_some())
    }

    fn by_handle(&mut self, round: usize) -> f64 {
        let (from, handles) = (round * LOOKS, &self.handles);
        let handle = |number| black_box(handles[(from + number) % handles.len()]);
        nanos(LOOKS, |number| self.reader.members().get(handle(number)).is_some())
    }

    fn by_list(&mut self, round: usize) -> f64 {
        let looks = (LIST_LOOKS / self.names.len()).clamp(20, LOOKS);
        nanos_by_name(&self.names, round * LOOKS, looks, |name| self.list.find(name).is_some())
    }
}

/// What the other core does: nothing, or change PvDs that nobody reads, or those that are read.
const STATES: [&str; 3] = ["idle", "elsewhere", "changing"];

/// Look-ups by a reader in each of the [`STATES`], in turns, and the changes a second that were made of what is read.
///
/// Names lie ready and look-ups follow each other without a pause: between pauses there would be more changes to a look-up than
/// there are. Two CPUs may be one core. What a look-up loses to whatever the other does shows beside changes elsewhere, as many and as dear.
fn under_change(bed: Bed, (_, there): (usize, usize)) -> ([f64; 3], f64) {
    let Bed { names, mut registry, mut reader, .. } = bed;
    let names: Vec<PvdName> = names.into_iter().map(name).collect();
    let (state, done, made) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(0));
    let (mut spent, mut took, mut from) = ([const { Vec::new() }; 3], Duration::ZERO, 0);
    let mut other = Bed::new(names.len()).registry;
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(there);
            change(&mut [&mut other, &mut registry], names.len(), (&state, &done, &made));
        });
        for round in 0..3 * ROUNDS {
            state.store(round % 3, Ordering::Release);
            let (begin, before) = (Instant::now(), from);
            // Long enough for a hundred changes.
            while begin.elapsed() < Duration::from_millis(10) {
                let name = |number| black_box(&names[(from + number) % names.len()]);
                nanos(READ, |number| reader.members().by_name(name(number)).is_some());
                from += READ;
            }
            let span = begin.elapsed();
            took += if round % 3 == 2 { span } else { Duration::ZERO };
            spent[round % 3].push(span.as_nanos() as f64 / (from - before) as f64);
        }
        done.store(true, Ordering::Release);
    });
    (spent.map(median), made.load(Ordering::Relaxed) as f64 / took.as_secs_f64())
}

/// One PvD comes and goes, so many times a second, in the registry that the state names.
fn change(
    registries: &mut [&mut Registry; 2],
    size: usize,
    (state, done, made): (&AtomicUsize, &AtomicBool, &AtomicU64),
) {
    let (new, pause) = (name(size), Duration::from_nanos(1_000_000_000 / CHANGES));
    let mut next = Instant::now();
    while !done.load(Ordering::Acquire) {
        let state = state.load(Ordering::Acquire);
        if state == 0 || Instant::now() < next {
            std::hint::spin_loop();
            next = if state == 0 { Instant::now() } else { next };
            continue;
        }
        next += pause;
        let registry = &mut *registries[state - 1];
        match registry.members().by_name(&new).map(|pvd| pvd.handle()) {
            Some(handle) => drop(registry.unset(handle, NOW)),
            None => drop(registry.set(&new, &Statement::default(), NOW)),
        }
        made.fetch_add(u64::from(state == 2), Ordering::Relaxed);
    }
}

/// Nanoseconds of hearing again what is known, two prefixes and two resolvers, of one PvD and of 4096 in turns.
fn refresh() -> Value {
    let mut figures = json!({});
    for size in [1, 4096] {
        let mut registry = Registry::new(LIMITS, 7);
        let octets: Vec<Vec<u8>> = (0..size).map(advertisement).collect();
        let mut hear = |number: usize| registry.learn(&advert(&octets[number % size]), NOW).is_ok();
        let _ = nanos(size, &mut hear);
        figures[size.to_string()] = json!(median((0..ROUNDS).map(|_| nanos(4096, &mut hear)).collect()));
    }
    figures
}

const ROUTER: core::net::Ipv6Addr = core::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn advert(octets: &[u8]) -> Advert<'_> {
    Advert::new(1, ROUTER, RouterAdvert::parse(octets).expect("a message")).expect("a sound one")
}

fn advertisement(number: usize) -> Vec<u8> {
    let prefix = |n: u16| PrefixInfo {
        prefix: core::net::Ipv6Addr::new(0x2001, 0xdb8, number as u16, n, 0, 0, 0, 0),
        prefix_len: 64,
        flags: 0xc0,
        valid: 3600,
        preferred: 1800,
    };
    let servers = Rdnss { lifetime: 1800, addresses: &[[0x20; 16], [0x21; 16]] };
    let inside = [NdOption::Prefix(prefix(1)), NdOption::Prefix(prefix(2)), NdOption::Rdnss(servers)];
    let (nested, name) = (encode(inside).expect("options"), name(number));
    let (name, nested) = (name.as_name(), nested.as_slice());
    let plain = PvdOption::new(name, nested);
    let options = encode([NdOption::Pvd(plain)]).expect("an option");
    let header = RaHeader { hop_limit: 64, lifetime: 1800, ..RaHeader::default() };
    RouterAdvert { header, options: &options }.to_message(ROUTER, pvd::ALL_NODES).expect("a message")
}

fn name(number: usize) -> PvdName {
    format!("pvd-{number}.tenant.example").parse().expect("a name")
}

/// Numbers in an order that no cache foresees.
fn shuffled(size: usize) -> Vec<usize> {
    let mut numbers: Vec<_> = (0..size).collect();
    let mut state = 1_u64;
    for i in (1..size).rev() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        numbers.swap(i, (state >> 33) as usize % (i + 1));
    }
    numbers
}

/// A record of the list that came before.
struct Node {
    name: [u8; 256],
    /// What else its record had.
    _rest: [u8; 800],
    next: Option<Box<Node>>,
}

struct List(Option<Box<Node>>);

impl List {
    fn add(&mut self, name: &PvdName) {
        let mut octets = [0; 256];
        octets[..name.as_wire().len()].copy_from_slice(name.as_wire());
        self.0 = Some(Box::new(Node { name: octets, _rest: [0; 800], next: self.0.take() }));
    }

    fn find(&self, name: &PvdName) -> Option<&Node> {
        let wanted = name.as_wire();
        let mut node = self.0.as_deref();
        while let Some(found) = node {
            if found.name.starts_with(wanted) {
                return Some(found);
            }
            node = found.next.as_deref();
        }
        None
    }
}

impl Drop for List {
    /// One after the other: the list is longer than a stack is deep.
    fn drop(&mut self) {
        let mut node = self.0.take();
        while let Some(mut first) = node {
            node = first.next.take();
        }
    }
}
