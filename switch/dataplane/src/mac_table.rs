// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The MAC table of a namespace: fixed in size, shared by workers without a lock, fair when full.
//!
//! An entry is one atomic word: 48 bits of address, 14 of port, 2 that say what pins it. Eight entries are a bucket,
//! which is one cache line; a MAC can only be in the bucket that its hash and the namespace's random seed choose, so that
//! nobody outside can aim at one bucket. Beside each entry stands when it was last seen; nothing else hangs on that.
//!
//! Looking up reads one line and never waits. A race of two workers can at worst leave a MAC twice in its bucket until
//! one copy ages; both point where a guest really was. Ageing is done by control ([`MacTable::expire`]).

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use wire::MacAddr;

use crate::limits;
use crate::port::PortSlot;
use crate::time::Instant;

const WAYS: usize = 8;
const MAC_MASK: u64 = (1 << 48) - 1;
const KIND_SHIFT: u32 = 62;
const PORT_SHIFT: u32 = 48;
const _: () = assert!(limits::PORTS <= 1 << (KIND_SHIFT - PORT_SHIFT), "a port's number must fit beside the kind");

/// Where an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Learned from a frame's source.
    Learned = 0,
    /// Set by an administrator; never ages, never moves.
    Static = 1,
    /// The port's configured address; lives as long as the port.
    Port = 2,
    /// The configured address of a port without a guest, which is heard at the uplink that the entry names. It never ages, and
    /// ends when the guest is at its port.
    Away = 3,
}

/// An entry as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub mac: MacAddr,
    /// The port that it is behind.
    pub port: PortSlot,
    /// Where it comes from.
    pub kind: Kind,
    /// Time since it was last seen; zero for pinned entries. Whole seconds.
    pub age: Duration,
}

/// No place for an entry that must not push out another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableFull;

impl fmt::Display for TableFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the namespace's MAC table is full: raise its limit or flush learned entries")
    }
}

impl std::error::Error for TableFull {}

/// What came of learning an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// The table now says this port.
    Yes,
    /// The address is pinned to another port: the frame's source is spoofed.
    Pinned,
    /// Full, and this port has no better right to a place than those in it.
    Full,
}

#[repr(align(64))]
struct Bucket([AtomicU64; WAYS]);

/// The table. See the module's theory.
pub struct MacTable {
    buckets: Box<[Bucket]>,
    seen: Box<[[AtomicU32; WAYS]]>,
    /// Entries that each port has learned, by slot.
    held: Box<[AtomicU32]>,
    used: AtomicU32,
    refused: AtomicU64,
    capacity: u32,
    seed: u64,
}

impl MacTable {
    /// A table for `capacity` addresses (1 to [`limits::MACS`]), twice as large inside so that buckets rarely fill up.
    #[must_use]
    pub(crate) fn new(capacity: u32, seed: u64) -> Self {
        let capacity = capacity.clamp(1, limits::MACS);
        let buckets = (capacity as usize).div_ceil(WAYS / 2).next_power_of_two();
        Self {
            buckets: (0..buckets).map(|_| Bucket(std::array::from_fn(|_| AtomicU64::new(0)))).collect(),
            seen: (0..buckets).map(|_| std::array::from_fn(|_| AtomicU32::new(0))).collect(),
            held: (0..limits::PORTS).map(|_| AtomicU32::new(0)).collect(),
            used: AtomicU32::new(0),
            refused: AtomicU64::new(0),
            capacity,
            seed,
        }
    }

    #[inline]
    fn bucket(&self, mac: u64) -> usize {
        // The finaliser of SplitMix64: every bit of the address reaches every bit of the index.
        let mut x = mac ^ self.seed;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as usize & (self.buckets.len() - 1)
    }

    #[inline]
    fn find(&self, bucket: usize, mac: u64) -> Option<(usize, u64)> {
        let words = &self.buckets[bucket].0;
        (0..WAYS).find_map(|way| {
            let word = words[way].load(Ordering::Relaxed);
            (word & MAC_MASK == mac && word != 0).then_some((way, word))
        })
    }

    /// Asks the processor for what looking up `mac` will read.
    #[inline]
    pub(crate) fn prefetch_lookup(&self, mac: MacAddr) {
        sys::prefetch(&self.buckets[self.bucket(mac.to_u64())]);
    }

    /// Asks the processor for what learning `mac` will read.
    #[inline]
    pub(crate) fn prefetch_learn(&self, mac: MacAddr) {
        let bucket = self.bucket(mac.to_u64());
        sys::prefetch(&self.buckets[bucket]);
        sys::prefetch(&self.seen[bucket]);
    }

    /// Where `mac` is pinned to, and by what.
    pub(crate) fn pinned(&self, mac: MacAddr) -> Option<(PortSlot, Kind)> {
        let mac = mac.to_u64();
        let (_, word) = self.find(self.bucket(mac), mac).filter(|(_, word)| is_pinned(*word))?;
        Some((slot_of(word), kind_of(word)))
    }

    /// The port that `mac` is behind.
    #[inline]
    #[must_use]
    pub fn lookup(&self, mac: MacAddr) -> Option<PortSlot> {
        let mac = mac.to_u64();
        self.find(self.bucket(mac), mac).map(|(_, word)| slot_of(word))
    }

    /// All that is known of `mac`.
    #[must_use]
    pub fn get(&self, mac: MacAddr, now: Instant) -> Option<Entry> {
        let bucket = self.bucket(mac.to_u64());
        let (way, word) = self.find(bucket, mac.to_u64())?;
        Some(entry(word, self.seen[bucket][way].load(Ordering::Relaxed), now))
    }

    /// Learns that `mac` is behind `port`, or refreshes that it is.
    #[inline]
    pub fn learn(&self, mac: MacAddr, port: PortSlot, now: Instant) -> Learned {
        let mac = mac.to_u64();
        let bucket = self.bucket(mac);
        let Some((way, word)) = self.find(bucket, mac) else {
            return self.insert_learned(bucket, mac, port, now.seconds());
        };
        if slot_of(word) != port {
            if is_pinned(word) {
                return Learned::Pinned;
            }
            self.replace((bucket, way), word, pack(mac, port, Kind::Learned), now.seconds());
            return Learned::Yes;
        }
        let seen = &self.seen[bucket][way];
        if seen.load(Ordering::Relaxed) != now.seconds() {
            seen.store(now.seconds(), Ordering::Relaxed);
        }
        Learned::Yes
    }

    #[cold]
    fn insert_learned(&self, bucket: usize, mac: u64, port: PortSlot, now: u32) -> Learned {
        let room = self.used.load(Ordering::Relaxed) < self.capacity;
        if room && let Some(way) = self.free_way(bucket) {
            self.replace((bucket, way), 0, pack(mac, port, Kind::Learned), now);
            return Learned::Yes;
        }
        let Some((way, word)) = self.victim(bucket, port) else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Learned::Full;
        };
        self.replace((bucket, way), word, pack(mac, port, Kind::Learned), now);
        Learned::Yes
    }

    fn free_way(&self, bucket: usize) -> Option<usize> {
        self.buckets[bucket].0.iter().position(|word| word.load(Ordering::Relaxed) == 0)
    }

    /// The entry that must give way to a new one of `port`: the oldest of the port that holds most, if that holds more
    /// than `port` itself; else the oldest of `port`'s own. A flood of addresses so pushes out only its own.
    fn victim(&self, bucket: usize, port: PortSlot) -> Option<(usize, u64)> {
        let own = self.held(port);
        (0..WAYS)
            .filter_map(|way| {
                let word = self.buckets[bucket].0[way].load(Ordering::Relaxed);
                let seen = self.seen[bucket][way].load(Ordering::Relaxed);
                let holder = slot_of(word);
                let held = self.held(holder);
                let weaker = word != 0 && !is_pinned(word) && (holder == port || held > own);
                weaker.then_some((held, std::cmp::Reverse(seen), way, word))
            })
            .max()
            .map(|(_, _, way, word)| (way, word))
    }

    /// Puts `new` in the place of `old`, unless another worker was faster: then the next frame tries again.
    fn replace(&self, (bucket, way): (usize, usize), old: u64, new: u64, seen: u32) -> bool {
        let word = &self.buckets[bucket].0[way];
        if word.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        self.seen[bucket][way].store(seen, Ordering::Relaxed);
        self.count(old, |counter| counter.fetch_sub(1, Ordering::Relaxed));
        self.count(new, |counter| counter.fetch_add(1, Ordering::Relaxed));
        true
    }

    /// Changes the counters that an entry is counted in.
    fn count(&self, word: u64, change: impl Fn(&AtomicU32) -> u32) {
        if word != 0 {
            change(&self.used);
        }
        if word != 0 && !is_pinned(word) {
            change(&self.held[usize::from(slot_of(word).0)]);
        }
    }

    fn held(&self, port: PortSlot) -> u32 {
        self.held.get(usize::from(port.0)).map_or(0, |held| held.load(Ordering::Relaxed))
    }

    /// Pins `mac` to `port` for an administrator.
    ///
    /// # Errors
    /// [`TableFull`] when its bucket holds nothing but pinned entries.
    pub fn add_static(&self, mac: MacAddr, port: PortSlot) -> Result<(), TableFull> {
        self.pin(mac, port, Kind::Static)
    }

    /// Pins a port's own address.
    pub(crate) fn add_own(&self, mac: MacAddr, port: PortSlot) -> Result<(), TableFull> {
        self.pin(mac, port, Kind::Port)
    }

    fn pin(&self, mac: MacAddr, port: PortSlot, kind: Kind) -> Result<(), TableFull> {
        let mac = mac.to_u64();
        let bucket = self.bucket(mac);
        loop {
            let place = self
                .find(bucket, mac)
                .or_else(|| self.free_way(bucket).map(|way| (way, 0)))
                .or_else(|| self.oldest_learned(bucket))
                .ok_or(TableFull)?;
            // A worker that learns at the same moment may be faster; what it wrote is not pinned, so this ends.
            if self.replace((bucket, place.0), place.1, pack(mac, port, kind), 0) {
                return Ok(());
            }
        }
    }

    fn oldest_learned(&self, bucket: usize) -> Option<(usize, u64)> {
        let words = self.buckets[bucket].0.iter().map(|word| word.load(Ordering::Relaxed)).enumerate();
        words
            .filter(|&(_, word)| !is_pinned(word))
            .min_by_key(|&(way, _)| self.seen[bucket][way].load(Ordering::Relaxed))
    }

    /// Lets a port's own address lead to an uplink where it is heard: its guest is elsewhere. False: it is no such address.
    pub(crate) fn depart(&self, mac: MacAddr, uplink: PortSlot) -> bool {
        let mac = mac.to_u64();
        let bucket = self.bucket(mac);
        let found = self.find(bucket, mac).filter(|(_, word)| matches!(kind_of(*word), Kind::Port | Kind::Away));
        found.is_some_and(|(way, word)| self.replace((bucket, way), word, pack(mac, uplink, Kind::Away), 0))
    }

    /// Forgets where a port's own address is heard; the port itself is no more.
    pub(crate) fn forget_departed(&self, mac: MacAddr) {
        let mac = mac.to_u64();
        self.remove_where(Some(self.bucket(mac)), |word, _| word & MAC_MASK == mac && kind_of(word) == Kind::Away);
    }

    /// Removes an entry that is not a port's own. False: there was none.
    pub fn remove(&self, mac: MacAddr) -> bool {
        let mac = mac.to_u64();
        self.remove_where(Some(self.bucket(mac)), |word, _| word & MAC_MASK == mac && kind_of(word) != Kind::Port) > 0
    }

    /// Forgets all that was learned, and which guests are elsewhere; returns how many entries that were.
    pub fn flush(&self) -> usize {
        self.remove_where(None, |word, _| matches!(kind_of(word), Kind::Learned | Kind::Away))
    }

    /// Forgets all that is behind a port, pinned entries too.
    pub(crate) fn forget(&self, port: PortSlot) {
        self.remove_where(None, |word, _| slot_of(word) == port);
    }

    /// Forgets learned entries that were not seen for longer than `age`.
    pub fn expire(&self, now: Instant, age: Duration) -> usize {
        let oldest = now.since(Instant::from_nanos(0) + age);
        let oldest = u32::try_from(oldest.as_secs()).unwrap_or(u32::MAX);
        self.remove_where(None, |word, seen| !is_pinned(word) && seen < oldest)
    }

    fn remove_where(&self, only: Option<usize>, doomed: impl Fn(u64, u32) -> bool) -> usize {
        let buckets = only.map_or(0..self.buckets.len(), |bucket| bucket..bucket + 1);
        let mut removed = 0;
        for (bucket, way) in buckets.flat_map(|bucket| (0..WAYS).map(move |way| (bucket, way))) {
            let word = self.buckets[bucket].0[way].load(Ordering::Relaxed);
            let seen = self.seen[bucket][way].load(Ordering::Relaxed);
            if word != 0 && doomed(word, seen) && self.replace((bucket, way), word, 0, 0) {
                removed += 1;
            }
        }
        removed
    }

    /// Every entry, in no particular order.
    #[must_use]
    pub fn entries(&self, now: Instant) -> Vec<Entry> {
        let words = self.buckets.iter().flat_map(|bucket| &bucket.0).map(|word| word.load(Ordering::Relaxed));
        let seen = self.seen.iter().flatten().map(|seen| seen.load(Ordering::Relaxed));
        words.zip(seen).filter(|&(word, _)| word != 0).map(|(word, seen)| entry(word, seen, now)).collect()
    }

    /// Entries in use, pinned ones included.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Addresses that may be known at a time; pinned ones are let in beyond that.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Addresses that were not learned because the table was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn pack(mac: u64, port: PortSlot, kind: Kind) -> u64 {
    u64::from(kind as u8) << KIND_SHIFT | u64::from(port.0) << PORT_SHIFT | mac
}

fn slot_of(word: u64) -> PortSlot {
    PortSlot((word >> PORT_SHIFT) as u16 & ((1 << (KIND_SHIFT - PORT_SHIFT)) - 1))
}

fn kind_of(word: u64) -> Kind {
    match word >> KIND_SHIFT {
        0 => Kind::Learned,
        1 => Kind::Static,
        2 => Kind::Port,
        _ => Kind::Away,
    }
}

fn is_pinned(word: u64) -> bool {
    kind_of(word) != Kind::Learned
}

fn entry(word: u64, seen: u32, now: Instant) -> Entry {
    let age = if is_pinned(word) { 0 } else { now.seconds().saturating_sub(seen) };
    let mac = MacAddr::from_u64(word & MAC_MASK);
    Entry { mac, port: slot_of(word), kind: kind_of(word), age: Duration::from_secs(age.into()) }
}

#[cfg(test)]
mod tests;
