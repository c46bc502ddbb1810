// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ports that go from one weftd to another with their guests.

use serde::{Deserialize, Serialize};

use super::port::{Handover, Port, VhostUser};
use super::vf::Vf;
use crate::proto::nullable;

/// Parameters of `PortExport`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortExport {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
}

/// What a port takes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortExportReply {
    /// Which export this is; each has its own.
    pub id: String,
    /// The document, for `PortImport`.
    pub text: String,
}

/// Parameters of `PortImport`. What is absent is as the document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortImport {
    /// The document that `PortExport` answered.
    pub text: String,
    /// The namespace to put the port into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Make its namespace, and those that this lies in, where they are missing (`NotFound` otherwise), with the numbers
    /// and settings that are written.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "std::ops::Not::not")]
    pub add_namespace: bool,
    /// The number that it shall have there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// How its guest attaches here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vhost_user: Option<VhostUser>,
    /// What differs of its VF here; one whose lane is `none`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vf: Option<Vf>,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortImportReply {
    /// The port as it is now.
    pub port: Port,
    /// It had come by this very export already, and nothing has changed.
    pub already: bool,
    /// Router Advertisements that the namespace has learnt.
    pub learnt: u64,
    /// Those about what it knows from its routers itself.
    pub known: u64,
    /// Those that it has not learnt: they have ended, no port leads to their router, or its rules do not allow them.
    pub refused: u64,
    /// Static PvDs that were made.
    pub pvds: u64,
}

/// Parameters of `PortLeave`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortLeave {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
    /// The export that another weftd has imported.
    pub id: String,
}

/// Parameters of `PortStay`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortStay {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
}

/// The port that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStayReply {
    /// The port as it is now.
    pub port: Port,
    /// The export by which it was to leave.
    pub id: String,
}

/// Where the guest of a port that leaves is, as its source knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Departure {
    /// It runs there.
    #[default]
    Runs,
    /// It has stopped there: it is on its way, or about to go on.
    Stopped,
    /// It was heard elsewhere.
    Gone,
    /// It is not to leave by that move any more.
    Stays,
}

/// Parameters of `MoveWatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveWatch {
    /// Name of the port: `vm1`, or `red:vm1` where there is another of that name.
    pub name: String,
    /// The export by which it leaves.
    pub id: String,
}

/// Where the guest of a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveWatchReply {
    /// Told anew with `more` whenever it changes.
    pub guest: Departure,
}

/// Parameters of `MoveTell`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveTell {
    /// The export by which a port came.
    pub id: String,
    /// Where its guest is, as its source knows.
    pub guest: Departure,
}

/// What became of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTellReply {
    /// Where the move stands now; `None`: the guest is here, or the port is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
}
