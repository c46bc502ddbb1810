// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The first line of the listening end: who connects knows by it whether he is let in, before he says what he came for.

use crate::limits::GREETING_MAX;
use crate::trouble::{Trouble, quoted};
use std::io::{self, BufRead, Read, Write};

const WELCOME: &str = "welcome";
const REFUSED: &str = "refused: ";

/// Lets the other side in.
pub(crate) fn welcome(stream: &mut impl Write) -> io::Result<()> {
    say(stream, WELCOME)
}

/// Tells the other side why not.
pub(crate) fn refuse(stream: &mut impl Write, why: &str) -> io::Result<()> {
    say(stream, &format!("{REFUSED}{why}"))
}

fn say(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\n").as_bytes())?;
    stream.flush()
}

/// Hears whether this side is let in.
///
/// # Errors
/// It is not, or what is there is no weft-peer.
pub(crate) fn hear(stream: &mut impl BufRead) -> Result<(), Trouble> {
    let mut line = Vec::new();
    stream.take(GREETING_MAX as u64).read_until(b'\n', &mut line)?;
    let text = String::from_utf8_lossy(&line);
    let nonsense = || Trouble::Nonsense(format!("it is no weft-peer: it said {:?}", quoted(&text)));
    let said = text.strip_suffix('\n').ok_or_else(nonsense)?;
    match said.strip_prefix(REFUSED) {
        Some(why) => Err(Trouble::Refused(quoted(why))),
        None if said == WELCOME => Ok(()),
        None => Err(nonsense()),
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn test_a_greeting_is_heard_as_it_was_said() {
        let heard = |said: &[u8]| hear(&mut &*said).map_err(|why| why.to_string());
        let mut said = Vec::new();
        welcome(&mut said).unwrap();
        assert_eq!(heard(&said), Ok(()));
        let mut said = Vec::new();
        refuse(&mut said, "not today").unwrap();
        assert_eq!(heard(&said), Err("the other side refuses: not today".to_owned()));
        for bad in [&b""[..], b"welcome", b"welcome!\n", b"HTTP/1.1 400 Bad Request\r\n", &[b'x'; 2000], b"\xff\n"] {
            assert!(heard(bad).is_err_and(|why| why.starts_with("it is no weft-peer") && why.len() < 700), "{bad:?}");
        }
    }
}
