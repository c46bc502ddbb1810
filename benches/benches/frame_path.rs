// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The whole frame path, by kind of frame: what one worker needs for a burst.

use benches::{Scene, Work};
use criterion::{Criterion, Throughput};

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

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    whole(&mut criterion);
    criterion.final_summary();
}
