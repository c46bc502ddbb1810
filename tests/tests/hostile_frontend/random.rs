// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Streams of messages by chance: mostly well-formed, so that they get far, and then not. `WEFT_SEED=N` repeats a run.
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::scene::{Scene, VICTIM, bell, negotiate};
use rustix::fs::{MemfdFlags, memfd_create};
use tests::frontend::{FLAG_NEED_REPLY, Frontend, Request};
use tests::guest::feature;
use tests::seed::Rng;

const SESSIONS: usize = 60;
const MESSAGES: usize = 40;
const MEMORY: u64 = 1 << 20;

/// Numbers that are often on an edge.
const EDGES: [u64; 16] =
    [0, 1, 2, 3, 255, 256, 257, 4095, 4096, 32768, 65535, 65536, 1 << 20, u32::MAX as u64, 1 << 32, u64::MAX];

struct Attacker {
    rng: Rng,
    files: Vec<OwnedFd>,
}

impl Attacker {
    fn new(seed: u64) -> Attacker {
        let memory = memfd_create("memory", MemfdFlags::CLOEXEC).expect("there is memory");
        File::from(memory.try_clone().expect("a descriptor to spare")).set_len(MEMORY).expect("it is empty");
        let (pipe, _) = rustix::pipe::pipe().expect("a descriptor to spare");
        Attacker { rng: Rng::from_env(seed), files: vec![memory, bell(), bell(), pipe] }
    }

    fn number(&mut self) -> u64 {
        let edge = EDGES[self.rng.between(0, EDGES.len() - 1)];
        match self.rng.between(0, 3) {
            0 => self.rng.next_u64(),
            1 => edge.wrapping_add(self.rng.between(0, 8) as u64),
            _ => edge,
        }
    }

    /// A payload that fits the message, if one is known that does.
    fn fitting(&mut self, request: Request) -> Vec<u8> {
        let ring = self.rng.between(0, 2) as u32;
        let pair = |low: u32, high: u64| [low.to_le_bytes(), (high as u32).to_le_bytes()].concat();
        let region = [0, MEMORY, 0x7000_0000, 0].map(u64::to_le_bytes).concat();
        match request.name().unwrap_or_default() {
            "SET_VRING_NUM" => pair(ring, 1 << self.rng.between(0, 9)),
            "SET_VRING_BASE" => pair(ring, self.number() & 0xffff),
            "SET_VRING_ENABLE" => pair(ring, self.rng.between(0, 1) as u64),
            "GET_VRING_BASE" => pair(ring, 0),
            "SET_VRING_KICK" | "SET_VRING_CALL" | "SET_VRING_ERR" => u64::from(ring).to_le_bytes().to_vec(),
            "SET_FEATURES" => ((feature::LINUX & self.rng.next_u64()) | 1 << 30).to_le_bytes().to_vec(),
            "SET_VRING_ADDR" => {
                let mut place = || 0x7000_0000 + ((self.number() % MEMORY) & !15);
                let places = [place(), place(), place(), 0].map(u64::to_le_bytes).concat();
                [pair(ring, 0), places].concat()
            }
            "SET_MEM_TABLE" => [pair(1, 0), region].concat(),
            "ADD_MEM_REG" | "REM_MEM_REG" => [vec![0; 8], region].concat(),
            _ => Vec::new(),
        }
    }

    fn payload(&mut self, request: Request) -> Vec<u8> {
        if !self.rng.one_in(4) {
            return self.fitting(request);
        }
        let words = self.rng.between(0, 12);
        (0..words).flat_map(|_| self.number().to_le_bytes()).collect()
    }

    /// Descriptors that fit the message, mostly.
    fn descriptors(&mut self, request: Request) -> Vec<BorrowedFd<'_>> {
        let count = if self.rng.one_in(8) { self.rng.between(0, 4) } else { 1 };
        let file = match request.name().unwrap_or_default() {
            _ if self.rng.one_in(8) => self.rng.between(0, self.files.len() - 1),
            "SET_MEM_TABLE" | "ADD_MEM_REG" | "REM_MEM_REG" => 0,
            "SET_VRING_KICK" => 1,
            "SET_VRING_CALL" | "SET_VRING_ERR" => 2,
            _ => return Vec::new(),
        };
        vec![self.files[file].as_fd(); count]
    }

    /// Sends one message. False: the session is over.
    fn step(&mut self, frontend: &mut Frontend) -> bool {
        let all: Vec<Request> = Request::all().collect();
        let request = all[self.rng.between(0, all.len() - 1)];
        let flags = if self.rng.one_in(2) { FLAG_NEED_REPLY } else { 0 };
        let body = self.payload(request);
        let fds = self.descriptors(request);
        frontend.send(request, flags, &body, &fds).is_ok()
    }
}

fn sessions(seed: u64) {
    let mut scene = Scene::new();
    let mut attacker = Attacker::new(seed);
    for session in 0..SESSIONS {
        let path = scene.daemon.port_path(VICTIM);
        let mut frontend = Frontend::connect(&path).expect("the port listens");
        if !attacker.rng.one_in(4) {
            // The port may be busy with the end of the session before.
            let _ = negotiate(&mut frontend);
        }
        let _ = (0..MESSAGES).take_while(|_| attacker.step(&mut frontend)).count();
        if session % 5 == 0 {
            scene.traffic();
        }
    }
    scene.check();
}

#[test]
fn random_streams_of_one_kind() {
    sessions(0x11);
}

#[test]
fn random_streams_of_another() {
    sessions(0x22);
}

/// Bytes that are no messages at all.
#[test]
fn random_bytes() {
    let mut scene = Scene::new();
    let mut rng = Rng::from_env(0x33);
    for _ in 0..100 {
        let frontend = Frontend::connect(&scene.daemon.port_path(VICTIM)).expect("the port listens");
        let len = rng.between(1, 300);
        let mut bytes = rng.bytes(len);
        if rng.one_in(2) {
            // A header that is believed, so that the rest is looked at.
            bytes.splice(..bytes.len().min(12), Request(rng.between(1, 43) as u32).header(0, rng.between(0, 48)));
        }
        let _ = frontend.send_raw(&bytes, &[]);
    }
    scene.check();
}
