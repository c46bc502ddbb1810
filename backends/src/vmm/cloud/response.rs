// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From octets, wherever they are cut, to the responses of an HTTP server of which little is asked (RFC 9112): each says
//! how long it is, and none comes in chunks.

/// Octets of a response's status and headers at most.
const HEAD_MAX: usize = 16 << 10;

/// Octets of its content at most: what cloud-hypervisor says of a machine with hundreds of devices has some 100 KiB.
pub(super) const BODY_MAX: usize = 4 << 20;

/// Between head and content.
const BLANK: &[u8] = b"\r\n\r\n";

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// What has come in and is no whole response yet.
#[derive(Debug, Default)]
pub(super) struct Responses {
    octets: Vec<u8>,
    /// Its status, how long its head and its content are; known when the head is whole.
    head: Option<Head>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    len: usize,
    body: usize,
}

impl Responses {
    /// Takes in what was read. To be called when there is no whole response left.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }

    /// Something has come that belongs to a response which was not pulled.
    pub(super) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The next response; `None`: more must be read first.
    ///
    /// # Errors
    /// It is none, and why.
    pub(super) fn pull(&mut self) -> Result<Option<Response>, &'static str> {
        let head = match self.head {
            Some(head) => head,
            None => match self.head()? {
                Some(head) => *self.head.insert(head),
                None => return Ok(None),
            },
        };
        if self.octets.len() < head.len + head.body {
            return Ok(None);
        }
        self.head = None;
        let rest = self.octets.split_off(head.len + head.body);
        let whole = std::mem::replace(&mut self.octets, rest);
        Ok(Some(Response { status: head.status, body: whole[head.len..].to_vec() }))
    }

    fn head(&self) -> Result<Option<Head>, &'static str> {
        let seen = &self.octets[..self.octets.len().min(HEAD_MAX)];
        let Some(end) = seen.windows(BLANK.len()).position(|window| window == BLANK) else {
            return if seen.len() == HEAD_MAX { Err("the head of a response has no end") } else { Ok(None) };
        };
        let text = std::str::from_utf8(&seen[..end]).map_err(|_| "the head of a response is no text")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(status).ok_or("it is no response of HTTP/1.1")?;
        let mut body = None;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or("a header has no name")?;
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err("a response comes in chunks");
            }
            if name.eq_ignore_ascii_case("content-length") {
                let len = value.trim().parse().ok().filter(|len| *len <= BODY_MAX && body.is_none());
                body = Some(len.ok_or("a response does not say how long it is, or is too long")?);
            }
        }
        // 204 has no content and needs no length; others that say none have none either, for we could not know its end.
        Ok(Some(Head { status, len: end + BLANK.len(), body: body.unwrap_or(0) }))
    }
}

/// The status of `HTTP/1.1 200 OK`.
fn status(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    let digits = rest.get(..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    matches!(rest.as_bytes().get(3), None | Some(b' ')).then(|| digits.parse().ok()).flatten()
}
