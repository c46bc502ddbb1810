// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to make, destroy, find and list namespaces when there are ten thousand.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion};
use switch::{Control, NamespacePath, NamespaceSpec, Request};

/// Namespaces that are there already: tenants of ten each.
const THERE: [usize; 2] = [10, 10_000];

fn path(text: &str) -> NamespacePath {
    text.parse().expect("a path")
}

fn add(control: &mut Control, path: &NamespacePath) {
    control.handle_request(Request::NamespaceAdd(path.clone(), NamespaceSpec::default())).expect("it can be made");
}

fn del(control: &mut Control, path: &NamespacePath) {
    let request = Request::NamespaceDel { path: path.clone(), recursive: false, force: false };
    control.handle_request(request).expect("it can be deleted");
}

fn settle(control: &mut Control) {
    while control.poll_action().is_some() {}
}

fn switch_of(namespaces: usize) -> Control {
    let mut control = Control::new(1, BTreeMap::new());
    for tenant in 0..namespaces / 10 {
        let tenant = path(&format!("tenant-{tenant}"));
        add(&mut control, &tenant);
        (1..10).for_each(|i| add(&mut control, &tenant.join(&path(&format!("dev-{i}")))));
    }
    settle(&mut control);
    control
}

/// Both requests, with the share of the batch that takes destroyed namespaces apart.
fn create_and_destroy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("namespace-create-destroy");
    for there in THERE {
        let (mut control, new) = (switch_of(there), path("tenant-0/new"));
        group.bench_function(BenchmarkId::from_parameter(there), |bencher| {
            bencher.iter(|| {
                add(&mut control, &new);
                del(&mut control, &new);
                settle(&mut control);
            });
        });
    }
    group.finish();
}

fn find(criterion: &mut Criterion) {
    let control = switch_of(10_000);
    let (view, name) = (control.operator(), path("tenant-500/dev-5"));
    let number = view.namespace(&name).expect("it is there").number;
    criterion.bench_function("namespace-by-name", |bencher| bencher.iter(|| view.namespace(black_box(&name))));
    let by_number = |bencher: &mut criterion::Bencher<'_>| bencher.iter(|| view.namespace_numbered(black_box(number)));
    criterion.bench_function("namespace-by-number", by_number);
}

fn list(criterion: &mut Criterion) {
    let control = switch_of(10_000);
    criterion.bench_function("namespace-list-10000", |bencher| {
        bencher.iter_batched(|| control.operator(), |view| view.namespaces(), BatchSize::SmallInput);
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    create_and_destroy(&mut criterion);
    find(&mut criterion);
    list(&mut criterion);
    criterion.final_summary();
}
