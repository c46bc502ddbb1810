// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Calls that are told what happens. Nothing is kept for who watches but the number of the last event that he was told:
//! the next ones are looked up when he has read those, in what the registry remembers, and if that does not go back far
//! enough he is told so. So a slow reader costs nothing and holds nobody up.

use super::learnt::now;
use super::{Calls, reply};
use crate::ctl_server::{Answer, Mark, convert};
use ctl::proto::v1::{self, EVENT_PAGE, Error};

impl Calls<'_> {
    /// Tells what happened to PvDs since the event of some number: at once when that was asked, and then, with `more`,
    /// whenever something happens.
    pub(super) fn pvd_watch(&self, asked: &v1::PvdWatch, more: bool, from: Option<&Mark>) -> Result<Answer, Error> {
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
}
