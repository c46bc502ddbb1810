// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why a message is not served. The texts end up in `weft port show`.

use crate::vhost_user::assembler::Unreadable;

/// Why a message, or the whole session, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stream itself cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// No message of this number is known to us.
    #[error("message {request} is unknown; it belongs to no feature that weft offers")]
    Unknown {
        /// Its id.
        request: u32,
    },
    /// The message belongs to a feature that was not negotiated.
    #[error("{message} belongs to a feature that was not negotiated")]
    NotNegotiated {
        /// Its name.
        message: &'static str,
    },
    /// Too many or too few file descriptors.
    #[error("{message} came with {got} file descriptors, expected {expected}")]
    Descriptors {
        /// Its name.
        message: &'static str,
        /// How many came.
        got: usize,
        /// How many belong to it.
        expected: usize,
    },
    /// The payload has the wrong length.
    #[error("{message} has a payload of {got} bytes, expected {expected}")]
    Length {
        /// Its name.
        message: &'static str,
        /// What came.
        got: usize,
        /// What belongs to it.
        expected: usize,
    },
    /// A ring that the port does not have.
    #[error("{message} names ring {index}, the port has {rings}: give the guest fewer queues or the port more")]
    Ring {
        /// Its name.
        message: &'static str,
        /// The ring it names, whatever the width of the field.
        index: u64,
        /// How many there are.
        rings: u32,
    },
    /// A value that cannot be served.
    #[error("{message}: {what} is {value:#x}, expected {expected}")]
    Value {
        /// Its name.
        message: &'static str,
        /// Which value.
        what: &'static str,
        /// What it is.
        value: u64,
        /// What could be served.
        expected: String,
    },
    /// Guest memory that cannot be used.
    #[error("{message}: {fault}")]
    Memory {
        /// Its name.
        message: &'static str,
        /// What is wrong.
        fault: MemoryFault,
    },
    /// A doorbell that is no eventfd could block us, or end a thread.
    #[error("{message} came with a file descriptor that is no eventfd")]
    NotEventfd {
        /// Its name.
        message: &'static str,
    },
    /// The device's state cannot be moved.
    #[error("{message}: {fault}")]
    State {
        /// Its name.
        message: &'static str,
        /// What is wrong.
        fault: &'static str,
    },
    /// A frontend that goes on and on.
    #[error("too many messages of this session were refused; the last reason: {last}")]
    TooMany {
        /// Why the last one was.
        last: String,
    },
}

/// What is wrong with guest memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryFault {
    /// Not 1 to 32 in a table, or more than the slots.
    #[error("{got} regions, expected 1 to {max}")]
    Count {
        /// How many.
        got: usize,
        /// How many can be.
        max: usize,
    },
    /// No bytes, or its end lies beyond the address space, or more than one session may map.
    #[error("the region at {guest:#x} has the impossible size {size:#x}")]
    Size {
        /// Guest-physical start.
        guest: u64,
        /// Its size.
        size: u64,
    },
    /// One session's regions are too much together.
    #[error("{size:#x} bytes of guest memory, at most {max:#x} can be mapped for one guest")]
    Total {
        /// The sum of their sizes.
        size: u64,
        /// What can be.
        max: u64,
    },
    /// All sessions' memory is too much together.
    #[error(
        "the guests of all ports would need more than 64 TiB of address space or 40960 regions; detach others first"
    )]
    Exhausted,
    /// Two regions share guest-physical or frontend addresses.
    #[error("the region at {guest:#x} overlaps another one")]
    Overlap {
        /// Guest-physical start of the later one.
        guest: u64,
    },
    /// The file offset cannot be mapped.
    #[error("file offset {offset:#x} or size {size:#x} is not a multiple of the page size {page:#x}")]
    Unaligned {
        /// The offset.
        offset: u64,
        /// The region's size.
        size: u64,
        /// The page size of the file.
        page: u64,
    },
    /// The file does not hold the region: touching it would be a bus error.
    #[error("the memory file has {size:#x} bytes, the region needs {needed:#x}")]
    TooShort {
        /// The file's size.
        size: u64,
        /// Where the region ends in it.
        needed: u64,
    },
    /// The file is not memory: another kind of file could stall or fault us.
    #[error(
        "the memory file is neither tmpfs nor hugetlbfs; use memory-backend-memfd (QEMU), --memory shared=on (cloud-hypervisor), a file in /dev/shm, or hugepages"
    )]
    Kind,
    /// The file cannot be written.
    #[error("the memory file is not open for reading and writing; use share=on (QEMU), shared=on (cloud-hypervisor)")]
    ReadOnly,
    /// Policy `require`: the file must not shrink under us.
    #[error(
        "the memory file is not sealed against shrinking (F_SEAL_SHRINK); QEMU's memory-backend-memfd does that; for other memory see the setting seals"
    )]
    Unsealed,
    /// A region that is to go does not exist.
    #[error("there is no region at {guest:#x}")]
    Missing {
        /// Guest-physical start.
        guest: u64,
    },
    /// The file could not be examined.
    #[error("the memory file cannot be examined: {0}")]
    File(String),
}
