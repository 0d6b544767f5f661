//! Every message of a client that breaks the rules is refused, and ends nothing but its own connection.

use igd_model::server::ServerError;
use igd_model::server::error::ProtocolError;

use crate::client::{Client, access, message, serve, version, words};
use crate::machine::file;

const EINVAL: u32 = 22;
const EEXIST: u32 = 17;
const EOPNOTSUPP: u32 = 95;

#[test]
fn handshakes_that_make_no_sense_end_the_connection_not_the_server() {
    let served = serve(true);
    for body in [
        &version(b"no end")[..],
        &version(b"no json\0"),
        &version(b"[]\0"),
        &version(b"\xff\xff\0"),
        &version(b"{\"capabilities\":{}}\0\0"),
        &[1, 0, 0, 0],
        &[0, 0],
    ] {
        let mut client = Client::connect(&served);
        assert_eq!(client.ask(1, body, &[]).unwrap().0, EINVAL, "{body:?}");
    }
    let mut short = Client::connect(&served);
    assert_eq!(short.ask(1, &[0, 0], &[]).unwrap().0, EINVAL);
    assert_eq!(short.ask(1, &version(b""), &[]).unwrap().0, 0, "a short message can be said again");
    drop(short);
    let mut silent = Client::connect(&served);
    silent.send(&message(9, 0, &access(0, 0, 4)), &[]);
    assert_eq!(silent.reply().unwrap().0, EINVAL, "before the handshake");
    assert_eq!(silent.reply(), None);
    drop(silent);
    Client::ready(&served);
}

#[test]
fn a_message_of_impossible_length_ends_the_connection() {
    for (size, kind) in [(15_u32, 0_u32), (0, 0), (u32::MAX, 0), (16, 1)] {
        let served = serve(false);
        let mut client = Client::ready(&served);
        let mut bytes = message(9, kind, &[]);
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        client.send(&bytes, &[]);
        assert_eq!(client.reply(), None);
        let ended = served.end();
        assert!(
            matches!(
                ended,
                Err(ServerError::Client(ProtocolError::Size { .. } | ProtocolError::NotARequest { .. }))
            ),
            "{ended:?}"
        );
    }
}

#[test]
fn wrong_requests_are_answered_with_an_error_and_the_next_one_is_served() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    let field = |body: Vec<u8>| (body, EINVAL);
    let cases: Vec<(u16, (Vec<u8>, u32))> = vec![
        (9, field(access(0, 16 << 20, 4))),
        (9, field(access(0, u64::MAX, 4))),
        (9, field(access(1, 0, 1))),
        (9, field(access(0, 0, u32::MAX))),
        (9, field(access(99, 0, 4))),
        (9, field(vec![0; 3])),
        (10, field(access(0, 0, 4))),
        (10, field(access(9, 8190, 4))),
        (15, field(u64::MAX.to_le_bytes().to_vec())),
        (15, field([&1_u64.to_le_bytes()[..], &access(0, 0, 9), &[0; 8]].concat())),
        (5, field(words(&[32, 0, 10, 0]))),
        (7, field(words(&[16, 0, 5]))),
        (8, field(words(&[20, 0x24, 1, 0, 2]))),
        (8, field(words(&[20, 0x24, 1, 1, 1]))),
        (8, field(words(&[20, 0x24, 9, 0, 1]))),
        (2, field(words(&[32]))),
        (6, (vec![], EOPNOTSUPP)),
        (11, (vec![], EOPNOTSUPP)),
        (0xffff, (vec![], EOPNOTSUPP)),
    ];
    for (command, (body, errno)) in cases {
        assert_eq!(client.ask(command, &body, &[]).unwrap().0, errno, "command {command} {body:?}");
    }
    assert_eq!(client.read(7, 0, 4), [0x86, 0x80, 0x16, 0x59]);
    drop(client);
    served.end().unwrap();
}

#[test]
fn maps_are_checked_against_their_file_and_each_other() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    let memory = file(0x4000);
    assert_eq!(client.map(0x1000, 0x4000, &memory), 0);
    assert_eq!(client.map(0x2000, 0x1000, &memory), EEXIST);
    assert_eq!(client.map(0x10_0000, 0x5000, &memory), EINVAL, "longer than the file");
    assert_eq!(client.map(0x10_0000, u64::MAX - 0xfff, &memory), EINVAL);
    assert_eq!(client.map(0x10_0001, 0x1000, &memory), EINVAL);
    let pipe = rustix::pipe::pipe().unwrap();
    assert_eq!(client.map(0x10_0000, 0x1000, &pipe.0), EINVAL, "no file");
    let mut body = words(&[24, 0]);
    body.extend([0x1000_u64, 0x4000].iter().flat_map(|word| word.to_le_bytes()));
    assert_eq!(client.ask(3, &body, &[]).unwrap().0, 0);
    assert_eq!(client.map(0x2000, 0x1000, &memory), 0, "it is free again");
}

#[test]
fn a_client_that_dies_inside_a_message_ends_the_server_cleanly() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    client.send(&message(9, 0, &access(0, 0, 4))[..20], &[]);
    drop(client);
    assert!(matches!(served.end(), Err(ServerError::Client(_))));

    let served = serve(false);
    drop(Client::ready(&served));
    served.end().unwrap();
}

#[test]
fn requests_without_an_answer_get_none() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    client.send(&message(10, 0x10, &[access(0, 0x5_0000, 4), words(&[0xabcd])].concat()), &[]);
    client.send(&message(10, 0x10, &access(99, 0, 4)), &[]);
    let one = [access(0, 0x5_0004, 4), words(&[1, 0])].concat();
    let two = [access(0, 0x5_0008, 8), words(&[2, 3])].concat();
    client.send(&message(15, 0x10, &[&2_u64.to_le_bytes()[..], &one, &two].concat()), &[]);
    assert_eq!(client.read(0, 0x5_0000, 16), words(&[0xabcd, 1, 2, 3]));
}
