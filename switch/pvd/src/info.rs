// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Additional Information of PvDs (RFC 8801 section 4): when it may be fetched, and what may be believed of it.
//!
//! # Theory of operation
//!
//! A router that sets the H flag says that `https://<PvD>/.well-known/pvd` has a JSON object about its PvD. To fetch it is
//! somebody else's work: [`Fetches`] says which one is to be fetched now and hears what came of it, one at a time.
//!
//! ```text
//!              want, unwant                 next                        answer
//! registries ───────────────► Fetches ─────────────► who fetches ───────────────► Fetches ──► standing
//!                             waiting ──► fetching ──► fetched ──► (refetch) waiting
//!                                            └───────► failed, for good
//! ```
//!
//! A router is free to name any host, and to say anything about delays and sequences. So all that follows from it is
//! bounded: fetches start slowly, one name is fetched rarely, a name that failed never again, and where ten have failed
//! nothing is fetched any more. All but the pace is counted for each *network* (of the caller's choosing: a namespace)
//! apart, and networks have turns, so that one with a hostile router takes nothing from another.
//!
//! The object is I-JSON (RFC 7493) from a host that nobody knows. [`Information::read`] judges it, whoever fetched it.

mod fetches;
mod fetching;
mod host;
mod json;
mod message;
mod object;

pub use fetches::{Fetches, Want};
pub use fetching::{Failure, Standing, State};
pub use host::host;
pub use message::{Answer, Order, READY, Trouble};
pub use object::{Flaw, Information};

use std::time::Duration;

/// The longest object that is read, in bytes.
pub const OBJECT_MAX: usize = 64 << 10;

/// Prefixes, and zones, that one object may list.
pub const LIST_MAX: usize = 256;

/// The least time between two fetches for one PvD (RFC 8801 section 4.1 recommends it).
pub const PVD_GAP: Duration = Duration::from_secs(10);

/// Fetches that start within [`RATE_SPAN`], of all PvDs together (RFC 8801 section 4.1 recommends both).
pub const RATE: usize = 5;

/// See [`RATE`].
pub const RATE_SPAN: Duration = Duration::from_secs(10);

/// Failures after which nothing more is fetched for a network (RFC 8801 section 4.1).
pub const FAILURES_MAX: usize = 10;

/// How far the delay exponent of a PvD Option spreads fetches at most: 2^(10 + delay) milliseconds (RFC 8801 section 4.1).
fn spread(delay: u8) -> Duration {
    Duration::from_millis(1 << (10 + u32::from(delay.min(15))))
}

/// A part of a span, evenly distributed if `random` is: from nothing to all of it.
fn part(span: Duration, random: u64) -> Duration {
    let nanos = span.as_nanos().min(u128::from(u64::MAX));
    // The upper half of a product of two 64-bit numbers has 64 bits.
    Duration::from_nanos((((nanos + 1) * u128::from(random)) >> 64) as u64)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_part_is_nothing_all_or_between() {
        let span = Duration::from_secs(8);
        assert_eq!((part(span, 0), part(span, u64::MAX)), (Duration::ZERO, span));
        assert_eq!(part(span, 1 << 63), span / 2);
        assert_eq!(part(Duration::MAX, u64::MAX), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn test_the_longest_spread_is_nine_hours() {
        assert_eq!((spread(0), spread(15)), (Duration::from_millis(1024), Duration::from_millis(1 << 25)));
        assert_eq!(spread(255), spread(15));
    }
}
