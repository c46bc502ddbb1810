// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft pvd watch`: goes on until it is ended, also when weftd is started anew meanwhile.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::{Context, DONE, Outcome, table};
use crate::cli::failure::Failure;
use crate::client::{Client, ClientError};
use crate::codec::CodecError;
use crate::proto::v1::{Operation, Pvd, PvdChange, PvdEvent, PvdEventKind, PvdList, PvdWatch, PvdWatchReply};
use crate::render::text::printable;

pub(super) const HELP: &str = "\
Each event has a number of its namespace; --since goes on behind the one of that number. When events were missed, \
because only the last 512 of a namespace are kept or weftd was started anew, that is said, and what \
there is now is listed. While weftd is away, watch waits for it for as long as --timeout says.

With --recursive the namespaces below are watched, too, also those that are made meanwhile, and \
each event says its namespace. As each has numbers of its own, --since can only be 0 then.

Beside what routers and operators say, it is told when a fetch of Additional Information has ended \
(fetched), or why it brought nothing (failed).

In JSON there is one document for each event, and others of the kinds begin (nothing yet: its seq \
is where to go on from), missed, and listed (a PvD that is there now).";

/// How often a weftd that is away is looked for.
const INTERVAL: Duration = Duration::from_millis(100);

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// What is to be watched.
#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    /// Of this namespace
    #[arg(value_name = "NAMESPACE", default_value = "/")]
    namespace: String,
    /// Begin with what happened after the event of this number; 0: with the first that is still known [default: with
    /// what happens from now on]
    #[arg(long, value_name = "SEQ")]
    since: Option<u64>,
    /// Of all namespaces below it, too
    #[arg(long)]
    recursive: bool,
    /// With those below: what has been told of each.
    #[arg(skip)]
    known: BTreeMap<String, u64>,
}

impl Watch {
    /// What goes on from here.
    fn call(&self) -> PvdWatch {
        let Watch { namespace, since, recursive, known } = self;
        PvdWatch { namespace: namespace.clone(), since: *since, recursive: *recursive, known: known.clone() }
    }

    /// Up to that number all is told.
    fn told(&mut self, namespace: &str, seq: u64) {
        match self.recursive {
            true => drop(self.known.insert(namespace.to_owned(), seq)),
            false => self.since = Some(seq),
        }
    }
}

/// An event, and where.
#[derive(Serialize)]
struct Located<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(flatten)]
    event: &'a PvdEvent,
}

/// What JSON tells beside events.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    /// Where the watch begins, when it begins with what is to come.
    Begin { seq: u64 },
    /// Events up to that number are lost.
    Missed {
        seq: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
    },
    /// A PvD that is there after some were lost.
    Listed { pvd: &'a Pvd },
}

/// How a conversation ended that could go on.
enum End {
    /// weftd has said the last word.
    Said,
    /// weftd is gone.
    Away(ClientError),
}

pub(super) fn run(mut asked: Watch, first: Client, mut context: Context<'_>) -> Outcome {
    let mut client = first;
    loop {
        match follow(&mut asked, client, &mut context)? {
            End::Said => return Ok(DONE),
            End::Away(why) => client = wait_for_weftd(why, &mut context)?,
        }
    }
}

/// Tells what happens for as long as the connection lasts. `asked` goes on with it.
fn follow(asked: &mut Watch, mut client: Client, context: &mut Context<'_>) -> Result<End, Failure> {
    let mut fresh = asked.since.is_none() && asked.known.is_empty();
    let replies = match client.watch(&asked.call()) {
        Ok(replies) => replies,
        Err(why) => return away(why),
    };
    // The lists that are made when some were missed tell these already.
    let mut listed = BTreeMap::new();
    for reply in replies {
        let PvdWatchReply { namespace, events, seq, missed, known } = match reply {
            Ok(reply) => reply,
            Err(why) => return away(why),
        };
        let home = namespace.filter(|_| asked.recursive).unwrap_or_else(|| asked.namespace.clone());
        let located = asked.recursive.then_some(home.as_str());
        if missed {
            match list(&home, context) {
                Ok((seq, pvds)) => {
                    listed.insert(home.clone(), seq);
                    tell_list((located, seq), &pvds, context)?;
                }
                Err(Failure::Client(why)) => return away(why),
                Err(why) => return Err(why),
            }
        } else if fresh && events.is_empty() {
            tell_begin(seq, context)?;
            if asked.recursive {
                asked.known = known;
            }
        }
        let already = listed.get(&home).copied().unwrap_or(0);
        for event in events.iter().filter(|event| event.seq > already) {
            context.output.answer(&Located { namespace: located, event }, |_| lines(located, event))?;
        }
        fresh = false;
        asked.told(&home, seq.max(already));
    }
    Ok(End::Said)
}

/// Tells a weftd that is gone from a failure that stays.
fn away(why: ClientError) -> Result<End, Failure> {
    match why {
        ClientError::Lost(_) | ClientError::Closed | ClientError::Protocol(CodecError::Truncated { .. }) => {
            Ok(End::Away(why))
        }
        ClientError::Unreachable { .. } => Ok(End::Away(why)),
        why => Err(why.into()),
    }
}

fn wait_for_weftd(why: ClientError, context: &mut Context<'_>) -> Result<Client, Failure> {
    context.note("weftd is away: waiting for it");
    let deadline = Instant::now() + context.global.timeout();
    let mut last = why;
    while Instant::now() < deadline {
        thread::sleep(INTERVAL);
        match context.client() {
            Ok(client) => return Ok(client),
            Err(why) => last = why,
        }
    }
    Err(last.into())
}

/// The PvDs that there are, and the number of the event up to which that holds.
fn list(namespace: &str, context: &Context<'_>) -> Result<(u64, Vec<Pvd>), Failure> {
    let mut client = context.client()?;
    let asked = PvdList { namespace: Some(namespace.to_owned()) };
    let pages = client.stream(&asked)?.collect::<Result<Vec<_>, ClientError>>()?;
    let seq = pages.first().and_then(|page| page.seq).unwrap_or(0);
    Ok((seq, pages.into_iter().flat_map(|page| page.pvds).collect()))
}

fn tell_begin(seq: u64, context: &mut Context<'_>) -> Result<(), Failure> {
    context.note(&format!("what happens after event {seq}:"));
    if !context.output.is_text() {
        context.output.document(&Line::Begin { seq })?;
    }
    Ok(())
}

fn tell_list((namespace, seq): (Option<&str>, u64), pvds: &[Pvd], context: &mut Context<'_>) -> Result<(), Failure> {
    let missed = Line::Missed { seq, namespace };
    let place = namespace.map(|namespace| format!(" of namespace {}", printable(namespace))).unwrap_or_default();
    context.output.answer(&missed, |_| format!("events{place} were missed; after number {seq} there is:\n"))?;
    if context.output.is_text() {
        context.output.answer(pvds, |output| table(pvds, output))?;
    } else {
        pvds.iter().try_for_each(|pvd| context.output.document(&Line::Listed { pvd }).map(drop))?;
    }
    Ok(())
}

/// An event as a line, and one for each change below it.
fn lines(namespace: Option<&str>, event: &PvdEvent) -> String {
    let PvdEvent { seq, at_ms, kind, name, changes, more, failed, .. } = event;
    let kind = match kind {
        PvdEventKind::New => "new",
        PvdEventKind::Update => "update",
        PvdEventKind::Delete => "delete",
        PvdEventKind::Fetched if failed.is_some() => "failed",
        PvdEventKind::Fetched => "fetched",
    };
    let seconds = at_ms % DAY_MS / 1000;
    let time = format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let place = namespace.map(|namespace| format!("{}  ", printable(namespace))).unwrap_or_default();
    let mut text = format!("{time}  {place}{seq}  {kind:7}  {}\n", printable(name));
    failed.iter().for_each(|why| text.push_str(&format!("    {}\n", printable(why))));
    changes.iter().for_each(|change| text.push_str(&format!("    {}\n", printable(&line(change)))));
    if *more > 0 {
        text.push_str(&format!("    and {more} more\n"));
    }
    text
}

fn line(change: &PvdChange) -> String {
    let PvdChange { op, what, value, before, after, why, port, router } = change;
    let mut text = match op {
        Operation::Add => format!("+ {what}"),
        Operation::Del => format!("- {what}"),
        Operation::Change => format!("~ {what}"),
    };
    text.extend(value.iter().map(|value| format!(" {value}")));
    if let (Some(before), Some(after)) = (before, after) {
        text.push_str(&format!(" {before} -> {after}"));
    }
    text.extend(why.iter().map(|why| format!(" ({why})")));
    text.push_str(&match (router, port) {
        (Some(router), Some(port)) => format!(" by {router}%{port}"),
        (Some(router), None) => format!(" by {router}"),
        (None, _) => format!(" by {}", super::OPERATOR),
    });
    text
}
