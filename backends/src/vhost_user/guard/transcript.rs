// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a frontend has said and what still holds of it, so that another process can be told it instead.
//!
//! A session has no other state than that: where a ring stands is in guest memory. Of each message that sets something the last
//! one is kept, with descriptors of its own. Memory and doorbells are all that there is of those, and they can be closed here.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use super::memory::{REGION_LEN, TABLE_MAX};
use crate::dispose::Descriptors;
use crate::vhost_user::message::{Message, request as id};

/// What is about the session itself, in the order in which it is said again.
const SESSION: [u32; 6] = [
    id::GET_FEATURES,
    id::GET_PROTOCOL_FEATURES,
    id::SET_PROTOCOL_FEATURES,
    id::SET_OWNER,
    id::SET_FEATURES,
    id::SET_STATUS,
];

/// The same of a ring. The kick is last: with it the ring is live.
const RING: [u32; 5] =
    [id::SET_VRING_NUM, id::SET_VRING_BASE, id::SET_VRING_ADDR, id::SET_VRING_CALL, id::SET_VRING_ENABLE];

/// A session in the words of its frontend.
#[derive(Debug, Default)]
pub struct Script {
    /// All but the kicks: when this is said everything is ready, and no ring runs.
    pub setting: Vec<Message>,
    /// What has the rings run.
    pub kicks: Vec<Message>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    session: BTreeMap<u32, Message>,
    /// Each as an ADD_MEM_REG.
    regions: Vec<Message>,
    log: Option<Message>,
    /// By ring and request.
    rings: BTreeMap<(u32, u32), Message>,
    /// There were no descriptors left for something that should be here.
    is_torn: bool,
}

impl Transcript {
    /// Takes note of a message that is served.
    pub(super) fn note(&mut self, message: &Message) {
        self.keep(message.try_clone());
    }

    /// Keeps the copy of a message that is served, if there could be one.
    pub(super) fn keep(&mut self, copy: io::Result<Message>) {
        let kept = copy.and_then(|message| self.try_keep(message));
        self.is_torn |= kept.is_err();
    }

    fn try_keep(&mut self, message: Message) -> io::Result<()> {
        match message.request {
            id::SET_MEM_TABLE => self.regions = split(&message)?,
            id::ADD_MEM_REG => self.regions.push(message),
            id::REM_MEM_REG => self.regions.retain(|region| !same_region(region, &message)),
            id::SET_LOG_BASE => self.log = Some(message),
            id::RESET_OWNER => self.forget_owner(),
            id::GET_VRING_BASE => self.stop(message.u32_at(0).unwrap_or(0)),
            request if SESSION.contains(&request) => drop(self.session.insert(request, message)),
            request if request == id::SET_VRING_KICK || RING.contains(&request) => {
                // The ring's index is the low byte of a doorbell's word, and a word of its own elsewhere.
                let ring = message.u32_at(0).unwrap_or(0) & 0xff;
                self.rings.insert((ring, request), message);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes note of the daemon's answer: where a ring stands that has been stopped.
    pub(super) fn hear(&mut self, answer: &Message) {
        if answer.request == id::GET_VRING_BASE {
            let base = Message::new(id::SET_VRING_BASE, answer.body.clone());
            self.rings.insert((answer.u32_at(0).unwrap_or(0), id::SET_VRING_BASE), base);
        }
    }

    /// All of it. Without some of its words a session is another, so there is none then.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(super) fn script(&self) -> io::Result<Script> {
        if self.is_torn {
            return Err(io::Error::other("there were too few file descriptors to keep what its frontend has said"));
        }
        let again = |message: Option<&Message>| message.map(Message::try_clone).transpose();
        let mut setting = Vec::new();
        for request in SESSION {
            setting.extend(again(self.session.get(&request))?);
        }
        setting.extend(self.memory()?);
        setting.extend(again(self.log.as_ref())?);
        let rings: BTreeSet<u32> = self.rings.keys().map(|(ring, _)| *ring).collect();
        let mut kicks = Vec::new();
        for ring in rings {
            for request in RING {
                setting.extend(again(self.rings.get(&(ring, request)))?);
            }
            kicks.extend(again(self.rings.get(&(ring, id::SET_VRING_KICK)))?);
        }
        Ok(Script { setting, kicks })
    }

    /// The guest's memory: a table, and singly what is too much for one.
    fn memory(&self) -> io::Result<Vec<Message>> {
        if self.regions.is_empty() {
            return Ok(Vec::new());
        }
        let (table, rest) = self.regions.split_at(self.regions.len().min(TABLE_MAX));
        let head = [u32::try_from(table.len()).unwrap_or(0).to_ne_bytes(), [0; 4]].concat();
        let body = table.iter().fold(head, |body, region| [&body, &region.body[8..]].concat());
        let mut whole = Message::new(id::SET_MEM_TABLE, body);
        for region in table {
            whole.fds.append(&mut region.try_clone()?.fds);
        }
        let rest = rest.iter().map(Message::try_clone);
        std::iter::once(Ok(whole)).chain(rest).collect()
    }

    fn forget_owner(&mut self) {
        self.session.remove(&id::SET_OWNER);
        self.session.remove(&id::SET_FEATURES);
        self.rings.retain(|(_, request), _| *request != id::SET_VRING_ENABLE);
    }

    /// GET_VRING_BASE takes the doorbells away, and the last one the log.
    fn stop(&mut self, ring: u32) {
        let kick = self.rings.remove(&(ring, id::SET_VRING_KICK));
        self.rings.remove(&(ring, id::SET_VRING_CALL));
        if kick.is_some() && self.rings.keys().all(|(_, request)| *request != id::SET_VRING_KICK) {
            self.log = None;
        }
    }
}

/// The regions of a SET_MEM_TABLE, which was checked.
fn split(table: &Message) -> io::Result<Vec<Message>> {
    let regions = table.body.get(8..).unwrap_or(&[]).chunks_exact(REGION_LEN).zip(table.fds.iter());
    let single = |(region, fd): (&[u8], &OwnedFd)| {
        let mut message = Message::new(id::ADD_MEM_REG, [&[0; 8], region].concat());
        message.fds = Descriptors::from(vec![fd.try_clone()?]);
        Ok(message)
    };
    regions.map(single).collect()
}

/// Guest address, size and frontend address say which region is meant.
fn same_region(one: &Message, other: &Message) -> bool {
    one.body.get(8..32) == other.body.get(8..32)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;
    use crate::vhost_user::message::{NOFD, vring_state};

    fn region(guest: u64) -> Vec<u8> {
        [guest, 0x1000, guest + 0x10_0000, 0].map(u64::to_ne_bytes).concat()
    }

    fn with_file(mut message: Message) -> Message {
        message.fds.push(memfd_create("memory", MemfdFlags::CLOEXEC).unwrap());
        message
    }

    fn add(request: u32, guest: u64) -> Message {
        with_file(Message::new(request, [vec![0; 8], region(guest)].concat()))
    }

    fn said(transcript: &Transcript) -> (Vec<u32>, Vec<u32>) {
        let requests = |messages: Vec<Message>| messages.iter().map(|message| message.request).collect();
        let script = transcript.script().unwrap();
        (requests(script.setting), requests(script.kicks))
    }

    #[test]
    fn the_last_word_counts_and_the_kick_is_said_last() {
        let mut transcript = Transcript::default();
        for (request, body) in [
            (id::SET_VRING_ENABLE, vring_state(1, 1)),
            (id::SET_VRING_KICK, (1 | NOFD).to_ne_bytes().to_vec()),
            (id::SET_FEATURES, vec![1; 8]),
            (id::SET_FEATURES, vec![2; 8]),
            (id::GET_FEATURES, Vec::new()),
            (id::SET_VRING_NUM, vring_state(1, 256)),
            (id::SEND_RARP, vec![0; 8]),
        ] {
            transcript.note(&Message::new(request, body));
        }
        let expected = vec![id::GET_FEATURES, id::SET_FEATURES, id::SET_VRING_NUM, id::SET_VRING_ENABLE];
        assert_eq!(said(&transcript), (expected, vec![id::SET_VRING_KICK]));
        assert_eq!(transcript.script().unwrap().setting[1].body, [2; 8]);
    }

    #[test]
    fn a_ring_that_was_stopped_is_not_live_and_stands_where_it_was_said_to() {
        let mut transcript = Transcript::default();
        transcript.note(&Message::new(id::SET_VRING_BASE, vring_state(0, 0)));
        transcript.note(&Message::new(id::SET_VRING_KICK, NOFD.to_ne_bytes().to_vec()));
        transcript.note(&Message::new(id::GET_VRING_BASE, vring_state(0, 0)));
        transcript.hear(&Message::reply(id::GET_VRING_BASE, vring_state(0, 77)));
        assert_eq!(said(&transcript), (vec![id::SET_VRING_BASE], Vec::new()));
        assert_eq!(transcript.script().unwrap().setting[0].u32_at(4), Some(77));
    }

    #[test]
    fn a_log_is_one_until_all_rings_have_stopped() {
        let mut transcript = Transcript::default();
        let note = |transcript: &mut Transcript, request, ring: u32| {
            transcript.note(&Message::new(request, vring_state(ring, 0)));
        };
        transcript.keep(Ok(with_file(Message::new(id::SET_LOG_BASE, vec![0; 16]))));
        note(&mut transcript, id::GET_VRING_BASE, 0);
        (0..2).for_each(|ring| note(&mut transcript, id::SET_VRING_KICK, ring));
        note(&mut transcript, id::GET_VRING_BASE, 0);
        assert_eq!(said(&transcript), (vec![id::SET_LOG_BASE], vec![id::SET_VRING_KICK]));
        note(&mut transcript, id::GET_VRING_BASE, 1);
        assert_eq!(said(&transcript), (vec![], vec![]));
    }

    #[test]
    fn memory_is_a_table_of_what_is_left_of_it() {
        let mut transcript = Transcript::default();
        let table = [2_u32.to_ne_bytes().to_vec(), vec![0; 4], region(0), region(0x1000)].concat();
        transcript.note(&with_file(with_file(Message::new(id::SET_MEM_TABLE, table))));
        (2..=40).for_each(|page| transcript.note(&add(id::ADD_MEM_REG, page * 0x1000)));
        transcript.note(&add(id::REM_MEM_REG, 0x1000));
        let memory = transcript.script().unwrap().setting;
        assert_eq!((memory.len(), memory[0].request, memory[0].fds.len()), (1 + 8, id::SET_MEM_TABLE, TABLE_MAX));
        assert_eq!(memory[0].body[8..72], [region(0), region(0x2000)].concat());
        assert!(memory[1..].iter().all(|single| single.request == id::ADD_MEM_REG && single.fds.len() == 1));
        transcript
            .note(&with_file(Message::new(id::SET_MEM_TABLE, [vec![1, 0, 0, 0, 0, 0, 0, 0], region(0)].concat())));
        assert_eq!(transcript.script().unwrap().setting.len(), 1, "a table replaces what was there");
    }
}
