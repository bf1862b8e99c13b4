//! The system calls that the agent, its crates, musl and glibc need once the sandbox is closed.
//!
//! Collected with strace from both libcs, and for other processors from the libcs' sources: which of several calls
//! for the same purpose a libc takes differs. The numbers are those of the target.

use libc::*;

/// On what terms a call is allowed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Always,
    /// If all of one of these lists is true.
    If(&'static [&'static [Argument]]),
}

/// `argument & mask == value`, in its lower 32 bits: those that the kernel looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Argument {
    index: u32,
    pub(super) mask: u32,
    pub(super) value: u32,
}

impl Argument {
    /// Where it is in `struct seccomp_data` (linux/seccomp.h): 64 bits each, in the processor's order.
    pub(super) fn offset(self) -> u32 {
        let low_half = if cfg!(target_endian = "big") { 4 } else { 0 };
        16 + 8 * self.index + low_half
    }
}

/// AUDIT_ARCH_X86_64 (linux/audit.h).
pub(super) const AUDIT_ARCH_X86_64: u32 = audit(62, true);

/// How the kernel names this processor (AUDIT_ARCH_*, linux/audit.h, from EM_*, linux/elf-em.h); `None`: its calls
/// are not listed here.
pub(super) const ARCHITECTURE: Option<u32> = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64"))
{
    Some(AUDIT_ARCH_X86_64)
} else if cfg!(target_arch = "x86") {
    Some(audit(3, false))
} else if cfg!(target_arch = "aarch64") {
    Some(audit(183, true))
} else if cfg!(target_arch = "arm") {
    Some(audit(40, false))
} else if cfg!(target_arch = "mips") {
    Some(audit(8, false))
} else if cfg!(target_arch = "riscv64") {
    Some(audit(243, true))
} else {
    None
};

const fn audit(machine: u32, is_wide: bool) -> u32 {
    let wide = if is_wide { 0x8000_0000 } else { 0 };
    let little_endian = if cfg!(target_endian = "little") { 0x4000_0000 } else { 0 };
    machine | wide | little_endian
}

/// MIPS counts from 4000 (o32; asm/unistd.h, __NR_Linux).
const FIRST: u32 = if cfg!(target_arch = "mips") { 4000 } else { 0 };

/// All that is allowed, in no order.
pub(super) fn allowed() -> Vec<(u32, Call)> {
    let plain =
        [ALWAYS, OLD, NARROW, PECULIAR, RSEQ].concat().into_iter().map(|number| (number, Call::Always));
    let judged = JUDGED.iter().chain(JUDGED_PECULIAR).map(|(number, terms)| (*number, Call::If(terms)));
    // None is negative.
    let listed = plain.chain(judged).filter_map(|(number, call)| Some((u32::try_from(number).ok()?, call)));
    listed.chain(NEW.iter().map(|number| (FIRST + number, Call::Always))).collect()
}

#[rustfmt::skip]
const ALWAYS: &[c_long] = &[
    // Files.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_lseek, SYS_openat, SYS_getdents64, SYS_fstat, SYS_statx,
    SYS_faccessat, SYS_fsync, SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_fchmod,
    SYS_fchmodat, SYS_readlinkat, SYS_getcwd, SYS_fcntl,
    // Sockets.
    SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt,
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown,
    // Waiting and time.
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_ppoll,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_timerfd_gettime, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    // Memory and threads.
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_membarrier, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_set_robust_list, SYS_set_tid_address, SYS_exit, SYS_exit_group,
    // Signals.
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
    // Questions. sysinfo is asked by glibc before it sorts addresses.
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname, SYS_sysinfo,
    SYS_getrandom,
];

/// Those that newer processors never had.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "arm", target_arch = "mips"))]
#[rustfmt::skip]
const OLD: &[c_long] = &[
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_rename, SYS_renameat, SYS_unlink, SYS_mkdir, SYS_chmod,
    SYS_poll, SYS_epoll_wait,
];
#[cfg(target_arch = "aarch64")]
const OLD: &[c_long] = &[SYS_renameat];
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "arm",
    target_arch = "mips",
    target_arch = "aarch64"
)))]
const OLD: &[c_long] = &[];

/// Those with 64 bits for files, where a register has 32.
#[cfg(target_pointer_width = "32")]
#[rustfmt::skip]
const NARROW: &[c_long] = &[
    SYS_fcntl64, SYS__llseek, SYS_fstat64, SYS_stat64, SYS_lstat64, SYS_sigreturn, FSTATAT64, PREAD64,
];
#[cfg(target_pointer_width = "64")]
const NARROW: &[c_long] = &[SYS_newfstatat, SYS_pread64];

// The crate libc lacks these two of MIPS and has its numbers from asm/unistd.h as well.
#[cfg(target_arch = "mips")]
const FSTATAT64: c_long = 4000 + 293;
#[cfg(target_arch = "mips")]
const PREAD64: c_long = 4000 + 200;
#[cfg(all(target_pointer_width = "32", not(target_arch = "mips")))]
use libc::{SYS_fstatat64 as FSTATAT64, SYS_pread64 as PREAD64};

/// What one processor has for itself. glibc of i386 puts all calls of sockets into one, whose arguments are out of
/// sight; musl, which is what routers have, does not.
#[cfg(target_arch = "x86_64")]
const PECULIAR: &[c_long] = &[SYS_accept, SYS_time];
#[cfg(all(target_arch = "x86", target_env = "gnu"))]
const PECULIAR: &[c_long] = &[SYS_time, SYS_socketcall];
#[cfg(all(target_arch = "x86", not(target_env = "gnu")))]
const PECULIAR: &[c_long] = &[SYS_time];
#[cfg(any(target_arch = "arm", target_arch = "mips"))]
const PECULIAR: &[c_long] = &[SYS_accept, SYS_send, SYS_recv];
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "arm", target_arch = "mips")))]
const PECULIAR: &[c_long] = &[SYS_accept];

/// glibc registers each thread with it.
#[cfg(target_env = "gnu")]
const RSEQ: &[c_long] = &[SYS_rseq];
#[cfg(not(target_env = "gnu"))]
const RSEQ: &[c_long] = &[];

/// Since Linux 5.1 new calls have one number for all processors: clock_gettime64, clock_getres_time64, clock_nanosleep_time64, timerfd_gettime64, timerfd_settime64, ppoll_time64,
/// recvmmsg_time64, futex_time64 (of 32 bits only, but nothing else has these numbers); faccessat2.
const NEW: &[u32] = &[403, 406, 407, 410, 411, 414, 417, 422, 439];

type Terms = &'static [&'static [Argument]];

const JUDGED: &[(c_long, Terms)] = &[
    // A thread, never a process, and no namespace of its own.
    (SYS_clone, &[&[bits(0, CLONE_VM | CLONE_THREAD | NAMESPACES, CLONE_VM | CLONE_THREAD)]]),
    // IP, local sockets, rtnetlink: neither packets as they are nor any other part of the kernel.
    (
        SYS_socket,
        &[
            &[is(0, AF_INET)],
            &[is(0, AF_INET6)],
            &[is(0, AF_UNIX)],
            &[is(0, AF_NETLINK), is(2, NETLINK_ROUTE)],
        ],
    ),
    (SYS_socketpair, &[&[is(0, AF_UNIX)]]),
    (SYS_mprotect, &[&[bits(2, PROT_EXEC, 0)]]),
    // The name of a thread.
    (SYS_prctl, &[&[is(0, PR_SET_NAME)]]),
    // Its own limits; glibc reads that of the stack.
    (SYS_prlimit64, &[&[is(0, 0)]]),
    // std makes sockets non-blocking so, and asks whether it writes to a terminal.
    (SYS_ioctl, &[&[ioctl_is(FIONBIO)], &[ioctl_is(TCGETS)], &[ioctl_is(TIOCGWINSZ)]]),
    // abort(3).
    (SYS_tkill, &[&[is(1, SIGABRT)]]),
    (SYS_tgkill, &[&[is(2, SIGABRT)]]),
];

/// Memory that can be written is never executed; glibc maps the libraries of its name services, musl has none.
#[cfg(target_env = "gnu")]
const MAPPED: Terms = &[&[bits(2, PROT_EXEC, 0)], &[bits(2, PROT_WRITE, 0)]];
#[cfg(not(target_env = "gnu"))]
const MAPPED: Terms = &[&[bits(2, PROT_EXEC, 0)]];

#[cfg(target_pointer_width = "64")]
const JUDGED_PECULIAR: &[(c_long, Terms)] = &[(SYS_mmap, MAPPED)];
#[cfg(target_pointer_width = "32")]
const JUDGED_PECULIAR: &[(c_long, Terms)] = &[(SYS_mmap2, MAPPED)];

const NAMESPACES: c_int =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

const fn is(index: u32, value: c_int) -> Argument {
    bits(index, -1, value)
}

const fn bits(index: u32, mask: c_int, value: c_int) -> Argument {
    // The same 32 bits: for the kernel's filter they have no sign.
    Argument {
        index,
        mask: u32::from_ne_bytes(mask.to_ne_bytes()),
        value: u32::from_ne_bytes(value.to_ne_bytes()),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the number of an ioctl has 32 bits; its type is another one in each libc"
)]
const fn ioctl_is(number: Ioctl) -> Argument {
    Argument { index: 1, mask: u32::MAX, value: number as u32 }
}
