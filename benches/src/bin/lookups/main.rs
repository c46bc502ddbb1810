// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to find a PvD, among ten of them and among a hundred thousand, and to hear a router again. Prints one JSON
//! object; `cargo xtask bench pvd` builds and runs it and makes a table of it. `lookups WAY SIZE` is for callgrind (`counted.rs`).
//!
//! Each figure is the median of many short rounds, in which all ways and sizes have their turn, so that what else the machine does
//! falls on all of them. PvDs are asked for in an order that no cache foresees. The names that are asked for do not count:
//! they are made, a few hundred at a time in the same memory, and then these are looked up and timed. So each is at hand, as one
//! from a message would be. If they lay ready, a hundred thousand of them would take three times the room of the table that is
//! measured, and would drive it out of the cache.
//!
//! Beside ours is a list as the kernel patch that came before had it (its version of 2018, d666a05): records of a thousand
//! bytes, linked, the newest at the head, compared by their names of 256 bytes until one fits. That patch took 1024 at most; by
//! number it went by an array, as one does here.

#![forbid(unsafe_code)]

mod bed;
mod changes;
mod counted;
mod list;
mod refresh;
mod timing;

use std::hint::black_box;
use std::process::ExitCode;

use benches::{cpus, pin};
use serde_json::json;

use bed::Bed;
use list::List;
use timing::{ROUNDS, median, nanos, nanos_by_name, quantile};

const SIZES: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
/// Rounds in which lists have their turn.
const LIST_ROUNDS: usize = 5;
/// Look-ups of a round.
const LOOKS: usize = 20_000;
/// Look-ups of a round in a list: as many as take about as long.
const LIST_LOOKS: usize = 2_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => measure(),
        [way, size] => return counted::run(way, size),
        _ => return counted::usage(),
    }
    ExitCode::SUCCESS
}

fn measure() {
    let (here, there) = cpus();
    pin(here);
    let mut beds: Vec<(Bed, List)> = SIZES.map(|size| (Bed::new(size), List::new(size))).into();
    let ways: [(&str, Way); 4] = [("name", by_name), ("reader", by_reader), ("handle", by_handle), ("list", by_list)];
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
            let rounds = spent.iter().map(|round| round.iter().sum::<f64>() / round.len() as f64).collect();
            figures[way][size.to_string()] = json!(median(rounds));
            if way == "name" {
                figures["p99"][size.to_string()] = json!(quantile(spent.concat(), 0.99));
            }
        }
    }
    for (bed, _) in beds {
        let size = bed.names.len().to_string();
        figures["lines"][&size] = counted::lines(&bed);
        let (spent, changes) = changes::under_change(bed, (here, there));
        for (state, spent) in changes::STATES.iter().zip(spent) {
            figures[state][&size] = json!(spent);
        }
        figures["changes"][&size] = json!(changes);
    }
    figures["refresh"] = refresh::refresh();
    println!("{figures}");
}

/// Nanoseconds of one look-up, of each batch of one round.
type Way = fn(&mut (Bed, List), usize) -> Vec<f64>;

fn by_name((bed, _): &mut (Bed, List), round: usize) -> Vec<f64> {
    let members = bed.registry.members();
    nanos_by_name(&bed.names, round * LOOKS, LOOKS, |name| members.by_name(name).is_some())
}

fn by_reader((bed, _): &mut (Bed, List), round: usize) -> Vec<f64> {
    nanos_by_name(&bed.names, round * LOOKS, LOOKS, |name| bed.reader.members().by_name(name).is_some())
}

fn by_handle((bed, _): &mut (Bed, List), round: usize) -> Vec<f64> {
    let (from, handles) = (round * LOOKS, &bed.handles);
    let handle = |number| black_box(handles[(from + number) % handles.len()]);
    vec![nanos(LOOKS, |number| bed.reader.members().get(handle(number)).is_some())]
}

fn by_list((bed, list): &mut (Bed, List), round: usize) -> Vec<f64> {
    let looks = (LIST_LOOKS / bed.names.len()).clamp(20, LOOKS);
    nanos_by_name(&bed.names, round * LOOKS, looks, |name| list.find(name).is_some())
}
