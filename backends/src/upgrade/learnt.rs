// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was learnt, as it stands in an estate and in what follows one.

use crate::handover::{RaV1, ra_left, ra_v1};
use crate::store::format::parse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use switch::{Learnt, NamespacePath, PortPath};

/// By port: address, and for how many seconds it was not seen.
pub(super) type MacsV1 = BTreeMap<String, Vec<(String, u64)>>;
/// By namespace.
pub(super) type RasV1 = BTreeMap<String, Vec<RaV1>>;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct LearntV1 {
    #[serde(default)]
    pub(super) macs: MacsV1,
    #[serde(default)]
    pub(super) ras: RasV1,
}

pub(super) fn said(learnt: &Learnt) -> LearntV1 {
    let ras = learnt.ras.iter().map(|(path, ras)| (path.to_string(), ras.iter().map(ra_v1).collect()));
    let macs = learnt.macs.iter().map(|(path, macs)| {
        (path.to_string(), macs.iter().map(|(mac, age)| (mac.to_string(), age.as_secs())).collect())
    });
    LearntV1 { macs: macs.collect(), ras: ras.collect() }
}

pub(super) fn meant(said: &LearntV1) -> Result<Learnt, String> {
    let macs = said.macs.iter().map(|(path, macs)| {
        let mac = |(mac, age): &(String, u64)| Ok((parse("MAC address", mac)?, Duration::from_secs(*age)));
        Ok((parse::<PortPath>("port", path)?, macs.iter().map(mac).collect::<Result<_, String>>()?))
    });
    let ras = said.ras.iter().map(|(path, ras)| {
        Ok((parse::<NamespacePath>("namespace", path)?, ras.iter().map(ra_left).collect::<Result<_, String>>()?))
    });
    Ok(Learnt { macs: macs.collect::<Result<_, String>>()?, ras: ras.collect::<Result<_, String>>()? })
}
