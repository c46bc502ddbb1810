// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Connects a person's terminal with a guest's console.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// Ctrl-] ends a visit.
const ESCAPE: u8 = 0x1d;

/// Passes keys to the console socket and what it shows back, until Ctrl-] or the guest's end.
/// The terminal is in raw mode meanwhile, so that Ctrl-C reaches the guest.
///
/// # Errors
/// When the socket cannot be reached (the guest is gone, or somebody else is visiting).
pub fn visit(socket: &Path) -> io::Result<()> {
    let mut guest = UnixStream::connect(socket)?;
    let mut screen = guest.try_clone()?;
    let settings = stty(&["-g"])?;
    stty(&["raw", "-echo"])?;
    // Shows the guest's prompt.
    let greeted = guest.write_all(b"\n");
    let watcher = thread::spawn(move || {
        let _ = io::copy(&mut screen, &mut io::stdout().lock());
    });
    let outcome = greeted.and_then(|()| pass_keys(&mut io::stdin().lock(), &mut guest));
    let _ = guest.shutdown(Shutdown::Both);
    let _ = watcher.join();
    stty(&[settings.trim()])?;
    outcome
}

/// Copies until the escape key or the end of either side.
fn pass_keys(keys: &mut impl Read, guest: &mut impl Write) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        let count = keys.read(&mut bytes)?;
        let pressed = &bytes[..count];
        let wanted = pressed.iter().position(|&key| key == ESCAPE).unwrap_or(count);
        match guest.write_all(&pressed[..wanted]) {
            Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
        if count == 0 || wanted < count {
            return Ok(());
        }
    }
}

/// Runs stty on our terminal; does nothing where standard input is none.
fn stty(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("stty").args(arguments).stdin(Stdio::inherit()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_the_guest_until_the_escape_key() {
        let mut guest = Vec::new();
        pass_keys(&mut b"ls\n\x03\x1dexit".as_slice(), &mut guest).unwrap();
        assert_eq!(guest, b"ls\n\x03");
        guest.clear();
        pass_keys(&mut b"ls".as_slice(), &mut guest).unwrap();
        assert_eq!(guest, b"ls");
    }
}
