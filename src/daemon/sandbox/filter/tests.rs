//! The program, run by an interpreter of its own: an independent reading of
//! Documentation/networking/filter.rst and Documentation/userspace-api/seccomp_filter.rst.

use super::*;

const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// `struct seccomp_data`, as the kernel lays it out.
fn data(number: u32, architecture: u32, arguments: &[u64]) -> Vec<u8> {
    let mut data = [number.to_ne_bytes(), architecture.to_ne_bytes()].concat();
    data.extend([0; 8]);
    for at in 0..6 {
        data.extend(arguments.get(at).copied().unwrap_or_default().to_ne_bytes());
    }
    data
}

fn interpret(program: &[sock_filter], data: &[u8]) -> u32 {
    let (mut accumulator, mut at) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        match code {
            0x20 => {
                let word = &data[k as usize..k as usize + 4];
                accumulator = u32::from_ne_bytes(word.try_into().unwrap());
            }
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += usize::from(if accumulator == k { jt } else { jf }),
            0x35 => at += usize::from(if accumulator >= k { jt } else { jf }),
            0x06 => return k,
            other => panic!("no instruction of ours: {other:#x}"),
        }
    }
}

fn verdict(number: libc::c_long, arguments: &[u64]) -> u32 {
    let architecture = calls::ARCHITECTURE.unwrap();
    let program = program(architecture, &calls::allowed());
    interpret(&program, &data(number.try_into().unwrap(), architecture, arguments))
}

fn bits(value: libc::c_int) -> u64 {
    u32::from_ne_bytes(value.to_ne_bytes()).into()
}

#[test]
fn what_the_agent_needs_is_allowed() {
    for (number, call) in calls::allowed() {
        if let Call::Always = call {
            assert_eq!(verdict(number.into(), &[u64::MAX; 6]), ALLOW, "{number}");
        }
    }
    assert!(calls::allowed().iter().any(|(number, _)| libc::c_long::from(*number) == libc::SYS_read));
}

#[test]
fn what_only_an_intruder_needs_is_not_there() {
    for number in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_setuid,
        libc::SYS_setresuid,
        libc::SYS_setgroups,
        libc::SYS_capset,
        libc::SYS_seccomp,
        libc::SYS_personality,
        libc::SYS_keyctl,
        libc::SYS_memfd_create,
        libc::SYS_userfaultfd,
        libc::SYS_mknodat,
        libc::SYS_symlinkat,
        libc::SYS_linkat,
        libc::SYS_fchownat,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_sethostname,
    ] {
        assert_eq!(verdict(number, &[]), ENOSYS, "{number}");
    }
}

/// A libc that hears ENOSYS makes the thread with clone instead, whose flags can be looked at.
#[test]
fn calls_whose_arguments_are_out_of_sight_fail_as_on_an_old_kernel() {
    for number in [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_openat2] {
        assert_eq!(verdict(number, &[]), ENOSYS, "{number}");
    }
}

#[test]
fn a_thread_may_be_made_and_no_process() {
    let thread = bits(libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND | libc::CLONE_SETTLS);
    assert_eq!(verdict(libc::SYS_clone, &[thread]), ALLOW);
    for process in [libc::SIGCHLD, libc::CLONE_VM | libc::CLONE_VFORK, libc::CLONE_THREAD, libc::CLONE_VM] {
        assert_eq!(verdict(libc::SYS_clone, &[bits(process)]), EPERM, "{process:#x}");
    }
    for namespace in [libc::CLONE_NEWUSER, libc::CLONE_NEWNET, libc::CLONE_NEWNS] {
        assert_eq!(verdict(libc::SYS_clone, &[thread | bits(namespace)]), EPERM, "{namespace:#x}");
    }
}

#[test]
fn sockets_are_for_ip_for_this_machine_and_for_rtnetlink() {
    let socket = |family, protocol| verdict(libc::SYS_socket, &[bits(family), 1, bits(protocol)]);
    for family in [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX] {
        assert_eq!(socket(family, 0), ALLOW, "{family}");
    }
    assert_eq!(socket(libc::AF_NETLINK, libc::NETLINK_ROUTE), ALLOW);
    for family in [libc::AF_PACKET, libc::AF_BLUETOOTH, libc::AF_ALG, libc::AF_VSOCK, libc::AF_KEY, 0] {
        assert_eq!(socket(family, 0), EPERM, "{family}");
    }
    for protocol in [libc::NETLINK_NETFILTER, libc::NETLINK_XFRM, libc::NETLINK_AUDIT, libc::NETLINK_GENERIC]
    {
        assert_eq!(socket(libc::AF_NETLINK, protocol), EPERM, "{protocol}");
    }
    // What the kernel does not look at does not count.
    assert_eq!(verdict(libc::SYS_socket, &[0xffff_ffff_0000_0000 | bits(libc::AF_INET)]), ALLOW);
    assert_eq!(verdict(libc::SYS_socket, &[0xffff_ffff_0000_0000 | bits(libc::AF_PACKET)]), EPERM);
}

#[test]
fn memory_is_written_or_executed_and_not_both() {
    let (read, write, execute) = (libc::PROT_READ, libc::PROT_WRITE, libc::PROT_EXEC);
    #[cfg(target_pointer_width = "64")]
    let map = |protection| verdict(libc::SYS_mmap, &[0, 4096, bits(protection)]);
    #[cfg(target_pointer_width = "32")]
    let map = |protection| verdict(libc::SYS_mmap2, &[0, 4096, bits(protection)]);
    let protect = |protection| verdict(libc::SYS_mprotect, &[0, 4096, bits(protection)]);
    assert_eq!((map(read | write), protect(read | write)), (ALLOW, ALLOW));
    assert_eq!((map(read | write | execute), protect(read | execute)), (EPERM, EPERM));
    // For glibc's name services.
    assert_eq!(map(read | execute), if cfg!(target_env = "gnu") { ALLOW } else { EPERM });
}

#[test]
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "the type of an ioctl's number is each libc's own"
)]
fn of_calls_with_many_meanings_only_the_needed_ones_are_allowed() {
    let pairs = [
        (libc::SYS_prctl, [bits(libc::PR_SET_NAME), 0, 0], [bits(libc::PR_SET_DUMPABLE), 1, 0]),
        (libc::SYS_prlimit64, [0, 3, 0], [1, 3, 0]),
        (libc::SYS_ioctl, [0, libc::FIONBIO as u64, 0], [0, libc::TIOCSTI as u64, 0]),
        (libc::SYS_tgkill, [1, 1, bits(libc::SIGABRT)], [1, 1, bits(libc::SIGKILL)]),
        (libc::SYS_tkill, [1, bits(libc::SIGABRT), 0], [1, bits(libc::SIGKILL), 0]),
        (libc::SYS_socketpair, [bits(libc::AF_UNIX), 1, 0], [bits(libc::AF_INET), 1, 0]),
    ];
    for (number, allowed, refused) in pairs {
        assert_eq!((verdict(number, &allowed), verdict(number, &refused)), (ALLOW, EPERM), "{number}");
    }
}

#[test]
fn calls_of_another_architecture_end_the_process() {
    let own = calls::ARCHITECTURE.unwrap();
    let program = program(own, &calls::allowed());
    for architecture in [0, own ^ 1, own ^ 0x4000_0000, own ^ 0x8000_0000, own + 1] {
        assert_eq!(interpret(&program, &data(0, architecture, &[])), KILL, "{architecture:#x}");
    }
}

#[test]
fn the_second_abi_of_x86_64_ends_the_process() {
    let program = program(calls::AUDIT_ARCH_X86_64, &calls::allowed());
    for number in [0x4000_0000, 0x4000_0001, 0x4000_003b, u32::MAX] {
        assert_eq!(interpret(&program, &data(number, calls::AUDIT_ARCH_X86_64, &[])), KILL, "{number:#x}");
    }
}

/// The binary search, against the plain reading of any list, however long.
#[test]
fn each_number_gets_the_verdict_of_the_list() {
    let terms: &[&[Argument]] = &[];
    for step in [1, 2, 7] {
        let calls: Vec<_> = (0..400 / step)
            .map(|at| (at * step, if at % 3 == 0 { Call::If(terms) } else { Call::Always }))
            .collect();
        let program = program(1, &calls);
        assert!(program.len() < 4096, "BPF_MAXINSNS");
        for number in 0..500 {
            let wanted = match calls.iter().find(|(listed, _)| *listed == number) {
                Some((_, Call::Always)) => ALLOW,
                Some((_, Call::If(_))) => EPERM,
                None => ENOSYS,
            };
            assert_eq!(interpret(&program, &data(number, 1, &[])), wanted, "{number} of {step}");
        }
    }
}
