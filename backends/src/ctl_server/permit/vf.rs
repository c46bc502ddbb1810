// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a tenant may say of lanes. Netdevs, files and PCI functions are the host's, and its operator's to give away; so is a
//! VF that he said, for a tenant only to use. Sockets have to be in the tenant's directory.

use super::{Missing, OPERATOR, require};
use crate::ctl_server::access::Tenant;
use ctl::proto::v1::{PortSet, Vf};
use switch::{LaneSpec, PortRef, View, is_inside};

/// The word for no VF.
const NONE: &str = "none";

/// Whether he may have a port, or a VF, on this lane. What is no lane is none of the host's: he will hear that.
pub(super) fn may_have_lane<'a>(tenant: &Tenant, field: &'static str, lane: Option<&str>) -> Result<(), Missing<'a>> {
    let Some(lane) = lane.filter(|lane| *lane != NONE) else { return Ok(()) };
    let Ok(spec) = LaneSpec::parse(field, lane) else { return Ok(()) };
    require(!spec.is_of_host(), OPERATOR)?;
    let outside = spec.sockets().find(|socket| !is_inside(socket, &tenant.delegation.directory));
    outside.map_or(Ok(()), |socket| Err(Missing::Inside(field, socket.to_owned().into())))
}

/// Whether he may say this of a VF.
pub(super) fn may_say_vf<'a>(tenant: &Tenant, asked: Option<&'a Vf>) -> Result<(), Missing<'a>> {
    let Some(Vf { lane, vmm, .. }) = asked else { return Ok(()) };
    may_have_lane(tenant, "vf", lane.as_deref())?;
    let socket = vmm.as_ref().and_then(|vmm| vmm.socket.as_deref());
    match socket.filter(|socket| !is_inside(socket, &tenant.delegation.directory)) {
        Some(socket) => Err(Missing::Inside("vf-vmm", socket.into())),
        None => Ok(()),
    }
}

/// Whether the VF is his that he wants to change.
pub(super) fn may_change_vf(seen: &View<'_>, asked: &PortSet) -> Result<(), Missing<'static>> {
    let said = asked.vf.as_ref().and_then(|_| asked.name.parse::<PortRef>().ok());
    let there = said.and_then(|port| seen.port(&port).ok()?.spec.vf);
    require(there.is_none_or(|vf| vf.confined.is_some()), OPERATOR)
}
