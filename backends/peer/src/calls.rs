// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which calls come through, and with what in them.
//!
//! A call is read as what it says it is and written anew, so nothing comes through that was not understood. What an operator may say
//! to his own weftd goes further than what another host may: that one puts sockets into one directory alone, and names no device and
//! no file of this host unless the operator of this end has said so.

use crate::trouble::quoted;
use ctl::codec::Call;
use ctl::proto::Method;
use ctl::proto::v1::{Error, MoveTell, PortImport, ServiceError};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// What another host may not decide.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Where sockets are.
    pub(crate) sockets: PathBuf,
    /// It may say what VFs are here.
    pub(crate) vf: bool,
    /// It may add namespaces.
    pub(crate) namespaces: bool,
}

/// The call that is passed on for one that has come.
///
/// # Errors
/// What the caller is answered instead.
pub(crate) fn judge(call: Call, rules: &Rules) -> Result<Call, Error> {
    match call.method.as_str() {
        PortImport::NAME => {
            let asked: PortImport = read(call)?;
            rules.allow(&asked)?;
            anew(&asked)
        }
        // weftd lets nobody say anything but of a port that came by the move that he names, and whose guest is not here; whether he
        // is who has brought it: `origins.rs`.
        MoveTell::NAME => anew(&read::<MoveTell>(call)?),
        _ => {
            let needed = "weft on that host itself: from here ports can be handed over, and nothing else".to_owned();
            Err(Error::Denied { action: quoted(&call.method), needed })
        }
    }
}

fn read<M: Method>(call: Call) -> Result<M, Error> {
    let invalid = |parameter: String| Error::Service(ServiceError::InvalidParameter { parameter });
    if call.more || call.oneway || call.upgrade {
        return Err(invalid("more, oneway, upgrade: a hand-over is one call with one reply".to_owned()));
    }
    serde_json::from_value(call.parameters.unwrap_or_default()).map_err(|why| invalid(quoted(&why.to_string())))
}

fn anew(asked: &impl Method) -> Result<Call, Error> {
    Call::new(asked).map_err(|why| Error::Failed { message: why.to_string() })
}

impl Rules {
    fn allow(&self, asked: &PortImport) -> Result<(), Error> {
        if asked.add_namespace && !self.namespaces {
            let needed =
                "weft-peer on that host to be started with --namespaces, or `weft namespace add` there".to_owned();
            return Err(Error::Denied { action: "--add-namespace".to_owned(), needed });
        }
        let document: Value = serde_json::from_str(&asked.text).map_err(|why| no_document(&why))?;
        let said = |pointer: &str| document.pointer(pointer);
        let path = asked.vhost_user.as_ref().map(|vhost_user| vhost_user.path.as_str());
        let path = path.or_else(|| said("/move/spec/path").and_then(Value::as_str)).unwrap_or_default();
        // One that says it elsewhere is of a version that only weftd knows, and not passed on unjudged.
        if !self.has(Path::new(path)) {
            let expected = format!("a path in {}, where that host has its sockets", self.sockets.display());
            return Err(Error::Invalid { field: "vhost-user".to_owned(), value: path.to_owned(), expected });
        }
        let none = asked.vf.as_ref().and_then(|vf| vf.lane.as_deref()) == Some("none");
        let without = asked.vf.is_none() && said("/move/spec/vf").is_none_or(Value::is_null);
        if self.vf || none || without {
            return Ok(());
        }
        let needed =
            "weft-peer on that host to be started with --vf; `--vf none` moves the port without its VF".to_owned();
        Err(Error::Denied { action: "a port with a VF".to_owned(), needed })
    }

    fn has(&self, path: &Path) -> bool {
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        plain && path != self.sockets && path.starts_with(&self.sockets)
    }
}

fn no_document(why: &serde_json::Error) -> Error {
    let expected = format!("what `weft port export` prints; it cannot be read, and may be cut off: {why}");
    Error::Invalid { field: "text".to_owned(), value: "the document".to_owned(), expected: quoted(&expected) }
}

#[cfg(test)]
mod test {
    use super::*;
    use ctl::proto::v1::{Departure, Mode, MoveWatch, PortDel, Status, Vf, VhostUser};
    use serde_json::json;

    const RULES: fn() -> Rules = || Rules { sockets: "/run/weft".into(), vf: false, namespaces: false };

    fn import(spec: &Value) -> PortImport {
        PortImport { text: json!({ "move": { "spec": spec } }).to_string(), ..PortImport::default() }
    }

    fn judged(asked: &PortImport) -> Result<Call, Error> {
        judge(Call::new(asked).unwrap(), &RULES())
    }

    #[test]
    fn test_nothing_but_a_hand_over_comes_through_and_that_unchanged() {
        let asked = PortImport { number: Some(3), ..import(&json!({ "path": "/run/weft/vm1.sock" })) };
        assert_eq!(judged(&asked), Ok(Call::new(&asked).unwrap()));
        let others = [Call::new(&Status {}).unwrap(), Call::new(&PortDel::default()).unwrap()];
        for call in others {
            assert!(matches!(judge(call.clone(), &RULES()), Err(Error::Denied { .. })), "{call:?}");
        }
        let good = || Call::new(&asked).unwrap();
        for call in [
            Call { more: true, ..good() },
            Call { oneway: true, ..good() },
            Call { upgrade: true, ..good() },
            Call { parameters: Some(json!({ "text": "", "extra": 1 })), ..good() },
            Call { parameters: Some(json!(7)), ..good() },
            Call { parameters: None, ..good() },
        ] {
            assert!(matches!(judge(call.clone(), &RULES()), Err(Error::Service(_))), "{call:?}");
        }
        for text in ["", "nonsense", "{", "null", "[]"] {
            let refused = judged(&PortImport { text: text.to_owned(), ..PortImport::default() });
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{text}: what is not understood is not passed on");
        }
    }

    #[test]
    fn test_the_source_of_a_move_may_say_where_its_guest_is() {
        let told = MoveTell { id: "1-00000000000000ab".to_owned(), guest: Departure::Stopped };
        let call = || Call::new(&told).unwrap();
        assert_eq!(judge(call(), &RULES()), Ok(call()));
        let wrong = [
            Call { more: true, ..call() },
            Call { oneway: true, ..call() },
            Call { parameters: Some(json!({ "id": "1", "guest": "dead" })), ..call() },
            Call { parameters: Some(json!({ "id": "1", "guest": "runs", "port": "vm1" })), ..call() },
            Call::new(&MoveWatch::default()).unwrap(),
        ];
        assert!(wrong.into_iter().all(|call| judge(call, &RULES()).is_err()), "nor hear where those of others are");
    }

    #[test]
    fn test_sockets_are_in_their_directory_whoever_says_where() {
        for path in ["/etc/x", "/run/weft", "/run/weft/../x", "run/weft/x", "/run/weftx/x", "/run/weft/a/../../x"] {
            let in_document = judged(&import(&json!({ "path": path })));
            assert!(matches!(in_document, Err(Error::Invalid { .. })), "{path}");
            let vhost_user = Some(VhostUser { path: path.to_owned(), mode: Mode::Server });
            let in_call = judged(&PortImport { vhost_user, ..import(&json!({ "path": "/run/weft/x" })) });
            assert!(matches!(in_call, Err(Error::Invalid { .. })), "{path}");
        }
        for elsewhere in [json!({}), json!({ "path": 7 }), json!({ "vhost_user": { "path": "/etc/x" } })] {
            assert!(judged(&import(&elsewhere)).is_err(), "{elsewhere}");
        }
        let vhost_user = Some(VhostUser { path: "/run/weft/a/x".to_owned(), mode: Mode::Server });
        assert!(judged(&PortImport { vhost_user, ..import(&json!({ "path": "/elsewhere" })) }).is_ok());
    }

    #[test]
    fn test_devices_of_the_host_are_not_for_others_to_name() {
        let vf = |lane: Option<&str>| Some(Vf { lane: lane.map(str::to_owned), ..Vf::default() });
        let (plain, with) = (json!({ "path": "/run/weft/x" }), json!({ "path": "/run/weft/x", "vf": {} }));
        let refused = |spec: &Value, vf: Option<Vf>| judged(&PortImport { vf, ..import(spec) }).is_err();
        assert!(!refused(&plain, None) && refused(&plain, vf(Some("packet:eth0"))) && refused(&plain, vf(None)));
        assert!(refused(&with, None) && refused(&with, vf(None)) && !refused(&with, vf(Some("none"))));
        let adding = PortImport { add_namespace: true, ..import(&plain) };
        assert!(judged(&adding).is_err(), "nor are tenants for them to bring");
        assert!(judge(Call::new(&adding).unwrap(), &Rules { namespaces: true, ..RULES() }).is_ok());
        let call = Call::new(&import(&with)).unwrap();
        assert!(judge(call, &Rules { vf: true, ..RULES() }).is_ok());
    }
}
