// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Guest models: what a guest with two lanes does with each, and how it is known.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the guest does with its two lanes. The models need opposite delivery rules; see [`crate::Steering`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GuestModel {
    /// virtio-net with STANDBY (Linux net_failover): drops everything from the synthetic lane while a VF is registered.
    Standby,
    /// NetVSC: hears both lanes, and expects multicast on the synthetic one.
    Netvsc,
    /// A bond or team (active-backup), or DPDK's fail-safe: uses the lane it sends on.
    Bond,
    /// The guest has one virtio NIC and knows of no VF: the switch itself uses the VF's netdev.
    HostLane,
}

impl GuestModel {
    /// All models.
    pub const ALL: [GuestModel; 4] = [GuestModel::Standby, GuestModel::Netvsc, GuestModel::Bond, GuestModel::HostLane];

    /// The word of configuration and command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            GuestModel::Standby => "standby",
            GuestModel::Netvsc => "netvsc",
            GuestModel::Bond => "bond",
            GuestModel::HostLane => "host-lane",
        }
    }

    /// The model that `word` means.
    #[must_use]
    pub fn parse(word: &str) -> Option<GuestModel> {
        GuestModel::ALL.into_iter().find(|model| model.word() == word)
    }
}

impl fmt::Display for GuestModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How the model is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The operator said so.
    Chosen,
    /// The VF lane leads to a netdev of the host.
    Lane,
    /// The guest negotiated STANDBY.
    Standby,
    /// The guest spoke NetVSC's order.
    Channel,
    /// Nothing is known: what does the least harm.
    Default,
}

impl Origin {
    /// The words of a status line.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Origin::Chosen => "chosen by the operator",
            Origin::Lane => "inferred: the lane leads to a netdev of the host",
            Origin::Standby => "inferred: the guest negotiated STANDBY",
            Origin::Channel => "inferred: the guest speaks NetVSC",
            Origin::Default => "assumed: the guest has said nothing",
        }
    }
}

/// What the maker of a device knows of the guest's model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What the operator said; `None`: the device infers it.
    pub model: Option<GuestModel>,
    /// The lane leads to a netdev of the host: without the operator's word the model is [`GuestModel::HostLane`].
    pub host_netdev: bool,
}

impl From<Option<GuestModel>> for Choice {
    fn from(model: Option<GuestModel>) -> Choice {
        Choice { model, host_netdev: false }
    }
}

/// The operator's model is not what the guest does. The VF is not offered until one of them changes; where it is there
/// already, the guest gets its frames by the rules that it negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Model `standby`, and the guest did not negotiate STANDBY: it would see two NICs with one MAC, and get what is
    /// sent on both lanes twice.
    NotNegotiated,
    /// Another model, and the guest negotiated STANDBY: it would hear no multicast, Router Advertisements included.
    Negotiated(GuestModel),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::NotNegotiated => f.write_str(
                "the guest did not negotiate STANDBY: give its virtio NIC failover=on, \
                 or set the port's guest model to bond or host-lane",
            ),
            Misfit::Negotiated(model) => write!(
                f,
                "the guest negotiated STANDBY, so with the model {model} it would lose multicast and Router \
                 Advertisements: set the port's guest model to standby, or take failover=on from its virtio NIC"
            ),
        }
    }
}

/// The model: what was said of it, and what was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) choice: Choice,
    pub(crate) evidence: Evidence,
}

/// What the guest was seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// Whether it negotiated STANDBY, when it negotiated last.
    pub(crate) standby: Option<bool>,
    /// Whether it spoke NetVSC's order since then.
    pub(crate) channel: bool,
}

impl Model {
    pub(crate) fn named(&self) -> (GuestModel, Origin) {
        match (self.choice.model, self.evidence) {
            (Some(model), _) => (model, Origin::Chosen),
            (None, _) if self.choice.host_netdev => (GuestModel::HostLane, Origin::Lane),
            (None, Evidence { standby: Some(true), .. }) => (GuestModel::Standby, Origin::Standby),
            (None, Evidence { channel: true, .. }) => (GuestModel::Netvsc, Origin::Channel),
            (None, _) => (GuestModel::Bond, Origin::Default),
        }
    }

    pub(crate) fn misfit(&self) -> Option<Misfit> {
        match (self.named().0, self.evidence.standby) {
            (GuestModel::Standby, Some(false)) => Some(Misfit::NotNegotiated),
            (model @ (GuestModel::Netvsc | GuestModel::Bond), Some(true)) => Some(Misfit::Negotiated(model)),
            _ => None,
        }
    }

    /// The model whose rules hold: what the guest negotiated wins over what was said of it.
    pub(crate) fn rules(&self) -> GuestModel {
        match self.misfit() {
            Some(Misfit::NotNegotiated) => GuestModel::Bond,
            Some(Misfit::Negotiated(_)) => GuestModel::Standby,
            None => self.named().0,
        }
    }
}
