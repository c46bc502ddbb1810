// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Channels to a QEMU that listens in a directory of the test's. A Unix socket delivers at once and the channel never waits,
//! so both sides take turns in one thread.

use super::*;
use crate::place::Place;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use switch::{Confined, Delegate};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use wire::MacAddr;

const GREETING: &str = r#"{"QMP": {"version": {}, "capabilities": []}}"#;
const OURS: &str = "weft-vf-7";

/// A channel, and where it connects to.
struct Scene {
    channel: Channel,
    now: Duration,
    path: PathBuf,
    /// Watches the channel, as the control loop does.
    watch: Epoll,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qmp");
        let channel = channel(Place::new(&path, None));
        let watch = Epoll::new().unwrap();
        watch.ctl(ControlOperation::Add, channel.as_raw_fd(), EpollEvent::new(EventSet::IN, 0)).unwrap();
        Scene { channel, now: Duration::ZERO, path, watch, _folder: folder }
    }

    /// The control loop would wake.
    fn wakes(&self) -> bool {
        self.watch.wait(0, &mut [EpollEvent::default()]).unwrap() == 1
    }

    fn listen(&self) -> UnixListener {
        let listener = UnixListener::bind(&self.path).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }

    fn turn(&mut self) {
        self.channel.turn(self.now);
    }

    /// The time passes until something is due, and that is done.
    fn until_due(&mut self) {
        self.now = self.channel.due().expect("something is due");
        self.turn();
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.channel.poll_event()).collect()
    }

    /// What went wrong, if nothing else happened.
    fn lost(&mut self) -> String {
        match &self.events()[..] {
            [Event::Lost(why)] => why.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Connects, and finds these devices.
    fn connect(&mut self, listener: &UnixListener, devices: &str) -> Qemu {
        self.turn();
        let mut qemu = Qemu::accept(listener);
        qemu.say(GREETING);
        for (command, value) in [("qmp_capabilities", "{}"), ("qom-list", devices)] {
            self.turn();
            qemu.answer(command, value);
        }
        self.turn();
        qemu
    }
}

/// The other side of a connection.
struct Qemu(UnixStream);

impl Qemu {
    fn accept(listener: &UnixListener) -> Qemu {
        let (stream, _) = listener.accept().expect("somebody has connected");
        stream.set_nonblocking(true).unwrap();
        Qemu(stream)
    }

    fn say(&mut self, line: &str) {
        self.0.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The answer to the one command that was given, which must be this.
    fn answer_to(&mut self, command: &str, value: &str) -> String {
        let mut chunk = [0; 4096];
        let len = self.0.read(&mut chunk).expect("a command");
        let told: serde_json::Value = serde_json::from_slice(&chunk[..len]).unwrap();
        assert_eq!(told["execute"], command);
        format!(r#"{{"return": {value}, "id": {}}}"#, told["id"])
    }

    fn answer(&mut self, command: &str, value: &str) {
        let answer = self.answer_to(command, value);
        self.say(&answer);
    }
}

fn channel(place: Place) -> Channel {
    Channel::new(place, Dialect::Qmp, Identity { device: DeviceId::of_port(7), standby: None }).unwrap()
}

fn vf() -> Vf {
    let socket = LaneSocket::Stream { path: "/run/weft/lane".to_owned() };
    let hardware = Hardware::Emulated { driver: "rtl8139".to_owned(), mac: MacAddr([2, 0, 0, 0, 0, 7]), socket };
    Vf { hardware, bus: Some("rp0".to_owned()) }
}

#[test]
fn a_vf_is_plugged_and_unplugged_over_a_socket() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    let mut qemu = scene.connect(&listener, "[]");
    qemu.answer("netdev_del", "{}");
    assert!(scene.wakes() && !scene.channel.is_ready());
    scene.turn();
    assert!(!scene.wakes() && scene.channel.is_ready());
    scene.channel.plug(vf(), scene.now);
    for (command, value) in [("netdev_add", "{}"), ("device_add", "{}"), ("qom-list", r#"[{"name": "weft-vf-7"}]"#)] {
        qemu.answer(command, value);
        scene.turn();
    }
    assert_eq!(scene.events(), [Event::Ready { plugged: false }, Event::Plugged]);
    scene.channel.unplug(scene.now);
    qemu.answer("device_del", "{}");
    assert!(scene.wakes());
    scene.turn();
    qemu.say(&format!(r#"{{"event": "DEVICE_DELETED", "data": {{"device": "{OURS}"}}}}"#));
    scene.turn();
    qemu.answer("netdev_del", "{}");
    scene.turn();
    assert_eq!(scene.events(), [Event::Unplugged]);
    assert_eq!(scene.channel.due(), None, "nothing is to be waited for");
}

#[test]
fn a_vmm_may_come_late() {
    let mut scene = Scene::new();
    scene.turn();
    let why = scene.lost();
    assert!(why.contains(scene.path.to_str().unwrap()) && why.contains("-qmp unix:"), "{why}");
    scene.channel.plug(vf(), scene.now);
    assert!(matches!(&scene.events()[..], [Event::PlugFailed(Trouble::NotConnected { .. })]));
    (0..20).for_each(|_| scene.until_due());
    assert_eq!(scene.events(), [], "the loss is told once");
    let listener = scene.listen();
    let before = scene.now;
    scene.now = scene.channel.due().unwrap();
    assert!(scene.now - before <= Duration::from_secs(2), "it is looked for often enough");
    drop(scene.connect(&listener, r#"[{"name": "weft-vf-7"}]"#));
    assert_eq!(scene.events(), [Event::Ready { plugged: true }]);
}

#[test]
fn a_vmm_that_hangs_is_left() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    scene.turn();
    let _silent = Qemu::accept(&listener);
    assert!(!scene.wakes());
    scene.until_due();
    assert_eq!(scene.now, ANSWER_MAX);
    assert!(scene.lost().contains("does not greet"));
    // It greets the next time, and hangs then.
    scene.now = scene.channel.due().unwrap();
    let mut qemu = scene.connect(&listener, r#"[{"name": "weft-vf-7"}]"#);
    assert_eq!(scene.events(), [Event::Ready { plugged: true }]);
    scene.channel.unplug(scene.now);
    drop(qemu.answer_to("device_del", "{}"));
    scene.until_due();
    assert!(scene.lost().contains("has not answered device_del"));
    assert!(!scene.channel.is_ready());
}

#[test]
fn an_answer_that_came_while_nobody_looked_is_not_overdue() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    scene.connect(&listener, "[]").answer("netdev_del", "{}");
    scene.now += 2 * ANSWER_MAX;
    scene.turn();
    assert_eq!(scene.events()[0], Event::Ready { plugged: false });
}

#[test]
fn a_connection_that_ends_half_way_is_made_anew_and_tells_how_it_is() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    let mut qemu = scene.connect(&listener, "[]");
    qemu.answer("netdev_del", "{}");
    scene.turn();
    scene.channel.plug(vf(), scene.now);
    qemu.answer("netdev_add", "{}");
    scene.turn();
    // What it says last counts.
    let answer = qemu.answer_to("device_add", "{}");
    qemu.0.write_all(&answer.as_bytes()[..7]).unwrap();
    drop(qemu);
    assert!(scene.wakes());
    scene.turn();
    let events = scene.events();
    assert!(matches!(&events[..], [Event::Ready { .. }, Event::Lost(Trouble::Closed { .. })]), "{events:?}");
    assert!(!scene.wakes(), "what is gone does not wake");
    scene.now = scene.channel.due().unwrap();
    drop(scene.connect(&listener, r#"[{"name": "weft-vf-7"}]"#));
    assert_eq!(scene.events(), [Event::Ready { plugged: true }]);
}

#[test]
fn a_vmm_that_speaks_octet_by_octet_is_understood() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    scene.turn();
    let mut qemu = Qemu::accept(&listener);
    let say = |scene: &mut Scene, qemu: &mut Qemu, line: &str| {
        for octet in format!("{line}\r\n").bytes() {
            qemu.0.write_all(&[octet]).unwrap();
            scene.turn();
        }
    };
    say(&mut scene, &mut qemu, GREETING);
    for (command, value) in [("qmp_capabilities", "{}"), ("qom-list", r#"[{"name": "weft-vf-7"}]"#)] {
        let answer = qemu.answer_to(command, value);
        say(&mut scene, &mut qemu, &answer);
    }
    assert_eq!(scene.events(), [Event::Ready { plugged: true }]);
}

/// More than anybody takes: it waits in its own socket.
#[test]
fn a_flood_is_read_as_it_is_taken() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    let mut qemu = scene.connect(&listener, r#"[{"name": "weft-vf-7"}]"#);
    let flood = "{\"event\":\"STOP\"}\n".repeat(1000);
    let mut said = 0;
    let mut speak = |qemu: &mut Qemu| {
        while let Ok(len) = qemu.0.write(&flood.as_bytes()[said % flood.len()..]) {
            said += len;
        }
        said
    };
    speak(&mut qemu);
    for _ in 0..10 {
        scene.turn();
        assert!(scene.wakes());
    }
    let before = speak(&mut qemu);
    let taken = scene.events().len();
    assert!((64..400).contains(&taken), "{taken}");
    scene.turn();
    assert!(speak(&mut qemu) >= before);
    assert!(scene.channel.is_ready());
}

#[test]
fn who_answers_without_reading_is_left() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    let mut qemu = scene.connect(&listener, r#"[{"name": "weft-vf-7"}]"#);
    // It has guessed the numbers of the commands.
    for number in 3..100_000 {
        scene.channel.unplug(scene.now);
        if let Some(Event::Lost(why)) = scene.events().pop() {
            return assert!(why.to_string().contains("it does not read"), "{why}");
        }
        qemu.say(&format!(r#"{{"error": {{"desc": "no"}}, "id": {number}}}"#));
        scene.turn();
    }
    panic!("it is not left");
}

#[test]
fn what_a_delegate_says_leads_nowhere_else() {
    let mut scene = Scene::new();
    let listener = scene.listen();
    let own = scene.path.parent().unwrap().join("own");
    std::fs::create_dir(&own).unwrap();
    symlink(&scene.path, own.join("qmp")).unwrap();
    let confined = Confined { beneath: own.to_str().unwrap().to_owned(), owner: Delegate::Uid(65534) };
    scene.channel = channel(Place::new(own.join("qmp"), Some(confined)));
    scene.turn();
    assert!(matches!(&scene.events()[..], [Event::Lost(Trouble::NoSocket { .. })]));
    assert!(listener.accept().is_err(), "nobody has connected");
}
