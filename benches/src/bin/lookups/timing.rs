// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Time, of look-ups by name as of anything.

use std::hint::black_box;
use std::time::Instant;

use pvd::PvdName;

use crate::bed::name;

/// Rounds, in each of which all have their turn.
pub(crate) const ROUNDS: usize = 101;
/// Names that are made at once, and then looked up.
pub(crate) const READ: usize = 200;

pub(crate) fn median(of: Vec<f64>) -> f64 {
    quantile(of, 0.5)
}

/// What so great a part of these is not above.
pub(crate) fn quantile(mut of: Vec<f64>, part: f64) -> f64 {
    of.sort_by(f64::total_cmp);
    of[(of.len() as f64 * part) as usize]
}

/// Nanoseconds of one look-up, of so many in a row.
pub(crate) fn nanos(looks: usize, mut look: impl FnMut(usize) -> bool) -> f64 {
    let begin = Instant::now();
    let found = (0..looks).filter(|number| look(*number)).count();
    assert_eq!(found, looks, "all are there");
    begin.elapsed().as_nanos() as f64 / looks as f64
}

/// The same of `looks` names, from one on and around, for each [`READ`] of them.
pub(crate) fn nanos_by_name(
    names: &[usize],
    from: usize,
    looks: usize,
    mut look: impl FnMut(&PvdName) -> bool,
) -> Vec<f64> {
    let batch = |begin: usize| {
        let numbers = (begin..looks.min(begin + READ)).map(|number| names[(from + number) % names.len()]);
        let read: Vec<PvdName> = numbers.map(name).collect();
        nanos(read.len(), |number| look(black_box(&read[number])))
    };
    (0..looks).step_by(READ).map(batch).collect()
}
