// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The MAC tables (forwarding database) of namespaces.

use serde::{Deserialize, Serialize};

/// Entries in one message of a streamed `FdbList`.
///
/// Called without `more`, `FdbList` answers one message of at most this many entries, and `Limit` when there are more.
pub const FDB_PAGE: usize = 1024;

/// One MAC and the port behind which it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbEntry {
    /// Namespace of the table.
    pub namespace: String,
    /// The MAC address.
    pub mac: String,
    /// Name of the port that frames for it go to.
    pub port: String,
    /// Where the entry is from.
    pub kind: FdbKind,
    /// Seconds since the MAC was last seen; only of learned entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
}

/// Where a MAC table entry is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FdbKind {
    /// The port's own MAC; lives as long as the port.
    Port,
    /// An operator added it; it does not age.
    Static,
    /// Seen as a source; forgotten when it ages.
    Learned,
    /// The own MAC of a port without a guest, heard at this uplink: the guest is elsewhere.
    Away,
}

/// Parameters of `FdbList`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FdbList {
    /// Only this namespace; `NotFound` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One page of MAC table entries; with `more`, pages of at most [`FDB_PAGE`] entries follow until `continues` ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbListReply {
    /// The entries, sorted by namespace and MAC.
    pub entries: Vec<FdbEntry>,
}

/// Parameters of `FdbAdd`: a static entry, which wins over learning and does not age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FdbAdd {
    /// Namespace of the table.
    pub namespace: String,
    /// The MAC address.
    pub mac: String,
    /// Name of a port in that namespace.
    pub port: String,
}

/// Parameters of `FdbDel`: removes a static or learned entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FdbDel {
    /// Namespace of the table.
    pub namespace: String,
    /// The MAC address.
    pub mac: String,
}

/// Parameters of `FdbFlush`: forgets what was learned; static entries and the ports' own MACs stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FdbFlush {
    /// Only this namespace; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What `FdbFlush` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FdbFlushReply {
    /// How many entries were forgotten.
    pub removed: u64,
}
