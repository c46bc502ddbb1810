// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft migrate …`: a port is taken over by another weftd before its guest moves there.
//!
//! The command speaks with both, and they not with each other. So neither daemon needs the right to administer the other, nor a
//! channel of its own that could be attacked. The other one is reached by its control socket, of which whoever arranges the migration
//! must be an administrator, or over TLS by the `weft-peer` of its host ([`channel`]), which lets him do nothing else there. What
//! the two have to tell each other while the guest moves this command carries as well, if it is asked to wait for that ([`between`]).

mod between;
mod channel;

use clap::Subcommand;

use super::failure::Failure;
use super::place::Place;
use super::port::landing::{self, Landing};
use super::{Context, FALSE, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{Departure, Error, MoveTell, MoveWatchReply, PortExport, PortLeave, PortStay, PortStayReply};
use crate::render::text::printable;
use between::Between;
use channel::{Channel, Shown, Way};

/// What can be done about a migration.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Have another weftd take a port over, before its guest is migrated. When that refuses, nothing has changed here
    #[command(after_help = PREPARE)]
    Prepare {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
        /// Stay until the guest has moved, and tell the other weftd when it stops here: frames then wait for it there. Exit code 2: it
        /// stays here
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        way: Box<Way>,
        #[command(flatten)]
        landing: Box<Landing>,
    },
    /// Let a port stay that was to leave. With --to the other weftd gives up the port that it has staged, and the namespaces and
    /// static PvDs that it made for it and that nobody uses; else delete it there
    Cancel {
        /// The port, NAME or NAMESPACE:NAME
        port: String,
        /// The other weftd, as for `migrate prepare`
        #[arg(long, value_name = "SOCKET")]
        to: Option<Place>,
        #[command(flatten)]
        shown: Box<Shown>,
    },
}

/// What stands below the options of `migrate prepare`.
const PREPARE: &str = "\
The guest goes on here until its VMM migrates it. There its port is staged: frames for it
leave by the namespace's uplink until it sends one there. Once it does not run here any more
and an uplink brings a frame of it, frames for it follow it by that uplink.

With --wait nothing is lost either of what ports there send to it while it is on its way. The
line about the port is printed as soon as it is staged: start the migration then. If it is
cancelled (`weft migrate cancel`), the port there is given up.

--to tls:HOST:PORT reaches another host whose weft-peer listens there. Each side shows the
other a certificate, of an authority in --ca: that of this host must have a name that
weft-peer there has on its list, and that of the other host the name HOST, or --peer.";

pub(super) fn run(verb: Verb, context: Context<'_>) -> Outcome {
    match verb {
        Verb::Prepare { port, wait, way, landing } => prepare(&port, wait, *way, *landing, context),
        Verb::Cancel { port, to, shown } => {
            let way = to.map(|to| Way { to, shown: *shown });
            cancel(&port, way.as_ref(), context)
        }
    }
}

fn prepare(name: &str, wait: bool, way: Way, landing: Landing, mut context: Context<'_>) -> Outcome {
    let mut here = context.client()?;
    let exported = here.call(&PortExport { name: name.to_owned() })?;
    let mut there = Channel::open(&way, context.global.timeout())?;
    let came = there.call(&landing.import(exported.text)?)?;
    let id = exported.id;
    if let Err(why) = here.call(&PortLeave { name: name.to_owned(), id: id.clone() }) {
        // It is staged for nothing. Why it cannot leave matters more than what becomes of that.
        let _ = there.call(&MoveTell { id, guest: Departure::Stays });
        return Err(why.into());
    }
    let done = context.output.answer(&came, |_| landing::line(&came))?;
    if !wait {
        return Ok(done);
    }
    let between = Between::new(way, there, id, context.global.timeout());
    let guest = between.run(&mut here, name, &mut context)?;
    context.output.answer(&MoveWatchReply { guest }, |_| between::line(name, guest))?;
    Ok(if guest == Departure::Gone { done } else { FALSE })
}

fn cancel(name: &str, way: Option<&Way>, mut context: Context<'_>) -> Outcome {
    let PortStayReply { port, id } = context.client()?.call(&PortStay { name: name.to_owned() })?;
    let told = way.map(|way| give_up(way, id, &context)).transpose();
    let told = told.map_err(|why| Failure::Untold { why: Box::new(why) })?;
    let name = printable(name);
    context.output.answer(&port, |_| match told {
        None => String::new(),
        Some(true) => format!("{name}: stays; the other weftd has given up its port\n"),
        Some(false) => format!("{name}: stays; the other weftd has no port by that move\n"),
    })
}

/// Has another weftd give up the port that it has staged. False: it has none.
fn give_up(way: &Way, id: String, context: &Context<'_>) -> Result<bool, Failure> {
    let mut there = Channel::open(way, context.global.timeout())?;
    match there.call(&MoveTell { id, guest: Departure::Stays }) {
        Err(why) if is_unknown(&why) => Ok(false),
        told => told.map(|_| true),
    }
}

/// Whether another weftd knows no such move: somebody else has told it that the port stays, or its operator has deleted it.
fn is_unknown(why: &Failure) -> bool {
    matches!(why, Failure::Elsewhere { why: ClientError::Remote(Error::Invalid { .. }), .. })
}
