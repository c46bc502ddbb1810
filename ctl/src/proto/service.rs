// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `org.varlink.service`: the introspection interface that every varlink server offers
//! (<https://varlink.org/Service>). `varlinkctl info` and `varlinkctl introspect` call it.

use serde::{Deserialize, Serialize};

use super::Method;

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
