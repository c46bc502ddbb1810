// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a request was not done. Each variant is one varlink error, with its fields as parameters.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The errors of the interface. `Display` is a sentence and, where one can help, a second line that begins with
/// `hint:` and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", content = "parameters")]
pub enum Error {
    /// There is no object of that name.
    #[serde(rename = "org.weft.Switch1.NotFound")]
    NotFound {
        /// `port`, `namespace`, `fdb entry`, `drop reason`.
        kind: String,
        /// The name that was asked for.
        name: String,
    },
    /// There are several objects of that name, and the caller did not say which he means.
    #[serde(rename = "org.weft.Switch1.Ambiguous")]
    Ambiguous {
        /// What kind of object: `port`.
        kind: String,
        /// The name that was asked for.
        name: String,
        /// What could be meant, of what the caller sees: `red:vm1`, `blue:vm1`.
        candidates: Vec<String>,
        /// How many more could be meant.
        #[serde(default)]
        more: u64,
    },
    /// An object of that name exists.
    #[serde(rename = "org.weft.Switch1.Exists")]
    Exists {
        /// What kind of object.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Something still depends on the object.
    #[serde(rename = "org.weft.Switch1.InUse")]
    InUse {
        /// What kind of object.
        kind: String,
        /// Its name.
        name: String,
        /// Who uses it: `port red-vm1`, `a connected guest`.
        by: String,
    },
    /// A value that cannot be meant.
    #[serde(rename = "org.weft.Switch1.Invalid")]
    Invalid {
        /// The parameter: `mac`.
        field: String,
        /// The value that was given.
        value: String,
        /// What would be right: `six hexadecimal bytes, 02:00:00:00:00:01`.
        expected: String,
    },
    /// The caller may not do that.
    #[serde(rename = "org.weft.Switch1.Denied")]
    Denied {
        /// What was asked for: `port add`.
        action: String,
        /// Who may: `root or a member of the group weft`.
        needed: String,
    },
    /// A bound of the daemon is reached.
    #[serde(rename = "org.weft.Switch1.Limit")]
    Limit {
        /// What there would be too many of: `ports in namespace red`.
        what: String,
        /// How many there may be.
        limit: u64,
        /// The namespace whose quota that is, if it is one: `red`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quota: Option<String>,
    },
    /// It makes no sense as things stand.
    #[serde(rename = "org.weft.Switch1.Conflict")]
    Conflict {
        /// What stands against it, and what to do first.
        message: String,
    },
    /// A mistake in a configuration text; nothing was changed.
    #[serde(rename = "org.weft.Switch1.Config")]
    Config {
        /// Name of the file as the caller gave it.
        file: String,
        /// Line of the mistake, from 1; 0 when it belongs to no line.
        #[serde(default)]
        line: u32,
        /// The key, `port.red-vm1.mtu`; empty when it belongs to no key.
        #[serde(default)]
        key: String,
        /// What is wrong and what was expected.
        message: String,
    },
    /// It was tried, and failed as a whole or in part.
    #[serde(rename = "org.weft.Switch1.Failed")]
    Failed {
        /// What happened, and what of it was done.
        message: String,
    },
    /// The call itself was not understood.
    #[serde(untagged)]
    Service(ServiceError),
    /// An error that this version does not know (from a newer daemon); never sent.
    #[serde(untagged)]
    Unknown {
        /// Its varlink name.
        error: String,
        /// Its fields.
        #[serde(default)]
        parameters: Map<String, Value>,
    },
}

/// Errors of the varlink service interface: the call does not fit any interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", content = "parameters")]
pub enum ServiceError {
    /// The interface is not served here.
    #[serde(rename = "org.varlink.service.InterfaceNotFound")]
    InterfaceNotFound {
        /// The interface that was called.
        interface: String,
    },
    /// The interface has no such method.
    #[serde(rename = "org.varlink.service.MethodNotFound")]
    MethodNotFound {
        /// The method that was called.
        method: String,
    },
    /// The method exists and this daemon does not serve it.
    #[serde(rename = "org.varlink.service.MethodNotImplemented")]
    MethodNotImplemented {
        /// The method that was called.
        method: String,
    },
    /// A parameter is unknown, missing or of a wrong type.
    #[serde(rename = "org.varlink.service.InvalidParameter")]
    InvalidParameter {
        /// Which, and what is wrong with it.
        parameter: String,
    },
}

impl ServiceError {
    /// An `InvalidParameter` with an explanation.
    pub fn invalid(parameter: impl Into<String>) -> Error {
        Error::Service(ServiceError::InvalidParameter { parameter: parameter.into() })
    }
}

impl Error {
    /// The name and the fields as they go on the wire.
    #[must_use]
    pub fn to_wire(&self) -> (String, Value) {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        let name = whole["error"].as_str().unwrap_or_default().to_owned();
        (name, whole["parameters"].take())
    }

    /// The error of that varlink name; one that this version does not know becomes [`Error::Unknown`].
    #[must_use]
    pub fn from_wire(name: &str, parameters: Option<&Value>) -> Error {
        let fields = parameters.filter(|given| given.is_object()).cloned().unwrap_or_else(|| Map::new().into());
        let whole = serde_json::json!({ "error": name, "parameters": fields });
        Error::deserialize(&whole).unwrap_or_else(|_| Error::Unknown { error: name.to_owned(), parameters: Map::new() })
    }

    /// What `weft` exits with: 1 wrong usage, 2 not found, 4 refused, 5 conflict, 6 ambiguous, 65 tried and
    /// failed.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Invalid { .. } | Error::Config { .. } | Error::Service(_) => 1,
            Error::NotFound { .. } => 2,
            Error::Denied { .. } => 4,
            Error::Exists { .. } | Error::InUse { .. } | Error::Limit { .. } | Error::Conflict { .. } => 5,
            Error::Ambiguous { .. } => 6,
            Error::Failed { .. } | Error::Unknown { .. } => 65,
        }
    }

    /// What happened, in one sentence without an end mark.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Error::NotFound { kind, name } => format!("{kind} {name:?} not found"),
            Error::Ambiguous { kind, name, candidates, more } => {
                format!("{kind} {name:?} is ambiguous: it could be {}", one_of(candidates, *more))
            }
            Error::Exists { kind, name } => format!("{kind} {name:?} exists"),
            Error::InUse { kind, name, by } => format!("{kind} {name:?} is in use by {by}"),
            Error::Invalid { field, value, expected } => format!("{field} {value:?} is not valid: expected {expected}"),
            Error::Denied { action, needed } => format!("{action} is not permitted: it needs {needed}"),
            Error::Limit { what, limit, quota: None } => format!("too many {what}: the limit is {limit}"),
            Error::Limit { what, limit, quota: Some(owner) } => {
                format!("namespace {owner:?} and all below it may have no more: its quota is {what}={limit}")
            }
            Error::Config { file, line, key, message } => config_message(file, *line, key, message),
            Error::Conflict { message } | Error::Failed { message } => message.clone(),
            Error::Service(why) => why.message(),
            Error::Unknown { error, parameters } if parameters.is_empty() => error.clone(),
            Error::Unknown { error, parameters } => format!("{error} {}", Value::Object(parameters.clone())),
        }
    }

    /// What to do about it, if there is something general to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NotFound { kind, name } => match kind.as_str() {
                "port" | "namespace" => format!("`weft {kind} list` shows what exists"),
                "fdb entry" => "`weft fdb list` shows what exists".to_owned(),
                "PvD" => "`weft pvd list` shows what is known".to_owned(),
                "Router Advertisement" => "`weft ra list` shows what is remembered".to_owned(),
                "VF of port" => format!("`weft port set {name} --vf LANE` gives it one"),
                "drop reason" => "`weft explain` shows all of them".to_owned(),
                _ => return None,
            },
            Error::Ambiguous { kind, .. } if kind == "PvD" => "say which namespace with --namespace".to_owned(),
            Error::Ambiguous { .. } => "say NAMESPACE:NAME".to_owned(),
            Error::InUse { kind, by, .. } if kind == "port" && by == "a connected guest" => {
                "--force deletes it all the same".to_owned()
            }
            Error::Limit { what, quota: Some(owner), .. } if owner != "/" => {
                format!("`weft namespace set {owner} --quota {what}=N` raises it")
            }
            Error::Service(_) | Error::Unknown { .. } => {
                "weft and weftd may be of different versions; `weft status` shows weftd's".to_owned()
            }
            Error::Exists { .. }
            | Error::InUse { .. }
            | Error::Invalid { .. }
            | Error::Denied { .. }
            | Error::Limit { .. }
            | Error::Conflict { .. }
            | Error::Config { .. }
            | Error::Failed { .. } => return None,
        })
    }
}

impl ServiceError {
    fn message(&self) -> String {
        match self {
            ServiceError::InterfaceNotFound { interface } => format!("interface {interface:?} is not served here"),
            ServiceError::MethodNotFound { method } => format!("method {method:?} does not exist"),
            ServiceError::MethodNotImplemented { method } => format!("method {method:?} is not implemented"),
            ServiceError::InvalidParameter { parameter } => format!("invalid parameter: {parameter}"),
        }
    }
}

/// `red:vm1, red/dev:vm1 or one of 3 more`
fn one_of(candidates: &[String], more: u64) -> String {
    let more = (more > 0).then(|| format!("one of {more} more"));
    let mut all: Vec<String> = candidates.iter().cloned().chain(more).collect();
    let last = all.pop().unwrap_or_default();
    if all.is_empty() { last } else { format!("{} or {last}", all.join(", ")) }
}

/// `file:line: key: message`, as compilers write it; parts that are unknown are left out.
fn config_message(file: &str, line: u32, key: &str, message: &str) -> String {
    let mut text = file.to_owned();
    if line > 0 {
        text.push_str(&format!(":{line}"));
    }
    text.push_str(": ");
    if !key.is_empty() {
        text.push_str(&format!("{key}: "));
    }
    text + message
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message())?;
        match self.hint() {
            Some(hint) => write!(out, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
