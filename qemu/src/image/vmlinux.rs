// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Takes the ELF kernel out of a `vmlinuz`, so that no guest has to decompress it under emulation.
//!
//! Source: Linux `Documentation/arch/x86/boot.rst`: `setup_sects` at 0x1f1, `payload_offset` at 0x248 and
//! `payload_length` at 0x24c. The last four bytes of the payload are the length of the unpacked kernel.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::program;

const SECTOR: usize = 512;

/// Writes `to` when `from` is packed by something this machine can unpack; otherwise does nothing, for `vmlinuz` boots too.
pub(super) fn unpack(from: &Path, to: &Path) -> Result<(), Error> {
    let image = fs::read(from).map_err(Error::file(from))?;
    let Some((payload, unpacked_len)) = payload(&image) else { return Ok(()) };
    let unpacker = match payload {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0xfd, b'7', b'z', b'X', ..] => "xz",
        _ => return Ok(()),
    };
    let scratch = to.with_extension("packed");
    let mut file = fs::File::create_new(&scratch).map_err(Error::file(&scratch))?;
    file.write_all(payload).map_err(Error::file(&scratch))?;
    file.seek(SeekFrom::Start(0)).map_err(Error::file(&scratch))?;
    let kernel = program::output(Command::new(unpacker).arg("-dc").stdin(file), unpacker);
    fs::remove_file(&scratch).map_err(Error::file(&scratch))?;
    match kernel {
        Ok(kernel) if kernel.len() == unpacked_len && kernel.starts_with(b"\x7fELF") => {
            fs::write(to, kernel).map_err(Error::file(to))
        }
        _ => Ok(()),
    }
}

/// The packed kernel and the length it unpacks to.
fn payload(image: &[u8]) -> Option<(&[u8], usize)> {
    let word = |at: usize| {
        let bytes = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let sectors = match image.get(0x1f1)? {
        0 => 4,
        &sectors => usize::from(sectors),
    };
    let start = (sectors + 1) * SECTOR + word(0x248)?;
    let end = start.checked_add(word(0x24c)?)?;
    let packed_end = end.checked_sub(4)?;
    Some((image.get(start..packed_end)?, word(packed_end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_found_by_the_header() {
        let mut image = vec![0u8; 3 * SECTOR];
        image[0x1f1] = 1;
        image[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&9u32.to_le_bytes());
        image[2 * SECTOR + 16..2 * SECTOR + 25].copy_from_slice(b"hello\x39\x05\0\0");
        assert_eq!(payload(&image), Some((b"hello".as_slice(), 1337)));
    }

    #[test]
    fn an_image_that_is_none_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("vmlinuz"), folder.path().join("vmlinux"));
        for bytes in [&b"short"[..], &[0xff; 2048]] {
            fs::write(&from, bytes).unwrap();
            unpack(&from, &to).unwrap();
            assert!(!to.exists());
        }
    }
}
