// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules about delegations: no two share a control socket, and in the directory of one are only sockets of its
//! namespace and of what is below. So a delegate never meets the socket of somebody whom he does not see.

use super::Desired;
use crate::delegation::{Delegation, is_inside};
use crate::limits;
use crate::path::NamespacePath;
use crate::quota::Resource;
use crate::refusal::{Kind, Refusal};
use crate::spec::NamespaceSpec;
use crate::text::Text;

impl Desired {
    /// The namespaces that are delegated, each with how.
    pub fn delegations(&self) -> impl Iterator<Item = (&NamespacePath, &Delegation)> {
        let spec = |path| Some((path, self.namespaces.get(path)?.delegation.as_ref()?));
        self.index.delegations().values().filter_map(spec)
    }

    /// Whether what is said of a namespace makes sense, and the sockets of its delegation are free.
    pub(super) fn check_namespace(&self, path: &NamespacePath, spec: &NamespaceSpec) -> Result<(), Refusal> {
        spec.check()?;
        let Some(delegation) = &spec.delegation else { return Ok(()) };
        let is_new = self.namespaces.get(path).is_none_or(|before| before.delegation.is_none());
        if is_new && self.index.delegations().len() >= limits::DELEGATIONS_MAX {
            return Err(Refusal::everywhere(Resource::Namespaces, "delegations", limits::DELEGATIONS_MAX));
        }
        self.check_not_delegated(&delegation.socket, path)?;
        let mut strangers = self.index.sockets_in(&delegation.directory).filter(|port| !port.namespace.is_within(path));
        match self.index.socket_owner(&delegation.socket) {
            Some(port) => Err(taken(&delegation.socket, Text::from("port ").quoted(port))),
            None => match strangers.next() {
                Some(port) => Err(taken(&delegation.directory, Text::from("port ").quoted(port))),
                None => self.check_apart(path, delegation),
            },
        }
    }

    /// Whether something of the namespace `home` may have its socket there.
    pub(super) fn check_not_delegated(&self, socket: &str, home: &NamespacePath) -> Result<(), Refusal> {
        let owner = self.index.delegations().get(socket).filter(|owner| *owner != home);
        let around = || self.delegations().find(|(owner, d)| is_inside(socket, &d.directory) && !home.is_within(owner));
        match owner.or_else(|| around().map(|(owner, _)| owner)) {
            Some(owner) => Err(taken(socket, Text::from("the delegation of namespace ").quoted(owner))),
            None => Ok(()),
        }
    }

    /// Whether the directory of a delegation has nothing to do with those of others, unless one lies in the other as
    /// their namespaces do.
    fn check_apart(&self, path: &NamespacePath, delegation: &Delegation) -> Result<(), Refusal> {
        let ours = &delegation.directory;
        let clash = |(owner, other): &(&NamespacePath, &Delegation)| {
            let theirs = &other.directory;
            let holds = is_inside(theirs, ours) || is_inside(&other.socket, ours);
            *owner != path
                && (theirs == ours
                    || holds && !owner.is_within(path)
                    || is_inside(ours, theirs) && !path.is_within(owner))
        };
        match self.delegations().find(clash) {
            Some((owner, _)) => Err(taken(ours, Text::from("the delegation of namespace ").quoted(owner))),
            None => Ok(()),
        }
    }
}

fn taken(socket: &str, by: Text) -> Refusal {
    Refusal::in_use(Kind::Socket, socket, by)
}
