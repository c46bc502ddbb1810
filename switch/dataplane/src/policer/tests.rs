// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const NOW: Instant = Instant::from_nanos(1_234_567_890_123_456);

fn bucket(per_second: u64, burst: u64) -> Bucket {
    Bucket::new(Rate { per_second, burst })
}

fn policer(frames: Option<(u64, u64)>, bytes: Option<(u64, u64)>) -> Policer {
    let make = |limit: Option<(u64, u64)>| limit.map(|(per_second, burst)| Arc::new(bucket(per_second, burst)));
    Policer { frames: make(frames), bytes: make(bytes) }
}

/// How many frames of these lengths pass at once.
fn pass(policer: &Policer, lens: &[u32], now: Instant) -> usize {
    let mut meter = policer.open(lens.iter().copied(), now);
    lens.iter().filter(|len| admit(&mut meter, **len)).count()
}

fn admit(meter: &mut Option<Meter<'_>>, len: u32) -> bool {
    meter.as_mut().is_none_or(|meter| meter.admit(len))
}

fn after(nanos: u64) -> Instant {
    NOW + Duration::from_nanos(nanos)
}

#[test]
fn test_a_new_bucket_is_full_at_any_time() {
    for now in [0, 1, NOW.as_nanos(), u64::MAX / 3] {
        for rate in [0, 1, 3, SECOND, limits::RATE_MAX] {
            assert_eq!(bucket(rate, 100).take(1000, Instant::from_nanos(now)), 100, "at {now}, rate {rate}");
        }
    }
}

#[test]
fn test_a_rate_is_exact_over_hours() {
    for per_second in [1, 7, 999, 1_000_003, 12_345_678_901, limits::RATE_MAX] {
        let burst = per_second.max(10);
        let bucket = bucket(per_second, burst);
        let mut got = bucket.take(u64::MAX, NOW);
        assert_eq!(got, burst);
        // Steps that no rate divides evenly, for ten hours.
        let (step, end) = (7_777_777_777 / 11, 36_000 * SECOND);
        let mut nanos = 0;
        while nanos < end {
            nanos += step;
            got += bucket.take(u64::MAX, after(nanos));
        }
        let given = |at: Instant| u128::from(at.as_nanos()) * u128::from(per_second) / u128::from(SECOND);
        assert_eq!(u128::from(got - burst), given(after(nanos)) - given(NOW), "{per_second} a second");
    }
}

#[test]
fn test_a_pause_saves_up_a_burst_and_no_more() {
    let bucket = bucket(1000, 50);
    assert_eq!(bucket.take(100, NOW), 50);
    assert_eq!(bucket.take(100, NOW), 0);
    assert_eq!(bucket.take(100, after(SECOND / 100)), 10);
    for pause in [1, 60, 3600, 86_400 * 365 * 20] {
        assert_eq!(bucket.take(100, after(pause * SECOND)), 50, "after {pause} s");
    }
}

#[test]
fn test_counting_goes_on_where_the_word_wraps() {
    // 2^64 tokens are given about 213 days after the origin.
    let wrap = u64::try_from((1_u128 << 64) * u128::from(SECOND) / u128::from(limits::RATE_MAX)).unwrap();
    let bucket = bucket(limits::RATE_MAX, 5000);
    bucket.take(5000, Instant::from_nanos(wrap - 60 * SECOND));
    for step in 0..200 {
        let now = Instant::from_nanos(wrap - 100 + step);
        let expected = if step == 0 { 5000 } else { 1000 };
        assert_eq!(bucket.take(u64::MAX, now), expected, "step {step}");
        assert_eq!(bucket.take(u64::MAX, now), 0);
    }
}

#[test]
fn test_rates_without_sense_do_no_harm() {
    let closed = bucket(0, 3);
    assert_eq!(closed.take(5, NOW), 3);
    assert_eq!(closed.take(5, after(3600 * SECOND)), 0, "nothing is given");
    assert_eq!(bucket(5, 0).take(5, after(3600 * SECOND)), 0);
    let huge = bucket(u64::MAX, u64::MAX);
    assert_eq!(huge.take(u64::MAX, NOW), limits::RATE_MAX);
    assert_eq!(huge.take(u64::MAX, after(SECOND / 2)), limits::RATE_MAX / 2);
    assert_eq!(huge.take(0, after(SECOND)), 0);
}

#[test]
fn test_a_worker_whose_clock_is_behind_gets_nothing_twice() {
    let bucket = bucket(1000, 10);
    assert_eq!(bucket.take(10, after(SECOND)), 10);
    assert_eq!(bucket.take(10, NOW), 0, "a second behind");
    assert_eq!(bucket.take(10, after(SECOND)), 0);
    assert_eq!(bucket.take(10, after(SECOND + 5_000_000)), 5);
}

#[test]
fn test_both_limits_hold_and_a_refused_frame_uses_up_neither() {
    let policer = policer(Some((1, 3)), Some((1, 1000)));
    assert_eq!(pass(&policer, &[600, 600, 300], NOW), 2, "the second is too long, the third is not");
    assert_eq!(pass(&policer, &[600], NOW), 0, "100 bytes are left");
    assert_eq!(pass(&policer, &[50, 50], NOW), 1, "and one frame");
    assert_eq!(pass(&policer, &[50], NOW), 0);
}

#[test]
fn test_what_is_not_limited_passes() {
    assert_eq!(pass(&policer(None, None), &[u32::MAX; 64], NOW), 64);
    assert_eq!(pass(&policer(Some((1, 2)), None), &[u32::MAX; 64], NOW), 2);
    assert_eq!(pass(&policer(None, Some((1, 1000))), &[100; 64], NOW), 10);
}

#[test]
fn test_two_bursts_at_once_share_what_there_is() {
    let policer = policer(None, Some((1, 1000)));
    let mut first = policer.open([700, 700].into_iter(), NOW).unwrap();
    let mut second = policer.open([300].into_iter(), NOW).unwrap();
    assert!(first.admit(700) && !first.admit(700));
    assert!(!second.admit(300), "the first has taken all that it may need");
    drop(first);
    assert!(!second.admit(300));
    drop(second);
    assert_eq!(pass(&policer, &[300, 1], NOW), 1, "and has put back what it did not");
}

/// Every order in which two workers can open and close a burst each: nothing is made, nothing is lost.
#[test]
fn test_no_interleaving_makes_or_loses_a_token() {
    for order in [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]] {
        let policer = policer(Some((1, 5)), Some((1, 1000)));
        let mut meters: [Option<Meter<'_>>; 2] = [None, None];
        let mut passed = 0;
        for who in order {
            match meters[who].take() {
                None => meters[who] = policer.open([400_u32; 4].into_iter(), NOW),
                Some(mut meter) => passed += (0..4).filter(|_| meter.admit(400)).count() as u64,
            }
        }
        passed += pass(&policer, &[400; 2], NOW) as u64;
        assert_eq!(passed, 2, "{order:?}: 1000 bytes");
        assert_eq!(pass(&policer, &[100; 3], NOW), 2, "{order:?}: 200 bytes are left");
    }
}

#[test]
fn test_workers_that_run_at_once_get_as_much_as_one() {
    let bucket = bucket(1_000_000, 1000);
    let rounds = 2000;
    let got: u64 = std::thread::scope(|scope| {
        let worker = |id: u64| {
            let bucket = &bucket;
            scope.spawn(move || {
                let turn = |round: u64| {
                    let got = bucket.take(64, after(round * 100_000));
                    // Some is put back, as a frame that did not fit does.
                    let back = got.min((round + id) % 5);
                    bucket.put_back(back);
                    got - back
                };
                (0..rounds).map(turn).sum::<u64>()
            })
        };
        let workers: Vec<_> = (0..4).map(worker).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let end = after((rounds - 1) * 100_000);
    let left = std::iter::repeat_with(|| bucket.take(64, end)).take_while(|got| *got > 0).sum::<u64>();
    let (most, given) = (1000 + (rounds - 1) * 100, got + left);
    assert!(given <= most, "{given} of {most}");
}

/// The same bucket without wrapping, without atomics, without bursts: a level that tokens drip into.
struct Model {
    rate: Rate,
    level: u64,
    given: u128,
}

impl Model {
    fn admit(&mut self, tokens: u64, now: Instant) -> bool {
        let given = u128::from(now.as_nanos()) * u128::from(self.rate.per_second) / u128::from(SECOND);
        let level = u128::from(self.level) + given - self.given;
        self.level = level.min(self.rate.burst.into()) as u64;
        self.given = given;
        let enough = self.level >= tokens;
        self.level -= if enough { tokens } else { 0 };
        enough
    }
}

fn any_rate() -> impl Strategy<Value = u64> {
    prop_oneof![1..2000_u64, 1..20_000_000_000_u64, Just(limits::RATE_MAX)]
}

proptest! {
    #[test]
    fn test_bursts_pass_what_a_plain_bucket_passes(
        per_second in any_rate(),
        burst in 1..200_000_u64,
        bursts in prop::collection::vec((0..3_000_000_000_u64, prop::collection::vec(1..70_000_u32, 0..64)), 0..50),
    ) {
        let policer = policer(None, Some((per_second, burst)));
        let mut model = Model { rate: Rate { per_second, burst }, level: burst, given: 0 };
        model.given = u128::from(NOW.as_nanos()) * u128::from(per_second) / u128::from(SECOND);
        let mut nanos = 0;
        for (pause, lens) in bursts {
            nanos += pause;
            let mut meter = policer.open(lens.iter().copied(), after(nanos));
            for len in lens {
                prop_assert_eq!(admit(&mut meter, len), model.admit(len.into(), after(nanos)), "at {} ns", nanos);
            }
        }
    }

    #[test]
    fn test_no_window_passes_more_than_burst_and_rate(
        per_second in any_rate(),
        burst in 1..10_000_u64,
        turns in prop::collection::vec((0..50_000_000_u64, 0..5_000_u64), 1..60),
    ) {
        let bucket = bucket(per_second, burst);
        let mut nanos = 0;
        let taken: Vec<_> = turns.iter().map(|(pause, wanted)| {
            nanos += pause;
            (nanos, bucket.take(*wanted, after(nanos)))
        }).collect();
        for (first, (from, _)) in taken.iter().enumerate() {
            let mut sum = 0;
            for (to, got) in &taken[first..] {
                sum += u128::from(*got);
                let time = u128::from(to - from);
                prop_assert!(sum <= u128::from(burst) + time * u128::from(per_second) / u128::from(SECOND) + 1);
            }
        }
    }
}
