// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a server of this interface answers to the calls of [`service`](super::service).

use super::service::{GetInfoReply, GetInterfaceDescriptionReply, SERVICE, SERVICE_NAME};
use super::v1::{Error, ServiceError};
use super::{INTERFACE, INTERFACE_NAME};

/// Answers `GetInfo` for a daemon of this `version`.
#[must_use]
pub fn info(version: &str) -> GetInfoReply {
    GetInfoReply {
        vendor: "weft".to_owned(),
        product: "weftd".to_owned(),
        version: version.to_owned(),
        url: String::new(),
        interfaces: vec![SERVICE_NAME.to_owned(), INTERFACE_NAME.to_owned()],
    }
}

/// Answers `GetInterfaceDescription`.
///
/// # Errors
/// `InterfaceNotFound` when `interface` is neither ours nor the introspection interface.
pub fn describe(interface: &str) -> Result<GetInterfaceDescriptionReply, Error> {
    let text = match interface {
        INTERFACE_NAME => INTERFACE,
        SERVICE_NAME => SERVICE,
        other => {
            return Err(Error::Service(ServiceError::InterfaceNotFound { interface: other.to_owned() }));
        }
    };
    Ok(GetInterfaceDescriptionReply { description: text.to_owned() })
}
