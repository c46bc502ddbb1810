// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a port once offered it offers for ever: a VMM refuses a device that has lost a feature.
use tests::frontend::Frontend;
use tests::guest::ping;
use tests::wait::Deadline;
use tests::weftd::Weftd;

/// A feature that no version offers today (VIRTIO_NET_F_GUEST_UFO), as if an earlier one had.
const ABANDONED: u64 = 1 << 10;

fn offered(daemon: &Weftd, port: &str) -> u64 {
    let mut frontend = Frontend::connect(&daemon.port_path(port)).expect("the port listens");
    frontend.get_features().expect("it answers")
}

/// Changes what the stopped daemon has stored.
fn add_to_store(daemon: &Weftd, port: &str, feature: u64) {
    let file = daemon.folder().join("state/state.json");
    let text = std::fs::read_to_string(&file).expect("the state is stored");
    let mut state: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let stored = state["offered"][format!("red:{port}")].as_str().expect("what was offered is stored").to_owned();
    let bits = u64::from_str_radix(stored.trim_start_matches("0x"), 16).expect("it is hexadecimal");
    state["offered"][format!("red:{port}")] = format!("{:#x}", bits | feature).into();
    std::fs::write(&file, state.to_string()).expect("the file is ours");
}

#[test]
fn a_change_of_the_port_takes_no_feature_away() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &["--queues", "4"]);
    daemon.add_port("red", "two", 2, &[]);
    let before = offered(&daemon, "one");
    daemon.kill_9();
    add_to_store(&daemon, "one", ABANDONED);
    daemon.restart();
    assert_eq!(offered(&daemon, "one"), before | ABANDONED, "and the store decides, not the version");
    assert_eq!(offered(&daemon, "two"), before, "for each port by itself");
    daemon.weft(&["port", "set", "one", "--mtu", "1400", "--role", "router", "--macs", "any"]).expect_ok();
    assert_eq!(offered(&daemon, "one"), before | ABANDONED);
    let text = format!(
        "[[namespace]]\nname = \"red\"\n[[port]]\nname = \"one\"\nnamespace = \"red\"\nvhost-user = \"{}\"\n",
        daemon.port_path("one").display()
    );
    let file = daemon.folder().join("fewer-queues.toml");
    std::fs::write(&file, text).expect("the folder is ours");
    daemon.weft(&["config", "apply", &file.display().to_string()]).expect_ok();
    assert_eq!(daemon.port("one")["queues"], 1, "the port has become another");
    assert_eq!(offered(&daemon, "one"), before | ABANDONED);
    daemon.kill_9();
    daemon.restart();
    assert_eq!(offered(&daemon, "one"), before | ABANDONED);
    daemon.weft(&["port", "del", "one"]).expect_ok();
    daemon.add_port("red", "one", 1, &[]);
    assert_eq!(offered(&daemon, "one"), before, "a new port begins anew");
}

/// A guest that runs over all of it: the MTU changes under it, the daemon crashes, the guest comes back.
#[test]
fn a_guest_finds_its_features_again() {
    let mut daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (mut one, mut two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    daemon.weft(&["port", "set", "one", "--mtu", "1400"]).expect_ok();
    ping(&mut one, &mut two, 1);
    daemon.kill_9();
    daemon.restart();
    // It fails when a feature is missing that the guest runs with.
    one.reconnect(Deadline::patient());
    two.reconnect(Deadline::patient());
    ping(&mut one, &mut two, 2);
    let config = one.frontend().get_config(10, 2).expect("CONFIG was negotiated");
    assert_eq!(config, 1400_u16.to_le_bytes(), "and learns of the new MTU");
}
