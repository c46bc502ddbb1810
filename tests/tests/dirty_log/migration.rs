// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pre-copy migration of a guest, to nowhere: its destination is a copy of the memory.
use tests::driver::Ring;
use tests::frontend::{Frontend, RingAddresses};
use tests::guest::{SyntheticGuest, feature};
use tests::memory::Region;

use crate::log::{Log, PAGE};

/// Tells weft whether what it writes is to be marked, as QEMU does: the features, then each ring again.
pub(crate) fn set_logged(guest: &mut SyntheticGuest, on: bool) {
    let features = guest.features() | if on { feature::LOG_ALL } else { 0 };
    let rings: Vec<Ring> = guest
        .pairs()
        .iter()
        .flat_map(|pair| [pair.rx.queue().ring().clone(), pair.tx.queue().ring().clone()])
        .collect();
    let frontend = acknowledging(guest);
    frontend.set_features(features).expect("LOG_ALL is offered");
    for (number, ring) in rings.iter().enumerate() {
        let at = RingAddresses { flags: on.into(), ..RingAddresses::from(ring) };
        frontend.set_vring_addr(number as u16, at).expect("it may come while the ring runs");
    }
}

/// Gives weft a log.
pub(crate) fn set_log(guest: &mut SyntheticGuest, log: &Log) {
    acknowledging(guest).set_log_base(log.size(), 0, log.file()).expect("a log as QEMU makes it");
}

fn acknowledging(guest: &mut SyntheticGuest) -> &mut Frontend {
    let frontend = guest.frontend();
    frontend.acknowledge(true);
    frontend
}

/// See the module.
pub(crate) struct Migration {
    log: Log,
    /// Logs that were replaced: nothing may come there any more.
    stale: Vec<Log>,
    /// The destination's memory, region by region.
    copies: Vec<Vec<u8>>,
}

impl Migration {
    /// Begins: everything is marked from now on, and everything is copied once.
    pub(crate) fn begin(guest: &mut SyntheticGuest) -> Migration {
        let log = Log::of(guest.memory());
        Migration::begin_with(guest, log)
    }

    /// The same with a log of the caller's.
    pub(crate) fn begin_with(guest: &mut SyntheticGuest, log: Log) -> Migration {
        set_log(guest, &log);
        set_logged(guest, true);
        Migration::of(guest, log)
    }

    /// One of a guest whose device does not run: everything is copied once, and weft has heard nothing of the log.
    pub(crate) fn at_rest(guest: &mut SyntheticGuest) -> Migration {
        let log = Log::of(guest.memory());
        Migration::of(guest, log)
    }

    fn of(guest: &mut SyntheticGuest, log: Log) -> Migration {
        let copies = guest.memory().regions().iter().map(copy_all).collect();
        Migration { log, stale: Vec::new(), copies }
    }

    /// The log in force.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// The guest has got another region.
    pub(crate) fn extend(&mut self, guest: &mut SyntheticGuest) {
        let more = &guest.memory().regions()[self.copies.len()..];
        self.copies.extend(more.iter().map(copy_all));
    }

    /// Copies what was written since the last round. Returns the pages that weft has marked.
    pub(crate) fn round(&mut self, guest: &mut SyntheticGuest) -> Vec<u64> {
        let pages = self.log.take();
        self.copy(guest, &pages);
        for (region, copy) in guest.memory().regions().iter().zip(&mut self.copies) {
            for (offset, len) in region.take_journal() {
                copy_range(region, copy, offset, len);
            }
        }
        pages
    }

    /// Goes on with a fresh log, as cloud-hypervisor does in each round.
    pub(crate) fn renew(&mut self, guest: &mut SyntheticGuest) {
        let fresh = Log::below(8 * PAGE * self.log.size());
        set_log(guest, &fresh);
        self.replace(guest, fresh);
    }

    /// Fetches what is in the log for the last time and has another for the device's next start, as QEMU does whose device has
    /// stopped.
    pub(crate) fn put_aside(&mut self, guest: &mut SyntheticGuest) {
        let fresh = Log::below(8 * PAGE * self.log.size());
        self.replace(guest, fresh);
    }

    fn replace(&mut self, guest: &mut SyntheticGuest, fresh: Log) {
        let old = std::mem::replace(&mut self.log, fresh);
        let pages = old.take();
        self.copy(guest, &pages);
        self.stale.push(old);
    }

    fn copy(&mut self, guest: &mut SyntheticGuest, pages: &[u64]) {
        let regions = guest.memory().regions();
        for page in pages {
            let holds = |region: &Region| page.wrapping_sub(region.range().gpa) < region.range().size;
            let number = regions.iter().position(holds);
            let number = number.unwrap_or_else(|| panic!("page {page:#x} is marked and does not exist"));
            let offset = (page - regions[number].range().gpa) as usize;
            copy_range(&regions[number], &mut self.copies[number], offset, PAGE as usize);
        }
    }

    /// Stops the guest and copies the rest. The destination's memory must be the source's then.
    pub(crate) fn finish(mut self, guest: &mut SyntheticGuest) -> Vec<Log> {
        guest.pause(true).expect("rings stop");
        self.round(guest);
        for (region, copy) in guest.memory().regions().iter().zip(&self.copies) {
            let source = read(region, 0, region.range().size as usize);
            if source != *copy {
                let at = source.iter().zip(copy).position(|(source, copy)| source != copy).unwrap_or(0);
                panic!("byte {:#x} was not copied", region.range().gpa + at as u64);
            }
            region.set_journaled(false);
        }
        for stale in &self.stale {
            assert!(stale.take().is_empty(), "something was marked in a log that had been replaced");
        }
        self.stale.push(self.log);
        self.stale
    }

    /// Gives up while the guest runs on.
    pub(crate) fn cancel(mut self, guest: &mut SyntheticGuest) -> Vec<Log> {
        set_logged(guest, false);
        self.log.take();
        guest.memory().regions().iter().for_each(|region| region.set_journaled(false));
        self.stale.push(self.log);
        self.stale
    }
}

fn copy_all(region: &Region) -> Vec<u8> {
    region.set_journaled(true);
    read(region, 0, region.range().size as usize)
}

fn copy_range(region: &Region, copy: &mut [u8], offset: usize, len: usize) {
    copy[offset..offset + len].copy_from_slice(&read(region, offset, len));
}

fn read(region: &Region, offset: usize, len: usize) -> Vec<u8> {
    region.window(offset as u64, len).read(0, len)
}
