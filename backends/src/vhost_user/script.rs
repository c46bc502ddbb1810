// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A session that another process has begun, told to a daemon of ours in the words of its frontend.
//!
//! The frontend notices nothing: what it is told in answer was told it before. Its words are said in three parts: all but kicks,
//! the kicks of receive rings, those of transmit rings. Between them there is time for other sessions to come as far: a guest that
//! sent before another can receive would send into nothing. Each part ends with a question, so that the answer to that says that
//! all before is done.

use std::collections::VecDeque;

use super::guard::Script;
use super::message::{Message, request as id};

/// How far a session is that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// Something is still to be said.
    Underway,
    /// A part is said, and the next waits for [`Prompter::proceed`].
    Ready,
    /// The frontend is served as any other.
    Done,
    /// It cannot be served here.
    Failed(String),
}

/// What is said in place of a frontend.
#[derive(Debug)]
pub(super) struct Prompter {
    lines: VecDeque<Message>,
    /// The parts that follow.
    parts: VecDeque<Vec<Message>>,
    /// The question that ends a part is asked, and not answered.
    asked: bool,
}

impl Prompter {
    pub(super) fn new(script: Script) -> Self {
        let is_receive = |kick: &Message| kick.u32_at(0).is_some_and(|ring| ring.is_multiple_of(2));
        let (receive, transmit) = script.kicks.into_iter().partition(is_receive);
        Self { lines: part(script.setting), parts: [receive, transmit].into(), asked: false }
    }

    /// What is said next.
    pub(super) fn next_line(&mut self) -> Option<Message> {
        let line = self.lines.pop_front()?;
        self.asked = self.lines.is_empty();
        Some(line)
    }

    /// It is time for the next part.
    pub(super) fn proceed(&mut self) {
        self.lines.extend(self.parts.pop_front().map(part).into_iter().flatten());
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// It says no.
    pub(super) fn hear(&mut self, answer: &Message) -> Result<(), String> {
        match answer.request {
            id::GET_FEATURES => self.asked &= !self.lines.is_empty(),
            id::GET_PROTOCOL_FEATURES => {}
            // It is answered in its own words, which are longer than a no.
            id::SET_LOG_BASE if answer.body.len() > 8 => {}
            request if answer.u64_at(0) != Some(0) => return Err(format!("message {request} was refused")),
            _ => {}
        }
        Ok(())
    }

    /// A part is said.
    pub(super) fn has_paused(&self) -> bool {
        self.lines.is_empty() && !self.asked
    }

    pub(super) fn is_over(&self) -> bool {
        self.has_paused() && self.parts.is_empty()
    }
}

/// Each is to be acknowledged, where that was agreed upon, and a question comes last.
fn part(messages: Vec<Message>) -> VecDeque<Message> {
    let is_question = |message: &Message| [id::GET_FEATURES, id::GET_PROTOCOL_FEATURES].contains(&message.request);
    let last = Message::new(id::GET_FEATURES, Vec::new());
    let said = |message: Message| if is_question(&message) { message } else { message.acknowledged() };
    messages.into_iter().map(said).chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vhost_user::message::vring_state;

    #[test]
    fn each_part_is_over_when_its_last_question_is_answered() {
        let enable = Message::new(id::SET_VRING_ENABLE, vring_state(0, 1));
        let kick = |ring: u64| Message::new(id::SET_VRING_KICK, ring.to_ne_bytes().to_vec());
        let first = Message::new(id::GET_FEATURES, Vec::new());
        let mut prompter = Prompter::new(Script { setting: vec![first, enable], kicks: vec![kick(1), kick(0)] });
        let answer = Message::reply_u64(id::GET_FEATURES, 7);
        let say = |prompter: &mut Prompter| prompter.next_line().map(|line| (line.request, line.need_reply()));
        assert_eq!(say(&mut prompter), Some((id::GET_FEATURES, false)));
        prompter.hear(&answer).unwrap();
        assert!(!prompter.has_paused(), "this one was the frontend's own question");
        assert_eq!(say(&mut prompter), Some((id::SET_VRING_ENABLE, true)));
        prompter.hear(&Message::reply_u64(id::SET_VRING_ENABLE, 0)).unwrap();
        assert_eq!((say(&mut prompter), say(&mut prompter)), (Some((id::GET_FEATURES, false)), None));
        assert!(!prompter.has_paused());
        prompter.hear(&answer).unwrap();
        assert!(prompter.has_paused() && !prompter.is_over());
        prompter.proceed();
        assert_eq!(prompter.next_line().map(|line| line.u32_at(0)), Some(Some(0)), "the one to the guest is first");
        assert_eq!(say(&mut prompter), Some((id::GET_FEATURES, false)));
        prompter.hear(&answer).unwrap();
        assert!(prompter.has_paused() && !prompter.is_over());
        prompter.proceed();
        assert_eq!(say(&mut prompter), Some((id::SET_VRING_KICK, true)));
        assert!(prompter.hear(&Message::reply_u64(id::SET_VRING_KICK, 1)).is_err(), "it says no");
        assert_eq!(say(&mut prompter), Some((id::GET_FEATURES, false)));
        prompter.hear(&answer).unwrap();
        assert!(prompter.is_over());
    }
}
