// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `org.varlink.service`: the introspection interface that every varlink server offers
//! (<https://varlink.org/Service>). `varlinkctl info` and `varlinkctl introspect` call it.

use serde::{Deserialize, Serialize};

use super::v1::Error;
use super::{INTERFACE, INTERFACE_NAME, Method};

/// Name of the introspection interface.
pub const SERVICE_NAME: &str = "org.varlink.service";

/// Text of the introspection interface; fixed by the varlink project, so it is kept verbatim in meaning.
pub const SERVICE: &str = include_str!("../../org.varlink.service.varlink");

/// Parameters of `GetInfo`: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetInfo {}

/// Who is serving and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetInfoReply {
    /// Who makes the program.
    pub vendor: String,
    /// Name of the program.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Where to read more.
    pub url: String,
    /// Names of the interfaces it offers.
    pub interfaces: Vec<String>,
}

/// Parameters of `GetInterfaceDescription`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetInterfaceDescription {
    /// Name of the interface to describe.
    pub interface: String,
}

/// Text of an interface file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetInterfaceDescriptionReply {
    /// The interface in varlink's definition language, comments included.
    pub description: String,
}

impl Method for GetInfo {
    const NAME: &'static str = "org.varlink.service.GetInfo";
    type Reply = GetInfoReply;
}

impl Method for GetInterfaceDescription {
    const NAME: &'static str = "org.varlink.service.GetInterfaceDescription";
    type Reply = GetInterfaceDescriptionReply;
}

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
            return Err(Error::Service(super::v1::ServiceError::InterfaceNotFound { interface: other.to_owned() }));
        }
    };
    Ok(GetInterfaceDescriptionReply { description: text.to_owned() })
}
