// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole frame path, by kind of frame: what one worker needs for a burst.

use benches::{Scene, Work};
use criterion::{Criterion, Throughput};

/// What is measured with a dirty log, too.
const LOGGED: [&str; 4] = ["64", "1500", "tso", "flood-8"];

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole");
    for (name, work) in Work::ALL {
        let mut scene = Scene::new(work);
        group.throughput(Throughput::Elements(work.frames() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|bursts| scene.time(bursts));
        });
    }
    group.finish();
}

/// The same while every guest is being migrated.
fn logged(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("logged");
    for (name, work) in Work::ALL.into_iter().filter(|(name, _)| LOGGED.contains(name)) {
        let mut scene = Scene::new(work);
        scene.logged();
        group.throughput(Throughput::Elements(work.frames() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|bursts| scene.time(bursts));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    whole(&mut criterion);
    logged(&mut criterion);
    criterion.final_summary();
}
