// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Sessions over real sockets and memory files, against a data plane that only keeps a log.

mod hostile;
mod life;
mod orders;

use crate::place::Place;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use event_manager::{EventManager, RemoteEndpoint, SubscriberId, SubscriberOps};
use rustix::fs::{MemfdFlags, SealFlags};
use switch::Notice;
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};
use wire::MacAddr;

use super::features::{LOG_ALL, PROTOCOL_FEATURES, VERSION_1};
use super::message::{HEADER_LEN, Header, Message, request as id, vring_state};
use super::*;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);
const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
/// Guest memory of the tests: two regions of one file, guest-physical addresses apart, frontend addresses elsewhere.
const REGION: u64 = 0x10_0000;
const USER: u64 = 0x7f00_0000_0000;
const RING_SIZE: u16 = 256;

/// One call of the session on the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Negotiated(u64),
    Start(u16),
    Stop(u16),
    /// The address under which the used ring is logged.
    Relog(u16, Option<u64>),
    Bell(u16),
    Announce(MacAddr),
}

/// A data plane that keeps the rings and a log.
#[derive(Default)]
struct FakeHost {
    calls: Mutex<Vec<Call>>,
    rings: Mutex<HashMap<u16, sys::Ring>>,
    changed: Condvar,
    panics: AtomicBool,
}

impl FakeHost {
    fn note(&self, call: Call) {
        self.calls.lock().unwrap().push(call);
        self.changed.notify_all();
    }

    /// Waits until the log fits; the panic shows it when it never does.
    fn wait(&self, what: &str, fits: impl Fn(&[Call]) -> bool) {
        let calls = self.calls.lock().unwrap();
        let (calls, late) = self.changed.wait_timeout_while(calls, PATIENCE, |calls| !fits(calls)).unwrap();
        assert!(!late.timed_out(), "never {what}: {calls:?}");
    }

    fn running(&self) -> Vec<u16> {
        let mut running: Vec<u16> = self.rings.lock().unwrap().keys().copied().collect();
        running.sort_unstable();
        running
    }
}

impl RingHost for FakeHost {
    fn negotiated(&self, features: u64) {
        assert!(self.rings.lock().unwrap().is_empty(), "features change under a running ring");
        self.note(Call::Negotiated(features));
    }

    fn start(&self, queue: u16, ring: sys::Ring, _more: bool) {
        assert!(!self.panics.load(Ordering::Relaxed), "as the test wishes");
        assert!(self.rings.lock().unwrap().insert(queue, ring).is_none(), "ring {queue} was started twice");
        self.note(Call::Start(queue));
    }

    fn stop(&self, queue: u16) -> Option<sys::Ring> {
        let ring = self.rings.lock().unwrap().remove(&queue);
        self.note(Call::Stop(queue));
        ring
    }

    fn relog(&self, queue: u16, log: Option<sys::RingLog>) {
        let mut rings = self.rings.lock().unwrap();
        let ring = rings.get_mut(&queue).expect("only a running ring is logged anew");
        ring.set_log(log.clone());
        drop(rings);
        self.note(Call::Relog(queue, log.map(|log| log.used)));
    }

    fn set_call(&self, queue: u16, call: Option<EventFd>) {
        let mut rings = self.rings.lock().unwrap();
        drop(rings.get_mut(&queue).expect("only a running ring gets another bell").replace_call(call));
        drop(rings);
        self.note(Call::Bell(queue));
    }

    fn announce(&self, mac: MacAddr) {
        self.note(Call::Announce(mac));
    }
}

/// A port on a control loop of its own.
struct World {
    host: Arc<FakeHost>,
    notices: Receiver<(String, Notice)>,
    remote: RemoteEndpoint<Endpoint>,
    id: SubscriberId,
    stop: Arc<AtomicBool>,
    control: Option<JoinHandle<()>>,
    dir: tempfile::TempDir,
}

fn config(path: PathBuf) -> EndpointConfig {
    EndpointConfig {
        port: "vm1".to_owned(),
        place: Place::new(path, None),
        mode: Mode::Server,
        inherited: None,
        legacy: None,
        queue_pairs: 1,
        mac: MAC,
        mtu: 1500,
        features: offered_features(&FeatureSpec { queue_pairs: 1, offloads: true }),
        seals: SealPolicy::Off,
    }
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(edit: impl FnOnce(&mut EndpointConfig)) -> Self {
        sys::install_fault_guard().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path().join("port.sock"));
        edit(&mut config);
        let (host, (sender, notices)) = (Arc::new(FakeHost::default()), channel());
        let wake = EventFd::new(EFD_NONBLOCK).unwrap();
        let endpoint = Endpoint::open(config, host.clone(), sender, wake).unwrap();
        let mut manager = EventManager::<Endpoint>::new().unwrap();
        let id = manager.add_subscriber(endpoint);
        let (remote, stop) = (manager.remote_endpoint(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let control = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                manager.run().unwrap();
            }
            manager.remove_subscriber(id).unwrap().close();
        });
        Self { host, notices, remote, id, stop, control: Some(control), dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("port.sock")
    }

    fn frontend(&self) -> Raw {
        Raw::new(UnixStream::connect(self.path()).unwrap())
    }

    /// Waits for the next notice that fits, passing over others.
    fn notice<T>(&self, mut pick: impl FnMut(&Notice) -> Option<T>) -> T {
        loop {
            let (port, notice) = self.notices.recv_timeout(PATIENCE).expect("a notice");
            assert_eq!(port, "vm1");
            if let Some(found) = pick(&notice) {
                return found;
            }
        }
    }

    fn down(&self) -> String {
        self.notice(|notice| if let Notice::Down { reason } = notice { Some(reason.clone()) } else { None })
    }

    fn end_session(&self, reason: &str) {
        let (id, reason) = (self.id, reason.to_owned());
        let ended: Result<(), event_manager::Error> = self.remote.call_blocking(move |manager| {
            manager.subscriber_mut(id)?.end_session(reason);
            Ok(())
        });
        ended.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.remote.kick().unwrap();
        let control = self.control.take().unwrap().join();
        assert!(control.is_ok() || std::thread::panicking(), "the control loop panicked");
    }
}

/// A frontend that can say anything.
struct Raw(UnixStream);

impl Raw {
    fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn send(&self, message: &Message) {
        let fds: Vec<_> = message.fds.iter().map(AsFd::as_fd).collect();
        assert_eq!(
            sys::fd::send_with_fds(self.0.as_fd(), &message.to_bytes(), &fds).unwrap(),
            message.to_bytes().len()
        );
    }

    fn say(&self, request: u32, body: &[u8]) {
        self.send(&Message::new(request, body.to_vec()));
    }

    fn say_with(&self, request: u32, body: &[u8], fd: impl AsFd) {
        self.send(&with_fd(request, body, fd));
    }

    /// The next reply's request id and body; `None`: the connection was closed.
    fn hear(&mut self) -> Option<(u32, Vec<u8>)> {
        let mut head = [0; HEADER_LEN];
        self.0.read_exact(&mut head).ok()?;
        let header = Header::parse(head);
        let mut body = vec![0; header.size as usize];
        self.0.read_exact(&mut body).ok()?;
        assert!(header.is_reply());
        Some((header.request, body))
    }

    fn ask(&mut self, request: u32, body: &[u8]) -> Vec<u8> {
        self.say(request, body);
        let (answered, body) = self.hear().expect("an answer");
        assert_eq!(answered, request);
        body
    }

    fn ask_u64(&mut self, request: u32) -> u64 {
        u64::from_ne_bytes(self.ask(request, &[]).try_into().unwrap())
    }

    /// Sends with NEED_REPLY and returns the acknowledgement.
    fn acked(&mut self, mut message: Message) -> u64 {
        message.flags |= 8;
        self.send(&message);
        let (_, body) = self.hear().expect("an acknowledgement");
        u64::from_ne_bytes(body.try_into().unwrap())
    }

    /// The talk of every frontend at the start: features and protocol features.
    fn open(&mut self) {
        self.say(id::SET_OWNER, &[]);
        let features = self.ask_u64(id::GET_FEATURES);
        assert_ne!(features & PROTOCOL_FEATURES, 0);
        let protocol = self.ask_u64(id::GET_PROTOCOL_FEATURES);
        self.say(id::SET_PROTOCOL_FEATURES, &protocol.to_ne_bytes());
    }

    /// Everything that the rings need, in QEMU's order after the device has started.
    fn start_rings(&mut self, guest: &Guest, rings: &[u32]) {
        self.say(id::SET_FEATURES, &(PROTOCOL_FEATURES | VERSION_1).to_ne_bytes());
        self.send(&guest.table());
        for &ring in rings {
            self.say(id::SET_VRING_NUM, &vring_state(ring, u32::from(RING_SIZE)));
            self.say(id::SET_VRING_BASE, &vring_state(ring, 0));
            self.say(id::SET_VRING_ADDR, &ring_address(ring));
            self.say_with(id::SET_VRING_KICK, &u64::from(ring).to_ne_bytes(), bell());
            self.say_with(id::SET_VRING_CALL, &u64::from(ring).to_ne_bytes(), bell());
            self.say(id::SET_VRING_ENABLE, &vring_state(ring, 1));
        }
    }
}

fn with_fd(request: u32, body: &[u8], fd: impl AsFd) -> Message {
    let mut message = Message::new(request, body.to_vec());
    message.fds.push(fd.as_fd().try_clone_to_owned().unwrap());
    message
}

/// An eventfd as a descriptor.
fn bell() -> OwnedFd {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap()
}

/// A guest's memory: one file, two regions.
struct Guest {
    memory: File,
}

impl Guest {
    fn new() -> Self {
        Self { memory: memory_file(2 * REGION) }
    }

    /// The memory table, regions in the order in which QEMU may send them: not sorted.
    fn table(&self) -> Message {
        let mut body = [2_u32.to_ne_bytes(), [0; 4]].concat();
        body.extend(region(4 * REGION, REGION, USER + 8 * REGION, REGION));
        body.extend(region(0, REGION, USER, 0));
        let mut message = with_fd(id::SET_MEM_TABLE, &body, &self.memory);
        message.fds.push(self.memory.as_fd().try_clone_to_owned().unwrap());
        message
    }

    /// Writes the used index of a ring, as if it had been served before.
    fn set_used(&self, ring: u32, index: u16) {
        self.memory.write_all_at(&index.to_le_bytes(), ring_place(ring) + 0x3000 + 2).unwrap();
    }
}

fn memory_file(size: u64) -> File {
    let fd = rustix::fs::memfd_create("guest", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&fd, size).unwrap();
    fd.into()
}

fn seal(file: &File) {
    rustix::fs::fcntl_add_seals(file, SealFlags::SHRINK).unwrap();
}

fn region(guest: u64, size: u64, user: u64, offset: u64) -> Vec<u8> {
    [guest, size, user, offset].map(u64::to_ne_bytes).concat()
}

/// Where a ring lies in the first region: descriptors, available ring after 0x2000, used ring after 0x3000.
fn ring_place(ring: u32) -> u64 {
    0x1000 + 0x8000 * u64::from(ring)
}

fn ring_address(ring: u32) -> Vec<u8> {
    let at = USER + ring_place(ring);
    let words = [at, at + 0x3000, at + 0x2000, 0].map(u64::to_ne_bytes).concat();
    [vring_state(ring, 0), words].concat()
}
