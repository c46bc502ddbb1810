// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What was learnt, as it stands in an estate, in what follows one, and in the file of it ([`crate::store`]).

use crate::handover::{AddressV1, RaV1, addresses_left, addresses_v1, ra_left, ra_v1};
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
pub(crate) struct LearntV1 {
    #[serde(default)]
    pub(super) macs: MacsV1,
    #[serde(default)]
    pub(super) ras: RasV1,
    /// By port: IP addresses of its guest. An estate has none: weftd that read one might not know what that is.
    #[serde(default)]
    pub(super) addresses: BTreeMap<String, Vec<AddressV1>>,
}

pub(crate) fn said(learnt: &Learnt) -> LearntV1 {
    let ras = learnt.ras.iter().map(|(path, ras)| (path.to_string(), ras.iter().map(ra_v1).collect()));
    let macs = learnt.macs.iter().map(|(path, macs)| {
        (path.to_string(), macs.iter().map(|(mac, age)| (mac.to_string(), age.as_secs())).collect())
    });
    let addresses = learnt.addresses.iter().map(|(path, known)| (path.to_string(), addresses_v1(known)));
    LearntV1 { macs: macs.collect(), ras: ras.collect(), addresses: addresses.collect() }
}

pub(crate) fn meant(said: &LearntV1) -> Result<Learnt, String> {
    let macs = said.macs.iter().map(|(path, macs)| {
        let mac = |(mac, age): &(String, u64)| Ok((parse("MAC address", mac)?, Duration::from_secs(*age)));
        Ok((parse::<PortPath>("port", path)?, macs.iter().map(mac).collect::<Result<_, String>>()?))
    });
    let ras = said.ras.iter().map(|(path, ras)| {
        Ok((parse::<NamespacePath>("namespace", path)?, ras.iter().map(ra_left).collect::<Result<_, String>>()?))
    });
    let addresses = said.addresses.iter();
    let addresses = addresses.map(|(path, said)| Ok((parse::<PortPath>("port", path)?, addresses_left(said)?)));
    Ok(Learnt {
        macs: macs.collect::<Result<_, String>>()?,
        addresses: addresses.collect::<Result<_, String>>()?,
        ras: ras.collect::<Result<_, String>>()?,
    })
}
