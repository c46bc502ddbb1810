// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The system calls that a client of TLS needs. All others fail with EPERM.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Calls that are allowed whatever their arguments: on descriptors that are open, on the process's own memory, on clocks.
const PLAIN: [i64; 42] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_ppoll,
    libc::SYS_connect,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_uname,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The same under names that only this architecture has.
#[cfg(target_arch = "x86_64")]
const OLD: [i64; 2] = [libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const OLD: [i64; 0] = [];

/// Any of these in the flags of an open means more than to read what is there.
const OPEN_MORE: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND | libc::O_TMPFILE;

/// The bits of a socket's type that are not its flags (include/linux/net.h, `SOCK_TYPE_MASK`).
const SOCKET_KIND: u64 = 0xf;

/// Everything after this call is under the filter, which cannot be taken away.
///
/// # Errors
/// What cannot be done, in words.
pub(super) fn install() -> Result<(), String> {
    let filter = program().map_err(|why| why.to_string())?;
    seccompiler::apply_filter_all_threads(&filter).map_err(|why| why.to_string())
}

fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.into_iter().chain(OLD).map(|call| (call, vec![])).collect();
    rules.insert(libc::SYS_openat, vec![without(2, OPEN_MORE & !libc::O_DIRECTORY)?]);
    rules.insert(libc::SYS_mmap, vec![without(2, libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_mprotect, vec![without(2, libc::PROT_EXEC)?]);
    rules.insert(libc::SYS_socket, sockets()?);
    // Who sends while he connects has passed no check of where to.
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        rules.insert(call, vec![without(flags, libc::MSG_FASTOPEN)?]);
    }
    let requests = [libc::FIONBIO, libc::FIONREAD];
    rules.insert(libc::SYS_ioctl, requests.map(|it| is(1, it as i32)).into_iter().collect::<Result<_, _>>()?);
    let (otherwise, allowed) = (SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow);
    SeccompFilter::new(rules, otherwise, allowed, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// TCP and UDP over IP, and nothing that is like one of them to who opens it and another thing to who restricts it.
fn sockets() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let transports = [(libc::SOCK_STREAM, libc::IPPROTO_TCP), (libc::SOCK_DGRAM, libc::IPPROTO_UDP)]
        .map(|(kind, own)| [(kind, 0), (kind, own)]);
    let families = [libc::AF_INET, libc::AF_INET6].into_iter();
    let all = families.flat_map(|family| transports.concat().into_iter().map(move |(kind, own)| (family, kind, own)));
    all.map(|(family, kind, own)| {
        let kind = condition(1, SeccompCmpOp::MaskedEq(SOCKET_KIND), kind)?;
        SeccompRule::new(vec![condition(0, SeccompCmpOp::Eq, family)?, kind, condition(2, SeccompCmpOp::Eq, own)?])
    })
    .collect()
}

/// An argument has none of these bits.
fn without(argument: u8, bits: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![condition(argument, SeccompCmpOp::MaskedEq(bits as u64), 0)?])
}

/// An argument is this.
fn is(argument: u8, value: i32) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![condition(argument, SeccompCmpOp::Eq, value)?])
}

fn condition(argument: u8, how: SeccompCmpOp, value: i32) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value as u64)
}
