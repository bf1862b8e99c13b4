//! seccomp: which system calls the kernel does for us, as a program for its classic BPF machine.
//!
//! ```text
//! foreign architecture ─▶ kill        number ─▶ binary search ─┬─ listed ──▶ allow, or look at the arguments
//!                                                              └─ unlisted ─▶ ENOSYS
//! ```
//!
//! An unlisted call does not kill: a router must not lose its agent over a surprise in a libc. It fails as on a kernel
//! that does not have it, since a libc that hears ENOSYS goes another way, and one that hears EPERM may give up (glibc
//! ends the process when rseq fails so). A listed call with arguments that are not ours fails with EPERM.

use std::io;

use libc::sock_filter;
use litemap::LiteMap;

use super::calls::{self, Argument, Call};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Allow,
    /// With this errno.
    Fail(u32),
    Kill,
    /// It is allowed if all of one of these lists is true, and fails with EPERM otherwise.
    Judge(&'static [&'static [Argument]]),
}

/// Closes it for the calling thread; says `on`, or why not.
pub(super) fn install() -> String {
    let Some(architecture) = calls::ARCHITECTURE else { return "not for this processor".to_owned() };
    match load(&program(architecture, &calls::allowed())) {
        Ok(()) => "on".to_owned(),
        // No such call before Linux 3.17; no such mode in a kernel without CONFIG_SECCOMP_FILTER.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {
            "not in this kernel".to_owned()
        }
        Err(error) => format!("refused ({error})"),
    }
}

#[expect(unsafe_code, reason = "no crate that serves a router's processors wraps this call")]
fn load(program: &[sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel reads `len` instructions behind `filter`, which live until the call returns, and writes none
    // (kernel/seccomp.c, seccomp_prepare_user_filter). It checks them; what it then forbids makes calls fail, which
    // safe code has to expect of every call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            0 as libc::c_ulong,
            &raw const program,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The whole program; `architecture` is one of AUDIT_ARCH_* (linux/audit.h).
fn program(architecture: u32, calls: &[(u32, Call)]) -> Vec<sock_filter> {
    let mut program = vec![load_word(OFFSET_OF_ARCHITECTURE), test(IF_EQUAL, architecture, 1, 0)];
    program.extend(answer(Verdict::Kill));
    program.push(load_word(OFFSET_OF_NUMBER));
    program.extend(search(&spans(architecture, calls)));
    program
}

/// The verdict on each number, up to the next one.
fn spans(architecture: u32, calls: &[(u32, Call)]) -> Vec<(u32, Verdict)> {
    const UNLISTED: Verdict = Verdict::Fail(libc::ENOSYS.unsigned_abs());
    let mut spans = LiteMap::<_, _>::from_iter([(0, UNLISTED)]);
    for (number, call) in calls {
        let verdict = match call {
            Call::Always => Verdict::Allow,
            Call::If(alternatives) => Verdict::Judge(alternatives),
        };
        spans.insert(*number, verdict);
        spans.entry(number + 1).or_insert(UNLISTED);
    }
    if architecture == calls::AUDIT_ARCH_X86_64 {
        // x32 has the same architecture and numbers of its own (__X32_SYSCALL_BIT, asm/unistd.h).
        spans.insert(0x4000_0000, Verdict::Kill);
    }
    let mut spans = spans.into_tuple_vec();
    spans.dedup_by_key(|(_, verdict)| *verdict);
    spans
}

/// Finds the span of the number that was loaded.
fn search(spans: &[(u32, Verdict)]) -> Vec<sock_filter> {
    if let [(_, verdict)] = spans {
        return answer(*verdict);
    }
    let (low, high) = spans.split_at(spans.len() / 2);
    let Some((middle, _)) = high.first() else { return Vec::new() };
    let low = search(low);
    let mut code = vec![test(IF_AT_LEAST, *middle, 0, 1), jump(low.len())];
    code.extend(low);
    code.extend(search(high));
    code
}

fn answer(verdict: Verdict) -> Vec<sock_filter> {
    let action = |action| instruction(RETURN, 0, 0, action);
    let alternatives = match verdict {
        Verdict::Allow => return vec![action(libc::SECCOMP_RET_ALLOW)],
        Verdict::Fail(errno) => return vec![action(libc::SECCOMP_RET_ERRNO | errno)],
        Verdict::Kill => return vec![action(libc::SECCOMP_RET_KILL_PROCESS)],
        Verdict::Judge(alternatives) => alternatives,
    };
    let mut code = Vec::new();
    for alternative in alternatives {
        let mut all = vec![action(libc::SECCOMP_RET_ALLOW)];
        for argument in alternative.iter().rev() {
            let is_so = [
                load_word(argument.offset()),
                instruction(AND, 0, 0, argument.mask),
                test(IF_EQUAL, argument.value, 1, 0),
                jump(all.len()),
            ];
            all.splice(0..0, is_so);
        }
        code.extend(all);
    }
    code.extend(answer(Verdict::Fail(libc::EPERM.unsigned_abs())));
    code
}

fn load_word(offset: u32) -> sock_filter {
    instruction(LOAD_WORD, 0, 0, offset)
}

/// Skips instructions; unlike that of a test, the distance may be large. One that cannot be said is one that the
/// kernel refuses.
fn jump(distance: usize) -> sock_filter {
    instruction(JUMP, 0, 0, u32::try_from(distance).unwrap_or(u32::MAX))
}

/// Skips so many instructions if what was loaded compares so with `k`, and so many if not.
fn test(comparison: u16, k: u32, if_so: u8, if_not: u8) -> sock_filter {
    instruction(comparison, if_so, if_not, k)
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

// linux/bpf_common.h.
/// `BPF_LD | BPF_W | BPF_ABS`
const LOAD_WORD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JA`
const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`
const IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`
const IF_AT_LEAST: u16 = 0x35;
/// `BPF_RET | BPF_K`
const RETURN: u16 = 0x06;

// struct seccomp_data (linux/seccomp.h).
const OFFSET_OF_NUMBER: u32 = 0;
const OFFSET_OF_ARCHITECTURE: u32 = 4;

#[cfg(test)]
mod tests;
