use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use super::message::Message;
use super::*;

const LIMIT: Duration = Duration::from_secs(10);
/// Recorded: the HELLO of the genuine ubusd.
const HELLO: [u8; 12] = [0, 0, 0, 0, 0x97, 0x64, 0xb2, 0xcc, 0, 0, 0, 4];

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.expect("it came to no end") })
}

fn accept(listener: &UnixListener) -> UnixStream {
    let (mut client, _) = listener.accept().unwrap();
    client.write_all(&HELLO).unwrap();
    client
}

#[test]
fn on_a_system_without_ubus_nothing_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let mut ubus = Ubus::at(&[&dir.path().join("ubus/ubus.sock")], Role::Agent).unwrap();
        assert!(ubus.is_settled() && ubus.alarm.is_silent());
        assert!(tokio::time::timeout(Duration::from_millis(20), ubus.next()).await.is_err());
        // After a reload there may be one.
        std::fs::create_dir(dir.path().join("ubus")).unwrap();
        ubus.look_for().unwrap();
        let heard = ubus.next().await.unwrap();
        assert!(matches!(heard, Heard::Told(LogLevel::Debug, _)), "{heard:?}");
        assert!(ubus.is_settled() && !ubus.alarm.is_silent());
    });
}

#[test]
fn pauses_double_from_a_second_to_a_minute() {
    let pauses = [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_ubusd_that_starts_again_is_connected_to_again() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("ubus.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    run(async {
        let mut ubus = Ubus::at(&[&socket], Role::Watcher).unwrap();
        let ubusd = std::thread::spawn(move || {
            drop(accept(&listener));
            // It replaces its socket, as ubusd does.
            drop(listener);
            std::fs::remove_file(&socket).unwrap();
            let listener = UnixListener::bind(&socket).unwrap();
            let mut client = accept(&listener);
            let mut first = [0; 12];
            client.read_exact(&mut first).unwrap();
            first
        });
        let lost = ubus.next().await.unwrap();
        assert!(
            matches!(&lost, Heard::Told(LogLevel::Debug, words) if words.contains("no connection")),
            "{lost:?}"
        );
        let next = async {
            loop {
                let _ = ubus.next().await;
            }
        };
        let first = tokio::task::spawn_blocking(move || ubusd.join().unwrap());
        tokio::select! {
            () = next => {}
            first = first => assert_eq!(first.unwrap(), [0, 6, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4]),
        }
    });
}

#[test]
fn who_sends_what_is_not_ubus_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("ubus.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    run(async {
        let mut ubus = Ubus::at(&[&socket], Role::Watcher).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
            // It hangs up.
            let mut rest = Vec::new();
            let _ = client.read_to_end(&mut rest);
        });
        let heard = ubus.next().await.unwrap();
        assert!(matches!(&heard, Heard::Told(_, words) if words.contains("not ubus")), "{heard:?}");
        thread.join().unwrap();
    });
}

#[test]
fn a_ubusd_that_does_not_read_cannot_make_us_grow() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("ubus.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    run(async {
        let mut ubus = Ubus::at(&[&socket], Role::Agent).unwrap();
        let accepted = std::thread::spawn(move || listener.accept().unwrap().0);
        assert!(tokio::time::timeout(Duration::from_millis(50), ubus.next()).await.is_err());
        let _silent = accepted.join().unwrap();
        let call: Message = Message {
            kind: message::Kind::Invoke,
            sequence: 1,
            peer: 7,
            body: message::Body {
                object: Some(0),
                method: Some("x".repeat(1 << 10)),
                ..message::Body::default()
            },
        };
        let mut most = 0;
        let mut failed = false;
        for _ in 0..10_000 {
            let Line::Open(connection) = &mut ubus.line else { panic!("it is not connected") };
            // Each is answered: no such object.
            for _ in 0..100 {
                connection.session.handle(call.clone(), clock::monotonic());
            }
            failed = connection.flush().is_err();
            most = most.max(connection.backlog());
            if failed {
                break;
            }
        }
        assert!(failed && most < 3 << 20, "{most} bytes wait");
    });
}
