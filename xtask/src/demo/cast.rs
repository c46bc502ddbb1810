// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who plays: two tenants, three guests. The third has the first one's addresses, all of them. And who comes later: a
//! router, and a guest of which nobody has said an address.

use qemu::Mac;

/// A guest and the port that it sits on; both have the same name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    /// Of the guest, its port and its socket.
    pub(crate) name: &'static str,
    /// The tenant's namespace.
    pub(crate) tenant: &'static str,
    /// MAC address.
    pub(crate) mac: Mac,
    /// IPv4 address, in a /24.
    pub(crate) ip4: &'static str,
    /// IPv6 address, in a /64.
    pub(crate) ip6: &'static str,
}

/// The tenants.
pub(crate) const TENANTS: [&str; 2] = ["red", "blue"];

/// The guest that most of the play is seen from.
pub(crate) const RED1: Role =
    Role { name: "red-vm1", tenant: "red", mac: Mac([2, 0, 0, 0, 0, 1]), ip4: "10.0.0.1", ip6: "fd00::1" };

/// Its peer.
pub(crate) const RED2: Role =
    Role { name: "red-vm2", tenant: "red", mac: Mac([2, 0, 0, 0, 0, 2]), ip4: "10.0.0.2", ip6: "fd00::2" };

/// The double, in another tenant.
pub(crate) const BLUE1: Role = Role { name: "blue-vm1", tenant: "blue", ..RED1 };

/// A router of red's, for a while. It is no virtual machine, and its addresses are its own affair.
pub(crate) const ROUTER: Role =
    Role { name: "red-r1", tenant: "red", mac: Mac([2, 0, 0, 0, 0, 0x99]), ip4: "", ip6: "" };

/// Who comes when that one is gone.
pub(crate) const RED3: Role = Role { name: "red-vm3", mac: Mac([2, 0, 0, 0, 0, 3]), ..ROUTER };

/// All who are there from the beginning.
pub(crate) const CAST: [Role; 3] = [RED1, RED2, BLUE1];

/// An address that belongs to nobody: what a lying guest pretends to have.
pub(crate) const STRANGER: Mac = Mac([2, 0, 0, 0, 0, 0x66]);
