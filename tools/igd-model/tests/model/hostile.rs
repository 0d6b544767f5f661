//! Whatever a driver or a client writes, the model goes on: no panic, no loop without end.

use std::time::Duration;

use igd_model::engine::EngineId;
use proptest::prelude::*;

use crate::client::{Client, message, serve};
use crate::machine::{BATCH_END, Machine, descriptor};

/// Words that are often commands.
fn command_word() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (0_u32..0x40, any::<u32>()).prop_map(|(opcode, rest)| opcode << 23 | rest & 0x007f_ffff),
        (0_u32..0x40, 0_u32..8, 0_u32..4)
            .prop_map(|(opcode, length, flags)| opcode << 23 | flags << 21 | length),
        (0_u32..0x80, 0_u32..12).prop_map(|(opcode, length)| 2 << 29 | opcode << 22 | 3 << 20 | length),
        0_u32..0x10_0000,
        Just(BATCH_END),
    ]
}

fn engine() -> impl Strategy<Value = EngineId> {
    proptest::sample::select(&EngineId::ALL[..])
}

proptest! {
    #![proptest_config(xengt_tests::cases(256))]

    #[test]
    fn any_batch_ends_or_can_be_reset(id in engine(), words in prop::collection::vec(command_word(), 1..200)) {
        let mut machine = Machine::new();
        machine.run_batch(id, &words);
        for _ in 0..3 {
            machine.device.tick();
        }
        machine.device.write_register(0x941c, 1);
        prop_assert_eq!(machine.read(id, crate::machine::HEAD), 0);
        prop_assert_eq!(machine.device.tick(), None, "nothing runs after a reset");
        machine.write(id, 0xa8, 0);
        machine.context(id, 1, &[0x20 << 23 | 2, 0x8000, 0, 0xfeed]);
        // The batch may have changed the tables through the global GTT: only what is intact must run.
        machine.submit(id, descriptor(1), 0);
    }

    #[test]
    fn any_context_image_is_loaded_and_saved_without_harm(
        id in engine(),
        words in prop::collection::vec(any::<u32>(), 64),
        lists in prop::collection::vec((0_u32..64, 0_u32..256), 0..6),
    ) {
        let mut machine = Machine::new();
        machine.context(id, 0, &[0, 0]);
        let mut image = words;
        for (at, length) in lists {
            image[usize::try_from(at).unwrap()] = 0x1100_0000 | length;
        }
        machine.put(crate::machine::MEMORY + crate::machine::image(0) + 4096, &image);
        machine.submit(id, descriptor(0), descriptor(0));
        machine.device.tick();
    }

    #[test]
    fn any_register_can_be_read_and_written(writes in prop::collection::vec((0_u32..0x20_0000, any::<u32>()), 1..300)) {
        let mut machine = Machine::new();
        for (offset, value) in writes {
            machine.device.write_register(offset, value);
            machine.device.read_register(offset);
            let until = machine.device.tick();
            prop_assert!(until.is_none_or(|until| until < Duration::from_secs(1)));
        }
    }
}

proptest! {
    #![proptest_config(xengt_tests::cases(64))]

    #[test]
    fn any_messages_are_answered_or_end_the_connection(
        messages in prop::collection::vec((0_u16..17, prop::collection::vec(prop_oneof![Just(0_u8), Just(4), any::<u8>()], 0..80)), 1..20),
    ) {
        let served = serve(false);
        let mut client = Client::ready(&served);
        for (command, body) in messages {
            client.send(&message(command, 0, &body), &[]);
            if client.reply().is_none() {
                break;
            }
        }
        drop(client);
        // Only the panic of the server's thread is a failure.
        let _ended = served.end();
    }
}
