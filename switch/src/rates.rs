// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How much a port or a namespace may move: what an operator may ask for, and its difference in words.

use crate::refusal::Refusal;
use dataplane::{Limit, Limits, Rate, limits::RATE_MAX};

/// Refuses limits that let nothing through, or a burst that a frame may not fit into.
pub(crate) fn check(limits: &Limits) -> Result<(), Refusal> {
    limits.iter().try_for_each(|(limit, rate)| check_one(limit, rate))
}

/// Likewise of a namespace, which can only limit what its ports send: what each of them is to receive is its own affair.
pub(crate) fn check_shared(limits: &Limits) -> Result<(), Refusal> {
    let received = limits.iter().find(|(limit, _)| matches!(limit, Limit::RxFrames | Limit::RxBytes));
    match received {
        Some((limit, rate)) => {
            let expected = "a limit of what a namespace sends: tx-frames, tx-bytes, flood-frames or flood-bytes";
            Err(Refusal::invalid(limit.name(), rate.per_second.to_string(), expected))
        }
        None => check(limits),
    }
}

fn check_one(limit: Limit, Rate { per_second, burst }: Rate) -> Result<(), Refusal> {
    if !(1..=RATE_MAX).contains(&per_second) {
        let expected = format!("a rate of 1 to {RATE_MAX} a second");
        return Err(Refusal::invalid(limit.name(), per_second.to_string(), expected));
    }
    let least = limit.burst_min();
    if !(least..=RATE_MAX).contains(&burst) {
        let expected = format!("a burst of {least} to {RATE_MAX}");
        return Err(Refusal::invalid(limit.name(), format!("{per_second}:{burst}"), expected));
    }
    Ok(())
}

/// Every limit in words: its key in a configuration file, what it was, what it is to be.
pub(crate) fn pairs(old: &Limits, new: &Limits) -> [(&'static str, String, String); Limit::ALL.len()] {
    let words = |limits: &Limits, limit| match limits.get(limit) {
        Some(Rate { per_second, burst }) => format!("{per_second}:{burst}"),
        None => "none".to_owned(),
    };
    Limit::ALL.map(|limit| (key(limit), words(old, limit), words(new, limit)))
}

fn key(limit: Limit) -> &'static str {
    match limit {
        Limit::TxFrames => "limits.tx-frames",
        Limit::TxBytes => "limits.tx-bytes",
        Limit::RxFrames => "limits.rx-frames",
        Limit::RxBytes => "limits.rx-bytes",
        Limit::FloodFrames => "limits.flood-frames",
        Limit::FloodBytes => "limits.flood-bytes",
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_limits_that_let_nothing_through_are_refused_by_name() {
        let refused = |limit, per_second, burst| {
            let mut limits = Limits::default();
            limits.set(limit, Some(Rate { per_second, burst }));
            check(&limits).err().map(|refusal| refusal.to_string())
        };
        assert_eq!(refused(Limit::TxFrames, 1, 1), None);
        assert_eq!(refused(Limit::RxBytes, RATE_MAX, RATE_MAX), None);
        let expected = r#"tx-frames: "0" is not valid (expected a rate of 1 to 1000000000000 a second)"#;
        assert_eq!(refused(Limit::TxFrames, 0, 1).as_deref(), Some(expected));
        let expected = r#"flood-bytes: "9:65556" is not valid (expected a burst of 65557 to 1000000000000)"#;
        assert_eq!(refused(Limit::FloodBytes, 9, 65_556).as_deref(), Some(expected));
        assert!(refused(Limit::RxFrames, 1, 0).is_some() && refused(Limit::RxFrames, 1, u64::MAX).is_some());
        assert!(refused(Limit::TxBytes, RATE_MAX + 1, 70_000).is_some());
    }

    #[test]
    fn test_a_burst_that_nobody_named_is_always_good() {
        for limit in Limit::ALL {
            for per_second in [1, 100, 1_000_000, RATE_MAX] {
                let mut limits = Limits::default();
                limits.set(limit, Some(Rate { per_second, burst: limit.burst_default(per_second) }));
                check(&limits).unwrap();
            }
            assert_eq!(limit.burst_default(50_000_000), 5_000_000);
        }
        assert_eq!(Limit::FloodFrames.burst_default(10), 64);
    }
}
