// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Frames a second through one worker, by frame size.

use std::time::Duration;

use benches::{BURST, Pair};
use criterion::{BenchmarkId, Criterion, Throughput};

fn unicast(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("unicast");
    for len in [64, 512, 1500] {
        let mut pair = Pair::new(len);
        group.throughput(Throughput::Elements(BURST as u64));
        group.bench_function(BenchmarkId::from_parameter(len), |bencher| {
            bencher.iter_custom(|bursts| (0..bursts).map(|_| pair.burst()).sum::<Duration>());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    unicast(&mut criterion);
    criterion.final_summary();
}
