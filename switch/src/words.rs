// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The words for roles, MAC policies, guest models and lanes, in configuration, on the wire and in texts: one table for
//! all of them.

use dataplane::{MacPolicy, Role};
use netvsc::{GuestModel, Lane};

/// The word for a role.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Router => "router",
        Role::Uplink => "uplink",
        Role::Monitor => "monitor",
    }
}

/// The role that a word stands for.
pub fn role_of(word: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_word(*role) == word)
}

/// The word for a MAC policy.
pub fn macs_word(macs: MacPolicy) -> &'static str {
    match macs {
        MacPolicy::Own => "own",
        MacPolicy::Any => "any",
    }
}

/// The MAC policy that a word stands for.
pub fn macs_of(word: &str) -> Option<MacPolicy> {
    [MacPolicy::Own, MacPolicy::Any].into_iter().find(|macs| macs_word(*macs) == word)
}

/// The word for a guest model.
pub fn model_word(model: GuestModel) -> &'static str {
    model.word()
}

/// The guest model that a word stands for.
pub fn model_of(word: &str) -> Option<GuestModel> {
    GuestModel::parse(word)
}

/// The word for one of the two lanes of a port.
pub fn lane_word(lane: Lane) -> &'static str {
    lane.word()
}
