// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What limits cost: frames of 64 bytes from port to port, without limits, with one, and with every limit set. None is
//! ever reached.

use benches::{Scene, Work};
use criterion::{Criterion, Throughput};
use dataplane::limits::RATE_MAX;
use dataplane::{Limit, Limits, Rate};

const CASES: [(&str, &[Limit]); 3] = [("none", &[]), ("tx-frames", &[Limit::TxFrames]), ("all", &Limit::ALL)];
const WORK: Work = Work::Unicast(64);

fn limited(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limits");
    group.throughput(Throughput::Elements(WORK.frames() as u64));
    for (name, set) in CASES {
        let mut limits = Limits::default();
        set.iter().for_each(|&limit| limits.set(limit, Some(Rate { per_second: RATE_MAX, burst: RATE_MAX })));
        let mut scene = Scene::new(WORK);
        scene.set_limits(&limits);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|bursts| scene.time(bursts));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    limited(&mut criterion);
    criterion.final_summary();
}
