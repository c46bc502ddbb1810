// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The lanes of a port that are not its guest's rings: `lane` in place of `vhost-user`, and `vf` beside it. Read and
//! written.

use super::high::{confined, known, quoted, word};
use super::low::{Confined, Port, Text};
use super::mistake::Mistake;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use switch::{Kind, Lane, LaneSpec, Mode, Refusal, VfSpec, VhostUser, VmmKind, VmmSpec};

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Vf {
    lane: Text,
    model: Option<Text>,
    qmp: Option<Text>,
    cloud_hypervisor: Option<Text>,
    device: Option<Text>,
    bus: Option<Text>,
    pair: Option<Text>,
    confined: Option<Confined>,
}

/// What is behind a port: a guest at a socket, or a lane of the host.
pub(super) fn behind(low: &Port) -> Result<Lane, Mistake> {
    let mode = low.mode.as_ref();
    let said = mode.map(|mode| word(mode, &[("server", Mode::Server), ("client", Mode::Client)])).transpose()?;
    match (&low.vhost_user, &low.lane) {
        (Some(path), None) => {
            let path = path.get_ref().clone();
            Ok(Lane::VhostUser(VhostUser { path, mode: said.unwrap_or(Mode::Server) }))
        }
        (None, Some(lane)) => match mode {
            None => Ok(Lane::Device(spec("lane", lane)?)),
            Some(mode) => Err(Mistake::new(mode.span(), "there is no vhost-user that it could be of")),
        },
        (Some(_), Some(lane)) => {
            Err(Mistake::new(lane.span(), "say either vhost-user or lane: a port has one of them"))
        }
        (None, None) => {
            let message = "missing key `vhost-user`, the socket of its guest, or `lane`, a lane of the host";
            Err(Mistake::new(low.name.span(), message))
        }
    }
}

fn spec(field: &str, text: &Text) -> Result<LaneSpec, Mistake> {
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
        let lane = spec("vf", &self.lane)?;
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

    fn keys(&self) -> impl Iterator<Item = (&'static str, Range<usize>)> {
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

/// Where each stands, for refusals of the switch.
pub(super) fn keys(low: &Port) -> impl Iterator<Item = (&'static str, Range<usize>)> {
    let socket = low.vhost_user.as_ref().map(|socket| ("vhost-user", socket.span()));
    let lane = low.lane.as_ref().map(|lane| ("lane", lane.span()));
    socket.into_iter().chain(lane).chain(low.vf.iter().flat_map(Vf::keys))
}

/// The refusal as a mistake, if it is that something which a lane of this port needs is another port's.
pub(super) fn taken(refusal: &Refusal, low: &Port) -> Option<Mistake> {
    let Refusal::InUse { kind: Kind::Socket | Kind::Netdev | Kind::File | Kind::Pci, name, by } = refusal else {
        return None;
    };
    let name = name.to_string();
    let own = low.vhost_user.iter().find(|socket| *socket.get_ref() == name);
    let vmm = low.vf.iter().flat_map(|vf| [&vf.qmp, &vf.cloud_hypervisor]).flatten();
    let vmm = vmm.filter(|socket| *socket.get_ref() == name);
    let lanes = low.lane.iter().chain(low.vf.as_ref().map(|vf| &vf.lane));
    let place = own.into_iter().chain(vmm).chain(lanes).next()?;
    Some(Mistake::new(place.span(), format!("{name:?} is in use by {by}")))
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
