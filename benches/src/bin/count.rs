// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `count WORK BURSTS [unguarded|logged]`: switches bursts of one kind, with the RA guard and copies for control or without, or
//! while every guest is being migrated, and prints how many frames that were.
//!
//! To be run by `cargo xtask bench instructions` under callgrind, which collects within [`Scene::switch`] only. Nothing here
//! depends on time, chance or addresses.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{Scene, Work};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, bursts, change): (_, _, fn(&mut Scene)) = match arguments.as_slice() {
        [name, bursts] => (name, bursts, |_| ()),
        [name, bursts, word] if word == "unguarded" => (name, bursts, Scene::unguarded),
        [name, bursts, word] if word == "logged" => (name, bursts, Scene::logged),
        _ => return usage(),
    };
    let work = Work::ALL.iter().find(|(known, _)| known == name);
    let (Some((_, work)), Ok(bursts)) = (work, bursts.parse::<usize>()) else { return usage() };
    let mut scene = Scene::new(*work);
    change(&mut scene);
    let mut frames = 0;
    for _ in 0..bursts {
        scene.fill();
        frames += scene.switch();
        scene.empty();
    }
    println!("{frames}");
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let names = Work::ALL.map(|(name, _)| name).join(", ");
    eprintln!("usage: count WORK BURSTS [unguarded|logged], where WORK is one of {names}");
    ExitCode::from(1)
}
