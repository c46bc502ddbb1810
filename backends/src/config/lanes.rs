// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is behind a port: `vhost-user`, or `lane` in its place, and `vf` beside it; and what of that another port has.

use super::low::Port;
use super::mistake::Mistake;
use super::value::word;
use super::vf::{self, Vf};
use std::ops::Range;
use switch::{Kind, Lane, Mode, Refusal, VhostUser};

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
            None => Ok(Lane::Device(vf::lane("lane", lane)?)),
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
    let vmm = low.vf.iter().flat_map(Vf::vmm_sockets);
    let vmm = vmm.filter(|socket| *socket.get_ref() == name);
    let lanes = low.lane.iter().chain(low.vf.as_ref().map(|vf| &vf.lane));
    let place = own.into_iter().chain(vmm).chain(lanes).next()?;
    Some(Mistake::new(place.span(), format!("{name:?} is in use by {by}")))
}
