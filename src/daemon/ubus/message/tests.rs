use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::super::Malformed;
use super::super::blob::Writer;
use super::super::blobmsg;
use super::{Body, Kind, Message, START, length};

/// Frames of the recordings of the genuine ubusd: file, whether the client sent it, bytes.
pub(in crate::daemon::ubus) fn recorded() -> Vec<(String, bool, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ubus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for (key, sent) in [("send", true), ("recv", false)] {
                let Some(hex) = line[key].as_str() else { continue };
                found.extend(frames(&bytes(hex)).into_iter().map(|frame| (name.clone(), sent, frame)));
            }
        }
    }
    found
}

/// The frames that the client of one recording sent, or received.
pub(in crate::daemon::ubus) fn of(recording: &str, sent: bool) -> Vec<Vec<u8>> {
    let all = recorded().into_iter();
    all.filter(|(name, by_us, _)| name == recording && *by_us == sent).map(|(_, _, frame)| frame).collect()
}

fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = length(*bytes.first_chunk().unwrap()).unwrap();
        found.push(bytes[..length].to_vec());
        bytes = &bytes[length..];
    }
    found
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn received(recording: &str, at: usize) -> Message {
    Message::decode(&of(recording, false)[at]).unwrap()
}

#[test]
fn every_recorded_message_is_understood_and_what_clients_sent_we_send_byte_for_byte() {
    let all = recorded();
    assert_eq!(all.len(), 55);
    for (name, sent, frame) in all {
        let message = Message::decode(&frame).unwrap();
        // The recorded publisher's answer has its names in an order of its own.
        if sent && message.kind != Kind::Data {
            assert_eq!(message.encode().unwrap(), frame, "{name}");
        } else {
            let again = Message::decode(&message.encode().unwrap()).unwrap();
            assert_eq!(again, message, "{name}");
        }
    }
}

#[test]
fn a_hello_names_our_peer_id_and_a_refusal_its_status() {
    let hello = received("denied", 0);
    assert_eq!((hello.kind, hello.peer, hello.body), (Kind::Hello, 0x9764_b2cc, Body::default()));
    let refusal = received("denied", 1);
    assert_eq!((refusal.kind, refusal.sequence, refusal.body.status), (Kind::Status, 1, Some(4)));
}

#[test]
fn a_call_arrives_with_its_arguments_and_a_notification_asks_for_no_reply() {
    let call = received("publish", 3);
    assert_eq!((call.kind, call.sequence, call.peer), (Kind::Invoke, 2, 0xfb37_2792));
    assert_eq!((call.body.object, call.body.method.as_deref()), (Some(0xab47_885d), Some("status")));
    assert_eq!(call.body.data.unwrap().get("record"), Some(&json!("home")));
    assert!(!call.body.no_reply);
    let down = received("sub", 6);
    assert_eq!((down.kind, down.body.method.as_deref()), (Kind::Invoke, Some("interface.down")));
    assert!(down.body.no_reply);
    assert_eq!(received("publish", 4).body.active, Some(true));
}

#[test]
fn values_of_every_type_are_read_and_written_as_libubox_does() {
    let frame = &of("publish", true)[1];
    let data = Message::decode(frame).unwrap().body.data.unwrap();
    let wanted = json!({
        "up": true, "n": 7, "name": "home", "list": [1, 2], "nested": { "a": "b" },
        "big": 1_234_567_890_123_i64, "f": 1.5,
    });
    assert_eq!(serde_json::Value::Object(data), wanted);
    // In the order of the recorded publisher.
    let mut writer = Writer::default();
    for name in ["up", "n", "name", "list", "nested", "big", "f"] {
        blobmsg::put(&mut writer, name, &wanted[name]);
    }
    let written = writer.into_bytes();
    assert!(frame.ends_with(&written), "{written:02x?}");
}

#[test]
fn null_and_what_cannot_be_told_in_json_survive_as_null() {
    let table = json!({ "nothing": null, "empty": [], "none": {} });
    assert_eq!(again(&table), table);
    // INT16, and a double that is not a number, which no JSON has.
    let short = [0x86, 0, 0, 0x0a, 0, 1, b'n', 0, 0xff, 0xfe, 0, 0];
    assert_eq!(blobmsg::table(&short).unwrap()["n"], json!(-2));
    let nan = [&[0x88, 0, 0, 0x10, 0, 1, b'n', 0][..], &f64::NAN.to_be_bytes()[..]].concat();
    assert_eq!(blobmsg::table(&nan).unwrap()["n"], json!(null));
}

#[test]
fn a_table_that_lies_too_deep_is_refused() {
    let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "t": inner }));
    assert_eq!(again(&nested(33)), nested(33));
    for depth in [34, 1_000] {
        let mut writer = Writer::default();
        blobmsg::put_table(&mut writer, nested(depth).as_object().unwrap());
        assert_eq!(blobmsg::table(&writer.into_bytes()), Err(Malformed));
    }
}

#[test]
fn a_message_longer_than_a_mebibyte_is_neither_sent_nor_received() {
    let mut message = Message { kind: Kind::Data, sequence: 1, peer: 2, body: Body::default() };
    message.body.data = json!({ "text": "x".repeat(1 << 20) }).as_object().cloned();
    assert_eq!(message.encode(), None);
    let start: [u8; START] = [0, 2, 0, 1, 0, 0, 0, 2, 0, 0x10, 0, 1];
    assert_eq!(length(start), Err(Malformed));
    assert_eq!(length([0, 2, 0, 1, 0, 0, 0, 2, 0, 0x10, 0, 0]), Ok((1 << 20) + 8));
    assert_eq!(length([0, 2, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]), Err(Malformed));
    assert_eq!(length([1, 2, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]), Err(Malformed));
}

#[test]
fn a_nul_in_a_text_or_a_name_cannot_cut_a_message() {
    assert_eq!(again(&json!({ "a\0b": "c\0d" })), json!({ "ab": "cd" }));
}

fn again(value: &serde_json::Value) -> serde_json::Value {
    let mut writer = Writer::default();
    blobmsg::put_table(&mut writer, value.as_object().unwrap());
    serde_json::Value::Object(blobmsg::table(&writer.into_bytes()).unwrap())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        (-1e300..1e300).prop_map(|float: f64| json!(float)),
        "[^\0]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::btree_map("[^\0]{1,9}", inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        members in proptest::collection::btree_map("[^\0]{1,9}", value(), 0..6),
        status: Option<u32>, object: Option<u32>, method in proptest::option::of("[^\0]{0,9}"),
        active: Option<bool>, no_reply: bool, sequence: u16, peer: u32,
    ) {
        let data = Some(members.into_iter().collect());
        let body = Body { status, object, method, active, no_reply, data, ..Body::default() };
        let message = Message { kind: Kind::Invoke, sequence, peer, body };
        let bytes = message.encode().unwrap();
        prop_assert_eq!(length(*bytes.first_chunk().unwrap()), Ok(bytes.len()));
        prop_assert_eq!(Message::decode(&bytes).unwrap(), message);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_u8..12) {
        let _ = Message::decode(&bytes);
        let _ = blobmsg::table(&bytes);
        if let Some(place) = bytes.get_mut(1) {
            *place = kind;
        }
        let _ = Message::decode(&bytes);
    }

    #[test]
    fn no_damage_to_a_recorded_message_makes_it_panic(
        which in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let (_, _, mut frame) = which.get(&recorded()).clone();
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        frame.truncate(cut.index(frame.len() + 1));
        if let Some(start) = frame.first_chunk() {
            let _ = length(*start);
        }
        if let Ok(message) = Message::decode(&frame) {
            let _ = message.encode();
        }
    }
}
