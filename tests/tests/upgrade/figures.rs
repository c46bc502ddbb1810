// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! No counter that `weft` shows goes backwards, whatever it counts.

use core::net::Ipv6Addr;
use std::os::unix::net::UnixDatagram;

use serde_json::{Value, json};
use tests::frames::{number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, for_value, until};
use tests::weftd::Weftd;
use wire::nd::{NdOption, PrefixInfo, encode};
use wire::{MacAddr, build};

/// What is a time, or the name of something, and counts nothing.
const NO_COUNTS: [&str; 15] = [
    "age_s",
    "since_s",
    "first_s",
    "last_s",
    "expires_s",
    "router_s",
    "router_left_s",
    "valid_s",
    "preferred_s",
    "last_at_ms",
    "base_seq",
    "number",
    "serial",
    "handle",
    "ifindex",
];

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// A guest on a VF, another one, and a router to whose advertisements a PvD Option is added.
struct Scene {
    daemon: Weftd,
    one: SyntheticGuest,
    two: SyntheticGuest,
    router: SyntheticGuest,
    nic: UnixDatagram,
}

impl Scene {
    fn new() -> Scene {
        let daemon = Weftd::start();
        daemon.weft(&["namespace", "add", "red", "--ra-throttle", "5m"]).expect_ok();
        for (port, number) in [("one", 1), ("two", 2)] {
            daemon.add_port("red", port, number, &[]);
        }
        daemon.add_port("red", "router", 3, &["--role", "router", "--inject-pvd", "work.example"]);
        let [one, two, router] =
            [("one", 1), ("two", 2), ("router", 3)].map(|(port, number)| daemon.attach(port, number));
        let [near, far] = ["near", "far"].map(|name| daemon.port_path(name));
        let nic = UnixDatagram::bind(&far).expect("the folder is ours");
        nic.set_nonblocking(true).expect("a socket can be so");
        let lane = format!("dgram:{},peer={}", near.display(), far.display());
        daemon.weft(&["port", "set", "one", "--vf", &lane, "--vf-model", "bond"]).expect_ok();
        daemon.weft(&["vf", "offer", "one"]).expect_ok();
        Scene { daemon, one, two, router, nic }
    }

    /// Things happen that are counted.
    fn happen(&mut self) {
        let near = self.daemon.port_path("near");
        until("the VF to be used", Deadline::patient(), || {
            let sent = self.nic.send_to(&numbered(self.two.mac(), self.one.mac(), 1, 100), &near);
            sent.is_ok() && self.daemon.json(&["vf", "status", "one"])["active"] == "vf"
        });
        for _ in 0..3 {
            self.two.send(&numbered(self.one.mac(), self.two.mac(), 2, 100));
        }
        // Neither is a frame of a guest, or of a NIC.
        self.two.send(&numbered(self.one.mac(), [2, 9, 9, 9, 9, 9], 3, 100));
        self.nic.send_to(&[0; 5], &near).expect("weftd has its end open");
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
        let prefix = PrefixInfo { prefix, prefix_len: 64, flags: 0xc0, valid: 1800, preferred: 900 };
        let options = encode([NdOption::Prefix(prefix)]).expect("a good prefix");
        for _ in 0..3 {
            self.router.send(&build::advertisement(MacAddr(self.router.mac()), ROUTER, 1800, &options));
        }
        let ask = build::solicitation(MacAddr(self.two.mac()), "fe80::2".parse().expect("an address"));
        self.two.send(&ask);
        let mut heard = [0; 2048];
        for_value("a frame over the VF", Deadline::patient(), || self.nic.recv(&mut heard).ok());
        assert_eq!(number_of(&heard[..100]), Some(2));
    }

    /// All that is shown, once it does not change any more.
    fn settled(&self) -> Value {
        let mut before = Value::Null;
        for_value("all to be counted", Deadline::patient(), || {
            let now = counts_in(&self.shown());
            let settled = now == before && now["/vf/vf/rx_frames"].as_u64() >= Some(3);
            before = now;
            settled.then(|| before.clone())
        })
    }

    fn shown(&self) -> Value {
        let show = |words: &[&str]| self.daemon.json(words);
        json!({
            "one": show(&["port", "show", "one"]), "two": show(&["port", "show", "two"]),
            "router": show(&["port", "show", "router"]), "ports": show(&["port", "list"]),
            "vf": show(&["vf", "status", "one"]), "red": show(&["namespace", "show", "red"]),
            "namespaces": show(&["namespace", "list"]), "ras": show(&["ra", "list", "red"]),
            "pvds": show(&["pvd", "list", "red"]), "pvd": show(&["pvd", "show", "work.example", "-n", "red"]),
            "fdb": show(&["fdb", "list"]),
        })
    }
}

/// Each number that counts something, by where it stands.
fn counts_in(shown: &Value) -> Value {
    fn walk(at: &str, value: &Value, all: &mut serde_json::Map<String, Value>) {
        match value {
            Value::Object(fields) => {
                let counts = fields.iter().filter(|(key, _)| !NO_COUNTS.contains(&key.as_str()));
                counts.for_each(|(key, value)| walk(&format!("{at}/{key}"), value, all));
            }
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(index, value)| walk(&format!("{at}/{index}"), value, all));
            }
            Value::Number(_) => drop(all.insert(at.to_owned(), value.clone())),
            _ => {}
        }
    }
    let mut all = serde_json::Map::new();
    walk("", shown, &mut all);
    Value::Object(all)
}

#[test]
fn nothing_that_is_counted_goes_backwards() {
    let mut scene = Scene::new();
    for _ in 0..2 {
        scene.happen();
        let before = scene.settled();
        let count = |at: &str| before[at].as_u64().unwrap_or_else(|| panic!("{at} is not counted: {before:#}"));
        for at in [
            "/vf/vf/tx_frames",
            "/vf/switches",
            "/one/lane_losses/malformed",
            "/router/mediated/injected",
            "/router/mediated/held",
            "/red/learnt/refreshed",
            "/red/learnt/solicitations",
            "/ras/0/heard",
            "/pvd/sources/0/heard",
            "/two/drops/spoofed-mac",
        ] {
            assert!(count(at) > 0, "{at}");
        }
        scene.daemon.upgrade();
        let after = counts_in(&scene.shown());
        for (at, count) in before.as_object().expect("they are by place") {
            assert!(after[at].as_u64() >= count.as_u64(), "{at} was {count} and is {}", after[at]);
        }
    }
}
