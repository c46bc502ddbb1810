// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Conversations with a cloud-hypervisor that says what the test wants.

use super::response::{BODY_MAX, Responses};
use super::*;
use crate::vmm::ANSWER_MAX;
use crate::vmm::fuzz;
use crate::vmm::spec::LaneSocket;
use proptest::prelude::*;
use wire::MacAddr;

const OURS: &str = "weft-vf-7";

/// A cloud-hypervisor in a test's hands.
struct Api {
    cloud: Cloud,
    now: Duration,
}

impl Api {
    fn new() -> Api {
        let mut cloud = Cloud::new(DeviceId::of_port(7));
        cloud.begin(Duration::ZERO);
        Api { cloud, now: Duration::ZERO }
    }

    /// One that was asked, and has these devices.
    fn ready(devices: &[&str]) -> Api {
        let mut api = Api::new();
        api.has(devices);
        assert_eq!(api.event(), Some(Event::Ready { plugged: devices.contains(&OURS) }));
        api
    }

    /// One into which a VF is plugged.
    fn plugged() -> Api {
        let mut api = Api::ready(&[]);
        api.plug(user());
        api.answers("vm.add-user-device", "200 OK", r#"{"id":"weft-vf-7","bdf":"0000:00:06.0"}"#);
        assert_eq!(api.event(), Some(Event::Plugged));
        api
    }

    fn push(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.cloud.push(octets, self.now)
    }

    /// Answers the one request that it was sent, which must be this. Returns its content.
    fn answers(&mut self, call: &str, status: &str, body: &str) -> Value {
        let request = String::from_utf8(std::mem::take(self.cloud.output())).unwrap();
        let (head, content) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!(" /api/v1/{call} HTTP/1.1\r\n")), "{head}");
        let length = (!content.is_empty()).then(|| format!("Content-Length: {}", content.len()));
        assert!(length.is_none_or(|length| head.contains(&length)), "{head}");
        // As its server writes it.
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("HTTP/1.1 {status} \r\nServer: Cloud Hypervisor API\r\nConnection: keep-alive\r\n{length}");
        self.push(format!("{head}\r\n{body}").as_bytes()).unwrap();
        serde_json::from_str(content).unwrap_or_default()
    }

    fn has(&mut self, devices: &[&str]) {
        let tree: serde_json::Map<String, Value> = devices.iter().map(|id| (id.to_string(), json!({}))).collect();
        let info = json!({ "config": {}, "state": "Running", "device_tree": tree });
        self.answers("vm.info", "200", &info.to_string());
    }

    fn plug(&mut self, hardware: Hardware) {
        self.cloud.plug(Vf { hardware, bus: None }, self.now);
    }

    fn unplug(&mut self) {
        self.cloud.unplug(self.now);
    }

    /// The time passes until something is due, and that is done.
    fn until_due(&mut self) -> Result<(), Trouble> {
        self.now = self.cloud.due().unwrap();
        self.cloud.handle_due(self.now)
    }

    fn event(&mut self) -> Option<Event> {
        self.cloud.events().pop_front()
    }

    fn failure(&mut self) -> String {
        match self.event() {
            Some(Event::PlugFailed(why) | Event::UnplugFailed(why)) => why.to_string(),
            other => panic!("{other:?} is no failure"),
        }
    }
}

fn user() -> Hardware {
    Hardware::VfioUser { path: "/run/nic".to_owned() }
}

#[test]
fn a_device_is_added_and_removed_when_the_guest_has_let_it_go() {
    let mut api = Api::ready(&["_disk0"]);
    api.plug(Hardware::Vfio { address: "0000:3b:02.1".parse().unwrap() });
    let content = api.answers("vm.add-device", "200", "{}");
    assert_eq!(content, json!({ "id": OURS, "path": "/sys/bus/pci/devices/0000:3b:02.1" }));
    assert_eq!(api.event(), Some(Event::Plugged));
    api.unplug();
    assert_eq!(api.answers("vm.remove-device", "204", ""), json!({ "id": OURS }));
    for _ in 0..3 {
        assert_eq!(api.event(), None);
        api.until_due().unwrap();
        api.has(&["_disk0", OURS]);
    }
    api.until_due().unwrap();
    api.has(&["_disk0"]);
    assert_eq!(api.event(), Some(Event::Unplugged));
    assert_eq!(api.cloud.due(), None, "there is nothing to look for");
}

#[test]
fn another_process_may_serve_the_device() {
    let mut api = Api::ready(&[]);
    api.plug(user());
    let content = api.answers("vm.add-user-device", "204", "");
    assert_eq!(content, json!({ "id": OURS, "socket": "/run/nic" }));
    assert_eq!(api.event(), Some(Event::Plugged));
}

#[test]
fn its_reasons_are_told() {
    let mut api = Api::ready(&[]);
    api.plug(user());
    let said = r#"["Error from API","The device could not be added to the VM","Failed to open VFIO group"]"#;
    api.answers("vm.add-user-device", "500 Internal Server Error", said);
    let why = api.failure();
    assert!(
        why.starts_with("cloud-hypervisor says: Error from API: The device could not be added to the VM: "),
        "{why}"
    );
    assert!(why.contains("vfio-pci"), "{why}");
    api.plug(user());
    api.answers("vm.add-user-device", "500", "VmNotRunning");
    assert_eq!(api.failure(), "cloud-hypervisor says: VmNotRunning");
    api.plug(user());
    api.answers("vm.add-user-device", "400", "");
    assert_eq!(api.failure(), "cloud-hypervisor says: status 400");
    let mut api = Api::plugged();
    api.unplug();
    api.answers("vm.remove-device", "404", "[]");
    assert!(api.failure().contains("status 404"));
    api.plug(user());
    assert!(api.failure().contains("plugged in already"));
}

#[test]
fn who_is_asked_too_much_is_asked_again() {
    let mut api = Api::new();
    api.answers("vm.info", "429", "");
    assert_eq!(api.event(), None);
    api.until_due().unwrap();
    api.has(&[OURS]);
    assert_eq!(api.event(), Some(Event::Ready { plugged: true }));
    api.until_due().unwrap();
    api.answers("vm.info", "429", "");
    assert_eq!(api.event(), None, "it may still be there");
}

#[test]
fn it_emulates_no_nics() {
    let mut api = Api::ready(&[]);
    let socket = LaneSocket::Stream { path: "/run/w".to_owned() };
    api.plug(Hardware::Emulated { driver: "e1000e".to_owned(), mac: MacAddr([2; 6]), socket });
    let why = api.failure();
    assert!(why.contains("VFIO") && why.contains("host-lane"), "{why}");
}

#[test]
fn a_device_that_leaves_by_itself_is_missed() {
    let mut api = Api::plugged();
    api.until_due().unwrap();
    assert_eq!(api.now, WATCH);
    api.has(&[OURS]);
    assert_eq!(api.event(), None);
    api.until_due().unwrap();
    api.answers("vm.info", "404", r#"["Error from API","VM is not created"]"#);
    assert_eq!(api.event(), Some(Event::Unplugged));
}

#[test]
fn a_guest_that_does_not_let_go_is_not_waited_for_for_ever() {
    let mut api = Api::plugged();
    api.unplug();
    api.answers("vm.remove-device", "204", "");
    while api.now < UNPLUG_MAX {
        assert_eq!(api.event(), None);
        api.until_due().unwrap();
        api.has(&[OURS]);
    }
    assert_eq!(api.event(), Some(Event::UnplugFailed(Trouble::Stuck)));
    // It may come late.
    api.until_due().unwrap();
    api.has(&[]);
    assert_eq!(api.event(), Some(Event::Unplugged));
}

#[test]
fn whoever_revokes_while_it_is_plugged_in_gets_it_out_again() {
    let mut api = Api::ready(&[]);
    api.plug(user());
    api.unplug();
    api.answers("vm.add-user-device", "200", "{}");
    assert_eq!(api.event(), Some(Event::Plugged));
    api.answers("vm.remove-device", "204", "");
    api.plug(user());
    assert!(api.failure().contains("is being taken out"));
}

#[test]
fn a_device_that_is_there_when_weft_comes_is_ours_again() {
    let mut api = Api::ready(&[OURS]);
    api.unplug();
    api.answers("vm.remove-device", "204", "");
    api.until_due().unwrap();
    // A machine that is off has no tree; what it will have is in its configuration.
    let config = |devices: Value| json!({ "config": { "user_devices": devices }, "state": "Created" }).to_string();
    api.answers("vm.info", "200", &config(json!([{ "id": OURS, "socket": "/run/nic" }])));
    assert_eq!(api.event(), None);
    api.until_due().unwrap();
    api.answers("vm.info", "200", &config(json!([{ "id": "weft-vf-70" }, {}, 7])));
    assert_eq!(api.event(), Some(Event::Unplugged));
}

#[test]
fn an_answer_that_does_not_come_names_the_call() {
    let mut api = Api::new();
    assert_eq!(api.cloud.due(), Some(ANSWER_MAX));
    let why = api.until_due().unwrap_err().to_string();
    assert!(why.contains("has not answered vm.info within 10 s"), "{why}");
    let mut api = Api::new();
    api.plug(user());
    assert!(api.failure().contains("--api-socket"));
}

#[test]
fn nonsense_ends_the_conversation_with_a_reason() {
    let cases: [(&str, &str); 9] = [
        ("SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "no response of HTTP"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "no response of HTTP"),
        ("HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header has no name"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "in chunks"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "no JSON"),
        ("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ""),
    ];
    for (said, expected) in cases {
        let why = Api::new().push(said.as_bytes()).unwrap_err().to_string();
        assert!(why.contains(expected) && why.contains("--api-socket"), "{said}: {why}");
    }
    let why = Api::ready(&[]).push(b"H").unwrap_err().to_string();
    assert!(why.contains("nobody asked for"), "{why}");
}

#[test]
fn a_response_without_an_end_is_not_kept() {
    let mut api = Api::new();
    let pushed = (0..).take_while(|_| api.push(&[b'x'; 1024]).is_ok()).count();
    assert_eq!(pushed, 15);
    let mut responses = Responses::default();
    responses.push(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", BODY_MAX + 1).as_bytes());
    assert!(responses.pull().is_err());
}

#[test]
fn a_response_may_come_octet_by_octet() {
    let mut api = Api::new();
    let body = json!({ "device_tree": { OURS: {} } }).to_string();
    let said = format!("HTTP/1.1 200 \r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for octet in said.as_bytes() {
        assert_eq!(api.event(), None);
        api.push(&[*octet]).unwrap();
    }
    assert_eq!(api.event(), Some(Event::Ready { plugged: true }));
}

proptest! {
    #[test]
    fn any_octets_are_survived(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz::cloud_hypervisor(&data);
    }

    #[test]
    fn what_looks_like_a_response_is_survived(
        status in "[0-9]{1,4}", name in "(?i)content-length|server|x", value in "[ 0-9a-z]{0,6}", body in "\\PC{0,40}",
    ) {
        let mut api = Api::new();
        // Whether it is one is not the question.
        drop(api.push(format!("HTTP/1.1 {status} \r\n{name}: {value}\r\n\r\n{body}").as_bytes()));
        api.plug(user());
        api.unplug();
    }
}
