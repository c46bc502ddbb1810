// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The `vf` of a port, beside its guest's rings: read and written.

use super::confined::{Confined, confined};
use super::mistake::Mistake;
use super::value::{Text, known, quoted};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use switch::{LaneSpec, Refusal, VfSpec, VmmKind, VmmSpec};

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Vf {
    pub(super) lane: Text,
    model: Option<Text>,
    qmp: Option<Text>,
    cloud_hypervisor: Option<Text>,
    device: Option<Text>,
    bus: Option<Text>,
    pair: Option<Text>,
    confined: Option<Confined>,
}

/// A lane that the value of `field` says.
pub(super) fn lane(field: &str, text: &Text) -> Result<LaneSpec, Mistake> {
    LaneSpec::parse(field, text.get_ref()).map_err(|refusal| match refusal {
        Refusal::Invalid { value, expected, .. } => {
            Mistake::new(text.span(), format!("{value:?} is not valid (expected {expected})"))
        }
        other => Mistake::new(text.span(), other.to_string()),
    })
}

impl Vf {
    /// What it means.
    pub(super) fn meaning(&self) -> Result<VfSpec, Mistake> {
        let lane = lane("vf", &self.lane)?;
        let model = |text| known(text, switch::model_of, "standby, netvsc, bond or host-lane");
        Ok(VfSpec {
            model: self.model.as_ref().map(model).transpose()?,
            vmm: self.vmm(&lane)?,
            confined: self.confined.as_ref().map(confined).transpose()?,
            lane,
        })
    }

    fn vmm(&self, lane: &LaneSpec) -> Result<Option<VmmSpec>, Mistake> {
        let (kind, socket) = match (&self.qmp, &self.cloud_hypervisor) {
            (Some(_), Some(other)) => {
                return Err(Mistake::new(other.span(), "say either qmp or cloud-hypervisor: a guest has one VMM"));
            }
            (Some(socket), None) => (VmmKind::Qmp, socket),
            (None, Some(socket)) => (VmmKind::CloudHypervisor, socket),
            (None, None) => {
                let stray = [&self.device, &self.bus, &self.pair].into_iter().flatten().next();
                let message = |stray: &Text| format!("{} is of a VMM (say qmp or cloud-hypervisor)", quoted(stray));
                return stray.map_or(Ok(None), |stray| Err(Mistake::new(stray.span(), message(stray))));
            }
        };
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.get_ref().clone());
        Ok(Some(VmmSpec {
            kind,
            socket: socket.get_ref().clone(),
            device: text(&self.device).unwrap_or_else(|| VmmSpec::device_default(lane).to_owned()),
            bus: text(&self.bus),
            pair: text(&self.pair),
        }))
    }

    /// What it says of sockets of VMMs.
    pub(super) fn vmm_sockets(&self) -> impl Iterator<Item = &Text> {
        [&self.qmp, &self.cloud_hypervisor].into_iter().flatten()
    }

    /// Where each stands, for refusals of the switch.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let vmm = self.qmp.as_ref().or(self.cloud_hypervisor.as_ref());
        let all = [
            ("vf", Some(&self.lane)),
            ("vf-model", self.model.as_ref()),
            ("vf-vmm", vmm),
            ("vf-device", self.device.as_ref()),
            ("vf-bus", self.bus.as_ref()),
            ("vf-pair", self.pair.as_ref()),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text?.span())))
    }
}

/// The table as it is written.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Said<C> {
    lane: String,
    model: Option<&'static str>,
    qmp: Option<String>,
    cloud_hypervisor: Option<String>,
    device: Option<String>,
    bus: Option<String>,
    pair: Option<String>,
    confined: Option<C>,
}

impl<C> Said<C> {
    /// `confined` is what is written of where its sockets have to be.
    pub(super) fn of(vf: &VfSpec, confined: impl Fn(&switch::Confined) -> C) -> Said<C> {
        let socket = |kind| vf.vmm.as_ref().filter(|vmm| vmm.kind == kind).map(|vmm| vmm.socket.clone());
        Said {
            lane: vf.lane.to_string(),
            model: vf.model.map(switch::model_word),
            qmp: socket(VmmKind::Qmp),
            cloud_hypervisor: socket(VmmKind::CloudHypervisor),
            device: vf.vmm.as_ref().map(|vmm| vmm.device.clone()),
            bus: vf.vmm.as_ref().and_then(|vmm| vmm.bus.clone()),
            pair: vf.vmm.as_ref().and_then(|vmm| vmm.pair.clone()),
            confined: vf.confined.as_ref().map(confined),
        }
    }
}
