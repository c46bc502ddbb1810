// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! `weft ra check`.

use serde::Serialize;

use super::{Context, DONE, FALSE, Outcome};
use crate::cli::output::Output;
use crate::client::Client;
use crate::proto::v1::{Finding, NamespaceList, RaCheck, RaCheckReply, Severity};
use crate::render::table::Side;

/// The namespace of whoever asks, which no list names.
const OWN: &str = "/";

/// What was found in one namespace.
#[derive(Serialize)]
struct Checked {
    namespace: String,
    #[serde(flatten)]
    reply: RaCheckReply,
}

pub(super) fn run(only: Option<String>, mut client: Client, mut context: Context<'_>) -> Outcome {
    let namespaces = match only {
        Some(one) => vec![one],
        None => {
            let all = client.call(&NamespaceList { name: None })?.namespaces.into_iter();
            [OWN.to_owned()].into_iter().chain(all.map(|namespace| namespace.name)).collect()
        }
    };
    let mut all = Vec::new();
    for namespace in namespaces {
        let reply = client.call(&RaCheck { namespace: namespace.clone() })?;
        if reply.looked_at > 0 || !reply.findings.is_empty() {
            all.push(Checked { namespace, reply });
        }
    }
    let more: u64 = all.iter().map(|checked| checked.reply.more).sum();
    if more > 0 {
        context.note(&format!("and {more} more"));
    }
    context.output.answer(&all, |output| table(&all, output))?;
    Ok(if all.iter().all(|checked| checked.reply.findings.is_empty()) { DONE } else { FALSE })
}

fn table(all: &[Checked], output: &Output<'_>) -> String {
    let columns = [
        ("SEVERITY", Side::Left),
        ("NAMESPACE", Side::Left),
        ("PVD", Side::Left),
        ("ROUTERS", Side::Left),
        ("FINDING", Side::Left),
        ("RULE", Side::Left),
    ];
    let mut table = output.table(&columns);
    for Checked { namespace, reply } in all {
        for Finding { severity, text, rule, routers, pvd, .. } in &reply.findings {
            let severity = match severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            let routers: Vec<String> = routers
                .iter()
                .map(|at| at.port.as_ref().map_or_else(|| at.router.clone(), |port| format!("{}%{port}", at.router)))
                .collect();
            let pvd = pvd.clone().unwrap_or_else(|| "-".to_owned());
            table.row([severity.to_owned(), namespace.clone(), pvd, routers.join(","), text.clone(), rule.clone()]);
        }
    }
    table.finish()
}
