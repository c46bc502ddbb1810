// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Debian 12's own QEMU, 7.2. It crashes by itself on the interrupt vectors of its NICs; without them it does what a new one does.

use crate::lab::Lab;
use crate::restart::{self, CONFIG};
use qemu::{Qemu, cache_folder};
use tests::skip::skip;

#[test]
fn guests_under_the_qemu_of_debian_12_outlive_weftd() {
    let Some(lab) = Lab::open_with(CONFIG) else { return };
    let qemu = match Qemu::of_bookworm(&cache_folder(), &|step| eprintln!("{step}")) {
        Ok(qemu) => qemu,
        Err(reason) if reason.is_missing_tool() => return skip(&format!("no QEMU 7.2: {reason}")),
        Err(failure) => panic!("{failure}"),
    };
    restart::guests_outlive_weftd(lab.under(qemu));
}
