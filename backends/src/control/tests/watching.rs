// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Who watches is told of all, or told that he was not, and holds nobody up.

use super::learnt::{ROUTERS, hear, prefix};
use super::*;
use wire::nd::NdOption;

/// A daemon with a router in red and one in blue, turned by hand.
struct Scene {
    directory: tempfile::TempDir,
    running: Running,
}

/// One connection to it.
struct Caller {
    stream: UnixStream,
    bytes: Vec<u8>,
}

impl Scene {
    fn new() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("weft.toml");
        fs::write(&file, ROUTERS.replace("$D", &dir(directory.path()))).unwrap();
        let running = running(directory.path(), Some(file));
        Scene { directory, running }
    }

    fn caller(&self) -> Caller {
        let stream = UnixStream::connect(self.directory.path().join("ctl.sock")).unwrap();
        stream.set_nonblocking(true).unwrap();
        Caller { stream, bytes: Vec::new() }
    }

    /// A connection over which the PvDs of red are watched.
    fn watcher(&mut self, since: Option<u64>) -> Caller {
        let mut caller = self.caller();
        let parameters = json!({ "namespace": "red", "since": since });
        caller.send(&json!({ "method": "org.weft.Switch1.PvdWatch", "parameters": parameters, "more": true }));
        caller
    }

    /// The next reply; the daemon makes turns until there is one.
    fn reply(&mut self, caller: &mut Caller) -> Value {
        loop {
            if let Some(reply) = caller.poll() {
                return reply;
            }
            assert!(self.running.turn().unwrap());
        }
    }

    fn ok(&mut self, method: &str, parameters: &Value) -> Value {
        let mut caller = self.caller();
        caller.send(&json!({ "method": format!("org.weft.Switch1.{method}"), "parameters": parameters }));
        let reply = self.reply(&mut caller);
        assert_eq!(reply.get("error"), None, "{reply}");
        reply["parameters"].clone()
    }

    /// The router of red says what it has not said before.
    fn news(&mut self, mtu: u32) {
        hear(&mut self.running, "red:r1", &[NdOption::Mtu(mtu), prefix(1)]);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.running.daemon.endpoints.close_all(&mut self.running.events);
    }
}

impl Caller {
    fn send(&mut self, call: &Value) {
        self.stream.write_all(format!("{call}\0").as_bytes()).unwrap();
    }

    /// The next reply, if it is there.
    fn poll(&mut self) -> Option<Value> {
        let mut chunk = vec![0; 64 << 10];
        if !self.bytes.contains(&0)
            && let Ok(length) = self.stream.read(&mut chunk)
        {
            assert!(length > 0, "weftd has closed the connection");
            self.bytes.extend(&chunk[..length]);
        }
        let end = self.bytes.iter().position(|byte| *byte == 0)?;
        let message: Vec<u8> = self.bytes.drain(..=end).collect();
        Some(serde_json::from_slice(&message[..end]).unwrap())
    }
}

/// The numbers of the events in a reply.
fn seqs(reply: &Value) -> Vec<u64> {
    let events = reply["parameters"]["events"].as_array().unwrap_or_else(|| panic!("no events: {reply}"));
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn test_a_watcher_is_told_of_what_happens_and_only_then() {
    let mut scene = Scene::new();
    let mut watcher = scene.watcher(None);
    let begin = scene.reply(&mut watcher);
    assert_eq!(
        (&begin["parameters"], &begin["continues"]),
        (&json!({ "events": [], "seq": 0, "missed": false }), &json!(true))
    );
    scene.ok("Status", &json!({}));
    assert_eq!(watcher.poll(), None, "nothing has happened");
    hear(&mut scene.running, "blue:r1", &[prefix(1)]);
    scene.ok("Status", &json!({}));
    assert_eq!(watcher.poll(), None, "nor in red");
    scene.news(1400);
    let new = scene.reply(&mut watcher)["parameters"]["events"].clone();
    let changes = |event: &Value| -> Vec<String> {
        let changes = event["changes"].as_array().unwrap().iter();
        let word = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
        changes
            .map(|change| ["op", "what", "value", "before", "after", "why"].map(|key| word(change, key)).join(" "))
            .collect()
    };
    assert_eq!((&new[0]["kind"], &new[0]["name"]), (&json!("new"), &json!("fe80::1%r1")));
    assert_eq!(
        changes(&new[0]),
        ["add source - - - -", "add default-router - - - -", "add prefix 2001:db8:1::/64 - - -"]
    );
    scene.news(1400);
    hear(&mut scene.running, "red:r1", &[NdOption::Mtu(1300), prefix(2)]);
    let update = scene.reply(&mut watcher)["parameters"]["events"].clone();
    assert_eq!(changes(&update[0]), ["change mtu - 1400 1300 -", "add prefix 2001:db8:2::/64 - - -"]);
    scene.ok("PortDel", &json!({ "name": "red:r1" }));
    let gone = scene.reply(&mut watcher)["parameters"]["events"][0].clone();
    assert_eq!(
        (&gone["kind"], &gone["name"], changes(&gone)),
        (&json!("delete"), &json!("fe80::1%r1"), vec!["del source - - - port-gone".to_owned()])
    );
    assert_eq!((&gone["changes"][0]["port"], &gone["changes"][0]["router"]), (&json!("r1"), &json!("fe80::1")));
    scene.ok("NamespaceDel", &json!({ "name": "red" }));
    let end = scene.reply(&mut watcher);
    assert_eq!((&end["error"], end.get("continues")), (&json!("org.weft.Switch1.NotFound"), None));
}

#[test]
fn test_a_watcher_goes_on_where_it_was_or_hears_that_it_cannot() {
    let mut scene = Scene::new();
    scene.news(1300);
    scene.news(1301);
    let poll = |scene: &mut Scene, since: u64| {
        let told = scene.ok("PvdWatch", &json!({ "namespace": "red", "since": since }));
        (told["events"].as_array().unwrap().len(), told["missed"].as_bool().unwrap(), told["seq"].as_u64().unwrap())
    };
    let (_, _, last) = poll(&mut scene, 0);
    assert_eq!(poll(&mut scene, 0), (2, false, last));
    assert_eq!((poll(&mut scene, last - 1), poll(&mut scene, last)), ((1, false, last), (0, false, last)));
    assert_eq!(
        (poll(&mut scene, last + 1), poll(&mut scene, 7)),
        ((0, true, last), (0, true, last)),
        "nobody's numbers"
    );
    let listed = scene.ok("PvdList", &json!({ "namespace": "red" }));
    assert_eq!((&listed["seq"], &listed["base_seq"]), (&json!(last), &json!(1)));
    (0..600).for_each(|more| scene.news(1400 + more));
    assert_eq!((poll(&mut scene, last), poll(&mut scene, 0)), ((0, true, last + 600), (0, true, last + 600)));
    let (events, missed, seq) = poll(&mut scene, last + 100);
    assert_eq!((events, missed, seq), (64, false, last + 164), "a reply has a bound");
}

/// It reads nothing while far more happens than the socket and the memory of the registry hold together.
#[test]
fn test_a_slow_watcher_costs_nothing_and_is_told_what_it_missed() {
    let mut scene = Scene::new();
    let (mut slow, mut quick) = (scene.watcher(Some(0)), scene.watcher(Some(0)));
    scene.news(1300);
    let mut last = seqs(&scene.reply(&mut quick)).last().copied();
    let first = last;
    for round in 0..100_u32 {
        (0..50).for_each(|more| scene.news(1400 + (round * 50 + more) % 3000));
        let before = last;
        while last.unwrap_or(0) < first.unwrap_or(0) + u64::from(round + 1) * 50 {
            let told = scene.reply(&mut quick);
            assert_eq!(told["parameters"]["missed"], false, "another's pace is not his");
            last = seqs(&told).last().copied();
        }
        assert!(before < last);
        scene.ok("Status", &json!({}));
    }
    let (mut expected, mut missed) = (first.unwrap(), 0);
    while expected <= last.unwrap() {
        let told = scene.reply(&mut slow);
        for seq in seqs(&told) {
            assert_eq!(seq, expected, "in order and without gaps");
            expected += 1;
        }
        if told["parameters"]["missed"] == true {
            (missed, expected) = (missed + 1, told["parameters"]["seq"].as_u64().unwrap() + 1);
        }
    }
    assert_eq!(missed, 1);
    scene.news(1280);
    assert_eq!(seqs(&scene.reply(&mut slow)), [last.unwrap() + 1], "and goes on");
}
