// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules about sockets of namespaces: no two share one, and in the directory of a delegation are only sockets of its
//! namespace and of what is below. So a delegate never meets the socket of somebody whom he does not see.

use super::Desired;
use crate::delegation::{Delegation, is_inside};
use crate::limits;
use crate::path::NamespacePath;
use crate::quota::Resource;
use crate::refusal::{Kind, Refusal};
use crate::spec::NamespaceSpec;
use crate::text::Text;
use crate::text_socket::TextSocket;

impl Desired {
    /// The namespaces that are delegated, each with how.
    pub fn delegations(&self) -> impl Iterator<Item = (&NamespacePath, &Delegation)> {
        let spec = |path| Some((path, self.namespaces.get(path)?.delegation.as_ref()?));
        self.index.delegations().values().filter_map(spec)
    }

    /// The namespaces whose PvDs are told in the text protocol of pvdd, each with where.
    pub fn text_sockets(&self) -> impl Iterator<Item = (&NamespacePath, &TextSocket)> {
        self.index.text_sockets().iter().map(|(socket, path)| (path, socket))
    }

    /// Whether what is said of a namespace makes sense, and its sockets are free.
    pub(super) fn check_namespace(&self, path: &NamespacePath, spec: &NamespaceSpec) -> Result<(), Refusal> {
        spec.check()?;
        self.check_text_socket(path, spec)?;
        let Some(delegation) = &spec.delegation else { return Ok(()) };
        let is_new = self.namespaces.get(path).is_none_or(|before| before.delegation.is_none());
        if is_new && self.index.delegations().len() >= limits::DELEGATIONS_MAX {
            return Err(Refusal::everywhere(Resource::Namespaces, "delegations", limits::DELEGATIONS_MAX));
        }
        self.check_not_delegated(&delegation.socket, path)?;
        let mut strangers = self.index.sockets_in(&delegation.directory).filter(|port| !port.namespace.is_within(path));
        match self.index.socket_user(&delegation.socket) {
            Some(port) => Err(taken(&delegation.socket, Text::from("port ").quoted(port))),
            None => match strangers.next() {
                Some(port) => Err(taken(&delegation.directory, Text::from("port ").quoted(port))),
                None => self.check_no_text_sockets(path, delegation).and_then(|()| self.check_apart(path, delegation)),
            },
        }
    }

    /// Whether the directory of a delegation has no text socket of somebody else.
    fn check_no_text_sockets(&self, path: &NamespacePath, delegation: &Delegation) -> Result<(), Refusal> {
        let inside =
            |socket: &TextSocket| matches!(socket, TextSocket::Unix(file) if is_inside(file, &delegation.directory));
        match self.text_sockets().find(|(owner, socket)| inside(socket) && !owner.is_within(path)) {
            Some((owner, _)) => {
                Err(taken(&delegation.directory, Text::from("the text socket of namespace ").quoted(owner)))
            }
            None => Ok(()),
        }
    }

    fn check_text_socket(&self, path: &NamespacePath, spec: &NamespaceSpec) -> Result<(), Refusal> {
        let Some(socket) = &spec.pvdd else { return Ok(()) };
        let is_new = self.namespaces.get(path).is_none_or(|before| before.pvdd.is_none());
        if is_new && self.index.text_sockets().len() >= limits::TEXT_SOCKETS_MAX {
            return Err(Refusal::everywhere(Resource::Namespaces, "text sockets", limits::TEXT_SOCKETS_MAX));
        }
        if let Some(owner) = self.index.text_sockets().get(socket).filter(|owner| *owner != path) {
            return Err(taken(&socket.to_string(), Text::from("the text socket of namespace ").quoted(owner)));
        }
        let TextSocket::Unix(file) = socket else { return Ok(()) };
        match self.index.socket_user(file) {
            Some(port) => Err(taken(file, Text::from("port ").quoted(port))),
            None => self.check_not_in_use(file, path),
        }
    }

    /// Whether something of the namespace `home` may have its socket there, beside the sockets of namespaces themselves.
    pub(super) fn check_not_delegated(&self, socket: &str, home: &NamespacePath) -> Result<(), Refusal> {
        match self.index.text_sockets().get(&TextSocket::Unix(socket.to_owned())) {
            Some(owner) => Err(taken(socket, Text::from("the text socket of namespace ").quoted(owner))),
            None => self.check_not_in_use(socket, home),
        }
    }

    fn check_not_in_use(&self, socket: &str, home: &NamespacePath) -> Result<(), Refusal> {
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
