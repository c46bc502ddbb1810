// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about namespaces.

use super::Calls;
use crate::ctl_server::convert;
use ctl::proto::v1::{self, Empty, Error};
use std::time::Duration;
use switch::{NamespacePath, Request, ZombieView};

impl Calls<'_> {
    pub(super) fn namespace_add(&mut self, asked: &v1::NamespaceAdd) -> Result<v1::NamespaceReply, Error> {
        let path = convert::path("name", &asked.name)?;
        let spec = convert::namespace_spec(asked)?;
        let equal = self.daemon.control.desired().namespace(&path).is_ok_and(|there| *there == spec);
        if !(asked.may_exist && equal) {
            let numbers = asked.number.into_iter().collect();
            self.request(Request::NamespaceAddAs(path.clone(), spec, numbers))?;
        }
        self.namespace(&path)
    }

    pub(super) fn namespace_set(&mut self, asked: &v1::NamespaceSet) -> Result<v1::NamespaceReply, Error> {
        let path = convert::path("name", &asked.name)?;
        let (age, quotas) = (asked.age_s.map(Duration::from_secs), convert::quotas(&asked.quotas)?);
        self.request(Request::NamespaceSet { path: path.clone(), age, quotas })?;
        self.namespace(&path)
    }

    pub(super) fn namespace_del(&mut self, asked: &v1::NamespaceDel) -> Result<Empty, Error> {
        let path = convert::path("name", &asked.name)?;
        if asked.if_exists && self.daemon.control.desired().namespace(&path).is_err() {
            return Ok(Empty {});
        }
        let (recursive, force) = (asked.recursive, asked.force);
        self.request(Request::NamespaceDel { path, recursive, force }).map(|_| Empty {})
    }

    pub(super) fn namespace_list(&self, asked: &v1::NamespaceList) -> Result<v1::NamespaceListReply, Error> {
        let view = self.daemon.control.operator();
        let views = match &asked.name {
            None => view.namespaces(),
            Some(path) => vec![view.namespace(&convert::path("name", path)?).map_err(convert::refusal)?],
        };
        Ok(v1::NamespaceListReply { namespaces: views.iter().map(convert::namespace).collect() })
    }

    /// Asked for again and again by those who wait, so it does not wait for the next tick itself.
    pub(super) fn namespace_zombies(
        &mut self,
        asked: &v1::NamespaceZombies,
    ) -> Result<v1::NamespaceZombiesReply, Error> {
        let within = asked.name.as_deref().map(|path| convert::path("name", path)).transpose()?;
        self.daemon.control.reap();
        let zombies = self.daemon.control.operator().zombies().into_iter();
        let wanted = zombies.filter(|zombie| within.as_ref().is_none_or(|path| zombie.path.is_within(path)));
        let said = |zombie: ZombieView| v1::Zombie { name: zombie.path.to_string(), waits_for: zombie.waits_for };
        Ok(v1::NamespaceZombiesReply { zombies: wanted.map(said).collect() })
    }

    fn namespace(&self, path: &NamespacePath) -> Result<v1::NamespaceReply, Error> {
        let view = self.daemon.control.operator().namespace(path).map_err(convert::refusal)?;
        Ok(v1::NamespaceReply { namespace: convert::namespace(&view) })
    }
}
