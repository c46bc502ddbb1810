// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Writes the `newc` cpio format that Linux unpacks as its first file system.
//!
//! Source: Linux `Documentation/driver-api/early-userspace/buffer-format.rst`. Every entry is a header of fourteen
//! fixed-width hexadecimal fields, the name with its NUL, and the data, each padded to four bytes; an entry named
//! `TRAILER!!!` ends the archive. Times are zero and inode numbers count up, so equal inputs give equal bytes.

const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// An archive in the making.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a folder; its parents must have been added before.
    pub(crate) fn folder(&mut self, name: &str) {
        self.entry(name, FOLDER | 0o755, (0, 0), &[]);
    }

    /// Adds a regular file with the permission bits `mode`.
    pub(crate) fn file(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entry(name, REGULAR | mode, (0, 0), data);
    }

    /// Adds a symbolic link to `target`.
    pub(crate) fn symlink(&mut self, name: &str, target: &str) {
        self.entry(name, SYMLINK | 0o777, (0, 0), target.as_bytes());
    }

    /// Adds a character device node.
    pub(crate) fn character_device(&mut self, name: &str, device: (u32, u32)) {
        self.entry(name, CHARACTER | 0o600, device, &[]);
    }

    /// Ends the archive and gives its bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) {
        self.entries += 1;
        let links = if mode & FOLDER == FOLDER { 2 } else { 1 };
        let size = u32::try_from(data.len()).expect("a file of a guest image is smaller than 4 GiB");
        let name_len = u32::try_from(name.len() + 1).expect("names are short");
        // inode, mode, uid, gid, links, time, size, device pair of the file system, of the node, name length, checksum
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_len, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER_LEN: usize = 110;

    /// Names and data of an archive's regular files, for checking what was written.
    ///
    /// Answers `None` for bytes that are no complete archive.
    fn read(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        let mut at = 0;
        loop {
            let field = |index: usize| {
                let start = at + 6 + index * 8;
                let text = std::str::from_utf8(bytes.get(start..start + 8)?).ok()?;
                usize::from_str_radix(text, 16).ok()
            };
            let (size, name_len) = (field(6)?, field(11)?);
            let name_at = at + HEADER_LEN;
            let name = std::str::from_utf8(bytes.get(name_at..name_at + name_len - 1)?).ok()?;
            if name == "TRAILER!!!" {
                return Some(files);
            }
            let data_at = (name_at + name_len).next_multiple_of(4);
            files.push((name.to_owned(), bytes.get(data_at..data_at + size)?.to_vec()));
            at = (data_at + size).next_multiple_of(4);
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/odd", 0o755, b"12345");
        archive.symlink("bin/sh", "odd");
        archive.character_device("console", (5, 1));
        let names: Vec<_> = read(&archive.finish()).unwrap();
        let expected: [(&str, &[u8]); 4] = [("bin", b""), ("bin/odd", b"12345"), ("bin/sh", b"odd"), ("console", b"")];
        assert_eq!(names.len(), expected.len());
        for ((name, data), (want_name, want_data)) in names.iter().zip(expected) {
            assert_eq!((name.as_str(), data.as_slice()), (want_name, want_data));
        }
    }

    #[test]
    fn header_is_what_linux_documents() {
        let mut archive = Archive::default();
        archive.file("a", 0o644, b"x");
        let bytes = archive.finish();
        let header = "070701\
            00000001000081a400000000000000000000000100000000\
            0000000100000000000000000000000000000000\
            0000000200000000";
        assert_eq!(std::str::from_utf8(&bytes[..HEADER_LEN]).unwrap(), header);
        assert_eq!(&bytes[HEADER_LEN..HEADER_LEN + 6], b"a\0x\0\0\0");
        assert_eq!(bytes.len() % 4, 0);
    }
}
