// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Which lists are asked of the kernel, and when: no I/O. One at a time, as the kernel wants it.

/// Times that lists are asked for again, one after another, because things changed meanwhile. On a host where they always
/// do, news tell what the list lacks.
const TRIES: u32 = 10;

/// A list that the kernel can give, in the order in which they are asked for: routes mean something only when netdevs
/// are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Links,
    Routes4,
    Routes6,
}

/// What is wanted, and what is under way.
#[derive(Debug)]
pub(crate) struct Dumps {
    /// Wanted, from this list on.
    wanted: Option<Part>,
    running: Option<Running>,
    tries: u32,
    seq: u32,
}

/// A list that comes.
#[derive(Debug)]
struct Running {
    part: Part,
    seq: u32,
    begun: bool,
    torn: bool,
}

/// What the end of a list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is missing from it.
    Whole(Part),
    /// Something may be missing, and it is asked for again.
    Again,
    /// Something may be missing, and that is all there is to have.
    Partly(Part),
}

impl Dumps {
    /// Everything is wanted.
    pub(crate) fn new() -> Dumps {
        Dumps { wanted: Some(Part::Links), running: None, tries: 0, seq: 0 }
    }

    /// News were lost: everything is asked for anew, and what is under way does not count.
    pub(crate) fn lost(&mut self) {
        self.wanted = Some(Part::Links);
        if let Some(running) = &mut self.running {
            running.torn = true;
        }
    }

    /// Routes are in doubt: they are asked for again. After the netdevs, for which the kernel waits until whoever changes
    /// something is done with it; it does not for routes, and would list those that are just about to go.
    pub(crate) fn doubt_routes(&mut self) {
        self.want(Part::Links);
    }

    /// The list to ask for now, and the number of the request.
    pub(crate) fn next(&mut self) -> Option<(Part, u32)> {
        if self.running.is_some() {
            return None;
        }
        let part = self.wanted?;
        self.wanted = match part {
            Part::Links => Some(Part::Routes4),
            Part::Routes4 => Some(Part::Routes6),
            Part::Routes6 => None,
        };
        // News have the number 0.
        self.seq = self.seq.checked_add(1).unwrap_or(1);
        self.running = Some(Running { part, seq: self.seq, begun: false, torn: false });
        Some((part, self.seq))
    }

    /// The request for a list could not be sent: it is to be sent again.
    pub(crate) fn unsent(&mut self) {
        if let Some(running) = self.running.take() {
            self.want(running.part);
        }
    }

    /// An answer to a request comes: the list that begins with it, if it is the first.
    pub(crate) fn begin(&mut self, seq: u32) -> Option<Part> {
        let running = self.running.as_mut().filter(|running| running.seq == seq && !running.begun)?;
        running.begun = true;
        Some(running.part)
    }

    /// What the kernel answers to a request does not fit together.
    pub(crate) fn torn(&mut self, seq: u32) {
        if let Some(running) = self.running.as_mut().filter(|running| running.seq == seq) {
            running.torn = true;
        }
    }

    /// The answer to a request ends; a refusal has nothing to wait for. Nothing, when it is the answer to another.
    pub(crate) fn end(&mut self, seq: u32, refused: bool) -> Option<Ended> {
        let Running { part, torn, .. } = self.running.take_if(|running| running.seq == seq)?;
        if torn && self.tries < TRIES {
            self.tries += 1;
            self.want(if part == Part::Links { Part::Links } else { Part::Routes4 });
            return Some(Ended::Again);
        }
        // The last list ends it all, whatever came of it.
        if self.wanted.is_none() {
            self.tries = 0;
        }
        Some(if torn || refused { Ended::Partly(part) } else { Ended::Whole(part) })
    }

    fn want(&mut self, part: Part) {
        self.wanted = Some(self.wanted.map_or(part, |wanted| wanted.min(part)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(dumps: &mut Dumps) -> (Part, u32) {
        let asked = dumps.next().expect("a list is wanted");
        assert_eq!(dumps.next(), None, "one at a time");
        asked
    }

    /// Asks for everything that is wanted, and has it end well.
    fn drain(dumps: &mut Dumps) -> Vec<Part> {
        let mut parts = Vec::new();
        while let Some((part, seq)) = dumps.next() {
            assert_eq!(dumps.end(seq, false), Some(Ended::Whole(part)));
            parts.push(part);
        }
        parts
    }

    #[test]
    fn all_lists_are_asked_for_one_after_another() {
        let mut dumps = Dumps::new();
        assert_eq!(drain(&mut dumps), [Part::Links, Part::Routes4, Part::Routes6]);
        dumps.doubt_routes();
        assert_eq!(drain(&mut dumps), [Part::Links, Part::Routes4, Part::Routes6]);
    }

    #[test]
    fn a_list_begins_once() {
        let mut dumps = Dumps::new();
        let (part, seq) = asked(&mut dumps);
        assert_eq!([dumps.begin(seq + 1), dumps.begin(seq), dumps.begin(seq)], [None, Some(part), None]);
    }

    #[test]
    fn a_loss_spoils_what_is_under_way() {
        let mut dumps = Dumps::new();
        let (_, links) = asked(&mut dumps);
        assert_eq!(dumps.end(links, false), Some(Ended::Whole(Part::Links)));
        let (_, routes) = asked(&mut dumps);
        dumps.lost();
        assert_eq!(dumps.end(routes, false), Some(Ended::Again));
        assert_eq!(drain(&mut dumps), [Part::Links, Part::Routes4, Part::Routes6]);
    }

    #[test]
    fn what_always_changes_is_not_asked_for_for_ever() {
        let mut dumps = Dumps::new();
        drain(&mut dumps);
        dumps.doubt_routes();
        let mut asked_for = 0;
        let last = loop {
            let (_, seq) = asked(&mut dumps);
            asked_for += 1;
            dumps.torn(seq);
            match dumps.end(seq, false) {
                Some(Ended::Again) => {}
                ended => break ended,
            }
        };
        assert_eq!((last, asked_for), (Some(Ended::Partly(Part::Links)), TRIES + 1));
        assert_eq!(drain(&mut dumps), [Part::Routes4, Part::Routes6]);
    }

    #[test]
    fn doubts_that_come_meanwhile_are_not_forgotten() {
        let mut dumps = Dumps::new();
        let (_, links) = asked(&mut dumps);
        dumps.end(links, false);
        let (part, routes) = asked(&mut dumps);
        assert_eq!(part, Part::Routes4);
        dumps.doubt_routes();
        dumps.end(routes, false);
        assert_eq!(drain(&mut dumps), [Part::Links, Part::Routes4, Part::Routes6]);
    }

    #[test]
    fn a_refusal_and_a_request_that_was_not_sent_end_nothing_else() {
        let mut dumps = Dumps::new();
        let (part, seq) = asked(&mut dumps);
        dumps.unsent();
        let (again, another) = asked(&mut dumps);
        assert_eq!((part, dumps.end(seq, false)), (again, None), "the answer to another");
        assert_eq!(dumps.end(another, true), Some(Ended::Partly(Part::Links)));
        assert_eq!(drain(&mut dumps), [Part::Routes4, Part::Routes6]);
    }
}
