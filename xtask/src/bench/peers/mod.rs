// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! weft beside its peers: the same load, the same core, the same sitting.
//!
//! One core switches ([`SWITCH_CPU`]), one makes the load ([`LOAD_CPU`]). The load is DPDK's testpmd with a virtio-user
//! port for every port of the switch; it sends back whatever it receives, so that frames circle as fast as the slower of
//! the two cores lets them. Where that is the load, frames a second say nothing more, and the switches' *busy cycles a
//! frame* do; each switch accounts for them itself.
//!
//! Other work on the machine, heat and memory layout move all figures. Hence rounds: in each, every switch runs every
//! scenario once, freshly started, one after the other, and a figure is the median over the rounds. A machine that cannot
//! be had for so long gives several short sittings, whose rounds are added up (`--add`).
//!
//! Nothing is installed on the machine but debootstrap: the peers live in a [`tree::Tree`] of their own.

mod load;
mod options;
mod pages;
mod process;
mod report;
mod results;
mod sample;
mod scenario;
mod site;
mod sitting;
mod switches;
mod testpmd;
mod tree;

pub(crate) use options::{One, Options};

use super::released;
use crate::Outcome;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use pages::HugePages;
use sitting::Sitting;
use std::process::ExitCode;
use tree::Tree;

/// Where the switch runs.
const SWITCH_CPU: usize = 0;
/// Where the load runs.
const LOAD_CPU: usize = 1;

/// Prepares, measures, reports. Afterwards the machine is as before, but for the tree in the cache.
pub(crate) fn run(options: &Options) -> Outcome {
    let interrupt = Interrupt::install()?;
    match measure(options, &interrupt) {
        // Ctrl-C reaches load and switch as well, and their end is what fails first.
        Err(_) if interrupt.check().is_err() => Err(Failure::new("interrupted")),
        outcome => outcome,
    }
}

fn measure(options: &Options, interrupt: &Interrupt) -> Outcome {
    let scenarios = options.scenarios()?;
    let peers = options.peers(|| released(&["backends", "ctl"]))?;
    let tree = Tree::prepare(&options.tree(), options.no_install)?;
    let _pages = HugePages::reserve()?;
    let sitting = Sitting { tree: &tree, seconds: options.seconds, wrap: options.wrap.as_deref(), interrupt };
    let facts = report::Facts::gather(&tree, options);
    let earlier = if options.add { report::read(&facts)? } else { None };
    let mut results = sitting.hold(&peers, &scenarios, options.rounds)?;
    if let Some(earlier) = earlier {
        results = earlier.join(&results);
    }
    report::write(&results, &facts, options)?;
    Ok(if results.complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One run alone, on pages and a tree that are there.
pub(crate) fn one(options: &One) -> Outcome {
    let tree = Tree::prepare(&options.tree(), true)?;
    let sample = sitting::run(&tree, &options.peer, scenario::find(&options.scenario)?, options.seconds)?;
    println!("{}", sample.to_json());
    Ok(ExitCode::SUCCESS)
}
