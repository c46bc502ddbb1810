// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Limits of a port: set, shown, taken away, and kept, while its guest runs.
use serde_json::{Value, json};
use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use tests::weftd::Weftd;

/// Two guests of one namespace.
fn attached() -> (Weftd, SyntheticGuest, SyntheticGuest) {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &[]);
    daemon.add_port("red", "two", 2, &[]);
    let (one, two) = (daemon.attach("one", 1), daemon.attach("two", 2));
    ["one", "two"].iter().for_each(|port| drop(daemon.await_state(port, "up")));
    (daemon, one, two)
}

fn send(from: &mut SyntheticGuest, to: [u8; 6], numbers: std::ops::Range<u64>) {
    let mac = from.mac();
    numbers.for_each(|number| from.send(&numbered(to, mac, number, 100)));
    from.drain(Deadline::patient());
}

/// Receives until this number has come.
fn receive(guest: &mut SyntheticGuest, number: u64) {
    let seen = guest.recv_until(Deadline::patient(), |got| number_of(&got.frame) == Some(number));
    assert!(seen.is_some(), "{} never saw frame {number}", guest.name());
}

fn count(port: &Value, path: &str) -> u64 {
    port.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

#[test]
fn limits_are_set_one_by_one_and_taken_away() {
    let daemon = Weftd::start();
    daemon.add_namespace("red");
    daemon.add_port("red", "one", 1, &["--tx-frames", "10k", "--flood-bytes", "1M:70k"]);
    let limits = |arguments: &[&str]| daemon.json(&[&["port"], arguments].concat())["limits"].clone();
    let tx_frames = json!({ "rate": 10_000, "burst": 1000 });
    let flood_bytes = json!({ "rate": 1_000_000, "burst": 70_000 });
    assert_eq!(limits(&["show", "one"]), json!({ "tx_frames": tx_frames, "flood_bytes": flood_bytes }));
    let rx_frames = json!({ "rate": 5, "burst": 64 });
    let set = limits(&["set", "one", "--rx-frames", "5", "--flood-bytes", "none"]);
    assert_eq!(set, json!({ "tx_frames": tx_frames, "rx_frames": rx_frames }), "what is not named stays");
    assert_eq!(limits(&["set", "one", "--mtu", "1400"]), set);
    let page = daemon.weft(&["port", "show", "one"]).expect_ok();
    assert!(page.contains("tx-frames") && page.contains("10k/s") && page.contains("burst 64"), "{page}");
    assert_eq!(limits(&["set", "one", "--rx-frames", "none", "--tx-frames", "none"]), json!({}));
}

#[test]
fn a_limit_holds_under_a_running_guest_until_it_is_taken_away() {
    let (daemon, mut one, mut two) = attached();
    send(&mut one, two.mac(), 0..200);
    receive(&mut two, 199);
    daemon.weft(&["port", "set", "one", "--tx-frames", "1:10"]).expect_ok();
    send(&mut one, two.mac(), 200..400);
    let policed = daemon.await_port("one", |port| count(port, "/drops/tx-policed") > 0);
    assert_eq!(count(&policed, "/tx_frames"), 400);
    daemon.weft(&["port", "set", "one", "--tx-frames", "none"]).expect_ok();
    send(&mut one, two.mac(), 400..600);
    receive(&mut two, 599);
    let [one, two] = ["one", "two"].map(|port| daemon.json(&["port", "show", port]));
    let dropped = count(&one, "/drops/tx-policed");
    assert_eq!((count(&one, "/tx_frames"), count(&two, "/rx_frames") + dropped), (600, 600));
    assert!((1..=190).contains(&dropped), "{dropped} of 200 were too many");
    assert_eq!(one["drops"].as_object().map(serde_json::Map::len), Some(1), "{one}");
}

#[test]
fn broadcasts_are_limited_while_unicast_flows() {
    let (daemon, mut one, mut two) = attached();
    daemon.weft(&["port", "set", "one", "--flood-frames", "1:10"]).expect_ok();
    for turn in 0..5 {
        send(&mut one, BROADCAST, 1000..1040);
        send(&mut one, two.mac(), 40 * turn..40 * (turn + 1));
        receive(&mut two, 40 * turn + 39);
    }
    let [one, two] = ["one", "two"].map(|port| daemon.json(&["port", "show", port]));
    let dropped = count(&one, "/drops/flood-policed");
    assert!((1..=190).contains(&dropped), "{dropped} of 200 were too many");
    assert_eq!(count(&two, "/rx_frames"), 400 - dropped, "all 200 that were for it, and the other floods");
}

/// Control changes limits while frames flow: whatever it says and when, every frame is delivered or counted.
#[test]
fn limits_that_change_all_the_time_lose_no_frame_without_a_reason() {
    let (daemon, mut one, mut two) = attached();
    let (from, to) = (one.mac(), two.mac());
    let settings = [
        ["--tx-frames", "1000:5"],
        ["--tx-bytes", "100k:65557"],
        ["--tx-frames", "none"],
        ["--flood-frames", "10:1"],
        ["--tx-bytes", "none"],
    ];
    let sent = std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for setting in settings.iter().cycle().take(20) {
                daemon.weft(&[&["port", "set", "one"], &setting[..]].concat()).expect_ok();
                daemon.weft(&[&["port", "set", "two"], &["--rx-frames", "2k"][..]].concat()).expect_ok();
                daemon.weft(&[&["port", "set", "two"], &["--rx-frames", "none"][..]].concat()).expect_ok();
            }
        });
        let mut sent = 0;
        while !changes.is_finished() {
            for number in sent..sent + 32 {
                one.send(&numbered(if number % 8 == 0 { BROADCAST } else { to }, from, number, 100));
            }
            sent += 32;
            one.drain(Deadline::patient());
            while two.recv().is_some() {}
        }
        sent
    });
    let accounted = |port: &Value| {
        let two = daemon.json(&["port", "show", "two"]);
        let drops = ["/drops/tx-policed", "/drops/flood-policed"].map(|path| count(port, path)).iter().sum::<u64>();
        drops + count(&two, "/rx_frames") + count(&two, "/drops/rx-policed") + count(&two, "/drops/ring-full")
    };
    let end = daemon.await_port("one", |port| accounted(port) == sent);
    assert_eq!(count(&end, "/tx_frames"), sent);
}

#[test]
fn limits_survive_a_crash_and_are_part_of_a_configuration() {
    let (mut daemon, one, two) = attached();
    drop((one, two));
    daemon.weft(&["port", "set", "one", "--tx-bytes", "125M", "--flood-frames", "100:10"]).expect_ok();
    let before = daemon.json(&["port", "show", "one"])["limits"].clone();
    daemon.kill_9();
    daemon.restart();
    assert_eq!(daemon.json(&["port", "show", "one"])["limits"], before);
    let file = daemon.folder().join("other.toml");
    let path = file.display().to_string();
    let socket = |port: &str| daemon.port_path(port).display().to_string();
    let text = format!(
        "[[namespace]]\nname = \"red\"\n\
         [[port]]\nname = \"one\"\nnamespace = \"red\"\nvhost-user = \"{}\"\nmac = \"02:77:65:66:74:01\"\n\
         limits.tx-bytes = \"125M\"\nlimits.rx-frames = 1000\n\
         [[port]]\nname = \"two\"\nnamespace = \"red\"\nvhost-user = \"{}\"\nmac = \"02:77:65:66:74:02\"\n",
        socket("one"),
        socket("two")
    );
    std::fs::write(&file, &text).expect("the folder is ours");
    let changes = daemon.weft(&["config", "apply", &path]).expect_ok();
    assert_eq!(changes, "~ port red:one: limits.rx-frames none -> 1000:100, limits.flood-frames 100:10 -> none\n");
    let limits = daemon.json(&["port", "show", "one"])["limits"].clone();
    let expected = json!({ "tx_bytes": before["tx_bytes"], "rx_frames": { "rate": 1000, "burst": 100 } });
    assert_eq!(limits, expected);
    std::fs::write(&file, text.replace("1000", "\"often\"")).expect("the folder is ours");
    let refused = daemon.refusal(&["config", "apply", &path]);
    assert_eq!((&refused["parameters"]["line"], &refused["exit_code"]), (&json!(9), &json!(1)), "{refused}");
    assert_eq!(refused["parameters"]["key"], "port \"one\": limits.rx-frames");
}
