// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft link …`.

use clap::Subcommand;

use super::output::Output;
use super::{Context, Outcome};
use crate::proto::v1::{LinkAdd, LinkDel, Port, PortList};
use crate::render::table::Side;

/// What can be done with links.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Join two namespaces by a link, and make its two ends. `weft port set` changes limits and role of each end
    Add {
        /// One end to be, NAMESPACE:NAME
        one: String,
        /// The other, in another namespace
        other: String,
        /// Largest frame that crosses in bytes, Ethernet header not counted [default: 1500]
        #[arg(long, value_name = "N", value_parser = super::port::mtu)]
        mtu: Option<u16>,
        /// Let Router Advertisements and Redirects cross, both ways
        #[arg(long)]
        routers: bool,
    },
    /// Take a link away, and both its ends
    Del {
        /// Either end, NAMESPACE:NAME
        port: String,
        /// Succeed when there is no such port
        #[arg(long)]
        if_exists: bool,
    },
    /// List all links. A namespace whose name is not the caller's to see is peer 1, peer 2: a number of the namespace that
    /// the link's end is in
    List,
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::Add { one, other, mtu, routers } => {
            let ends = client.call(&LinkAdd { one, other, mtu, routers })?.ports;
            context.output.answer(&ends, |_| String::new())
        }
        Verb::Del { port, if_exists } => {
            client.call(&LinkDel { port, if_exists })?;
            context.output.done()
        }
        Verb::List => {
            let ports = client.call(&PortList { name: None, namespace: None })?.ports;
            let ends: Vec<Port> =
                ports.into_iter().filter(|port| port.spec.vhost_user.is_none() && port.spec.lane.is_none()).collect();
            context.output.answer(&ends, |output| table(&ends, output))
        }
    }
}

/// A line for each link: its first end, or the one that is seen, with what has gone into it there and come out of it.
fn table(ends: &[Port], output: &Output<'_>) -> String {
    let columns = [
        ("ONE", Side::Left),
        ("OTHER", Side::Left),
        ("STATE", Side::Left),
        ("TO-OTHER", Side::Right),
        ("TO-ONE", Side::Right),
    ];
    let mut table = output.table(&columns);
    for end in ends {
        let Port { spec, state, counters, .. } = end;
        let one = format!("{}:{}", spec.namespace, spec.name);
        if spec.far.as_ref().is_none_or(|other| one < *other) {
            let (other, state) = (super::port::far(end), super::port::state(*state).to_owned());
            table.row([one, other, state, counters.rx_frames.to_string(), counters.tx_frames.to_string()]);
        }
    }
    table.finish()
}
