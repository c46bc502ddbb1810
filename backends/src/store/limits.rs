// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Limits in the file: of namespaces, of ports, and of those that delegates make.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use switch::{Limit, Limits, Rate};

/// A rate.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateV2 {
    per_second: u64,
    burst: u64,
}

/// One limit, for the file.
pub(super) fn rate_v2((limit, Rate { per_second, burst }): (Limit, Rate)) -> (String, RateV2) {
    (limit.name().to_owned(), RateV2 { per_second, burst })
}

/// What limits in a file mean.
pub(super) fn limits(rates: &BTreeMap<String, RateV2>) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for (name, RateV2 { per_second, burst }) in rates {
        let limit = Limit::of_name(name).ok_or_else(|| format!("{name:?} is not a limit"))?;
        limits.set(limit, Some(Rate { per_second: *per_second, burst: *burst }));
    }
    Ok(limits)
}
