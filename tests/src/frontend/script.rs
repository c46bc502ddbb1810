// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The message orders of real VMMs, as text that is replayed by name.
//!
//! VMMs disagree about the order of messages, and the disagreements are what breaks backends. So each order is a script
//! in `golden/`, with one section for each thing that a VMM does with a device: `[connect]`, `[start]` (the guest's
//! driver is ready), `[pause]`, `[resume]`, `[stop]` (the driver resets the device), `[reconnect]` (the switch is back,
//! the driver goes on), `[quit]`.
//!
//! ```text
//! [first|other|several] [logged] [when FEATURE|unless FEATURE] [ring|region] MESSAGE [number] [!]
//! ```
//!
//! * `!`: with NEED_REPLY, if REPLY_ACK was negotiated.
//! * `when`, `unless`: only if this protocol feature was negotiated, or was not.
//! * `logged`: only while the VMM has a dirty log.
//! * `ring`, `region`: once for each. Lines with `ring` that follow each other are one group, sent ring by ring; an
//!   empty line ends the group.
//! * `first`, `other`: only for the first queue pair, or only for the others. `several`: only if there is more than one.
//! * `pair` ... `end`: everything between, once for each queue pair and with its rings only.
use std::collections::BTreeMap;
use std::ops::Range;

use super::Request;
use super::calls::protocol;

/// Whose message order a frontend follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// QEMU 10: rings are enabled before the features are set.
    Qemu,
    /// cloud-hypervisor: rings are enabled last, bases are taken from the available index.
    CloudHypervisor,
}

impl Order {
    /// Both orders, for tests that must hold for either.
    pub const ALL: [Order; 2] = [Order::Qemu, Order::CloudHypervisor];

    /// The script of this order.
    pub fn script(self) -> Script {
        Script::parse(match self {
            Order::Qemu => include_str!("../golden/qemu.txt"),
            Order::CloudHypervisor => include_str!("../golden/cloud-hypervisor.txt"),
        })
    }
}

/// What a script is played for.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    /// Queue pairs of the device.
    pub pairs: u16,
    /// Regions of guest memory.
    pub regions: usize,
}

/// One message to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The message.
    pub request: Request,
    /// The ring that it is about, if it is about one.
    pub ring: Option<u16>,
    /// The region of memory that it is about, if it is about one.
    pub region: Option<usize>,
    /// The number in the script, 0 if there is none.
    pub value: u32,
    /// With NEED_REPLY.
    pub acknowledge: bool,
    /// Protocol feature to be present (true) or absent (false) at that moment.
    pub condition: Option<(u64, bool)>,
    /// Only while the VMM has a dirty log.
    pub logged: bool,
}

/// A parsed script.
#[derive(Debug)]
pub struct Script {
    sections: BTreeMap<String, Vec<Item>>,
}

#[derive(Debug)]
enum Item {
    Lines(Vec<Line>),
    Pair(Vec<Vec<Line>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Each {
    Once,
    Ring,
    Region,
}

/// For which queue pairs a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    All,
    First,
    Other,
    Several,
}

impl Place {
    fn holds(self, pair: u16, cast: Cast) -> bool {
        match self {
            Place::All => true,
            Place::First => pair == 0,
            Place::Other => pair > 0,
            Place::Several => cast.pairs > 1,
        }
    }
}

#[derive(Debug)]
struct Line {
    place: Place,
    each: Each,
    step: Step,
}

impl Script {
    /// Reads a script.
    ///
    /// # Panics
    /// On anything that the grammar does not know: scripts are part of the test.
    pub fn parse(text: &str) -> Script {
        let mut sections = BTreeMap::new();
        let body =
            |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        for section in body(text).join("\n").split("\n[").skip(1) {
            let (name, lines) = section.split_once(']').expect("a section's name ends with ]");
            sections.insert(name.to_owned(), parse_section(lines));
        }
        Script { sections }
    }

    /// The messages of one section, in order.
    ///
    /// # Panics
    /// When the script has no such section.
    pub fn steps(&self, section: &str, cast: Cast) -> Vec<Step> {
        let items = self.sections.get(section).unwrap_or_else(|| panic!("the script has no section [{section}]"));
        let mut steps = Vec::new();
        for item in items {
            match item {
                Item::Lines(lines) => expand(lines, 0..cast.pairs, cast, &mut steps),
                Item::Pair(groups) => {
                    for pair in 0..cast.pairs {
                        groups.iter().for_each(|lines| expand(lines, pair..pair + 1, cast, &mut steps));
                    }
                }
            }
        }
        steps
    }
}

fn parse_section(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut block: Option<Vec<Vec<Line>>> = None;
    let mut open = false;
    for line in text.lines().map(str::trim) {
        match line {
            "" => open = false,
            "pair" => (block, open) = (Some(Vec::new()), false),
            "end" => {
                items.push(Item::Pair(block.take().expect("`end` comes after `pair`")));
                open = false;
            }
            _ => {
                let line = parse_line(line);
                let grows = open && line.each == Each::Ring;
                open = line.each == Each::Ring;
                add(line, grows, &mut items, block.as_mut());
            }
        }
    }
    assert!(block.is_none(), "`pair` without `end`");
    items
}

/// Adds a line to the group before it (`grows`) or to a new one, inside the open block or outside of any.
fn add(line: Line, grows: bool, items: &mut Vec<Item>, block: Option<&mut Vec<Vec<Line>>>) {
    match (block, items.last_mut()) {
        (Some(groups), _) => match groups.last_mut() {
            Some(group) if grows => group.push(line),
            _ => groups.push(vec![line]),
        },
        (None, Some(Item::Lines(group))) if grows => group.push(line),
        (None, _) => items.push(Item::Lines(vec![line])),
    }
}

fn parse_line(text: &str) -> Line {
    let (mut place, mut each, mut condition, mut logged) = (Place::All, Each::Once, None, false);
    let mut words = text.split_whitespace();
    let request = loop {
        match words.next().expect("a line names a message") {
            "first" => place = Place::First,
            "other" => place = Place::Other,
            "several" => place = Place::Several,
            "logged" => logged = true,
            "ring" => each = Each::Ring,
            "region" => each = Each::Region,
            word @ ("when" | "unless") => {
                let feature = words.next().expect("`when` and `unless` name a protocol feature");
                condition = Some((protocol::named(feature), word == "when"));
            }
            name => break Request::named(name),
        }
    };
    let (mut value, mut acknowledge) = (0, false);
    for word in words {
        match word {
            "!" => acknowledge = true,
            number => value = number.parse().expect("after the message's name comes a number or `!`"),
        }
    }
    let step = Step { request, ring: None, region: None, value, acknowledge, condition, logged };
    Line { place, each, step }
}

fn expand(lines: &[Line], pairs: Range<u16>, cast: Cast, steps: &mut Vec<Step>) {
    let here = |line: &&Line, pair: u16| line.place.holds(pair, cast);
    match lines[0].each {
        Each::Ring => {
            for ring in pairs.start * 2..pairs.end * 2 {
                let sent = lines.iter().filter(|line| here(line, ring / 2));
                steps.extend(sent.map(|line| Step { ring: Some(ring), ..line.step }));
            }
        }
        Each::Region => {
            for line in lines.iter().filter(|line| here(line, pairs.start)) {
                steps.extend((0..cast.regions).map(|region| Step { region: Some(region), ..line.step }));
            }
        }
        Each::Once => steps.extend(lines.iter().filter(|line| here(line, pairs.start)).map(|line| line.step)),
    }
}
