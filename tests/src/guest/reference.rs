// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A hub of two ports, the simplest thing that a guest can be attached to: what one sends the other receives. Built on
//! the `virtio-queue` crate, one frame at a time, so that the guest is proved against something that is not weft.
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::io::write;
use virtio_queue::{Queue, QueueOwnedT, QueueT};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap, GuestRegionMmap, MmapRegion};

use crate::frontend::socket::{readable, recv_exact, send_all};
use crate::frontend::{FLAG_NEED_REPLY, FLAG_REPLY, HEADER_LEN, Request, protocol};
use crate::guest::feature;
use crate::wait::Deadline;

/// Frames on their way to each of the two ports, virtio-net header included.
type Mailboxes = Arc<Mutex<[VecDeque<Vec<u8>>; 2]>>;

/// One port of the hub in a thread of its own; it ends with its session or when dropped.
pub(super) struct Port {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    /// Serves one session with port `number` of the hub.
    pub(super) fn serve(number: usize, mail: &Mailboxes, accept: impl FnOnce() -> UnixStream + Send + 'static) -> Port {
        let (stop, mail) = (Arc::new(AtomicBool::new(false)), Arc::clone(mail));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let mut device = Device { number, mail, ..Device::new(accept()) };
            while !stopped.load(Ordering::Relaxed) && device.turn() {}
        };
        Port { stop, thread: Some(thread::spawn(run)) }
    }

    /// A listener's next connection.
    pub(super) fn accept(listener: UnixListener) -> impl FnOnce() -> UnixStream + Send + 'static {
        move || listener.accept().unwrap().0
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Err(panic) = self.thread.take().unwrap().join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// No frames for anybody.
pub(super) fn mailboxes() -> Mailboxes {
    Arc::default()
}

#[derive(Default)]
struct RingState {
    queue: Option<Queue>,
    size: u16,
    addresses: [u64; 3],
    call: Option<OwnedFd>,
    kicked: bool,
    enabled: bool,
}

struct Device {
    socket: UnixStream,
    number: usize,
    mail: Mailboxes,
    memory: GuestMemoryMmap<()>,
    /// Userspace address to guest-physical address and length.
    table: BTreeMap<u64, (u64, u64)>,
    rings: BTreeMap<u16, RingState>,
    event_idx: bool,
}

impl Device {
    fn new(socket: UnixStream) -> Device {
        let (table, rings) = (BTreeMap::new(), BTreeMap::new());
        Device { socket, number: 0, mail: mailboxes(), memory: GuestMemoryMmap::new(), table, rings, event_idx: false }
    }

    /// One message if there is one, then all rings. False at the end of the session.
    fn turn(&mut self) -> bool {
        if readable(&self.socket, Deadline::after(Duration::from_millis(1))) {
            let (mut header, mut fds) = ([0; HEADER_LEN], Vec::new());
            if recv_exact(&self.socket, &mut header, &mut fds).is_err() {
                return false;
            }
            let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
            let mut body = vec![0; word(8) as usize];
            recv_exact(&self.socket, &mut body, &mut fds).unwrap();
            let answer = self.answer(Request(word(0)), &body, fds);
            let acknowledged = (word(4) & FLAG_NEED_REPLY != 0).then(|| 0_u64.to_le_bytes().to_vec());
            if let Some(answer) = answer.or(acknowledged) {
                let message = [&Request(word(0)).header(FLAG_REPLY, answer.len())[..], &answer].concat();
                send_all(&self.socket, &message, &[]).unwrap();
            }
        }
        self.move_frames();
        true
    }

    fn answer(&mut self, request: Request, body: &[u8], mut fds: Vec<OwnedFd>) -> Option<Vec<u8>> {
        let long = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().unwrap());
        let ring = || long(0) as u16 & 0xff;
        let second = || (long(0) >> 32) as u32;
        match request.name().unwrap() {
            "GET_FEATURES" => return Some((feature::LINUX | feature::IN_ORDER).to_le_bytes().to_vec()),
            "GET_PROTOCOL_FEATURES" => {
                let bits = protocol::MQ | protocol::REPLY_ACK | protocol::CONFIG | protocol::CONFIGURE_MEM_SLOTS;
                return Some(bits.to_le_bytes().to_vec());
            }
            "GET_QUEUE_NUM" | "GET_MAX_MEM_SLOTS" => return Some(8_u64.to_le_bytes().to_vec()),
            "GET_CONFIG" => return Some(body.to_vec()),
            "SET_FEATURES" => self.event_idx = long(0) & feature::EVENT_IDX != 0,
            "SET_MEM_TABLE" => {
                (self.memory, self.table) = (GuestMemoryMmap::new(), BTreeMap::new());
                fds.drain(..).enumerate().for_each(|(at, fd)| self.map(&body[8 + 32 * at..], fd));
            }
            "ADD_MEM_REG" => self.map(&body[8..], fds.remove(0)),
            "SET_VRING_NUM" => self.ring(ring()).size = second() as u16,
            "SET_VRING_ADDR" => {
                let addresses = [8, 16, 24].map(|at| self.translate(long(at)));
                self.ring(ring()).addresses = addresses;
            }
            "SET_VRING_CALL" => self.ring(ring()).call = fds.pop(),
            "SET_VRING_KICK" => self.ring(ring()).kicked = true,
            "SET_VRING_ENABLE" => self.ring(ring()).enabled = second() != 0,
            "GET_VRING_BASE" => {
                let state = self.rings.remove(&ring()).unwrap();
                let base = state.queue.map_or(0, |queue| queue.next_used());
                return Some((u64::from(ring()) | u64::from(base) << 32).to_le_bytes().to_vec());
            }
            "SET_OWNER" | "SET_PROTOCOL_FEATURES" | "SET_VRING_BASE" | "SET_VRING_ERR" => {}
            other => panic!("the hub does not know {other}"),
        }
        None
    }

    fn ring(&mut self, ring: u16) -> &mut RingState {
        self.rings.entry(ring).or_default()
    }

    fn map(&mut self, region: &[u8], fd: OwnedFd) {
        let long = |at: usize| u64::from_le_bytes(region[at..at + 8].try_into().unwrap());
        let (gpa, size, user, offset) = (long(0), long(8), long(16), long(24));
        let mapping = MmapRegion::from_file(FileOffset::new(File::from(fd), offset), size as usize).unwrap();
        let region = GuestRegionMmap::new(mapping, GuestAddress(gpa)).unwrap();
        self.memory = self.memory.insert_region(Arc::new(region)).unwrap();
        self.table.insert(user, (gpa, size));
    }

    fn translate(&self, user: u64) -> u64 {
        let (base, (gpa, size)) = self.table.range(..=user).next_back().unwrap();
        assert!(user - base < *size, "an address inside the memory table");
        user - base + gpa
    }

    /// Everything from transmit rings to the other port, everything for this port into its first receive ring.
    fn move_frames(&mut self) {
        for (number, state) in &mut self.rings {
            if !state.enabled || !state.kicked || state.size == 0 {
                continue;
            }
            let queue =
                state.queue.get_or_insert_with(|| start(&self.memory, state.size, state.addresses, self.event_idx));
            let used = queue.next_used();
            let mut mail = self.mail.lock().unwrap();
            match number % 2 {
                1 => mail[1 - self.number].extend(std::iter::from_fn(|| take(&self.memory, queue))),
                _ => give(&self.memory, queue, &mut mail[self.number]),
            }
            if used != queue.next_used() && queue.needs_notification(&self.memory).unwrap() {
                write(state.call.as_ref().unwrap(), &1_u64.to_ne_bytes()).unwrap();
            }
        }
    }
}

/// A queue that goes on from the used index in memory, whatever base the VMM names.
fn start(memory: &GuestMemoryMmap<()>, size: u16, [desc, used, avail]: [u64; 3], event_idx: bool) -> Queue {
    let mut queue = Queue::new(size).unwrap();
    queue.set_size(size);
    queue.set_desc_table_address(Some(desc as u32), Some((desc >> 32) as u32));
    queue.set_avail_ring_address(Some(avail as u32), Some((avail >> 32) as u32));
    queue.set_used_ring_address(Some(used as u32), Some((used >> 32) as u32));
    queue.set_event_idx(event_idx);
    queue.set_ready(true);
    let base = queue.used_idx(memory, Ordering::Acquire).unwrap().0;
    queue.set_next_avail(base);
    queue.set_next_used(base);
    queue
}

fn take(memory: &GuestMemoryMmap<()>, queue: &mut Queue) -> Option<Vec<u8>> {
    let chain = queue.iter(memory).unwrap().next()?;
    let head = chain.head_index();
    let mut bytes = Vec::new();
    for segment in chain {
        let start = bytes.len();
        bytes.resize(start + segment.len() as usize, 0);
        memory.read_slice(&mut bytes[start..], segment.addr()).unwrap();
    }
    queue.add_used(memory, head, 0).unwrap();
    Some(bytes)
}

/// Delivers frames that fit one buffer of one descriptor, as those of this module's tests do.
fn give(memory: &GuestMemoryMmap<()>, queue: &mut Queue, mail: &mut VecDeque<Vec<u8>>) {
    while !mail.is_empty() {
        let Some(chain) = queue.iter(memory).unwrap().next() else { return };
        let (head, mut frame) = (chain.head_index(), mail.pop_front().unwrap());
        frame[10] = 1;
        memory.write_slice(&frame, chain.writable().next().unwrap().addr()).unwrap();
        queue.add_used(memory, head, frame.len() as u32).unwrap();
    }
}
