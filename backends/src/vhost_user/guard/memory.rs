// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guest's memory table, as the frontend has described it.

use std::os::fd::OwnedFd;

use super::fds::{self, SealPolicy};
use super::refusal::MemoryFault;
use crate::vhost_user::budget::Share;
use crate::vhost_user::message::Message;

/// Regions that one SET_MEM_TABLE can carry: each needs a descriptor.
pub(super) const TABLE_MAX: usize = 32;
/// Regions that one session may have (GET_MAX_MEM_SLOTS).
pub(super) const SLOTS_MAX: usize = 64;
/// Guest memory in bytes that one session may map: our own address space is finite and shared by all tenants.
const TOTAL_MAX: u64 = 1 << 40;
/// Bytes of one region on the wire.
pub(super) const REGION_LEN: usize = 32;

/// One region ("memory region description").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    guest: u64,
    size: u64,
    user: u64,
    offset: u64,
}

impl Region {
    /// Reads the region at byte `at` of a payload whose length was checked.
    fn parse(message: &Message, at: usize) -> Self {
        let word = |index: usize| message.u64_at(at + 8 * index).unwrap_or(0);
        Self { guest: word(0), size: word(1), user: word(2), offset: word(3) }
    }

    /// What is no guest memory but a file as that must be.
    pub(super) fn of_file(size: u64, offset: u64) -> Self {
        Self { guest: 0, size, user: 0, offset }
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.guest, self.size, self.user, self.offset].map(u64::to_ne_bytes).concat()
    }

    pub(super) fn check(self, fd: &OwnedFd, seals: SealPolicy) -> Result<Sealed, MemoryFault> {
        let fits = |start: u64| start.checked_add(self.size).is_some();
        if self.size == 0 || self.size > TOTAL_MAX || !fits(self.guest) || !fits(self.user) || !fits(self.offset) {
            return Err(MemoryFault::Size { guest: self.guest, size: self.size });
        }
        let file = fds::memory_file(fd)?;
        // Ordinary pages may end anywhere; a huge page must be mapped whole, or it could not be unmapped.
        let size_matters = file.page > 4096 && !self.size.is_multiple_of(file.page);
        if !self.offset.is_multiple_of(file.page) || size_matters {
            return Err(MemoryFault::Unaligned { offset: self.offset, size: self.size, page: file.page });
        }
        let needed = self.offset + self.size;
        if file.size < needed {
            return Err(MemoryFault::TooShort { size: file.size, needed });
        }
        match (file.sealed, seals) {
            (false, SealPolicy::Require) => Err(MemoryFault::Unsealed),
            (false, SealPolicy::Warn) => Ok(Sealed::Missing),
            _ => Ok(Sealed::Fine),
        }
    }

    fn overlaps(self, other: Self) -> bool {
        let meets = |a: u64, b: u64| a < b + other.size && b < a + self.size;
        meets(self.guest, other.guest) || meets(self.user, other.user)
    }
}

/// Whether a seal that the policy wants is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sealed {
    Fine,
    Missing,
}

/// The regions in force.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryTable {
    regions: Vec<Region>,
}

impl MemoryTable {
    /// What it takes to map them.
    pub(super) fn share(&self) -> Share {
        Share { bytes: self.regions.iter().map(|region| region.size).sum(), regions: self.regions.len() }
    }

    /// The guest-physical address behind the last region.
    pub(super) fn end(&self) -> u64 {
        self.regions.iter().map(|region| region.guest + region.size).max().unwrap_or(0)
    }

    /// Whether a frontend address lies in a region, so that the daemon can translate it.
    pub(super) fn contains_user(&self, address: u64) -> bool {
        self.regions.iter().any(|region| address.wrapping_sub(region.user) < region.size)
    }

    /// Replaces the table by the one in a SET_MEM_TABLE, whose regions are sorted then, with their descriptors: QEMU
    /// sends them in any order, and `vm-memory` takes them in one.
    pub(super) fn replace(&mut self, message: &mut Message, seals: SealPolicy) -> Result<Sealed, MemoryFault> {
        let count = message.fds.len();
        let fds = std::mem::take(&mut *message.fds);
        let parsed = (0..count).map(|index| Region::parse(message, 8 + REGION_LEN * index));
        let mut pairs: Vec<(Region, OwnedFd)> = parsed.zip(fds).collect();
        pairs.sort_by_key(|(region, _)| region.guest);
        let (regions, fds): (Vec<Region>, Vec<OwnedFd>) = pairs.into_iter().unzip();
        let head = [u32::try_from(count).unwrap_or(0).to_ne_bytes(), [0; 4]].concat();
        message.body = regions.iter().fold(head, |body, region| [body, region.to_bytes()].concat());
        message.fds = fds.into();
        let mut table = Self::default();
        let mut sealed = Sealed::Fine;
        for (region, fd) in regions.into_iter().zip(message.fds.iter()) {
            if table.insert(region, fd, seals)? == Sealed::Missing {
                sealed = Sealed::Missing;
            }
        }
        *self = table;
        Ok(sealed)
    }

    /// Adds the region of an ADD_MEM_REG.
    pub(super) fn add(&mut self, message: &Message, seals: SealPolicy) -> Result<Sealed, MemoryFault> {
        if self.regions.len() == SLOTS_MAX {
            return Err(MemoryFault::Count { got: SLOTS_MAX + 1, max: SLOTS_MAX });
        }
        let region = Region::parse(message, 8);
        match message.fds.first() {
            Some(fd) => self.insert(region, fd, seals),
            None => Err(MemoryFault::Count { got: 0, max: 1 }),
        }
    }

    /// Removes the region of a REM_MEM_REG; file and offset do not matter ("identified by guest address, user address
    /// and size").
    pub(super) fn remove(&mut self, message: &Message) -> Result<(), MemoryFault> {
        let gone = Region::parse(message, 8);
        let same = |region: &Region| (region.guest, region.size, region.user) == (gone.guest, gone.size, gone.user);
        let place = self.regions.iter().position(same).ok_or(MemoryFault::Missing { guest: gone.guest })?;
        self.regions.remove(place);
        Ok(())
    }

    fn insert(&mut self, region: Region, fd: &OwnedFd, seals: SealPolicy) -> Result<Sealed, MemoryFault> {
        let sealed = region.check(fd, seals)?;
        if self.regions.iter().any(|other| region.overlaps(*other)) {
            return Err(MemoryFault::Overlap { guest: region.guest });
        }
        let total = self.regions.iter().map(|other| other.size).sum::<u64>() + region.size;
        if total > TOTAL_MAX {
            return Err(MemoryFault::Total { size: total, max: TOTAL_MAX });
        }
        self.regions.push(region);
        Ok(sealed)
    }
}
