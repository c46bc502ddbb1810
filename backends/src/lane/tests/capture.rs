// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
use std::path::Path;

use super::{frame, receive, send};
use crate::lane::{Kind, LaneError, open};

/// The packets of a capture file: bytes, and the flags that say which way they went.
fn packets(path: &Path) -> Vec<(Vec<u8>, u32)> {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let (kind, len) = (word(at), word(at + 4) as usize);
        assert_eq!(word(at + len - 4) as usize, len, "a block says its length twice");
        if kind == 6 {
            let stored = word(at + 20) as usize;
            let options = at + 28 + stored.next_multiple_of(4);
            found.push((bytes[at + 28..at + 28 + stored].to_vec(), word(options + 4)));
        }
        at += len;
    }
    found
}

fn written(path: &Path, most: u64) -> Kind {
    Kind::Pcap { inner: Box::new(Kind::Loopback), file: path.to_owned(), most }
}

#[test]
fn each_frame_is_written_down_with_its_direction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane.pcapng");
    let mut lane = open(&written(&path, 1 << 20)).unwrap();
    let frames = [frame(1, 60), frame(2, 1515), frame(3, 61_001)];
    send(lane.sinks[0].as_mut(), &frames);
    assert_eq!(receive(lane.sources[0].as_mut(), 3), frames);
    let expected: Vec<_> = [2, 1].iter().flat_map(|way| frames.clone().map(|frame| (frame, *way))).collect();
    assert_eq!(packets(&path), expected);
}

#[test]
fn a_full_file_ends_with_a_whole_packet_and_frames_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane.pcapng");
    let mut lane = open(&written(&path, 10_000)).unwrap();
    for at in 0..100 {
        send(lane.sinks[0].as_mut(), &[frame(at, 500)]);
        assert_eq!(receive(lane.sources[0].as_mut(), 1), [frame(at, 500)]);
    }
    let packets = packets(&path);
    assert!((10..20).contains(&packets.len()) && std::fs::metadata(&path).unwrap().len() <= 10_000);
    let nowhere = open(&written(Path::new("/nonexistent/lane.pcapng"), 1)).err().unwrap();
    assert!(matches!(nowhere, LaneError::Missing { .. }), "{nowhere}");
}

#[test]
fn what_was_written_down_can_be_had_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lane.pcapng");
    let frames: Vec<_> = (0..200).map(|at| frame(at, 60 + at as usize)).collect();
    let again = Kind::Replay { file: path.clone() };
    let refused = open(&again).err().unwrap();
    assert!(matches!(refused, LaneError::Missing { .. }), "{refused}");
    let mut written = open(&Kind::Pcap { inner: Box::new(Kind::Null), file: path.clone(), most: 1 << 20 }).unwrap();
    frames.chunks(64).for_each(|burst| assert_eq!(send(written.sinks[0].as_mut(), burst).lost, 0));
    let mut lane = open(&again).unwrap();
    assert_eq!(receive(lane.sources[0].as_mut(), 200), frames);
    std::fs::write(&path, "not a capture file").unwrap();
    let refused = open(&again).err().unwrap();
    assert!(matches!(refused, LaneError::Described { .. }), "{refused}");
}
