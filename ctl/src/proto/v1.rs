// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Version 1 of the interface, `org.weft.Switch1`.
//!
//! Names: `PortAdd` is the parameters of the method `PortAdd`, `PortAddReply` what it answers, [`Port`] the object in
//! it. The file `org.weft.Switch1.varlink` says the same for other languages; a test holds the two against each other.

mod config;
mod counters;
mod error;
mod fdb;
mod handover;
mod information;
mod limits;
mod link;
mod mediation;
mod namespace;
mod port;
mod pvd;
mod ra;
mod ra_guard;
mod stated;
mod status;
mod vf;
mod watch;
mod worker;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Method;
use super::service::{GetInfo, GetInterfaceDescription};
use crate::codec::{Call, Reply};

pub use config::{Change, ChangesReply, ConfigApply, ConfigCheck, ConfigDiff, ConfigShow, ConfigShowReply, Operation};
pub use counters::Counters;
pub use error::{Error, ServiceError};
pub use fdb::{FDB_PAGE, FdbAdd, FdbDel, FdbEntry, FdbFlush, FdbFlushReply, FdbKind, FdbList, FdbListReply};
pub use handover::{
    Departure, MoveTell, MoveTellReply, MoveWatch, MoveWatchReply, PortExport, PortExportReply, PortImport,
    PortImportReply, PortLeave, PortStay, PortStayReply,
};
pub use information::{Information, InformationState, KnownInformation};
pub(crate) use limits::Amount;
pub use limits::{BadRate, Limits, Rate};
pub use link::{LinkAdd, LinkDel, LinkReply};
pub use mediation::{InjectPvd, Mediated};
pub use namespace::{
    Answer, Delegation, Grant, Namespace, NamespaceAdd, NamespaceDel, NamespaceDelegate, NamespaceList,
    NamespaceListReply, NamespaceReply, NamespaceSet, NamespaceUndelegate, NamespaceZombies, NamespaceZombiesReply,
    Peer, Quota, SecondSource, Usage, Zombie,
};
pub use port::{
    Handover, MacPolicy, Mode, Port, PortAdd, PortDel, PortList, PortListReply, PortReply, PortSet, PortSpec, Role,
    State, VhostUser,
};
pub use pvd::{
    Fact, FactKind, PVD_PAGE, Pvd, PvdList, PvdListReply, PvdShow, PvdShowReply, PvdSource, PvdWhole, RouterParameters,
};
pub use ra::{
    Finding, RA_PAGE, Ra, RaCheck, RaCheckReply, RaList, RaListReply, RaOption, RaShow, RaShowReply, RouterAt, Severity,
};
pub use ra_guard::{Preference, RaGuard, RaLearning, RaLearningState};
pub use stated::{PvdAnnouncement, PvdCreate, PvdDelete, PvdFetch, PvdReply, PvdSet, PvdStatement};
pub use status::{
    Counts, DropReason, DropReasons, DropReasonsReply, LogSet, LogSetReply, Status, StatusReply, Upgrade, UpgradeReply,
};
pub use vf::{
    GuestModel, Lane, LaneCounters, LaneLosses, Vf, VfLane, VfOffer, VfReply, VfRevoke, VfState, VfStatus,
    VfStatusReply, VfSwitch, Vmm, VmmKind,
};
pub use watch::{EVENT_PAGE, PvdChange, PvdEvent, PvdEventKind, PvdWatch, PvdWatchReply};
pub use worker::{Poll, Work, Worker, WorkerList, WorkerListReply};

/// The answer of a method that has nothing to say but success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// The table of methods: from one line each come the wire name, the reply type and the variant of [`Request`].
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident -> $reply:ty;)*) => {
        $(impl Method for $name {
            const NAME: &'static str = concat!("org.weft.Switch1.", stringify!($name));
            type Reply = $reply;
        })*

        /// Full names of all methods of the interface, in the order of the interface file.
        pub const METHODS: &[&str] = &[$(<$name as Method>::NAME),*];

        /// Any call that a server of this interface may receive.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name($name),)*
            /// Introspection: who serves.
            GetInfo,
            /// Introspection: the text of an interface.
            GetInterfaceDescription(GetInterfaceDescription),
        }

        impl Request {
            /// Turns a decoded call into a typed request.
            ///
            /// # Errors
            /// `MethodNotFound`, `InterfaceNotFound` or `InvalidParameter`, ready to be sent back.
            pub fn parse(call: &Call) -> Result<Request, Error> {
                match call.method.as_str() {
                    $(<$name as Method>::NAME => parameters(call).map(Request::$name),)*
                    <GetInfo as Method>::NAME => Ok(Request::GetInfo),
                    <GetInterfaceDescription as Method>::NAME => parameters(call).map(Request::GetInterfaceDescription),
                    unknown => Err(no_such_method(unknown)),
                }
            }
        }
    };
}

methods! {
    /// State of the daemon as a whole.
    Status -> StatusReply;
    /// Lists the data-plane threads.
    WorkerList -> WorkerListReply;
    /// Creates a namespace.
    NamespaceAdd -> NamespaceReply;
    /// Deletes a namespace.
    NamespaceDel -> Empty;
    /// Changes what may change while a namespace is in use.
    NamespaceSet -> NamespaceReply;
    /// Puts a namespace into somebody's hands.
    NamespaceDelegate -> NamespaceReply;
    /// Takes a namespace back.
    NamespaceUndelegate -> NamespaceReply;
    /// Lists namespaces.
    NamespaceList -> NamespaceListReply;
    /// Lists namespaces that are deleted and not gone.
    NamespaceZombies -> NamespaceZombiesReply;
    /// Creates a port in a namespace.
    PortAdd -> PortReply;
    /// Deletes a port.
    PortDel -> Empty;
    /// Changes what may change while a port runs.
    PortSet -> PortReply;
    /// Lists ports with their state and counters.
    PortList -> PortListReply;
    /// Writes down what a port takes along to another weftd.
    PortExport -> PortExportReply;
    /// Makes a port of what another weftd has written down.
    PortImport -> PortImportReply;
    /// Takes note that another weftd has a port.
    PortLeave -> PortReply;
    /// Takes that back.
    PortStay -> PortStayReply;
    /// Tells where the guest of a port is that leaves, on and on with `more`.
    MoveWatch -> MoveWatchReply;
    /// Hears that of a port that came.
    MoveTell -> MoveTellReply;
    /// Offers the VF of a port to its guest.
    VfOffer -> VfReply;
    /// Takes the VF of a port away from its guest.
    VfRevoke -> VfReply;
    /// Has a guest's frames on one of its port's two lanes.
    VfSwitch -> VfReply;
    /// Tells about the VFs of ports.
    VfStatus -> VfStatusReply;
    /// Joins two namespaces.
    LinkAdd -> LinkReply;
    /// Parts two namespaces.
    LinkDel -> Empty;
    /// Lists MAC table entries, in pages with `more`.
    FdbList -> FdbListReply;
    /// Adds a static MAC table entry.
    FdbAdd -> Empty;
    /// Removes a MAC table entry.
    FdbDel -> Empty;
    /// Forgets learned MAC table entries.
    FdbFlush -> FdbFlushReply;
    /// Lists PvDs, in pages with `more`.
    PvdList -> PvdListReply;
    /// Tells all about one PvD.
    PvdShow -> PvdShowReply;
    /// Tells what happens to PvDs, on and on with `more`.
    PvdWatch -> PvdWatchReply;
    /// Makes a static PvD.
    PvdCreate -> PvdReply;
    /// Says something else about a static PvD.
    PvdSet -> PvdReply;
    /// Takes back what is said about a static PvD.
    PvdDelete -> Empty;
    /// Has Additional Information fetched again.
    PvdFetch -> Empty;
    /// Lists Router Advertisements that are remembered, in pages with `more`.
    RaList -> RaListReply;
    /// Tells all about one Router Advertisement.
    RaShow -> RaShowReply;
    /// Judges what the routers of a namespace say.
    RaCheck -> RaCheckReply;
    /// Checks a configuration file.
    ConfigCheck -> Empty;
    /// Compares a configuration file with what runs.
    ConfigDiff -> ChangesReply;
    /// Writes what runs as a configuration file.
    ConfigShow -> ConfigShowReply;
    /// Makes what runs equal to a configuration file.
    ConfigApply -> ChangesReply;
    /// Changes the log filter.
    LogSet -> LogSetReply;
    /// Has another weftd take the place of this one.
    Upgrade -> UpgradeReply;
    /// Explains the reasons of dropped frames.
    DropReasons -> DropReasonsReply;
}

impl Reply {
    /// The reply of a failed call.
    #[must_use]
    pub fn error(why: &Error) -> Reply {
        let (name, fields) = why.to_wire();
        Reply { parameters: Some(fields), continues: false, error: Some(name) }
    }
}

/// Reads the parameters of `call`; absent and `null` both mean "none".
fn parameters<M: Method>(call: &Call) -> Result<M, Error> {
    let given = match &call.parameters {
        None | Some(Value::Null) => Value::Object(serde_json::Map::new()),
        Some(object @ Value::Object(_)) => object.clone(),
        Some(_) => return Err(ServiceError::invalid("parameters must be an object")),
    };
    M::deserialize(given).map_err(|why| ServiceError::invalid(why.to_string()))
}

/// Says which half of a method's name is the unknown one.
fn no_such_method(name: &str) -> Error {
    let interface = name.rsplit_once('.').map_or(name, |(interface, _)| interface);
    Error::Service(match interface {
        super::INTERFACE_NAME | super::service::SERVICE_NAME => {
            ServiceError::MethodNotFound { method: name.to_owned() }
        }
        other => ServiceError::InterfaceNotFound { interface: other.to_owned() },
    })
}
