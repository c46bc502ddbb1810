// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Pieces of a configuration file, for [`Weftd::start_configured`](super::Weftd::start_configured).

use super::mac_text;
use crate::guest::GuestOptions;

/// A namespace.
pub fn namespace(name: &str) -> String {
    format!("[[namespace]]\nname = \"{name}\"\n")
}

/// A port with its socket in the daemon's directory, and the MAC of the guest with this number.
pub fn port(namespace: &str, name: &str, number: u8) -> String {
    let mac = mac_text(GuestOptions::new(name, number).mac);
    format!(
        "[[port]]\nname = \"{name}\"\nnamespace = \"{namespace}\"\nvhost-user = \"{{dir}}/{name}.sock\"\nmac = \"{mac}\"\n"
    )
}
