// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use pvd::{Announcement, Injection, PvdFlags};
use std::time::Duration;
use switch::{
    Confined, Delegate, Delegation, Desired, FactList, FdbKey, Grant, GuestModel, Limit, Limits, Mediation, Mode,
    MoveId, Name, NamespacePath, NamespaceSpec, Passage, PortSpec, PvdKey, Quotas, RaGuard, Rate, Resource, Role,
    RoutersFound, SavedVfs, Statement, TextSocket, VfSpec, VhostUser, VmmKind, VmmSpec,
};
use wire::MacAddr;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn at(text: &str) -> PortPath {
    text.parse().unwrap()
}

fn port(vm: &str, namespace: &str) -> PortSpec {
    let socket = VhostUser { path: format!("/run/{vm}.sock"), mode: Mode::Client };
    let mut limits = Limits::default();
    limits.set(Limit::FloodFrames, Some(Rate { per_second: 1000, burst: 64 }));
    limits.set(Limit::TxBytes, Some(Rate { per_second: 125_000_000, burst: 1 << 20 }));
    let injection = switch::injection_of("work.example").unwrap().unwrap();
    let injection = Injection { http: true, sequence: 3, delay: 1, ..injection };
    let mediation = Mediation {
        sight: switch::sight_of(["implicit", "a.example"]).unwrap(),
        inject: Some(injection),
        ..Mediation::default()
    };
    PortSpec {
        mtu: 9000,
        queue_pairs: 2,
        role: Role::Router,
        limits,
        mediation,
        ..PortSpec::new(&name(vm), name(namespace), socket)
    }
}

fn state(ports: &[(&str, &str)]) -> Desired {
    let mut state = Desired::default();
    for (vm, namespace) in ports {
        let _ = state.add_namespace(name(namespace), NamespaceSpec::default());
        state.add_port(name(vm), port(vm, namespace)).unwrap();
    }
    state
}

fn pvd(namespace: &str, name: &str) -> PvdKey {
    PvdKey { namespace: path(namespace), name: name.parse().unwrap() }
}

/// Everything that can be said about a PvD.
fn said() -> Statement {
    let mut said = Statement::default();
    said.flags = PvdFlags { http: true, legacy: true, sequence: 65535, delay: 15, ..said.flags };
    (said.parameters.mtu, said.parameters.captive_portal) = (1280, (*b"https://p.example/").into());
    let router = "fe80::1".parse().unwrap();
    said.announcement = Some(Announcement { router, mac: MacAddr([2; 6]), lifetime: 1800, inner: true });
    let all: [(FactList, &[&str]); 5] = [
        (FactList::Prefixes, &["2001:db8:1::/64", "2001:db8:2::/48,on-link", "2001:db8:3::/64,none"]),
        (FactList::Routes, &["::/0,low", "2001:db8::/32"]),
        (FactList::Rdnss, &["2001:db8::53"]),
        (FactList::Dnssl, &["corp.example"]),
        (FactList::Pref64, &["64:ff9b::/96"]),
    ];
    all.into_iter().for_each(|(list, items)| list.set(&mut said, items).unwrap());
    said
}

fn confined() -> Confined {
    Confined { beneath: "/run/blue".into(), owner: Delegate::Gid(7) }
}

fn delegation() -> Delegation {
    let (socket, directory) = ("/run/blue.ctl".into(), "/run/blue".into());
    let (to, limits) = (Delegate::Uid(1000), port("vm1", "red").limits);
    Delegation { socket, directory, to, grant: Grant::Reader, limits, confined: Some(confined()) }
}

/// Everything that can be said about a VF.
fn whole_vf() -> VfSpec {
    let vmm = VmmSpec {
        kind: VmmKind::Qmp,
        socket: "/run/blue/qmp".into(),
        device: "rtl8139".into(),
        bus: Some("port1".into()),
        pair: Some("net0".into()),
    };
    VfSpec {
        lane: "dgram:/run/blue/a,peer=/run/blue/b".parse().unwrap(),
        model: Some(GuestModel::Standby),
        vmm: Some(vmm),
        confined: Some(confined()),
    }
}

/// A file with vm1 and vm2, and what runs after an operator removed one, changed one and added one.
fn file_and_running() -> (Desired, Desired) {
    let mut file = state(&[("vm1", "red"), ("vm2", "red")]);
    file.add_pvd(pvd("red", "gone.example"), said()).unwrap();
    let mut running = file.clone();
    running.del_port(&at("red:vm1")).unwrap();
    running.set_port(&at("red:vm2"), PortSpec { mtu: 1400, ..port("vm2", "red") }).unwrap();
    let quotas = Quotas::default().with(&[(Resource::Ports, Some(3))]);
    let delegation = Some(delegation());
    let mut spec = NamespaceSpec {
        quotas,
        delegation,
        ra_throttle: Some(Duration::from_secs(10)),
        second_source: switch::SecondSource::Deny,
        pvdd: Some(TextSocket::Unix("/run/blue.pvdd".into())),
        ..NamespaceSpec::default()
    };
    spec.limits.set(Limit::FloodFrames, Some(Rate { per_second: 10_000, burst: 64 }));
    running.add_namespace(name("blue"), spec).unwrap();
    let guard = RaGuard {
        routers: ["fe80::1".parse().unwrap()].into(),
        macs: ["02:00:00:00:00:01".parse().unwrap()].into(),
        prefixes: ["2001:db8::/32".parse().unwrap()].into(),
        pvds: [r"a\.b.example".parse().unwrap()].into(),
        pvd_required: true,
        http: false,
        unrecognised: true,
        pvd_size: 512,
        ..RaGuard::default()
    };
    let learn = Some(Duration::from_secs(60));
    let mediation = Mediation { guard, learn, ..Mediation::default() };
    let vm3 = PortSpec { mediation, confined: Some(confined()), ..port("vm3", "blue") };
    running.add_port(name("vm3"), vm3).unwrap();
    let key = FdbKey { namespace: path("blue"), mac: "02:00:00:00:00:77".parse().unwrap() };
    running.add_fdb(key, name("vm3")).unwrap();
    for (vm, vf) in [("vm4", whole_vf()), ("vm5", VfSpec::new("auto,mac=02:00:00:00:00:99".parse().unwrap()))] {
        running.add_port(name(vm), PortSpec { vf: Some(vf), ..port(vm, "blue") }).unwrap();
    }
    let uplink = PortSpec::device(&name("up"), path("red"), "tap:tap0,queues=4".parse().unwrap());
    running.add_port(name("up"), uplink).unwrap();
    running.del_pvd(&pvd("red", "gone.example")).unwrap();
    running.add_pvd(pvd("blue", "work.example"), said()).unwrap();
    running.add_pvd(pvd("blue", "bare.example"), Statement::default()).unwrap();
    (file, running)
}

/// A VF that is offered, and one that was taken away.
fn vfs() -> SavedVfs {
    let mut device = netvsc::Device::new(None, netvsc::Timing::default());
    device.on(netvsc::Event::Offer(netvsc::By::Operator), Duration::ZERO).unwrap();
    SavedVfs { states: [(at("red:vm1"), device.save())].into(), revoked: [at("blue:vm3")].into() }
}

fn saved() -> Saved {
    let (file, running) = file_and_running();
    let offered = [(at("blue:vm3"), u64::MAX), (at("red:vm2"), 1 << 32)].into();
    let numbers = SavedNumbers {
        namespaces: [(path("blue"), vec![2]), (path("blue/dev"), vec![1, 3])].into(),
        ports: [(at("blue:vm3"), vec![1, 7])].into(),
        pvds: [(pvd("blue", "work.example"), vec![1, 4])].into(),
        peers: [(path("blue"), [(path("red"), 2)].into()), (path("red"), [(path("blue"), 1)].into())].into(),
    };
    let gw = RoutersFound {
        routers: ["fe80::1".parse().unwrap()].into(),
        macs: ["02:00:00:00:00:01".parse().unwrap()].into(),
        prefixes: ["2001:db8:1::/64".parse().unwrap()].into(),
    };
    let routers_found = [(at("red:gw"), gw), (at("red:quiet"), RoutersFound::default())].into();
    let id = |number| Some(MoveId { number, secret: u64::MAX });
    let came = Passage { came: id(7), went: None, before: id(3), away: true };
    let moves = [(at("red:vm2"), came), (at("red:gw"), Passage { went: id(u64::MAX), ..came })].into();
    let announcement =
        Announcement { router: "fe80::1".parse().unwrap(), mac: MacAddr([2; 6]), lifetime: 1800, inner: true };
    let mut said = Statement { announcement: Some(announcement), ..Statement::default() };
    FactList::Rdnss.set(&mut said, &["2001:db8::54"]).unwrap();
    let announced = vec![(pvd("red", "old.example"), said.clone()), (pvd("red", "old.example"), said)];
    let made = Made { namespaces: [path("blue/dev")].into(), pvds: [pvd("blue", "work.example")].into() };
    let overlay = Overlay::between(&file, &running);
    Saved { offered, numbers, routers_found, vfs: vfs(), moves, made, announced, overlay }
}

fn open(directory: &Path, base: &Desired) -> (Store, Saved, Option<String>) {
    let store = Store::at(directory);
    let (saved, told) = store.load(base);
    (store, saved, told)
}

#[test]
fn test_what_is_saved_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deeper/state");
    let (store, empty, told) = open(&path, &Desired::default());
    assert_eq!((empty, told), (Saved::default(), None));
    store.save(&saved()).unwrap();
    store.save(&saved()).unwrap();
    let (_, read, told) = open(&path, &Desired::default());
    assert_eq!((read, told), (saved(), None));
    assert!(!path.join("state.new").exists());
}

#[test]
fn test_a_damaged_file_is_moved_aside_and_told() {
    let good = format::to_text(&saved()).unwrap();
    let newer = good.replace("\"version\": 2", "\"version\": 3");
    let (half, no_port) = (good[..good.len() / 2].to_owned(), good.replace("client", "sideways"));
    let no_limit = good.replace("tx-bytes", "tx-bits");
    let (no_list, no_fact) = (good.replace("rdnss", "rdnns"), good.replace("2001:db8::53", "2001:db8::/53"));
    let (no_path, no_pvd) = (
        good.replace("\"blue/dev\"\n", "\"blue//dev\"\n"),
        good.replace("\"blue:work.example.\"\n", "\"work.example\"\n"),
    );
    assert!(no_path != good && no_pvd != good);
    let (no_lane, no_model) = (good.replace("dgram:", "datagram:"), good.replace("standby", "stand-by"));
    let of_vf = [no_lane.as_str(), &no_model, &no_path, &no_pvd];
    let others = ["", "{}", "[1]", &half, &newer, &no_port, &no_limit, &no_list, &no_fact, "\u{0}\u{0}"];
    for damaged in others.into_iter().chain(of_vf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.json");
        fs::write(&file, damaged).unwrap();
        let (store, saved_before, told) = open(directory.path(), &Desired::default());
        assert_eq!(saved_before, Saved::default());
        assert!(told.unwrap().contains("was moved to"), "{damaged:?}");
        assert_eq!(fs::read_to_string(file.with_extension("damaged")).unwrap(), damaged);
        store.save(&saved()).unwrap();
        assert_eq!(open(directory.path(), &Desired::default()).1, saved());
    }
}

/// What a weftd wrote that knew ports by their names alone: vm1 is as in the configuration, vm2 was deleted, vm4 was
/// moved to another namespace, and vm3 was made.
const VERSION_1: &str = r#"{
  "version": 1,
  "offered": { "vm1": "0x5", "vm3": "0x7", "gone": "0x9" },
  "numbers": { "namespaces": { "blue": [2] }, "ports": { "vm1": [1, 2], "vm3": [1, 7], "vm4": [2, 3] } },
  "namespaces": {},
  "ports": {
    "vm2": null,
    "vm3": { "namespace": "blue", "mac": "02:00:00:00:00:03", "role": "host", "macs": "own", "mtu": 1500, "queues": 1,
             "path": "/run/vm3.sock", "mode": "server" },
    "vm4": { "namespace": "blue", "mac": "02:00:00:00:00:04", "role": "host", "macs": "own", "mtu": 1500, "queues": 1,
             "path": "/run/vm4.sock", "mode": "server" }
  },
  "fdb": [{ "namespace": "blue", "mac": "02:00:00:00:00:77", "port": "vm3" }]
}"#;

#[test]
fn test_a_file_from_when_names_of_ports_were_unique_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("state.json"), VERSION_1).unwrap();
    let mut base = state(&[("vm1", "red"), ("vm2", "red"), ("vm4", "red")]);
    base.add_namespace(path("blue"), NamespaceSpec::default()).unwrap();
    let (store, saved, told) = open(directory.path(), &base);
    assert_eq!(told, None);
    assert_eq!(saved.offered, [(at("red:vm1"), 5), (at("blue:vm3"), 7)].into());
    let ports = [(at("red:vm1"), vec![1, 2]), (at("blue:vm3"), vec![1, 7]), (at("blue:vm4"), vec![2, 3])];
    assert_eq!(saved.numbers.ports, ports.into());
    let (reached, left_out) = saved.overlay.over(&base);
    assert_eq!(left_out, Vec::<String>::new());
    let all: Vec<String> = reached.ports().keys().map(ToString::to_string).collect();
    assert_eq!((all.join(" "), reached.fdb().len()), ("blue:vm3 blue:vm4 red:vm1".to_owned(), 1));
    store.save(&saved).unwrap();
    assert_eq!(open(directory.path(), &Desired::default()).1, saved, "it is of version 2 now");
}

#[test]
fn test_a_place_that_cannot_be_written_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let (store, read, _) = open(&file, &Desired::default());
    assert_eq!(read, Saved::default());
    store.save(&saved()).unwrap_err();
}

#[test]
fn test_the_overlay_leads_from_the_file_to_what_ran() {
    let (file, running) = file_and_running();
    let (reached, left_out) = Overlay::between(&file, &running).over(&file);
    assert_eq!(reached, running);
    assert!(left_out.is_empty(), "{left_out:?}");
    assert_eq!(Overlay::between(&file, &file), Overlay::default());
}

#[test]
fn test_a_changed_file_wins_over_what_does_not_fit_it() {
    let (file, running) = file_and_running();
    let overlay = Overlay::between(&file, &running);
    // The file now has a port that uses vm3's socket.
    let mut edited = file.clone();
    edited.add_port(name("vm4"), PortSpec { lane: port("vm3", "x").lane, ..port("vm4", "red") }).unwrap();
    let (reached, left_out) = overlay.over(&edited);
    assert!(reached.ports().contains_key(&at("red:vm4")) && !reached.ports().contains_key(&at("blue:vm3")));
    assert_eq!(
        left_out,
        [
            r#"port blue:vm3 made with weft is left out: socket "/run/vm3.sock" is in use by port "red:vm4""#,
            r#"fdb entry blue/02:00:00:00:00:77 made with weft is left out: port "blue:vm3" not found"#,
        ]
    );
}

#[test]
fn test_what_a_namespace_lies_in_comes_first_whoever_says_so() {
    let mut file = state(&[]);
    file.add_namespace(path("red"), NamespaceSpec::default()).unwrap();
    file.add_namespace(path("red/dev"), NamespaceSpec::default()).unwrap();
    let mut running = file.clone();
    let spec = NamespaceSpec { age: std::time::Duration::from_secs(60), ..NamespaceSpec::default() };
    running.set_namespace(&path("red"), spec).unwrap();
    running.add_namespace(path("red/dev/x"), NamespaceSpec::default()).unwrap();
    let (reached, left_out) = Overlay::between(&file, &running).over(&file);
    assert_eq!((reached, left_out), (running, Vec::new()));
}
