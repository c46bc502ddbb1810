// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What must hold of a weftd under siege, as `weft` tells it.

use pvd::limits;
use serde_json::{Value, json};

use super::{Besieged, QUOTA, Siege};
use crate::flood::forgery::OURS;
use crate::wait::{Deadline, until};
use crate::weftd::Weftd;

/// What is known of the router that is what it says, but for what ages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// Its Router Advertisement, every byte.
    hex: String,
    /// Its PvD.
    said: Vec<Value>,
}

impl Ours {
    /// As it is now.
    pub(super) fn of(daemon: &Weftd) -> Ours {
        let ras = daemon.json(&["ra", "list", "red"]);
        let ra = ras.as_array().expect("a list").iter().find(|ra| ra["port"] == "router").expect("it is kept");
        let hex = daemon.weft(&["ra", "dump", "--hex", "red", &ra["number"].to_string()]).expect_ok();
        let shown = daemon.json(&["pvd", "show", OURS, "-n", "red"]);
        let source = &shown["sources"][0];
        let mut said =
            ["port", "router", "flags", "sequence", "delay", "parameters"].map(|field| source[field].clone()).to_vec();
        let facts = source["facts"].as_array().expect("a list").iter();
        said.extend(facts.map(|fact| json!([fact["kind"], fact["value"], fact["flags"]])));
        said.extend([
            shown["pvd"]["number"].clone(),
            shown["pvd"]["handle"].clone(),
            shown["sources"].as_array().map(Vec::len).into(),
        ]);
        Ours { hex, said }
    }
}

impl Siege {
    /// What must hold between two floods.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&mut self) {
        let expected = self.heard_copies();
        until("control to have heard all copies", Deadline::patient(), || heard(&self.daemon) == expected);
        self.check_forger();
        self.check_receivers();
        self.check_bounds();
        assert_eq!(Ours::of(&self.daemon), self.ours, "what the router said is known as it was");
    }

    /// Copies that were made for it.
    fn heard_copies(&self) -> u64 {
        ["router", "forger"].map(|port| number(&self.port(port)["snooped_advertisements"])).iter().sum()
    }

    /// Each frame of the forger's is counted once, by what became of it, and none of the router's was lost on that account.
    fn check_forger(&self) {
        let (forger, router) = (self.port("forger"), self.port("router"));
        assert_eq!(number(&forger["tx_frames"]), self.guests.sent);
        let (copied, missed) = (number(&forger["snooped_advertisements"]), number(&forger["snoop_missed"]));
        let dropped = |reason: &str| number(&forger["drops"][reason]);
        let drops = ["rogue-router", "mediated", "not-mediated"].map(dropped);
        let sent = self.guests.sent;
        match self.kind {
            Besieged::ByHost => assert_eq!((copied, missed, drops), (0, 0, [sent, 0, 0])),
            Besieged::ByMediatedRouter => {
                assert_eq!((copied + missed, drops), (sent, [0, copied, missed]));
                assert_eq!(number(&forger["mediated"]["heard"]), copied);
            }
            Besieged::ByRouter | Besieged::ByRouterWithQuota => assert_eq!((copied + missed, drops), (sent, [0, 0, 0])),
        }
        let spoken = (number(&router["snooped_advertisements"]), number(&router["snoop_missed"]));
        assert_eq!(spoken, (self.guests.spoken, 0), "the router is heard whoever floods");
    }

    /// What is forwarded comes to each, or is counted there.
    fn check_receivers(&mut self) {
        let forwarded = match self.kind {
            Besieged::ByRouter | Besieged::ByRouterWithQuota => self.guests.sent,
            Besieged::ByHost | Besieged::ByMediatedRouter => 0,
        };
        let came_to = |port: &Value| number(&port["rx_frames"]) + number(&port["drops"]["ring-full"]);
        let host = self.port("host");
        assert_eq!(came_to(&host), forwarded + self.guests.spoken);
        if self.kind != Besieged::ByMediatedRouter {
            assert_eq!(came_to(&self.port("router")), forwarded);
        }
        let delivered = number(&host["rx_frames"]);
        until("all that was delivered to the host", Deadline::patient(), || {
            self.guests.listen();
            self.guests.came == delivered
        });
        assert!(forwarded > 0 || self.guests.forged == 0, "{} forged ones came to the host", self.guests.forged);
    }

    /// There is no more than there may be.
    fn check_bounds(&self) {
        let pvds = self.daemon.json(&["pvd", "list", "red"]).as_array().map_or(0, Vec::len);
        let most = match self.kind {
            Besieged::ByHost => 1,
            Besieged::ByRouterWithQuota => QUOTA,
            Besieged::ByRouter | Besieged::ByMediatedRouter => limits::PVDS + limits::PORT_PVDS,
        };
        assert!((1..=most).contains(&pvds), "{pvds} PvDs");
        let ras = self.daemon.json(&["ra", "list", "red"]);
        let of = |port: &str| ras.as_array().expect("a list").iter().filter(|ra| ra["port"] == port).count();
        assert!(of("forger") <= limits::PORT_RAS && of("router") == 1, "{ras}");
    }

    fn port(&self, name: &str) -> Value {
        self.daemon.port(&format!("red:{name}"))
    }
}

/// Advertisements that control has judged.
pub(super) fn heard(daemon: &Weftd) -> u64 {
    let learnt = daemon.json(&["namespace", "show", "red"])["learnt"].clone();
    let judged = |word: &str| {
        word.starts_with("refused-") && word != "refused-hosts"
            || ["changed", "refreshed", "void", "over-quota"].contains(&word)
    };
    let learnt = learnt.as_object().expect("an object").iter();
    learnt.filter(|(word, _)| judged(word)).map(|(_, count)| number(count)).sum()
}

/// Of the forger's, how many control has heard, and how many PvDs and advertisements there are.
pub(super) fn kept(daemon: &Weftd) -> (u64, usize, usize) {
    let len = |what: &str| daemon.json(&[what, "list", "red"]).as_array().map_or(0, Vec::len);
    (number(&daemon.port("red:forger")["snooped_advertisements"]), len("pvd"), len("ra"))
}

/// Asks for lists, in which the router's must be.
pub(super) fn lists(daemon: &Weftd) {
    for (what, field) in [("pvd", "name"), ("ra", "pvd")] {
        let list = daemon.json(&[what, "list", "red"]);
        let name = format!("{OURS}.");
        assert!(list.as_array().expect("a list").iter().any(|one| one[field] == name.as_str()), "{what}: {list}");
    }
}

/// What the namespace has counted of its routers under this word.
pub(super) fn learnt(daemon: &Weftd, word: &str) -> u64 {
    number(&daemon.json(&["namespace", "show", "red"])["learnt"][word])
}

/// A counter; what is not there has not occurred.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
