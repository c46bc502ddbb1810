// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Samples of what is done with Router Advertisements.

use crate::proto::v1::{InjectPvd, Mediated};

pub(super) fn pvds_seen() -> Option<Vec<String>> {
    Some(vec!["implicit".to_owned(), "work.example.".to_owned()])
}

pub(super) fn inject_pvd() -> Option<InjectPvd> {
    let name = "work.example.".to_owned();
    Some(InjectPvd { name, http: true, legacy: true, sequence: 7, delay: 2, r_flag: true })
}

pub(super) fn mediated() -> Mediated {
    Mediated { heard: 40, sent: 90, held: 10, hidden: 3, beyond: 1, invalid: 2, injected: 30, not_injected: 4 }
}
