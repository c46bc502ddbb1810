// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a look-up does, whatever the machine: its instructions, and the lines of the table that it looks at.

use std::hint::black_box;
use std::process::ExitCode;

use pvd::{Members, PvdHandle, PvdName};
use serde_json::{Value, json};

use crate::bed::{Bed, name};
use crate::timing::quantile;

/// Look-ups that are counted.
const LOOKS: usize = 10_000;

/// `lookups name SIZE` or `lookups handle SIZE`: looks PvDs up, as many as it prints, for callgrind, which collects within
/// [`names_looked_up`] and [`handles_looked_up`] only. Nothing that they call may have a name that ends as theirs do.
pub(crate) fn run(way: &str, size: &str) -> ExitCode {
    let Ok(size) = size.parse::<usize>() else { return usage() };
    let bed = Bed::new(size);
    let found = match way {
        "name" => {
            let names: Vec<PvdName> = (0..LOOKS).map(|look| name(bed.names[look % size])).collect();
            names_looked_up(bed.registry.members(), &names)
        }
        "handle" => {
            let handles: Vec<PvdHandle> = (0..LOOKS).map(|look| bed.handles[look % size]).collect();
            handles_looked_up(bed.registry.members(), &handles)
        }
        _ => return usage(),
    };
    println!("{found}");
    ExitCode::SUCCESS
}

pub(crate) fn usage() -> ExitCode {
    eprintln!("usage: lookups [name|handle SIZE]");
    ExitCode::from(1)
}

#[inline(never)]
fn names_looked_up(members: &Members, names: &[PvdName]) -> usize {
    names.iter().filter(|name| members.by_name(black_box(name)).is_some()).count()
}

#[inline(never)]
fn handles_looked_up(members: &Members, handles: &[PvdHandle]) -> usize {
    handles.iter().filter(|handle| members.get(**black_box(handle)).is_some()).count()
}

/// Of all names: mean, 99 of 100 and most lines.
pub(crate) fn lines(bed: &Bed) -> Value {
    let lines: Vec<f64> =
        (0..bed.names.len()).map(|number| bed.registry.members().lines_to(&name(number)) as f64).collect();
    let mean = lines.iter().sum::<f64>() / lines.len() as f64;
    let most = lines.iter().copied().fold(0.0, f64::max);
    json!({ "mean": mean, "p99": quantile(lines, 0.99), "most": most })
}
