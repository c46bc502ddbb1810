// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls about namespaces.

use super::Calls;
use crate::ctl_server::convert;
use ctl::proto::v1::{self, Empty, Error};
use std::time::Duration;
use switch::{Confined, NamespaceChange, NamespacePath, NamespaceSpec, Request, ZombieView};

impl Calls<'_> {
    pub(super) fn namespace_add(&mut self, asked: &v1::NamespaceAdd) -> Result<v1::NamespaceReply, Error> {
        let path = self.path("name", &asked.name)?;
        let spec = convert::namespace_spec(asked)?;
        let equal = |there: &NamespaceSpec| NamespaceSpec { delegation: None, pvdd: None, ..there.clone() } == spec;
        let equal = self.daemon.control.desired().namespace(&path).is_ok_and(equal);
        if !(asked.may_exist && equal) {
            let numbers = asked.number.into_iter().collect();
            self.request(Request::NamespaceAddAs(path.clone(), spec, numbers))?;
        }
        self.namespace(&path)
    }

    pub(super) fn namespace_set(&mut self, asked: &v1::NamespaceSet) -> Result<v1::NamespaceReply, Error> {
        let path = self.path("name", &asked.name)?;
        let change = NamespaceChange {
            age: asked.age_s.map(Duration::from_secs),
            quotas: convert::quotas(&asked.quotas)?,
            limits: convert::limits(asked.limits.as_ref()),
            answer: asked.answer.map(convert::answer),
            answer_within: asked.answer_within_ms.map(Duration::from_millis),
            ra_throttle: asked.ra_throttle_s.map(convert::throttle),
            second_source: asked.second_source.map(convert::second_source),
        };
        self.request(Request::NamespaceSet(path.clone(), change))?;
        self.namespace(&path)
    }

    pub(super) fn namespace_del(&mut self, asked: &v1::NamespaceDel) -> Result<Empty, Error> {
        let path = self.path("name", &asked.name)?;
        if asked.if_exists && self.daemon.control.desired().namespace(&path).is_err() {
            return Ok(Empty {});
        }
        let (recursive, force) = (asked.recursive, asked.force);
        self.request(Request::NamespaceDel { path, recursive, force }).map(|_| Empty {})
    }

    pub(super) fn namespace_list(&self, asked: &v1::NamespaceList) -> Result<v1::NamespaceListReply, Error> {
        let view = self.view()?;
        let views = match &asked.name {
            None => view.namespaces(),
            Some(path) => vec![view.namespace(&convert::path("name", path)?).map_err(|why| self.refused(why))?],
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
        let zombies = self.view()?.zombies().into_iter();
        let wanted = zombies.filter(|zombie| within.as_ref().is_none_or(|path| zombie.path.is_within(path)));
        let said = |zombie: ZombieView| v1::Zombie { name: zombie.path.to_string(), waits_for: zombie.waits_for };
        Ok(v1::NamespaceZombiesReply { zombies: wanted.map(said).collect() })
    }

    /// Opens the control socket, and takes all back when that fails.
    pub(super) fn namespace_delegate(&mut self, asked: &v1::NamespaceDelegate) -> Result<v1::NamespaceReply, Error> {
        let path = self.path("name", &asked.name)?;
        let mut delegation = convert::delegation(asked)?;
        if let Some(tenant) = self.tenant {
            // What holds for him holds for those whom he lets in.
            delegation.limits = tenant.delegation.limits;
            delegation.confined = Some(Confined { owner: delegation.to, ..tenant.delegation.confines() });
        }
        let before = self.daemon.control.desired().clone();
        self.request(Request::NamespaceDelegate(path.clone(), Some(delegation)))?;
        if let Some(why) = self.daemon.doors.failure(&path).map(str::to_owned) {
            self.request(Request::Apply(before))?;
            return Err(Error::Failed { message: format!("namespace {} was not delegated: {why}", asked.name) });
        }
        self.namespace(&path)
    }

    pub(super) fn namespace_undelegate(
        &mut self,
        asked: &v1::NamespaceUndelegate,
    ) -> Result<v1::NamespaceReply, Error> {
        let path = self.path("name", &asked.name)?;
        let before = self.namespace(&path)?;
        if before.namespace.delegation.is_none() {
            return Err(Error::Conflict { message: format!("namespace {:?} is not delegated", asked.name) });
        }
        self.request(Request::NamespaceDelegate(path.clone(), None))?;
        self.namespace(&path)
    }

    /// The namespace of a path from the root, as the caller sees it.
    fn namespace(&self, path: &NamespacePath) -> Result<v1::NamespaceReply, Error> {
        let seen = path.seen_from(&self.base()).unwrap_or_else(NamespacePath::root);
        let view = self.view()?.namespace(&seen).map_err(|why| self.refused(why))?;
        Ok(v1::NamespaceReply { namespace: convert::namespace(&view) })
    }
}
