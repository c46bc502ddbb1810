// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Huge pages, which DPDK wants and weft does not. The load's memory, the guests' so to say, lies in them too, for all.

use crate::failure::Failure;
use std::fs;

const COUNT: &str = "/proc/sys/vm/nr_hugepages";

/// Of 2 MiB: 1 GiB for OVS or 512 MiB for testpmd as the switch, up to 1 GiB for the load.
const WANTED: u64 = 1024;

/// Reserved pages; the machine's own number returns when this is dropped.
pub(crate) struct HugePages {
    before: u64,
}

impl HugePages {
    /// Reserves as many as the peers need; more than that stay where they are.
    ///
    /// # Errors
    /// This is not root, or memory is too short or too fragmented.
    pub(crate) fn reserve() -> Result<HugePages, Failure> {
        let pages = HugePages { before: count()? };
        if pages.before < WANTED {
            set(WANTED).map_err(Failure::of(format!("{COUNT}: run as root")))?;
        }
        let got = count()?;
        if got < WANTED {
            return Err(Failure::new(format!("the kernel found {got} of {WANTED} huge pages; free memory, try again")));
        }
        Ok(pages)
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        // Pages that somebody took meanwhile are released by the kernel when they are given back.
        let _ = set(self.before);
    }
}

fn count() -> Result<u64, Failure> {
    let text = fs::read_to_string(COUNT).map_err(Failure::of(COUNT))?;
    text.trim().parse().map_err(Failure::of(COUNT))
}

fn set(count: u64) -> std::io::Result<()> {
    fs::write(COUNT, count.to_string())
}
