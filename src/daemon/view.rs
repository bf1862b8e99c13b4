//! What the commands see without a running agent: the kernel's table with netifd's networks on it.

use std::io;
use std::time::Duration;

use super::clock::{self, Alarm};
use super::files::Files;
use super::netlink::{self, Look, Netlink};
use super::ubus::{Heard, Role, Ubus};
use crate::config::Global;
use crate::engine::address::{Snapshot, Wanted};

/// How long netifd may take at the start before it is done without; our judgement, it answers in milliseconds.
pub(super) const NETIFD_LIMIT: Duration = Duration::from_secs(1);

/// Everything at this moment.
///
/// # Errors
///
/// The kernel's answer, or no runtime to ask it in.
pub fn snapshot(wanted: &Wanted, global: &Global) -> io::Result<Snapshot> {
    let kernel = netlink::snapshot(wanted)?;
    let networks = tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let mut ubus = Ubus::new(Role::Watcher)?;
        settle(&mut ubus).await?;
        Ok::<_, io::Error>(ubus.networks().to_vec())
    });
    let mut snapshot = Snapshot { networks: networks?, ..kernel };
    Files::new(wanted, global).read(&mut snapshot);
    Ok(snapshot)
}

/// Hands every look to `each` until that returns false.
///
/// # Errors
///
/// The kernel's subscription is broken, or there is no runtime.
pub fn watch(wanted: &Wanted, global: &Global, mut each: impl FnMut(Look) -> bool) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let mut ubus = Ubus::new(Role::Watcher)?;
        settle(&mut ubus).await?;
        let mut netlink = Netlink::new()?;
        netlink.want(wanted)?;
        let mut files = Files::new(wanted, global);
        files.listen()?;
        let mut look = netlink.look()?;
        loop {
            let shown = Look { snapshot: complete(look.snapshot.clone(), &ubus, &files), ..look };
            if !each(shown) {
                return Ok(());
            }
            tokio::select! {
                biased;
                seen = netlink.next() => look = seen?,
                () = changed(&mut ubus) => {}
                changed = files.changed() => changed?,
            }
        }
    })
}

/// The kernel's table with the networks that are known, and what other programs have written.
pub(super) fn complete(kernel: Snapshot, ubus: &Ubus, files: &Files) -> Snapshot {
    let mut snapshot = Snapshot { networks: ubus.networks().to_vec(), ..kernel };
    files.read(&mut snapshot);
    snapshot
}

async fn settle(ubus: &mut Ubus) -> io::Result<()> {
    let mut alarm = Alarm::new()?;
    alarm.set(Some(clock::monotonic() + NETIFD_LIMIT))?;
    while !ubus.is_settled() {
        tokio::select! {
            _ = ubus.next() => {}
            rung = alarm.rung() => return rung,
        }
    }
    Ok(())
}

/// Waits until the networks are others.
async fn changed(ubus: &mut Ubus) {
    loop {
        match ubus.next().await {
            Ok(Heard::Networks) => return,
            Ok(Heard::Call(_) | Heard::Told(..)) => {}
            Err(_) => std::future::pending().await,
        }
    }
}
