// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What one client has asked for and is told. It knows of no socket: octets come in and go out.

use super::desk::{Desk, Order, Told};
use super::lines::{Lines, Message};
use super::reply::{Code, Replies};
use super::verb::{BadVerb, Change, Verb, Which};
use super::{SUBSCRIPTIONS_MAX, TRANSACTION_MAX, statement};
use crate::ctl_server::access::Access;
use pvd::{Cursor, EventKind};
use serde_json::Value;
use std::collections::BTreeSet;
use switch::Statement;

/// One client's questions and answers.
#[derive(Debug)]
pub struct Dialogue {
    access: Access,
    /// The kernel says who the client is.
    is_known: bool,
    lines: Lines,
    replies: Replies,
    /// It changes things, and hears of nothing but what went wrong.
    controls: bool,
    transaction: Option<Transaction>,
    wants: Wants,
    /// An answer about all PvDs goes on from here.
    rest: Option<Cursor>,
    /// The last event that it was told of, or did not want to be.
    seen: u64,
}

/// What is said of a PvD when it ends.
#[derive(Debug)]
struct Transaction {
    name: String,
    /// What was said when it began.
    before: Statement,
    statement: Statement,
    /// How much was set.
    set: usize,
}

/// What a client is told unasked.
#[derive(Debug, Default)]
struct Wants {
    /// Which PvDs come and go.
    list: bool,
    /// What changes of any.
    all: bool,
    /// What changes of these.
    names: BTreeSet<String>,
}

impl Wants {
    fn any(&self) -> bool {
        self.list || self.all || !self.names.is_empty()
    }

    fn changes_of(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

impl Dialogue {
    /// With a client that may do `access`, if the kernel says who it is; over TCP nobody does, and it may look.
    pub fn new(known: Option<Access>) -> Dialogue {
        Dialogue {
            access: known.unwrap_or(Access::Read),
            is_known: known.is_some(),
            lines: Lines::default(),
            replies: Replies::default(),
            controls: false,
            transaction: None,
            wants: Wants::default(),
            rest: None,
            seen: 0,
        }
    }

    /// Takes in what the client has sent. To be called when [`Dialogue::advance`] has nothing left to do, so that what waits
    /// here is bounded.
    pub fn push(&mut self, octets: &[u8]) {
        self.lines.push(octets);
    }

    /// What the client may do.
    pub fn access(&self) -> Access {
        self.access
    }

    /// It waits to be told something, or is in the middle of something.
    pub fn is_engaged(&self) -> bool {
        self.wants.any() || self.transaction.is_some() || !self.replies.is_empty()
    }

    /// What is to be sent to the client, before anything else is done here.
    pub fn to_send(&self) -> &[u8] {
        self.replies.octets()
    }

    /// All of it is sent.
    pub fn sent(&mut self) {
        self.replies.clear();
    }

    /// Goes on until there is something to be sent, or something was changed, which takes its time. False: nothing is to be sent, and nothing is left to be done until
    /// something comes in or happens.
    pub fn advance(&mut self, desk: &mut dyn Desk) -> bool {
        while self.replies.is_empty() {
            if let Some(from) = self.rest.take() {
                self.tell_all(Some(from), desk);
            } else if let Some(message) = self.lines.pull() {
                if self.answer(message, desk) {
                    return true;
                }
            } else if !self.tell_news(desk) {
                return false;
            }
        }
        true
    }

    /// True: something may have been changed.
    fn answer(&mut self, message: Message, desk: &mut dyn Desk) -> bool {
        let message = match message {
            Ok(message) => message,
            Err(why) => {
                self.replies.error(Code::Invalid, "message", why);
                return false;
            }
        };
        let (word, verb) = Verb::parse(&message);
        let changes = matches!(verb, Ok(Verb::Change(_)));
        match verb {
            Err(why) => self.wrong(word, &why),
            _ if self.access == Access::None => self.refuse(word, "this user may not look here"),
            Ok(verb @ (Verb::PromoteControl | Verb::PromoteBinary)) => self.promote(&verb, word),
            Ok(Verb::Change(change)) => self.change(word, change, desk),
            Ok(_) if self.controls => self.refuse(word, "this connection is for changes; ask over another one"),
            Ok(verb) => self.ask(word, verb, desk),
        }
        changes
    }

    fn wrong(&mut self, word: &str, why: &BadVerb) {
        match why {
            BadVerb::Unknown => self.replies.error(Code::Unknown, word, "no such verb"),
            BadVerb::Arguments(expected) => {
                self.replies.error(Code::Invalid, word, format_args!("behind it stands {expected}"));
            }
            BadVerb::Name(name) => {
                self.replies.error(Code::Invalid, word, format_args!("{name:?} is not the name of a PvD"));
            }
        }
    }

    fn refuse(&mut self, word: &str, why: &str) {
        self.replies.error(Code::Refused, word, why);
    }

    fn promote(&mut self, verb: &Verb, word: &str) {
        match verb {
            Verb::PromoteBinary => self.replies.binary = true,
            _ if !self.is_known => self.refuse(word, "over TCP nobody is known; connect to a Unix socket"),
            _ if self.access != Access::Administer => {
                self.refuse(word, "only root and members of the group of weft may");
            }
            _ => (self.controls, self.wants) = (true, Wants::default()),
        }
    }

    fn change(&mut self, word: &str, change: Change, desk: &mut dyn Desk) {
        if !self.controls {
            return self.refuse(word, "say PVD_CONNECTION_PROMOTE_CONTROL first");
        }
        let done = match change {
            Change::Create(name) => desk.carry_out(Order::Create(name)),
            Change::Remove(name) => desk.carry_out(Order::Remove(name)),
            Change::Begin(name) => self.begin(name, desk),
            Change::Set { name, key, value } => serde_json::from_str(&value)
                .map_err(|why| format!("the value is not JSON: {why}"))
                .and_then(|value| self.set(&name, &key, Some(&value))),
            Change::Unset { name, key } if self.is_open(&name) => self.set(&name, &key, None),
            Change::Unset { name, key } => unset(name, &key, desk),
            Change::End(name) => match self.transaction.take_if(|open| open.name == name) {
                Some(open) if desk.statement(&open.name).as_ref() != Some(&open.before) => {
                    Err(format!("{} was changed meanwhile by somebody else; begin anew", open.name))
                }
                Some(Transaction { name, statement, .. }) => desk.carry_out(Order::Say(name, statement.into())),
                None => Err(format!("there is no transaction of {name}")),
            },
        };
        if let Err(why) = done {
            self.replies.error(Code::Failed, word, why);
        }
    }

    fn is_open(&self, name: &str) -> bool {
        self.transaction.as_ref().is_some_and(|open| open.name == name)
    }

    fn begin(&mut self, name: String, desk: &dyn Desk) -> Result<(), String> {
        if let Some(open) = &self.transaction {
            return Err(format!("the transaction of {} has not ended", open.name));
        }
        let statement = desk.statement(&name).ok_or_else(|| not_static(&name))?;
        self.transaction = Some(Transaction { name, before: statement.clone(), statement, set: 0 });
        Ok(())
    }

    fn set(&mut self, name: &str, key: &str, value: Option<&Value>) -> Result<(), String> {
        let open = self.transaction.as_mut().filter(|open| open.name == name);
        let open = open.ok_or_else(|| format!("say PVD_BEGIN_TRANSACTION {name} first"))?;
        if open.set == TRANSACTION_MAX {
            return Err(format!("a transaction sets at most {TRANSACTION_MAX} attributes"));
        }
        open.set += 1;
        statement::set(&mut open.statement, key, value)
    }

    fn ask(&mut self, word: &str, verb: Verb, desk: &dyn Desk) {
        match verb {
            Verb::GetList => self.tell_list(desk),
            Verb::GetAttributes(Which::All) => self.tell_all(None, desk),
            Verb::GetAttributes(Which::One(name)) => match desk.find(&name) {
                Some(told) => self.tell(told),
                None => self.no_pvd(word, &name),
            },
            Verb::GetAttribute { name, key } => match desk.find(&name) {
                Some(mut told) => {
                    let value = told.attributes.remove(&key).unwrap_or(Value::Null);
                    self.replies.block(format_args!("PVD_ATTRIBUTE {} {key}", told.name), &value);
                }
                None => self.no_pvd(word, &name),
            },
            Verb::SubscribeList(on) => self.subscribe(desk, |wants| wants.list = on),
            Verb::Subscribe(Which::All, true) => self.subscribe(desk, |wants| wants.all = true),
            Verb::Subscribe(Which::All, false) => self.subscribe(desk, |wants| wants.all = false),
            Verb::Subscribe(Which::One(name), false) => self.subscribe(desk, |wants| _ = wants.names.remove(&name)),
            Verb::Subscribe(Which::One(name), true) if self.wants.names.len() < SUBSCRIPTIONS_MAX => {
                self.subscribe(desk, |wants| _ = wants.names.insert(name));
            }
            Verb::Subscribe(Which::One(_), true) => {
                let why = format_args!("a client has at most {SUBSCRIPTIONS_MAX}; PVD_SUBSCRIBE * is one");
                self.replies.error(Code::Limit, word, why);
            }
            Verb::PromoteControl | Verb::PromoteBinary | Verb::Change(_) => {}
        }
    }

    fn no_pvd(&mut self, word: &str, name: &str) {
        self.replies.error(Code::NoPvd, word, format_args!("there is no PvD {name:?}"));
    }

    /// Who wants to be told something begins with what happens from now on.
    fn subscribe(&mut self, desk: &dyn Desk, change: impl FnOnce(&mut Wants)) {
        if !self.wants.any() {
            self.seen = desk.last_event();
        }
        change(&mut self.wants);
    }

    fn tell(&mut self, Told { name, attributes }: Told) {
        self.replies.block(format_args!("PVD_ATTRIBUTES {name}"), &attributes.into());
    }

    fn tell_all(&mut self, from: Option<Cursor>, desk: &dyn Desk) {
        let (page, rest) = desk.page(from);
        page.into_iter().for_each(|told| self.tell(told));
        self.rest = rest;
    }

    fn tell_list(&mut self, desk: &dyn Desk) {
        let mut line = String::from("PVD_LIST");
        desk.names().iter().for_each(|name| line.extend([" ", name]));
        self.replies.line(format_args!("{line}"));
    }

    /// Tells of what has happened since. False: nothing has that this client wants to hear of.
    fn tell_news(&mut self, desk: &dyn Desk) -> bool {
        if !self.wants.any() || self.seen == desk.last_event() {
            return false;
        }
        let Some(news) = desk.news(self.seen) else {
            self.seen = desk.last_event();
            let why = "more has happened than is remembered; ask for what matters anew";
            self.replies.error(Code::Missed, "notifications", why);
            if self.wants.list {
                self.tell_list(desk);
            }
            return true;
        };
        self.seen = news.last().map_or_else(|| desk.last_event(), |last| last.seq);
        if self.wants.list {
            let lists = |kind| matches!(kind, EventKind::New | EventKind::Delete);
            let mut come_or_gone = news.iter().filter(|news| lists(news.kind)).peekable();
            let any = come_or_gone.peek().is_some();
            come_or_gone.for_each(|news| match news.kind {
                EventKind::Delete => self.replies.line(format_args!("PVD_DEL_PVD {}", news.name)),
                _ => self.replies.line(format_args!("PVD_NEW_PVD {}", news.name)),
            });
            if any {
                self.tell_list(desk);
            }
        }
        // Each once, as it is now; what is gone has no attributes.
        let changed: BTreeSet<&String> = news.iter().map(|news| &news.name).collect();
        for name in changed {
            if let Some(told) = self.wants.changes_of(name).then(|| desk.find(name)).flatten() {
                self.tell(told);
            }
        }
        true
    }
}

fn unset(name: String, key: &str, desk: &mut dyn Desk) -> Result<(), String> {
    let mut said = desk.statement(&name).ok_or_else(|| not_static(&name))?;
    statement::set(&mut said, key, None)?;
    desk.carry_out(Order::Say(name, said.into()))
}

fn not_static(name: &str) -> String {
    format!("{name} is not a static PvD; PVD_CREATE_PVD makes it one")
}
