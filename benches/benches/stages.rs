// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Each stage of the frame path by itself, by kind of frame, and by the number of addresses that a namespace knows.

use std::time::{Duration, Instant};

use benches::{Scene, Work, stage_name};
use criterion::{BenchmarkId, Criterion, Throughput};
use dataplane::Stage;

fn stages(criterion: &mut Criterion) {
    for stage in Stage::ALL {
        let mut group = criterion.benchmark_group(stage_name(stage));
        for (name, work) in Work::ALL {
            let mut scene = Scene::new(work);
            group.throughput(Throughput::Elements(work.frames() as u64));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter_custom(|bursts| (0..bursts).map(|_| burst(&mut scene, stage)).sum::<Duration>());
            });
        }
        group.finish();
    }
}

/// One burst through all stages; the time of one.
fn burst(scene: &mut Scene, stage: Stage) -> Duration {
    scene.fill();
    let at = scene.switch_timed(Instant::now);
    scene.empty();
    at[stage as usize + 1] - at[stage as usize]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    stages(&mut criterion);
    criterion.final_summary();
}
