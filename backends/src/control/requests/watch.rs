// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls that are told what happens. Nothing is kept for who watches but the number of the last event that he was told, of each namespace:
//! the next ones are looked up when he has read those, in what the registry remembers, and if that does not go back far
//! enough he is told so. So a slow reader costs nothing and holds nobody up.

use super::learnt::now;
use super::{Calls, reply};
use crate::ctl_server::{Answer, Mark, convert};
use ctl::proto::v1::{self, EVENT_PAGE, Error};
use std::collections::BTreeMap;
use switch::{NamespacePath, PvdNews};

impl Calls<'_> {
    /// Tells what happened to PvDs since the event of some number: at once when that was asked, and then, with `more`,
    /// whenever something happens.
    pub(super) fn pvd_watch(&self, asked: &v1::PvdWatch, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        if asked.recursive {
            return self.pvd_watch_below(asked, more, from);
        }
        let path = convert::path("namespace", &asked.namespace)?;
        let told = from.and_then(|mark| if let Mark::Events(seq) = mark { Some(*seq) } else { None });
        let news = self.view()?.pvd_news(&path, told.or(asked.since), EVENT_PAGE);
        let news = news.map_err(|why| self.refused(why))?;
        let mark = Mark::Events(news.seq);
        if told.is_some() && news.events.is_empty() && !news.missed {
            return Ok(Answer::Later(mark));
        }
        let reply = reply(&convert::pvd_news(&news, now()))?;
        Ok(if more { Answer::Part(reply.continued(), mark) } else { reply.into() })
    }

    /// The same of a namespace and of all below it. Each part is about one of them.
    fn pvd_watch_below(&self, asked: &v1::PvdWatch, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
        let top = convert::path("namespace", &asked.namespace)?;
        let view = self.view()?;
        let (before, last) = match from {
            Some(Mark::EventsBelow(told, last)) => (Some(told.clone()), last.clone()),
            _ => (known(asked, more)?, top.clone()),
        };
        // It has to be there for as long as it is watched.
        let first = view.pvd_news(&top, None, 0).map_err(|why| self.refused(why))?;
        let mut paths: Vec<_> = view.paths_from(&top).filter(|path| path.is_within(&top)).collect();
        let turn = paths.partition_point(|path| *path <= last);
        paths.rotate_left(turn);
        let (mut told, mut part) = (BTreeMap::new(), None);
        for path in paths {
            let seen = before.as_ref().map(|before| before.get(&path).copied().unwrap_or(0));
            if let Some(seen) = seen.filter(|_| part.is_some()) {
                // Its turn is later.
                told.insert(path, seen);
                continue;
            }
            let news = view.pvd_news(&path, seen, EVENT_PAGE).map_err(|why| self.refused(why))?;
            told.insert(path.clone(), news.seq);
            part = has_news(&news).then_some((path, news));
        }
        let (said, last) = match (part, before) {
            (Some((path, news)), _) => (located(&path, &news, BTreeMap::new()), path),
            (None, Some(_)) => return Ok(Answer::Later(Mark::EventsBelow(told, last))),
            (None, None) => {
                let known = told.iter().map(|(path, seq)| (path.to_string(), *seq)).collect();
                (located(&top, &first, known), last)
            }
        };
        Ok(Answer::Part(reply(&said)?.continued(), Mark::EventsBelow(told, last)))
    }
}

/// What is known already, by namespace; `None`: nothing has happened yet.
fn known(asked: &v1::PvdWatch, more: bool) -> Result<Option<BTreeMap<NamespacePath, u64>>, Error> {
    let invalid = |field: &str, value: String, expected: &str| {
        Err(Error::Invalid { field: field.to_owned(), value, expected: expected.to_owned() })
    };
    match asked.since {
        _ if !more => return invalid("recursive", "true".to_owned(), "a call with `more`"),
        Some(seq @ 1..) => return invalid("since", seq.to_string(), "0, or nothing, with recursive"),
        None if asked.known.is_empty() => return Ok(None),
        _ => {}
    }
    let known = asked.known.iter().map(|(path, seq)| Ok((convert::path("known", path)?, *seq)));
    known.collect::<Result<_, Error>>().map(Some)
}

fn has_news(news: &PvdNews) -> bool {
    news.missed || !news.events.is_empty()
}

fn located(path: &NamespacePath, news: &PvdNews, known: BTreeMap<String, u64>) -> v1::PvdWatchReply {
    v1::PvdWatchReply { namespace: Some(path.to_string()), known, ..convert::pvd_news(news, now()) }
}
