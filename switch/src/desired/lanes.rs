// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The rules about what lanes take of the host: sockets, netdevs, files and PCI functions, each for one port alone. The
//! socket of a VMM is one of all ports of its guest, and of nothing else.

use super::Desired;
use crate::lane::Claim;
use crate::reference::PortPath;
use crate::refusal::{Kind, Refusal};
use crate::spec::PortSpec;
use crate::text::Text;

impl Desired {
    /// Whether a port may have what its lanes are made of.
    pub(super) fn check_claims(&self, path: &PortPath, spec: &PortSpec) -> Result<(), Refusal> {
        let free = |owner: Option<&PortPath>, claim: &Claim| match owner {
            Some(other) => Err(taken(claim, other)),
            None => Ok(()),
        };
        let is_other = |other: &&PortPath| *other != path;
        for claim in spec.claims() {
            free(self.index.owner(&claim).filter(is_other), &claim)?;
            if let Claim::Socket(socket) = &claim {
                free(self.index.vmm_users(socket).find(is_other), &claim)?;
                self.check_not_delegated(socket, &path.namespace)?;
            }
        }
        let Some(socket) = spec.vmm_socket() else { return Ok(()) };
        let claim = Claim::Socket(socket.to_owned());
        free(self.index.owner(&claim).filter(is_other), &claim)?;
        self.check_not_delegated(socket, &path.namespace)
    }
}

fn taken(claim: &Claim, by: &PortPath) -> Refusal {
    let by = Text::from("port ").quoted(by);
    match claim {
        Claim::Socket(path) => Refusal::in_use(Kind::Socket, path.as_str(), by),
        Claim::Netdev(name) => Refusal::in_use(Kind::Netdev, name.as_str(), by),
        Claim::File(path) => Refusal::in_use(Kind::File, path.as_str(), by),
        Claim::Pci(address) => Refusal::in_use(Kind::Pci, address.to_string(), by),
    }
}
