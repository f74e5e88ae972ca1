//! What it asks of WASI, and what it got, as a name.

use std::{
    hash::{BuildHasher, RandomState},
    thread,
    time::{Duration, Instant, SystemTime},
};

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package wasi:random@0.2.0;
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
                get-random-u64: func() -> u64;
            }
            world draws { import random; }
        ",
    });
}

pub fn of(what: &str) -> String {
    match what {
        "clock" => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            format!("at-{}", now.as_millis())
        }
        "stopwatch" => {
            let (began, mut n) = (Instant::now(), 0_u32);
            while n < 1_000_000 {
                n = std::hint::black_box(n + 1);
            }
            format!("took-{}", began.elapsed().as_nanos())
        }
        "chance" => format!("drew-{}", bindings::wasi::random::random::get_random_u64()),
        "hash-seed" => format!("hashed-{}", RandomState::new().hash_one(1)),
        "files" => match std::fs::read_dir("/") {
            Ok(entries) => format!("saw-{}", entries.count()),
            Err(_) => "saw-nothing".to_owned(),
        },
        "network" => match std::net::TcpStream::connect(("127.0.0.1", 9)) {
            Ok(_) => "connected".to_owned(),
            Err(error) => format!("no-network-{}", error.kind() as u8),
        },
        "sleep" => {
            thread::sleep(Duration::from_hours(1));
            "rested".to_owned()
        }
        "stderr" => {
            eprintln!("the otter complains");
            std::process::exit(7)
        }
        "environment" => {
            let mut names: Vec<_> = std::env::vars().map(|(name, value)| format!("{name}-{value}")).collect();
            names.sort();
            if names.is_empty() { "nothing".to_owned() } else { names.join("-").to_lowercase().replace('_', "-") }
        }
        other => format!("unknown-{other}"),
    }
}
