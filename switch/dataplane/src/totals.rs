// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The counters of several ports together.

use crate::stats::{PortStats, Traffic};

impl std::iter::Sum for PortStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            add(&mut sum.rx, one.rx);
            add(&mut sum.tx, one.tx);
            one.drops.nonzero().for_each(|(reason, count)| sum.drops.add_many(reason, count));
            sum.software_checksums += one.software_checksums;
            sum.software_segments += one.software_segments;
            sum.snooped.advertisements += one.snooped.advertisements;
            sum.snooped.solicitations += one.snooped.solicitations;
            sum.snooped.lost += one.snooped.lost;
            sum
        })
    }
}

fn add(sum: &mut Traffic, one: Traffic) {
    sum.frames += one.frames;
    sum.bytes += one.bytes;
}
