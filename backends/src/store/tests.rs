// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use super::*;
use switch::{
    Desired, FdbKey, Limit, Limits, Mode, NamespacePath, NamespaceSpec, PortSpec, Quotas, Rate, Resource, VhostUser,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn path(text: &str) -> NamespacePath {
    text.parse().unwrap()
}

fn port(vm: &str, namespace: &str) -> PortSpec {
    let socket = VhostUser { path: format!("/run/{vm}.sock"), mode: Mode::Client };
    let mut limits = Limits::default();
    limits.set(Limit::FloodFrames, Some(Rate { per_second: 1000, burst: 64 }));
    limits.set(Limit::TxBytes, Some(Rate { per_second: 125_000_000, burst: 1 << 20 }));
    PortSpec { mtu: 9000, queue_pairs: 2, limits, ..PortSpec::new(&name(vm), name(namespace), socket) }
}

fn state(ports: &[(&str, &str)]) -> Desired {
    let mut state = Desired::default();
    for (vm, namespace) in ports {
        let _ = state.add_namespace(name(namespace), NamespaceSpec::default());
        state.add_port(name(vm), port(vm, namespace)).unwrap();
    }
    state
}

/// A file with vm1 and vm2, and what runs after an operator removed one, changed one and added one.
fn file_and_running() -> (Desired, Desired) {
    let file = state(&[("vm1", "red"), ("vm2", "red")]);
    let mut running = file.clone();
    running.del_port(&name("vm1")).unwrap();
    running.set_port(&name("vm2"), PortSpec { mtu: 1400, ..port("vm2", "red") }).unwrap();
    let quotas = Quotas::default().with(&[(Resource::Ports, Some(3))]);
    running.add_namespace(name("blue"), NamespaceSpec { quotas, ..NamespaceSpec::default() }).unwrap();
    running.add_port(name("vm3"), port("vm3", "blue")).unwrap();
    let key = FdbKey { namespace: path("blue"), mac: "02:00:00:00:00:77".parse().unwrap() };
    running.add_fdb(key, name("vm3")).unwrap();
    (file, running)
}

fn saved() -> Saved {
    let (file, running) = file_and_running();
    let offered = [(name("vm3"), u64::MAX), (name("vm2"), 1 << 32)].into();
    let numbers = SavedNumbers {
        namespaces: [(path("blue"), vec![2]), (path("blue/dev"), vec![1, 3])].into(),
        ports: [(name("vm3"), vec![1, 7])].into(),
    };
    Saved { offered, numbers, overlay: Overlay::between(&file, &running) }
}

#[test]
fn test_what_is_saved_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deeper/state");
    let (store, empty, told) = Store::open(&path);
    assert_eq!((empty, told), (Saved::default(), None));
    store.save(&saved()).unwrap();
    store.save(&saved()).unwrap();
    let (_, read, told) = Store::open(&path);
    assert_eq!((read, told), (saved(), None));
    assert!(!path.join("state.new").exists());
}

#[test]
fn test_a_damaged_file_is_moved_aside_and_told() {
    let good = format::to_text(&saved()).unwrap();
    let newer = good.replace("\"version\": 1", "\"version\": 2");
    let (half, no_port) = (good[..good.len() / 2].to_owned(), good.replace("client", "sideways"));
    let no_limit = good.replace("tx-bytes", "tx-bits");
    for damaged in ["", "{}", "[1]", &half, &newer, &no_port, &no_limit, "\u{0}\u{0}"] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.json");
        fs::write(&file, damaged).unwrap();
        let (store, saved_before, told) = Store::open(directory.path());
        assert_eq!(saved_before, Saved::default());
        assert!(told.unwrap().contains("was moved to"), "{damaged:?}");
        assert_eq!(fs::read_to_string(file.with_extension("damaged")).unwrap(), damaged);
        store.save(&saved()).unwrap();
        assert_eq!(Store::open(directory.path()).1, saved());
    }
}

#[test]
fn test_a_place_that_cannot_be_written_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let (store, read, _) = Store::open(&file);
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
    edited.add_port(name("vm4"), PortSpec { vhost_user: port("vm3", "x").vhost_user, ..port("vm4", "red") }).unwrap();
    let (reached, left_out) = overlay.over(&edited);
    assert!(reached.ports().contains_key(&name("vm4")) && !reached.ports().contains_key(&name("vm3")));
    assert_eq!(
        left_out,
        [
            r#"port vm3 made with weft is left out: socket "/run/vm3.sock" is in use by port "vm4""#,
            r#"fdb entry blue/02:00:00:00:00:77 made with weft is left out: port "vm3" not found"#,
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
