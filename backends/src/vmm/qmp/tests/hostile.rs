// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A QEMU that hangs, lies, or is none.

use super::*;
use crate::vmm::{ADD_MAX, fuzz};
use proptest::prelude::*;

fn refused(octets: &[u8]) -> String {
    let mut monitor = Monitor::ready(None, &[]);
    monitor.push(octets).unwrap_err().to_string()
}

#[test]
fn nonsense_ends_the_conversation_with_a_reason() {
    let cases: [(&[u8], &str); 9] = [
        (b"hello\n", "no message of QMP"),
        (b"\xff\xfe\n", "no UTF-8"),
        (b"{\"event\": \"\xff\"}\n", "no UTF-8"),
        (b"{}\n", "neither answer nor event"),
        (b"[]\n", "no message of QMP"),
        (b"{\"return\": {}, \"id\": 99}\n", "nobody asked for"),
        (b"{\"return\": {}}\n", "nobody asked for"),
        (b"{\"QMP\": {}}\n", "second greeting"),
        (b"{\"event\": 5}\n", "no message of QMP"),
    ];
    for (octets, expected) in cases {
        let why = refused(octets);
        assert!(why.contains(expected) && why.contains("-qmp unix:"), "{why}");
    }
    let nested = [&b"{\"data\": "[..], &[b'['; 1000], b"\n"].concat();
    assert!(refused(&nested).contains("no message of QMP"));
}

#[test]
fn a_line_without_an_end_is_not_kept() {
    let mut monitor = Monitor::ready(None, &[]);
    let chunk = vec![b' '; 1 << 16];
    let pushed = (0..).take_while(|_| monitor.push(&chunk).is_ok()).count();
    assert_eq!(pushed, LINE_MAX / chunk.len());
    let mut monitor = Monitor::ready(None, &[]);
    assert!(monitor.push(&[&vec![b' '; LINE_MAX + 1][..], b"\n"].concat()).is_err());
    assert!(monitor.push(b"{\"event\": \"STOP\"}\n").is_ok(), "only the connection is of no use");
}

#[test]
fn who_does_not_greet_is_not_spoken_to() {
    let mut monitor = Monitor::new(None);
    monitor.assert_quiet();
    monitor.pass(ANSWER_MAX - Duration::from_millis(1)).unwrap();
    assert_eq!(monitor.qmp.due(), Some(ANSWER_MAX));
    let why = monitor.pass(Duration::from_millis(1)).unwrap_err();
    assert!(why.to_string().contains("one client on each monitor"), "{why}");
    let mut monitor = Monitor::new(None);
    assert!(monitor.push(b"{\"return\": {}, \"id\": 1}\n").unwrap_err().to_string().contains("no greeting"));
    let mut monitor = Monitor::new(None);
    assert!(monitor.push(b"SSH-2.0-OpenSSH_9.2p1\n").is_err());
}

#[test]
fn an_answer_that_does_not_come_names_the_command() {
    let mut monitor = Monitor::plugged(None);
    monitor.unplug();
    monitor.says(r#"{"event": "STOP"}"#);
    let why = monitor.pass(ANSWER_MAX).unwrap_err().to_string();
    assert!(why.contains("has not answered device_del within 10 s"), "{why}");
    // What pins the memory of a guest takes longer.
    let mut monitor = Monitor::ready(None, &[]);
    monitor.plug(on(Hardware::Vfio { address: "0000:3b:02.1".parse().unwrap() }));
    monitor.pass(ANSWER_MAX).unwrap();
    let why = monitor.pass(ADD_MAX).unwrap_err().to_string();
    assert!(why.contains("has not answered device_add within 60 s"), "{why}");
}

#[test]
fn devices_of_others_are_not_taken_for_ours() {
    let mut monitor = Monitor::plugged(Some("nic0"));
    let foreign = [
        r#"{"device": "weft-vf-70", "path": "/machine/peripheral/weft-vf-70"}"#,
        r#"{"device": "nic0", "path": "/machine/peripheral/weft-vf-7"}"#,
        r#"{"device": "weft-vf-7", "path": "/machine/peripheral/nic0"}"#,
        r#"{"path": "/machine/peripheral/weft-vf-7/virtio-backend"}"#,
        r#"{"path": "/machine/peripheral-anon/weft-vf-7"}"#,
        r#"{"path": "weft-vf-7"}"#,
        r#"{"device": 7}"#,
        r#"{"device-id": "weft-vf-8"}"#,
        r#"["weft-vf-7"]"#,
        "null",
    ];
    for data in foreign {
        for name in ["DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", "UNPLUG_PRIMARY", "FAILOVER_NEGOTIATED"] {
            monitor.says(&format!(r#"{{"event": "{name}", "data": {data}}}"#));
        }
    }
    monitor.assert_quiet();
}

#[test]
fn a_device_that_is_confirmed_and_not_there_is_a_failure() {
    let mut monitor = Monitor::ready(None, &[]);
    monitor.plug(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", r#"["what is this"]"#);
    monitor.lists(&["weft-vf-8"]);
    monitor.answers("netdev_del", "{}");
    assert!(failed(monitor.event()).contains("no device weft-vf-7"));
    // Or it leaves at once.
    monitor.plug(emulated());
    monitor.answers("netdev_add", "{}");
    monitor.answers("device_add", "{}");
    monitor.deleted(OURS);
    monitor.lists(&[OURS]);
    monitor.answers("netdev_del", "{}");
    assert!(failed(monitor.event()).contains("no device weft-vf-7"));
}

#[test]
fn a_command_that_qemu_cannot_read_is_its_last() {
    let mut monitor = Monitor::ready(None, &[]);
    monitor.plug(emulated());
    let why = monitor.push(b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\n");
    assert_eq!(why.unwrap_err().to_string(), "QEMU says: JSON parse error");
}

#[test]
fn its_words_are_repeated_without_tricks_and_at_no_length() {
    let why = Trouble::refused(Dialect::Qmp, &format!("\u{1b}[2J{}\n", "é".repeat(100_000))).to_string();
    assert!(why.chars().count() < 400 && !why.contains(char::is_control), "{why}");
}

#[test]
fn who_deletes_a_device_again_and_again_changes_nothing() {
    let mut monitor = Monitor::plugged(None);
    (0..1000).for_each(|_| monitor.deleted(OURS));
    monitor.answers("netdev_del", "{}");
    (0..1000).for_each(|_| monitor.deleted(OURS));
    assert_eq!(monitor.event(), Some(Event::Unplugged));
    monitor.assert_quiet();
}

/// What QEMU says of a whole life, however it is cut, and with one octet changed.
fn life() -> Vec<u8> {
    let lines = [
        GREETING,
        r#"{"return": {}, "id": 1}"#,
        r#"{"return": [{"name": "nic0", "type": "child<virtio-net-pci>"}], "id": 2}"#,
        r#"{"error": {"class": "DeviceNotFound", "desc": "no"}, "id": 3}"#,
        r#"{"return": [{"name": "nic0"}], "id": 4}"#,
        r#"{"return": {}, "id": 5}"#,
        r#"{"timestamp": {"seconds": 1}, "event": "FAILOVER_NEGOTIATED", "data": {"device-id": "nic0"}}"#,
        r#"{"return": {}, "id": 6}"#,
        r#"{"return": [{"name": "weft-vf-7"}], "id": 7}"#,
        r#"{"event": "DEVICE_DELETED", "data": {"device": "weft-vf-7", "path": "/machine/peripheral/weft-vf-7"}}"#,
        r#"{"return": {}, "id": 8}"#,
    ];
    lines.join("\r\n").into_bytes()
}

/// What QEMU might say at any time, `ID` being the number of the command that is under way.
const PHRASES: [&str; 12] = [
    r#"{"return": {}, "id": ID}"#,
    r#"{"return": [{"name": "weft-vf-7"}, {"name": "nic0"}], "id": ID}"#,
    r#"{"return": [{"name": "nic0"}], "id": ID}"#,
    r#"{"return": [], "id": ID}"#,
    r#"{"error": {"class": "GenericError", "desc": "no"}, "id": ID}"#,
    r#"{"error": {"class": "DeviceNotFound", "desc": "no"}, "id": ID}"#,
    r#"{"event": "DEVICE_DELETED", "data": {"device": "weft-vf-7"}}"#,
    r#"{"event": "DEVICE_UNPLUG_GUEST_ERROR", "data": {"device": "weft-vf-7"}}"#,
    r#"{"event": "FAILOVER_NEGOTIATED", "data": {"device-id": "nic0"}}"#,
    r#"{"event": "UNPLUG_PRIMARY", "data": {"device-id": "weft-vf-7"}}"#,
    r#"{"event": "DEVICE_DELETED", "data": {"device": "nic0"}}"#,
    r#"{"event": "STOP"}"#,
];

/// Whatever it says in whatever order, and whatever we want meanwhile: a command is given when the last one is answered,
/// and only our own device and netdev are touched.
fn assert_no_order_confuses(acts: &[(u8, usize)]) {
    let mut monitor = Monitor::ready(Some("nic0"), &["nic0"]);
    let mut unanswered: Option<Value> = None;
    for (act, phrase) in acts {
        match act {
            0 => monitor.plug(emulated()),
            1 => monitor.unplug(),
            2 => drop(monitor.pass(Duration::from_secs(4))),
            _ => {}
        }
        unanswered = next_command(&mut monitor, unanswered);
        if PHRASES[*phrase].contains("ID") {
            // An answer to nothing is refused, and tested elsewhere.
            let Some(id) = unanswered.take() else { continue };
            monitor.says(&PHRASES[*phrase].replace("ID", &id.to_string()));
        } else {
            monitor.says(PHRASES[*phrase]);
        }
        unanswered = next_command(&mut monitor, unanswered);
        assert!(monitor.qmp.due().is_some() || unanswered.is_none(), "it waits for ever");
    }
}

/// The number of the command that is under way now.
fn next_command(monitor: &mut Monitor, unanswered: Option<Value>) -> Option<Value> {
    let output = String::from_utf8(std::mem::take(monitor.qmp.output())).unwrap();
    if output.is_empty() {
        return unanswered;
    }
    assert!(unanswered.is_none() && output.lines().count() == 1, "two commands: {output}");
    let told: Value = serde_json::from_str(&output).unwrap();
    let arguments = &told["arguments"];
    let names = [&arguments["id"], &arguments["path"]].map(|name| name.as_str().unwrap_or_default().to_owned());
    let ours = [OURS, "weft-lane-7", "/machine/peripheral"];
    assert!(names.iter().all(|name| name.is_empty() || ours.contains(&name.as_str())), "{told}");
    Some(told["id"].clone())
}

proptest! {
    #[test]
    fn no_order_confuses(acts in proptest::collection::vec((0..6_u8, 0..PHRASES.len()), 0..60)) {
        assert_no_order_confuses(&acts);
    }

    #[test]
    fn any_octets_are_survived(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz::qmp(&data);
    }

    #[test]
    fn a_life_is_survived_however_it_is_cut_and_changed(
        cuts in proptest::collection::vec(0..200_usize, 1..20),
        (place, octet) in (0..1000_usize, any::<u8>()),
    ) {
        let mut monitor = Monitor::new(Some("nic0"));
        let mut said = life();
        let place = place % said.len();
        said[place] = octet;
        let (mut rest, mut cuts) = (&said[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.len().min(1 + cuts.next().unwrap()));
            monitor.plug(emulated());
            if monitor.push(piece).is_err() {
                monitor.qmp.begin(monitor.now);
            }
            monitor.unplug();
            rest = left;
        }
    }
}
