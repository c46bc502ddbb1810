// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about the configuration as a whole.

use super::Calls;
use crate::config::Config;
use crate::control::options::differing;
use crate::ctl_server::convert;
use ctl::proto::v1::{self, Error};
use switch::{Kind, PortPath};

impl Calls<'_> {
    pub(super) fn config(&self, text: &str, file: &str) -> Result<Config, Error> {
        Config::parse(file, text).map_err(convert::config_error)
    }

    pub(super) fn config_diff(&self, text: &str, file: &str) -> Result<v1::ChangesReply, Error> {
        Ok(self.changes(&self.config(text, file)?))
    }

    pub(super) fn config_show(&self) -> Result<v1::ConfigShowReply, Error> {
        let text = Config::text(self.daemon.control.desired(), &self.daemon.settings);
        let message = |why: String| Error::Failed { message: format!("what runs cannot be written down: {why}") };
        Ok(v1::ConfigShowReply { text: text.map_err(message)? })
    }

    pub(super) fn config_apply(&mut self, asked: &v1::ConfigApply) -> Result<v1::ChangesReply, Error> {
        let config = self.config(&asked.text, &asked.file)?;
        let told = self.changes(&config);
        if let Some(first) = told.changes.iter().find(|change| change.disrupts && !asked.force) {
            let (kind, name) = (first.kind.clone(), first.name.clone());
            return Err(Error::InUse { kind, name, by: "a connected guest, which would lose frames".to_owned() });
        }
        self.daemon.apply(self.events, config).map_err(convert::refusal)?;
        match self.without_socket(&told) {
            Some(why) => Err(Error::Failed { message: format!("it is done, but {why}") }),
            None => Ok(told),
        }
    }

    /// What the file changes, and the settings that differ: those are read at the start and at no other time.
    fn changes(&self, config: &Config) -> v1::ChangesReply {
        let changes = switch::diff(self.daemon.control.desired(), &config.desired).changes;
        let told = changes.into_iter().map(|change| {
            let disrupts = change.disrupts && self.has_guest(&change);
            v1::Change { disrupts, ..convert::change(change) }
        });
        let settings = differing(&self.daemon.settings, &config.settings).into_iter();
        let settings = settings.map(|(key, old, new)| v1::Change {
            op: v1::Operation::Change,
            kind: "setting".to_owned(),
            name: key.to_owned(),
            detail: format!("{old} -> {new} when weftd next starts with this file"),
            disrupts: false,
        });
        v1::ChangesReply { changes: told.chain(settings).collect() }
    }

    /// Changes of namespaces that disrupt somebody are changes of the ports there as well.
    fn has_guest(&self, change: &switch::Change) -> bool {
        let port = change.name.parse::<PortPath>().ok().filter(|_| change.kind == Kind::Port);
        port.is_some_and(|port| self.daemon.control.is_attached(&port))
    }

    /// The first of the ports that were changed whose guest cannot come to it, and why.
    fn without_socket(&self, told: &v1::ChangesReply) -> Option<String> {
        let ports = told.changes.iter().filter(|change| change.kind == "port").map(|change| &change.name);
        let changed: Vec<PortPath> = ports.filter_map(|name| name.parse().ok()).collect();
        let closed = self.daemon.endpoints.without_socket().find(|port| changed.contains(port))?;
        let reason = self.port(closed).ok()?.port.reason.unwrap_or_default();
        Some(format!("port {closed} has no socket: {reason}"))
    }
}
