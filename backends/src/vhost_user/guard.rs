// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The guard: every message passes it before the `vhost` crates see it.
//!
//! It keeps from the daemon whatever would end the session needlessly, hang a thread or fault, and it repairs what the
//! crates and QEMU disagree about:
//!
//! * QEMU enables rings before it negotiates features, the crate refuses that. So the guard tells the daemon
//!   `SET_FEATURES(PROTOCOL_FEATURES)` before the first message, and again after RESET_OWNER.
//! * The crate ends a session over any message that it does not know. SEND_RARP, NET_SET_MTU, SET_LOG_FD and the status
//!   messages are served here, those of the device's state, and SET_LOG_BASE, which the crate would never undo, and GET_MAX_MEM_SLOTS, to which the crate's answer is more than we can keep; what we never offered is refused here.
//!
//! What becomes of a message that is refused, in this order:
//! 1. The sender asked for an acknowledgement: it gets a 1, the session goes on, the reason is a warning.
//! 2. The device works without it ([`Reply::Optional`]): it is ignored, with a warning.
//! 3. It is a question that has an answer meaning "no": that answer, with a warning.
//! 4. Otherwise the session ends with the reason. That goes for unknown messages too: their sender may wait for an answer
//!    that we cannot form, and an end is seen where silence is not.
//!
//! The guard computes; it does no I/O but to look at the descriptors that it is shown, and to map a log.

mod fds;
mod form;
mod log;
mod memory;
mod refusal;
mod rings;
mod state;
mod table;
mod transcript;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use vhost::vhost_user::message::VhostUserProtocolFeatures as Protocol;
use wire::MacAddr;

use self::memory::{MemoryTable, SLOTS_MAX, Sealed};
use self::state::Transfer;
use self::table::{Fds, Reply, RingField, Rule, Serve, rule_of};
use self::transcript::Transcript;
use super::budget::{Ledger, PROCESS};
use super::features::{LOG_ALL, PROTOCOL_FEATURES, protocol_features};
use super::log::SessionLog;
use super::message::{Message, NOFD, request as id, vring_state};
use crate::dispose::Descriptors;
use switch::limits::MTU_MIN;

pub use fds::SealPolicy;
pub use refusal::{MemoryFault, Refusal};
pub use rings::RING_SIZE_MAX;
pub use transcript::Script;

/// Refused messages that one session survives.
const WARNINGS_MAX: u32 = 64;

/// What a port can serve.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rings, two for each queue pair.
    pub rings: u32,
    /// Virtio feature bits offered.
    pub features: u64,
    /// Largest MTU of the port, bytes.
    pub mtu: u16,
    /// What is demanded of memory files.
    pub seals: SealPolicy,
}

/// What becomes of a message.
#[derive(Debug)]
pub enum Verdict {
    /// The daemon gets these, in this order.
    Forward {
        /// The messages.
        messages: Vec<Message>,
        /// Whether the daemon will answer one of them.
        answered: bool,
    },
    /// The guard has served or refused it; this goes to the frontend.
    Answer(Option<Message>),
    /// The session ends.
    Refuse(Refusal),
}

/// What else a message meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It was refused, and the session goes on.
    Warn(Refusal),
    /// The guest has moved here: this address is behind the port now.
    Announce(MacAddr),
    /// These virtio features are in force, as far as they are the guest's.
    Negotiated(u64),
    /// What is written into the guest's memory is marked here from now on, as far as LOG_ALL is in force.
    Log(SessionLog),
    /// Writes to the used ring of this ring are marked under this address; `None`: under its own.
    RingLog(u16, Option<u64>),
}

/// The verdict on one message.
#[derive(Debug)]
pub struct Ruling {
    /// What becomes of it.
    pub verdict: Verdict,
    /// What else it meant.
    pub notes: Vec<Note>,
}

/// What the guard knows of one session.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    memory: MemoryTable,
    /// What the session maps, now and soon.
    ledger: Arc<Ledger>,
    /// The frontend has sent something, so the daemon has had its SET_FEATURES.
    greeted: bool,
    owned: bool,
    /// The daemon acknowledges only after it was asked for its features.
    asked_features: bool,
    protocol: Protocol,
    status: u64,
    /// Of the device's state.
    transfer: Option<Transfer>,
    seals_warned: bool,
    warnings: u32,
    notes: Vec<Note>,
    transcript: Transcript,
}

impl Guard {
    /// The guard of a session that begins.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: MemoryTable::default(),
            ledger: Arc::new(Ledger::new(&PROCESS)),
            greeted: false,
            owned: false,
            asked_features: false,
            protocol: Protocol::empty(),
            status: 0,
            transfer: None,
            seals_warned: false,
            warnings: 0,
            notes: Vec::new(),
            transcript: Transcript::default(),
        }
    }

    /// Where the daemon's side tells that a memory table is in force.
    pub(super) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// What the frontend has said so far, for another process that is to serve it.
    ///
    /// # Errors
    /// Something of it is not there, or cannot be said just now.
    pub(super) fn script(&self) -> io::Result<Script> {
        // A transfer of the device's state is not among it: whether that went well, the other is asked, and says that it did not.
        self.transcript.script()
    }

    /// Takes note of an answer of the daemon.
    pub(super) fn hear(&mut self, answer: &Message) {
        self.transcript.hear(answer);
    }

    /// Judges one message. A message that is not forwarded is dropped here, and its descriptors are closed.
    pub fn judge(&mut self, message: Message) -> Ruling {
        let (request, wanted) = (message.request, message.need_reply());
        let body = message.body.clone();
        let judged = match rule_of(request) {
            Some(rule) => self.serve(rule, message).map_err(|refusal| (refusal, rule.reply)),
            None => Err((Refusal::Unknown { request }, Reply::OnRequest)),
        };
        let mut verdict = match judged {
            Ok(verdict) => verdict,
            Err((refusal, reply)) => self.refuse((request, wanted, &body), refusal, reply),
        };
        self.greet(&mut verdict);
        Ruling { verdict, notes: std::mem::take(&mut self.notes) }
    }

    /// Puts the SET_FEATURES that makes QEMU's order work before the first message that the daemon gets.
    fn greet(&mut self, verdict: &mut Verdict) {
        if let (false, Verdict::Forward { messages, .. }) = (self.greeted, verdict) {
            self.greeted = true;
            messages.insert(0, greeting());
        }
    }

    /// Whether the daemon acknowledges messages that ask for it.
    fn acknowledges(&self) -> bool {
        self.asked_features && self.protocol.contains(Protocol::REPLY_ACK)
    }

    fn serve(&mut self, rule: &Rule, mut message: Message) -> Result<Verdict, Refusal> {
        form::check(rule, &message)?;
        self.check_ring(rule, &message)?;
        if rule.serve == Serve::Never || !self.protocol.contains(rule.needs) {
            return Err(Refusal::NotNegotiated { message: rule.name });
        }
        if let Fds::Ignored(_) = rule.fds {
            message.fds = Descriptors::default();
        }
        match rule.serve {
            Serve::Answer => self.take(rule, message),
            _ => self.forward(rule, message),
        }
    }

    fn check_ring(&self, rule: &Rule, message: &Message) -> Result<(), Refusal> {
        let index = match rule.ring {
            RingField::None => return Ok(()),
            RingField::Word => u64::from(message.u32_at(0).unwrap_or(u32::MAX)),
            RingField::Doorbell => rings::doorbell_index(message),
        };
        if index < u64::from(self.limits.rings) {
            return Ok(());
        }
        Err(Refusal::Ring { message: rule.name, index, rings: self.limits.rings })
    }

    /// Serves a message that comes with a descriptor, or any other, without the daemon.
    fn take(&mut self, rule: &Rule, mut message: Message) -> Result<Verdict, Refusal> {
        match rule.request {
            id::SET_LOG_BASE => self.set_log(rule, message),
            id::SET_DEVICE_STATE_FD => {
                self.transfer = Some(state::begin(rule.name, &mut message)?);
                // Zero, and bit 8: we have no descriptor that we like better.
                Ok(Verdict::Answer(Some(Message::reply_u64(rule.request, NOFD))))
            }
            id::CHECK_DEVICE_STATE => {
                state::end(rule.name, self.transfer.take())?;
                Ok(Verdict::Answer(Some(Message::reply_u64(rule.request, 0))))
            }
            _ => self.answer(rule, &message),
        }
    }

    /// Serves a message without the daemon.
    fn answer(&mut self, rule: &Rule, message: &Message) -> Result<Verdict, Refusal> {
        let value = message.u64_at(0).unwrap_or(0);
        match rule.request {
            id::SEND_RARP => self.notes.push(Note::Announce(rarp_mac(rule.name, value)?)),
            id::NET_SET_MTU => self.check_mtu(rule.name, value)?,
            id::SET_STATUS => {
                self.status = value & 0xff;
                self.transcript.note(message);
            }
            id::GET_MAX_MEM_SLOTS => {
                return Ok(Verdict::Answer(Some(Message::reply_u64(rule.request, SLOTS_MAX as u64))));
            }
            id::GET_STATUS => return Ok(Verdict::Answer(Some(Message::reply_u64(rule.request, self.status)))),
            _ => {}
        }
        let acknowledged = message.need_reply() && self.acknowledges();
        Ok(Verdict::Answer(acknowledged.then(|| Message::reply_u64(rule.request, 0))))
    }

    /// SET_LOG_BASE is answered whether its sender asks for that or not; the `vhost` crate's frontend wants its own words back.
    fn set_log(&mut self, rule: &Rule, mut message: Message) -> Result<Verdict, Refusal> {
        // Its descriptor goes with the log.
        let copy = message.try_clone();
        let (log, sealed) = log::take(rule.name, &mut message, &self.memory, self.limits.seals)?;
        self.transcript.keep(copy);
        self.note_seals(rule, sealed);
        self.notes.push(Note::Log(log));
        Ok(Verdict::Answer(Some(Message::reply(rule.request, message.body))))
    }

    fn check_mtu(&self, name: &'static str, value: u64) -> Result<(), Refusal> {
        let max = self.limits.mtu;
        if (u64::from(MTU_MIN)..=u64::from(max)).contains(&value) {
            return Ok(());
        }
        let expected = format!("{MTU_MIN} to {max}, the port's MTU");
        Err(Refusal::Value { message: name, what: "the MTU", value, expected })
    }

    /// Checks what a message says, takes note of it and passes it on.
    fn forward(&mut self, rule: &Rule, mut message: Message) -> Result<Verdict, Refusal> {
        match rule.request {
            id::SET_OWNER if self.owned => return self.answer(rule, &message),
            id::RESET_OWNER => {
                self.transcript.note(&message);
                return Ok(self.reset_owner(message));
            }
            id::SET_VRING_NUM => rings::check_size(rule.name, &message)?,
            id::SET_VRING_BASE => rings::check_base(rule.name, &message)?,
            id::SET_VRING_ENABLE => rings::check_enable(rule.name, &message)?,
            id::SET_VRING_ADDR => {
                rings::check_addresses(rule.name, &message, &self.memory)?;
                let ring = message.u32_at(0).and_then(|ring| u16::try_from(ring).ok()).unwrap_or(0);
                self.notes.push(Note::RingLog(ring, rings::log_address(&message)));
            }
            id::SET_VRING_KICK | id::SET_VRING_CALL | id::SET_VRING_ERR => {
                message.fds.iter().try_for_each(|fd| fds::doorbell(rule.name, fd))?;
            }
            id::SET_MEM_TABLE | id::ADD_MEM_REG | id::REM_MEM_REG => self.change_memory(rule, &mut message)?,
            _ => self.note_session(rule, &message)?,
        }
        self.transcript.note(&message);
        Ok(self.pass(rule, vec![message]))
    }

    /// What messages about the session itself change.
    fn note_session(&mut self, rule: &Rule, message: &Message) -> Result<(), Refusal> {
        let value = message.u64_at(0).unwrap_or(0);
        match rule.request {
            id::SET_OWNER => self.owned = true,
            id::GET_FEATURES => self.asked_features = true,
            id::SET_FEATURES => {
                check_bits(rule.name, value, self.limits.features)?;
                self.greeted = true;
                self.notes.push(Note::Negotiated(value & !LOG_ALL));
            }
            id::SET_PROTOCOL_FEATURES => {
                check_bits(rule.name, value, protocol_features().bits())?;
                self.protocol = Protocol::from_bits_truncate(value);
            }
            _ => {}
        }
        Ok(())
    }

    fn change_memory(&mut self, rule: &Rule, message: &mut Message) -> Result<(), Refusal> {
        let (seals, mut memory) = (self.limits.seals, self.memory.clone());
        let refusal = |fault| Refusal::Memory { message: rule.name, fault };
        let outcome = match rule.request {
            id::SET_MEM_TABLE => memory.replace(message, seals),
            id::ADD_MEM_REG => memory.add(message, seals),
            _ => memory.remove(message).map(|()| Sealed::Fine),
        };
        let sealed = outcome.map_err(refusal)?;
        if !self.ledger.enter(memory.share()) {
            return Err(refusal(MemoryFault::Exhausted));
        }
        self.memory = memory;
        self.note_seals(rule, sealed);
        Ok(())
    }

    /// Warns of a missing seal, once.
    fn note_seals(&mut self, rule: &Rule, sealed: Sealed) {
        if sealed == Sealed::Missing && !self.seals_warned {
            self.seals_warned = true;
            self.notes.push(Note::Warn(Refusal::Memory { message: rule.name, fault: MemoryFault::Unsealed }));
        }
    }

    /// RESET_OWNER disables every ring, as the specification recommends. The daemon forgets its features with it and
    /// must be greeted once more.
    fn reset_owner(&mut self, message: Message) -> Verdict {
        self.owned = false;
        let answered = message.need_reply() && self.acknowledges();
        let disable = |ring| Message::new(id::SET_VRING_ENABLE, vring_state(ring, 0));
        let mut messages = vec![greeting()];
        messages.extend((0..self.limits.rings).map(disable));
        messages.extend([message, greeting()]);
        Verdict::Forward { messages, answered }
    }

    fn pass(&self, rule: &Rule, messages: Vec<Message>) -> Verdict {
        let wanted = messages.last().is_some_and(Message::need_reply) && self.acknowledges();
        Verdict::Forward { messages, answered: rule.reply == Reply::Always || wanted }
    }

    /// What becomes of a message that is refused; the order is told in the module's description.
    fn refuse(&mut self, (request, wanted, body): (u32, bool, &[u8]), refusal: Refusal, reply: Reply) -> Verdict {
        self.warnings += 1;
        if self.warnings > WARNINGS_MAX {
            return Verdict::Refuse(Refusal::TooMany { last: refusal.to_string() });
        }
        let answer = match reply {
            Reply::Always => no_to(request, body).map(Some),
            _ if wanted && self.acknowledges() => Some(Some(Message::reply_u64(request, 1))),
            Reply::Optional => Some(None),
            Reply::OnRequest => None,
        };
        let Some(answer) = answer else { return Verdict::Refuse(refusal) };
        self.notes.push(Note::Warn(refusal));
        Verdict::Answer(answer)
    }
}

fn check_bits(name: &'static str, value: u64, offered: u64) -> Result<(), Refusal> {
    if value & !offered == 0 {
        return Ok(());
    }
    let expected = format!("only bits of {offered:#x}");
    Err(Refusal::Value { message: name, what: "the feature word", value, expected })
}

/// The answer that means "no" to a question, where there is one.
fn no_to(request: u32, body: &[u8]) -> Option<Message> {
    let body = match request {
        // An empty slice: "the configuration space cannot be read".
        id::GET_CONFIG if body.len() >= 12 => [&body[..4], &[0; 4], &body[8..12]].concat(),
        // No buffer: the frontend goes on without one.
        id::GET_INFLIGHT_FD if body.len() >= 16 => [&[0; 16], &body[16..]].concat(),
        // No userfault descriptor: the migration fails, the device does not.
        id::POSTCOPY_ADVISE => Vec::new(),
        // A number that is not 0; bit 8 says that no descriptor comes.
        id::POSTCOPY_END | id::CHECK_DEVICE_STATE | id::SET_DEVICE_STATE_FD => 0x101_u64.to_ne_bytes().to_vec(),
        _ => return None,
    };
    Some(Message::reply(request, body))
}

/// Six bytes of a MAC address lie at the start of the 64-bit payload.
fn rarp_mac(name: &'static str, value: u64) -> Result<MacAddr, Refusal> {
    let [a, b, c, d, e, f, _, _] = value.to_ne_bytes();
    let mac = MacAddr([a, b, c, d, e, f]);
    if mac.is_station() {
        return Ok(mac);
    }
    let expected = "the address of one station".to_owned();
    Err(Refusal::Value { message: name, what: "the MAC address", value: mac.to_u64(), expected })
}

/// What makes the daemon take SET_VRING_ENABLE before the frontend's own SET_FEATURES.
fn greeting() -> Message {
    Message::new(id::SET_FEATURES, PROTOCOL_FEATURES.to_ne_bytes().to_vec())
}
