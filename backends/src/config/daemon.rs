// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What the `[daemon]` table and the `[[worker]]` tables mean: what concerns the process and not the switch.

use super::fetch::{FetchSettings, PvdFetch};
use super::low;
use super::mistake::Mistake;
use super::settings::{Callers, Others, POLLS, SEALS, Settings, WORKERS_MAX, WorkerSettings};
use super::value::{Text, not, number, quoted, word};
use crate::log_filter;
use crate::runtime::Cpus;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

pub(super) fn settings(file: &low::File) -> Result<Settings, Mistake> {
    let low = &file.daemon;
    let workers = low.workers.as_ref().map(|n| number(n, 1..=WORKERS_MAX)).transpose()?;
    Ok(Settings {
        workers,
        poll: low.poll.as_ref().map(|text| word(text, &POLLS)).transpose()?,
        pin: low.pin.as_ref().map(|text| one_each(text, workers.unwrap_or(1))).transpose()?,
        single: single(&file.worker, workers.unwrap_or(1))?,
        seals: low.seals.as_ref().map(|text| word(text, &SEALS)).transpose()?,
        callers: Callers {
            group: low.group.as_ref().map(|text| text.get_ref().clone()),
            others: low.others.as_ref().map(|text| word(text, &Others::WORDS)).transpose()?,
        },
        socket: low.socket.as_ref().map(absolute).transpose()?,
        state: low.state.as_ref().map(absolute).transpose()?,
        log: low.log.as_ref().map(filter).transpose()?,
        pvd_fetch: low.pvd_fetch.as_ref().map(pvd_fetch).transpose()?,
    })
}

/// The `[[worker]]` tables, of which each must be of a worker that there is.
fn single(low: &[low::Worker], workers: usize) -> Result<Option<BTreeMap<usize, WorkerSettings>>, Mistake> {
    let mut single = BTreeMap::new();
    for worker in low {
        let settings = WorkerSettings {
            poll: worker.poll.as_ref().map(|text| word(text, &POLLS)).transpose()?,
            pin: worker.pin.as_ref().map(cpus).transpose()?,
        };
        let id = number(&worker.id, 0..=workers as i64 - 1)?;
        if single.insert(id, settings).is_some() {
            return Err(Mistake::new(worker.id.span(), format!("worker {id} has a [[worker]] table already")));
        }
    }
    Ok(Some(single).filter(|single| !single.is_empty()))
}

fn cpus(text: &Text) -> Result<Cpus, Mistake> {
    Cpus::parse(text.get_ref()).map_err(|bad| Mistake::new(text.span(), format!("{} {bad}", quoted(text))))
}

/// CPUs for `workers` workers.
fn one_each(text: &Text, workers: usize) -> Result<Cpus, Mistake> {
    let cpus = cpus(text)?;
    let short = cpus.count() < workers;
    let mistake =
        || Mistake::new(text.span(), format!("{} is too short (expected {workers} CPUs, one a worker)", quoted(text)));
    if short { Err(mistake()) } else { Ok(cpus) }
}

fn absolute(text: &Text) -> Result<PathBuf, Mistake> {
    let path = PathBuf::from(text.get_ref());
    if path.is_absolute() { Ok(path) } else { Err(not(text, "an absolute path", "a path that begins with /")) }
}

/// `"off"`, `"on"`, or how in a table.
fn pvd_fetch(said: &Spanned<toml::Value>) -> Result<PvdFetch, Mistake> {
    let mistake = |message: String| Mistake::new(said.span(), message);
    match said.get_ref() {
        toml::Value::String(word) if word == "off" => Ok(PvdFetch::Off),
        toml::Value::String(word) if word == "on" => Ok(PvdFetch::On(Box::default())),
        toml::Value::Table(table) => {
            let how = FetchSettings::deserialize(table.clone()).map_err(|why| mistake(why.message().to_owned()))?;
            how.check().map_err(mistake)?;
            Ok(PvdFetch::On(Box::new(how)))
        }
        other => Err(mistake(format!("{other} is not valid (expected \"off\", \"on\", or how in a table)"))),
    }
}

fn filter(text: &Text) -> Result<String, Mistake> {
    let filter = log_filter::parse(text.get_ref()).map(|_| text.get_ref().clone());
    filter.ok_or_else(|| not(text, "a log filter", "a level such as info, or module=level pairs"))
}
