// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Ten thousand namespaces come, are filled and go, while two others move frames. Nothing of them may be left, and the
//! others may not notice.

use std::fs;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use ctl::client::Client;
use ctl::proto::v1::{ConfigApply, FdbAdd, LinkAdd, Mode, NamespaceAdd, NamespaceDel, PortAdd, VhostUser};
use serde_json::json;
use tests::frames::{BROADCAST, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::{Deadline, PATIENCE, for_ok, until};
use tests::weftd::{Weftd, toml};

use crate::traffic::Talkers;

/// Namespaces that come and go with whole configurations, half of them in the other half.
const BY_CONFIGURATION: usize = 9_000;
/// Configurations that they come with.
const CONFIGURATIONS: usize = 18;
/// Namespaces that several clients make and delete one by one, at the same time.
const ONE_BY_ONE: usize = 1_000;
/// Those clients.
const CLIENTS: usize = 20;
/// How often the talkers exchange frames for every configuration.
const EXCHANGES: usize = 50;
/// Kilobytes by which the daemon may grow: less than one for each namespace. An allocator does not give everything back.
const GROWTH_MAX: u64 = 8 * 1024;

/// What the daemon holds of the system.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory_kb: u64,
    files: usize,
    threads: usize,
}

impl Held {
    fn of(daemon: &Weftd) -> Held {
        let proc = format!("/proc/{}", daemon.pid());
        let status = fs::read_to_string(format!("{proc}/status")).expect("the daemon runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        let memory_kb = memory.trim().trim_end_matches(" kB").parse().expect("a number");
        let threads = fs::read_dir(format!("{proc}/task")).expect("the daemon runs").count();
        Held { memory_kb, files: daemon.open_files(), threads }
    }

    fn fits_in(self, base: Held) -> bool {
        self.memory_kb <= base.memory_kb + GROWTH_MAX && self.files <= base.files && self.threads <= base.threads
    }
}

#[test]
fn ten_thousand_namespaces_come_and_go_under_traffic_and_leave_nothing() {
    let daemon = Weftd::start_with(&["--workers", "2"]);
    apply(&daemon, &lasting());
    let (mut red, mut blue) = (Talkers::new(&daemon, "red", 1), Talkers::new(&daemon, "blue", 2));
    thread::scope(|scope| {
        let (talk, told): (Vec<_>, Vec<_>) = [channel(), channel()].into_iter().unzip();
        let talkers = [&mut red, &mut blue].into_iter().zip(told);
        let talking: Vec<_> = talkers.map(|(talkers, told)| scope.spawn(move || talkers.run(&told))).collect();
        // The first find out how large tables and pools become.
        (0..2).for_each(|_| configure(&daemon, &talk));
        let base = settled(&daemon);
        one_by_one(&daemon, &talk);
        (0..CONFIGURATIONS).for_each(|_| configure(&daemon, &talk));
        settled(&daemon);
        let deadline = Deadline::patient();
        let held = for_ok("the daemon to give everything back", deadline, || {
            let held = Held::of(&daemon);
            if held.fits_in(base) { Ok(held) } else { Err(format!("{base:?} has become {held:?}")) }
        });
        drop(talk);
        let frames = talking.into_iter().map(|talkers| talkers.join().expect("no frame is lost or misdelivered"));
        println!("beside {} frames: {base:?}, then {held:?}", frames.sum::<u64>());
    });
    for port in ["red1", "red2", "blue1", "blue2"] {
        assert_eq!(daemon.port(port)["drops"], json!({}), "{port}");
    }
    assert_eq!(daemon.json(&["namespace", "list"]).as_array().map(Vec::len), Some(2));
}

/// What is held when all zombies are gone.
fn settled(daemon: &Weftd) -> Held {
    until("all zombies to go", Deadline::patient(), || daemon.json(&["status"])["counts"]["zombies"] == 0);
    Held::of(daemon)
}

fn client(daemon: &Weftd) -> Client {
    Client::connect(&daemon.folder().join("ctl.sock"), PATIENCE).expect("the daemon accepts")
}

fn apply(daemon: &Weftd, config: &str) {
    let text = config.replace("{dir}", &daemon.folder().display().to_string());
    let apply = ConfigApply { text, file: "churn.toml".to_owned(), dry_run: false, force: true };
    client(daemon).call(&apply).expect("it is in order");
}

/// The namespaces of those who talk, in the words of a configuration.
fn lasting() -> String {
    let namespace = |name: &str| {
        let ports = [1, 2].map(|number| toml::port(name, &format!("{name}{number}"), number));
        toml::namespace(name) + &ports.concat()
    };
    namespace("red") + &namespace("blue")
}

/// Many come with one configuration and go with the next.
fn configure(daemon: &Weftd, talk: &[Sender<()>]) {
    let tenants = BY_CONFIGURATION / CONFIGURATIONS / 2;
    let tenant = |number: usize| {
        let (name, inner) = (format!("t{number}"), format!("t{number}/inner"));
        let entry = format!("[[fdb]]\nnamespace = \"{inner}\"\nmac = \"06:00:00:00:00:01\"\nport = \"{name}\"\n");
        let link = format!("[[link]]\none = \"{name}:down\"\nother = \"{inner}:up\"\n");
        // Each has the addresses that the talkers have.
        [toml::namespace(&name), toml::namespace(&inner), toml::port(&inner, &name, 1), entry, link].concat()
    };
    let exchange = || talk.iter().for_each(|to| (0..EXCHANGES).for_each(|_| to.send(()).expect("they listen")));
    exchange();
    apply(daemon, &(lasting() + &(0..tenants).map(tenant).collect::<String>()));
    exchange();
    let _guest = shout(daemon, "t0");
    apply(daemon, &lasting());
}

/// A guest that is still attached and has just sent when its namespace goes.
fn shout(daemon: &Weftd, port: &str) -> SyntheticGuest {
    let mut guest = daemon.attach(port, 1);
    (0..64).for_each(|number| guest.send(&numbered(BROADCAST, guest.mac(), number, 60)));
    guest
}

/// Several clients, each with namespaces of its own.
fn one_by_one(daemon: &Weftd, talk: &[Sender<()>]) {
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = client(daemon);
                for tenant in 0..ONE_BY_ONE / 2 / CLIENTS {
                    let name = format!("c{number}x{tenant}");
                    make(&mut client, daemon, &name);
                    let _guest = (tenant == 0).then(|| shout(daemon, &name));
                    talk.iter().for_each(|to| to.send(()).expect("they listen"));
                    let del = NamespaceDel { name, recursive: true, force: true, if_exists: false };
                    client.call(&del).expect("it can go");
                }
            });
        }
    });
}

/// A namespace with another in it, which has a port, a static address, and a link to the first.
fn make(client: &mut Client, daemon: &Weftd, port: &str) {
    let inner = format!("{port}/inner");
    for name in [port, &inner] {
        client.call(&NamespaceAdd { name: name.to_owned(), ..NamespaceAdd::default() }).expect("there is room");
    }
    let add = PortAdd {
        name: port.to_owned(),
        namespace: inner.clone(),
        vhost_user: Some(VhostUser { path: daemon.port_path(port).display().to_string(), mode: Mode::Server }),
        lane: None,
        vf: None,
        mac: Some("02:00:00:00:00:01".to_owned()),
        number: None,
        queues: None,
        role: None,
        mtu: None,
        macs: None,
        limits: None,
        pvds: None,
        inject_pvd: None,
        ra_guard: None,
        may_exist: false,
    };
    client.call(&add).expect("there is room");
    let entry = FdbAdd { namespace: inner, mac: "06:00:00:00:00:01".to_owned(), port: port.to_owned() };
    client.call(&entry).expect("there is room");
    let (one, other) = (format!("{port}:down"), format!("{port}/inner:up"));
    client.call(&LinkAdd { one, other, ..LinkAdd::default() }).expect("there is room");
}
