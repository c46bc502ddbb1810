// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Whether two registries say the same, as those who watch are told of it: so that numbers of events can go on in a registry that was
//! made anew from what was said to another.

use crate::id::PvdId;
use crate::pvd::Pvd;
use crate::registry::Registry;
use crate::source::Source;
use core::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// 64-bit FNV-1a over text.
struct Digest(u64);

impl Digest {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(Self::PRIME));
        Ok(())
    }
}

impl Registry {
    /// A number that is the same for registries which say the same at `now`: of whichever PvDs, by whomever, for however long. It is
    /// no proof against who wants two to have the same, and another version may have another.
    #[must_use]
    pub fn digest(&self, now: Duration) -> u64 {
        let mut pvds: Vec<(PvdId, Arc<Pvd>)> =
            self.members().iter().map(|pvd| (pvd.id().clone(), Arc::clone(pvd))).collect();
        pvds.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut digest = Digest(Digest::OFFSET);
        for (id, pvd) in &pvds {
            let attributes = pvd.attributes();
            let mut sources: Vec<_> = attributes.sources().iter().filter(|source| source.is_alive(now)).collect();
            sources.sort_by_key(|source| source.origin());
            // It is written into memory, which does not fail.
            let _ = write!(digest, "{id:?};");
            sources.iter().for_each(|source| say(&mut digest, source, now));
        }
        digest.0
    }
}

fn say(digest: &mut Digest, source: &Source, now: Duration) {
    let router = !source.router_until().passed(now);
    let (flags, parameters, announcement) = (source.flags(), source.parameters(), source.announcement());
    let _ = write!(digest, "{:?}{flags:?}{parameters:?}{router}{announcement:?};", source.origin());
    let mut entries: Vec<_> = source.entries().iter().filter(|entry| !entry.valid().passed(now)).collect();
    entries.sort_by_key(|entry| entry.fact());
    for entry in entries {
        let _ = write!(digest, "{:?}{};", entry.fact(), entry.flags());
    }
}
