// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What it costs to find a PvD, to hear its routers again, to let it go, and to answer a host from the cache; beside it a
//! list that is searched from its head, which is what the kernel patch that came before had.

use std::hint::black_box;
use std::time::Duration;

use core::net::Ipv6Addr;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use pvd::{
    Advert, AnswerPolicy, Answering, DELAY_MAX, Limits, PvdHandle, PvdName, RaCache, Registry, Responder, Solicitation,
    Statement,
};
use wire::MacAddr;
use wire::nd::{NdOption, PrefixInfo, PvdOption, RaHeader, Rdnss, RouterAdvert, encode};

const THERE: [usize; 3] = [10, 1000, 100_000];
const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const NOW: Duration = Duration::from_secs(1);
const LIMITS: Limits = Limits { pvds: 200_000, port_pvds: 16, entries: 1_000_000, port_entries: 256 };

fn name(i: usize) -> PvdName {
    format!("pvd-{i}.tenant.example").parse().expect("a name")
}

/// Names in an order that no cache foresees.
fn shuffled(there: usize) -> Vec<PvdName> {
    let mut names: Vec<_> = (0..there).map(name).collect();
    let mut state = 1_u64;
    for i in (1..there).rev() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        names.swap(i, (state >> 33) as usize % (i + 1));
    }
    names
}

fn registry_of(there: usize) -> Registry {
    let mut registry = Registry::new(LIMITS, 7);
    for i in 0..there {
        registry.set(&name(i), &Statement::default(), NOW).expect("there is room");
    }
    registry
}

/// Two prefixes and two resolvers in a PvD of its own.
fn advertisement(i: usize) -> Vec<u8> {
    let prefix = |n: u16| PrefixInfo {
        prefix: Ipv6Addr::new(0x2001, 0xdb8, (i >> 16) as u16, i as u16, n, 0, 0, 0),
        prefix_len: 80,
        flags: 0xc0,
        valid: 3600,
        preferred: 1800,
    };
    let addresses = [[0x20; 16], [0x21; 16]];
    let rdnss = Rdnss { lifetime: 1800, addresses: &addresses };
    let inside = [NdOption::Prefix(prefix(1)), NdOption::Prefix(prefix(2)), NdOption::Rdnss(rdnss)];
    let nested = encode(inside).expect("options");
    let name = name(i);
    let plain = PvdOption::new(name.as_name(), &nested);
    let options = encode([NdOption::Pvd(plain)]).expect("an option");
    let header = RaHeader { hop_limit: 64, lifetime: 1800, ..RaHeader::default() };
    RouterAdvert { header, options: &options }.to_message(ROUTER, pvd::ALL_NODES).expect("a message")
}

fn advert(octets: &[u8]) -> Advert<'_> {
    Advert::new(1, ROUTER, RouterAdvert::parse(octets).expect("a message")).expect("a sound one")
}

fn learn(registry: &mut Registry, octets: &[u8]) {
    registry.learn(&advert(octets), NOW).expect("there is room");
}

fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pvd-look-up");
    for there in THERE {
        let (registry, names) = (registry_of(there), shuffled(there));
        let handle = |name: &PvdName| registry.members().by_name(name).expect("it is there").handle();
        let (mut reader, handles) = (registry.reader(), names.iter().map(handle).collect::<Vec<PvdHandle>>());
        let mut turn = (0..there).cycle();
        let mut next = move || turn.next().unwrap_or(0);
        group.bench_function(BenchmarkId::new("name", there), |bencher| {
            bencher.iter(|| reader.members().by_name(black_box(&names[next()])).is_some());
        });
        let mut turn = (0..there).cycle();
        group.bench_function(BenchmarkId::new("handle", there), |bencher| {
            bencher.iter(|| reader.members().get(black_box(handles[turn.next().unwrap_or(0)])).is_some());
        });
        let list: Vec<_> = (0..there).map(name).collect();
        let mut turn = (0..there).cycle();
        group.bench_function(BenchmarkId::new("linear-list", there), |bencher| {
            bencher.iter(|| list.iter().position(|name| *name == names[turn.next().unwrap_or(0)]));
        });
    }
    group.finish();
}

fn come_and_go(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pvd-come-and-go");
    for there in THERE {
        let (mut registry, new) = (registry_of(there), name(there));
        group.bench_function(BenchmarkId::from_parameter(there), |bencher| {
            bencher.iter(|| {
                let handle = registry.set(&new, &Statement::default(), NOW).expect("there is room");
                registry.unset(handle, NOW)
            });
        });
    }
    group.finish();
}

fn refresh(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pvd-refresh");
    for there in [1, 4096] {
        let (mut registry, mut cache) = (Registry::new(LIMITS, 7), RaCache::default());
        let adverts: Vec<_> = (0..there).map(advertisement).collect();
        adverts.iter().for_each(|octets| learn(&mut registry, octets));
        let mut turn = adverts.iter().cycle();
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("registry", there), |bencher| {
            bencher.iter(|| registry.learn(&advert(turn.next().expect("it goes round")), NOW));
        });
        let mut turn = adverts.iter().take(32).cycle();
        group.bench_function(BenchmarkId::new("registry-and-cache", there), |bencher| {
            bencher.iter(|| {
                let octets = turn.next().expect("it goes round");
                let advert = advert(octets);
                (registry.learn(&advert, NOW).is_ok(), cache.hear(&advert, MAC, octets, NOW).is_ok())
            });
        });
    }
    group.finish();
}

/// All at once, and a look when nothing has ended.
fn expire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pvd-expire");
    group.sample_size(10);
    let learnt = |there| {
        let mut registry = Registry::new(LIMITS, 7);
        (0..there).for_each(|i| learn(&mut registry, &advertisement(i)));
        registry
    };
    for there in [1000, 10_000] {
        group.throughput(Throughput::Elements(there as u64));
        group.bench_function(BenchmarkId::new("all", there), |bencher| {
            let expire = |mut registry: Registry| {
                registry.expire(NOW + Duration::from_secs(3600));
                registry
            };
            bencher.iter_batched(|| learnt(there), expire, BatchSize::PerIteration);
        });
        let mut registry = learnt(there);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("none-of", there), |bencher| bencher.iter(|| registry.expire(NOW)));
    }
    group.finish();
}

/// A host asks and is answered, the random delay being none.
fn answer(criterion: &mut Criterion) {
    let (mut registry, mut cache) = (Registry::new(LIMITS, 7), RaCache::default());
    let octets = [advertisement(0), advertisement(1)];
    for octets in &octets {
        learn(&mut registry, octets);
        cache.hear(&advert(octets), MAC, octets, NOW).expect("there is room");
    }
    let mut responder = Responder::new(Answering { policy: AnswerPolicy::Always, within: DELAY_MAX });
    let asks = Solicitation { port: 9, source: ROUTER, mac: MAC, option: Some(MAC) };
    criterion.bench_function("ra-answer-of-two", |bencher| {
        bencher.iter(|| {
            responder.solicited(&asks, NOW, Duration::ZERO);
            responder.poll(&mut cache, &registry, NOW).expect("an answer")
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    look_up(&mut criterion);
    come_and_go(&mut criterion);
    refresh(&mut criterion);
    expire(&mut criterion);
    answer(&mut criterion);
    criterion.final_summary();
}
