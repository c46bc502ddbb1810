// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft ra …`.

mod check;
mod dump;
mod pcapng;

use clap::Subcommand;

use super::output::Output;
use super::pvd::{parameter_lines, remaining};
use super::{Context, DONE, FALSE, Outcome};
use crate::client::ClientError;
use crate::proto::v1::{Ra, RaList, RaOption, RaShow, RaShowReply};
use crate::render::page::Page;
use crate::render::table::Side;
use crate::render::text::{counted, duration};

/// What can be done with Router Advertisements.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the Router Advertisements that are remembered, and for how much longer
    List {
        /// Only of this namespace
        #[arg(value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
    /// Show one, option by option
    Show(Which),
    /// Print one, those of one router, or all of a namespace, as they were heard last
    #[command(after_help = dump::HELP)]
    Dump(dump::Dump),
    /// Tell what routers say and should not: where they contradict each other, or what RFCs say. Exit code 2: there is
    /// something
    Check {
        /// Only of this namespace [default: of all]
        #[arg(value_name = "NAMESPACE")]
        namespace: Option<String>,
    },
}

/// Which one.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Its namespace
    namespace: String,
    /// Its number there, as `weft ra list` prints it
    number: u64,
}

pub(super) fn run(verb: Verb, mut context: Context<'_>) -> Outcome {
    let mut client = context.client()?;
    match verb {
        Verb::List { namespace } => {
            let pages = client.stream(&RaList { namespace })?.collect::<Result<Vec<_>, ClientError>>()?;
            let ras: Vec<Ra> = pages.into_iter().flat_map(|page| page.ras).collect();
            context.output.answer(&ras, |output| table(&ras, output))
        }
        Verb::Show(Which { namespace, number }) => {
            let shown = client.call(&RaShow { namespace, number })?;
            context.output.answer(&shown, |output| page(&shown, output))
        }
        Verb::Dump(asked) => dump::run(&asked, client, context),
        Verb::Check { namespace } => check::run(namespace, client, context),
    }
}

fn table(ras: &[Ra], output: &Output<'_>) -> String {
    let columns = [
        ("NAMESPACE", Side::Left),
        ("NUMBER", Side::Right),
        ("PORT", Side::Left),
        ("ROUTER", Side::Left),
        ("PVD", Side::Left),
        ("BYTES", Side::Right),
        ("HEARD", Side::Right),
        ("LAST", Side::Right),
        ("DEFAULT", Side::Right),
        ("EXPIRES", Side::Right),
    ];
    let mut table = output.table(&columns);
    for Ra { namespace, number, port, router, pvd, len, heard, last_s, expires_s, router_left_s, .. } in ras {
        let [number, len, heard] = [number, len, heard].map(u64::to_string);
        let (namespace, port, router, pvd) = (namespace.clone(), port.clone(), router.clone(), pvd.clone());
        let last = format!("{} ago", duration(*last_s));
        let default = router_left_s.map_or_else(|| "no".to_owned(), duration);
        table.row([namespace, number, port, router, pvd, len, heard, last, default, remaining(*expires_s)]);
    }
    table.finish()
}

fn page(shown: &RaShowReply, output: &Output<'_>) -> String {
    let Ra {
        namespace,
        number,
        port,
        router,
        mac,
        pvd,
        injected,
        len,
        expires_s,
        first_s,
        last_s,
        heard,
        hits,
        router_left_s,
        ..
    } = &shown.ra;
    let mut page = Page::new("ra", &number.to_string());
    page.line("namespace", namespace);
    page.line("from", &format!("{router} ({mac}) behind port {port}"));
    page.line("pvd", &format!("{pvd}{}", if *injected { " (injected)" } else { "" }));
    let heard = counted(*heard, "time");
    page.line("heard", &format!("{heard}, first {} ago, last {} ago", duration(*first_s), duration(*last_s)));
    page.line("handed out", &counted(*hits, "time"));
    page.line("expires", &remaining(*expires_s));
    let left = router_left_s.map_or_else(
        || "no default router, and handed out to nobody".to_owned(),
        |left| format!("default router for {} more", duration(left)),
    );
    page.line("router", &format!("{left}; said for {} when it was heard", duration(shown.router_s)));
    parameter_lines(&mut page, &shown.parameters);
    page.line("message", &format!("{}, {}", counted(*len, "byte"), counted(shown.options.len() as u64, "option")));
    page.below(&options(&shown.options, output));
    page.finish()
}

fn options(options: &[RaOption], output: &Output<'_>) -> String {
    let columns = [("CODE", Side::Right), ("OPTION", Side::Left), ("LEFT", Side::Right), ("VALUE", Side::Left)];
    let mut table = output.table(&columns);
    for RaOption { code, name, nested, value, valid_s, hex, .. } in options {
        let name = if *nested { format!("  {name}") } else { name.clone() };
        let value = value.clone().unwrap_or_else(|| hex.clone());
        table.row([code.to_string(), name, valid_s.map_or_else(|| "-".to_owned(), duration), value]);
    }
    table.finish()
}
