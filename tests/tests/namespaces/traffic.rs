// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Two guests of a namespace that talk all the time, and notice every frame that is missing, doubled or not theirs.

use std::sync::mpsc::Receiver;

use tests::frames::{BROADCAST, number_of, numbered};
use tests::guest::SyntheticGuest;
use tests::wait::Deadline;
use tests::weftd::Weftd;

/// Frames under way at a time: they fit into a receive queue, so none has a reason to be lost.
const WINDOW: u64 = 16;

/// Two guests of one namespace. They have the same addresses in every namespace.
pub(crate) struct Talkers {
    one: SyntheticGuest,
    two: SyntheticGuest,
    /// The upper half of every number that is sent here.
    mark: u64,
}

impl Talkers {
    /// Attaches the guests to the namespace's two ports.
    pub(crate) fn new(daemon: &Weftd, namespace: &str, mark: u32) -> Talkers {
        let attach = |number: u8| daemon.attach(&format!("{namespace}{number}"), number);
        Talkers::of(attach(1), attach(2), mark)
    }

    /// Two guests that reach each other, and nobody else reaches them.
    pub(crate) fn of(one: SyntheticGuest, two: SyntheticGuest, mark: u32) -> Talkers {
        Talkers { one, two, mark: u64::from(mark) << 32 }
    }

    /// Exchanges frames as often as it is told to, and returns how many came: all.
    pub(crate) fn run(&mut self, again: &Receiver<()>) -> u64 {
        let mut next = self.mark;
        for () in again {
            // Every other time they are flooded.
            let all = (next / WINDOW / 2).is_multiple_of(2);
            pass(&mut self.one, &mut self.two, next, all);
            pass(&mut self.two, &mut self.one, next + WINDOW, all);
            next += 2 * WINDOW;
        }
        for guest in [&mut self.one, &mut self.two] {
            assert!(guest.recv().is_none(), "{} got a frame that nobody sent to it", guest.name());
        }
        next - self.mark
    }
}

/// Sends a window from one to the other.
fn pass(from: &mut SyntheticGuest, to: &mut SyntheticGuest, first: u64, all: bool) {
    let address = if all { BROADCAST } else { to.mac() };
    let mut wanted = first;
    for number in first..first + WINDOW {
        from.send(&numbered(address, from.mac(), number, 60 + (number % 100) as usize));
    }
    let last = to.recv_until(Deadline::patient(), |got| {
        assert_eq!(number_of(&got.frame), Some(wanted));
        wanted += 1;
        wanted == first + WINDOW
    });
    assert!(last.is_some(), "{} waits for frame {wanted}", to.name());
}
