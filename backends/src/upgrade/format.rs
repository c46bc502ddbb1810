// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The format of an estate, versions 1 to 3: JSON, in which descriptors are numbers of those that come with it. Version 2 differs in
//! that something follows it (`rest.rs`), and that it need not say what stands there; version 3 in that lanes do, too (`lanes.rs`).

use super::learnt::{self, LearntV1, MacsV1, RasV1};
use super::{Estate, VERSIONS};
use crate::dispose::Descriptors;
use crate::handover::hex;
use crate::store::format::parse;
use crate::vhost_user::message::Message;
use crate::vhost_user::{Legacy, Script};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use switch::PortPath;

/// An estate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what the weftd before has left cannot be read: {0}")]
pub(crate) struct BadEstate(pub(super) String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EstateV1 {
    version: u32,
    at_ns: u64,
    /// Sessions that cannot go on are ended, rather than that there is no upgrade.
    lenient: bool,
    control: Option<ListenerV1>,
    ports: BTreeMap<String, PortV1>,
    macs: MacsV1,
    ras: RasV1,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenerV1 {
    fd: usize,
    /// Its file goes with it.
    ours: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortV1 {
    path: PathBuf,
    listener: Option<ListenerV1>,
    session: Option<SessionV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionV1 {
    fd: usize,
    setting: Vec<MessageV1>,
    kicks: Vec<MessageV1>,
}

/// A message of vhost-user.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageV1 {
    request: u32,
    /// In hexadecimal.
    body: String,
    fds: Vec<usize>,
}

/// Writes an estate, and hands out its descriptors.
pub(crate) fn to_text(estate: Estate) -> Result<(String, Vec<OwnedFd>), BadEstate> {
    let mut fds = Fds(Vec::new());
    let LearntV1 { macs, ras, .. } = learnt::said(&estate.learnt);
    let whole = EstateV1 {
        version: estate.version,
        at_ns: u64::try_from(estate.at.as_nanos()).unwrap_or(u64::MAX),
        lenient: estate.lenient,
        control: estate.control.map(|listener| fds.listener(listener)),
        ports: estate.ports.into_iter().map(|(path, legacy)| (path.to_string(), fds.port(legacy))).collect(),
        macs,
        ras,
    };
    let text = serde_json::to_string(&whole).map_err(|why| BadEstate(why.to_string()))?;
    Ok((text, fds.0))
}

/// Descriptors that are handed out.
struct Fds(Vec<OwnedFd>);

impl Fds {
    fn add(&mut self, fd: OwnedFd) -> usize {
        self.0.push(fd);
        self.0.len() - 1
    }

    fn listener(&mut self, (fd, ours): (OwnedFd, bool)) -> ListenerV1 {
        ListenerV1 { fd: self.add(fd), ours }
    }

    fn port(&mut self, legacy: Legacy) -> PortV1 {
        let session = legacy.session.map(|(stream, script)| SessionV1 {
            fd: self.add(stream.into()),
            setting: self.messages(script.setting),
            kicks: self.messages(script.kicks),
        });
        PortV1 { path: legacy.path, listener: legacy.listener.map(|listener| self.listener(listener)), session }
    }

    fn messages(&mut self, messages: Vec<Message>) -> Vec<MessageV1> {
        let said = |mut message: Message| MessageV1 {
            request: message.request,
            body: hex::encode(&message.body),
            fds: std::mem::take(&mut *message.fds).into_iter().map(|fd| self.add(fd)).collect(),
        };
        messages.into_iter().map(said).collect()
    }
}

/// Reads an estate that came with these descriptors.
pub(crate) fn from_text(text: &str, fds: Vec<OwnedFd>) -> Result<Estate, BadEstate> {
    let whole: EstateV1 = serde_json::from_str(text).map_err(|why| BadEstate(why.to_string()))?;
    let mut left = Left(fds.into_iter().map(Some).collect());
    estate(whole, &mut left).map_err(BadEstate)
}

/// Descriptors that were not taken yet.
struct Left(Vec<Option<OwnedFd>>);

impl Left {
    fn take(&mut self, index: usize) -> Result<OwnedFd, String> {
        let fd = self.0.get_mut(index).and_then(Option::take);
        fd.ok_or_else(|| format!("file descriptor {index} is not there, or named twice"))
    }

    fn listener(&mut self, said: Option<ListenerV1>) -> Result<Option<(OwnedFd, bool)>, String> {
        said.map(|ListenerV1 { fd, ours }| Ok((self.take(fd)?, ours))).transpose()
    }

    fn port(&mut self, said: PortV1) -> Result<Legacy, String> {
        let session = |SessionV1 { fd, setting, kicks }, left: &mut Left| {
            let script = Script { setting: left.messages(setting)?, kicks: left.messages(kicks)? };
            Ok::<_, String>((UnixStream::from(left.take(fd)?), script))
        };
        let session = said.session.map(|said| session(said, self)).transpose()?;
        Ok(Legacy { path: said.path, listener: self.listener(said.listener)?, session })
    }

    fn messages(&mut self, said: Vec<MessageV1>) -> Result<Vec<Message>, String> {
        let message = |said: MessageV1| {
            let body = hex::decode(&said.body).ok_or("a message is not in hexadecimal")?;
            let fds = said.fds.into_iter().map(|fd| self.take(fd)).collect::<Result<Descriptors, String>>()?;
            let mut message = Message::new(said.request, body);
            message.fds = fds;
            Ok(message)
        };
        said.into_iter().map(message).collect()
    }
}

fn estate(said: EstateV1, left: &mut Left) -> Result<Estate, String> {
    if !VERSIONS.contains(&said.version) {
        return Err(format!("it is of version {}", said.version));
    }
    let port = |(path, said): (String, PortV1)| {
        let path: PortPath = parse("port", &path)?;
        let legacy = left.port(said).map_err(|why| format!("port {path}: {why}"))?;
        Ok::<_, String>((path, legacy))
    };
    let ports = said.ports.into_iter().map(port).collect::<Result<_, _>>()?;
    Ok(Estate {
        version: said.version,
        at: Duration::from_nanos(said.at_ns),
        lenient: said.lenient,
        learnt: learnt::meant(&LearntV1 { macs: said.macs, ras: said.ras, ..LearntV1::default() })?,
        ports,
        control: left.listener(said.control)?,
    })
}
