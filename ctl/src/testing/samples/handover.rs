// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Samples of ports that move.

use super::port;
use crate::proto::v1::{
    Departure, Handover, Mode, MoveTell, MoveTellReply, MoveWatchReply, PortExportReply, PortImport, PortImportReply,
    VhostUser,
};

pub(super) fn id() -> String {
    "1764000000123-00000000000000ab".to_owned()
}

pub(super) fn exported() -> PortExportReply {
    PortExportReply { id: id(), text: "{ \"version\": 1 }\n".to_owned() }
}

pub(super) fn import() -> PortImport {
    PortImport {
        text: exported().text,
        namespace: Some("red".to_owned()),
        add_namespace: true,
        number: Some(3),
        vhost_user: Some(VhostUser { path: "/run/weft/vm1.sock".to_owned(), mode: Mode::Client }),
        vf: Some(super::vf::asked()),
    }
}

pub(super) fn imported() -> PortImportReply {
    PortImportReply { port: port(), already: false, learnt: 2, known: 1, refused: 1, pvds: 1 }
}

pub(super) fn gone() -> MoveWatchReply {
    MoveWatchReply { guest: Departure::Gone }
}

pub(super) fn tell() -> MoveTell {
    MoveTell { id: id(), guest: Departure::Stopped }
}

pub(super) fn told() -> MoveTellReply {
    MoveTellReply { handover: Some(Handover::Staged) }
}
