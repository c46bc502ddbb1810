// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What `weft.toml` can express: its tables and keys, nothing said about sense. Values that can be wrong remember where
//! they stand.

use super::confined::Confined;
use super::limits::Limits;
use super::ra_guard::Rules;
use super::value::{Number, Text};
use super::vf::Vf;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) daemon: Daemon,
    #[serde(default)]
    pub(super) worker: Vec<Worker>,
    #[serde(default)]
    pub(super) namespace: Vec<Namespace>,
    #[serde(default)]
    pub(super) port: Vec<Port>,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    #[serde(default)]
    pub(super) fdb: Vec<Fdb>,
    #[serde(default)]
    pub(super) pvd: Vec<Pvd>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Daemon {
    pub(super) workers: Option<Number>,
    pub(super) poll: Option<Text>,
    pub(super) pin: Option<Text>,
    pub(super) seals: Option<Text>,
    pub(super) group: Option<Text>,
    pub(super) others: Option<Text>,
    pub(super) socket: Option<Text>,
    pub(super) state: Option<Text>,
    pub(super) log: Option<Text>,
    /// A word or a table.
    pub(super) pvd_fetch: Option<Spanned<toml::Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Worker {
    pub(super) id: Number,
    pub(super) poll: Option<Text>,
    pub(super) pin: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Namespace {
    pub(super) name: Text,
    pub(super) macs_max: Option<Number>,
    pub(super) age: Option<Number>,
    pub(super) answer: Option<Text>,
    pub(super) answer_within: Option<Number>,
    pub(super) ra_throttle: Option<Number>,
    pub(super) second_source: Option<Text>,
    #[serde(default)]
    pub(super) quotas: Quotas,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) delegation: Option<Delegation>,
    pub(super) pvdd: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delegation {
    pub(super) listen: Text,
    pub(super) sockets: Option<Text>,
    pub(super) uid: Option<Number>,
    pub(super) gid: Option<Number>,
    pub(super) role: Option<Text>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) confined: Option<Confined>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Quotas {
    pub(super) namespaces: Option<Number>,
    pub(super) ports: Option<Number>,
    pub(super) macs: Option<Number>,
    pub(super) pvds: Option<Number>,
    pub(super) ra_entries: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Port {
    pub(super) name: Text,
    pub(super) namespace: Text,
    pub(super) vhost_user: Option<Text>,
    pub(super) mode: Option<Text>,
    pub(super) lane: Option<Text>,
    pub(super) vf: Option<Vf>,
    pub(super) mac: Option<Text>,
    pub(super) role: Option<Text>,
    pub(super) macs: Option<Text>,
    pub(super) mtu: Option<Number>,
    pub(super) queues: Option<Number>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) pvds: Option<Vec<Text>>,
    pub(super) inject_pvd: Option<InjectPvd>,
    #[serde(default)]
    pub(super) ra_guard: Rules,
    pub(super) confined: Option<Confined>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct InjectPvd {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) http: bool,
    #[serde(default)]
    pub(super) legacy: bool,
    pub(super) sequence: Option<Number>,
    pub(super) delay: Option<Number>,
    #[serde(default)]
    pub(super) r_flag: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Link {
    pub(super) one: Text,
    pub(super) other: Text,
    pub(super) mtu: Option<Number>,
    #[serde(default)]
    pub(super) routers: bool,
    #[serde(default)]
    pub(super) at_one: LinkEnd,
    #[serde(default)]
    pub(super) at_other: LinkEnd,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LinkEnd {
    pub(super) role: Option<Text>,
    pub(super) mtu: Option<Number>,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) pvds: Option<Vec<Text>>,
    pub(super) inject_pvd: Option<InjectPvd>,
    #[serde(default)]
    pub(super) ra_guard: Rules,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Fdb {
    pub(super) namespace: Text,
    pub(super) mac: Text,
    pub(super) port: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Pvd {
    pub(super) namespace: Text,
    pub(super) name: Text,
    #[serde(default)]
    pub(super) http: bool,
    #[serde(default)]
    pub(super) legacy: bool,
    pub(super) sequence: Option<Number>,
    pub(super) delay: Option<Number>,
    #[serde(default)]
    pub(super) prefixes: Vec<Text>,
    #[serde(default)]
    pub(super) routes: Vec<Text>,
    #[serde(default)]
    pub(super) rdnss: Vec<Text>,
    #[serde(default)]
    pub(super) dnssl: Vec<Text>,
    #[serde(default)]
    pub(super) pref64: Vec<Text>,
    pub(super) mtu: Option<Number>,
    pub(super) captive_portal: Option<Text>,
    pub(super) announce: Option<Announce>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Announce {
    pub(super) router: Text,
    pub(super) mac: Text,
    pub(super) lifetime: Option<Number>,
    #[serde(default)]
    pub(super) inner: bool,
}
