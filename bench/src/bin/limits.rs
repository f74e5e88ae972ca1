//! What the engine's doors are held against: bare axum that answers from memory, and a disk that is given the queue's files by nobody but us.
//!
//!     limits serve PORT FILE                              FILE for every GET, with gzip beside it for those who take it
//!     limits files DIR TEMPLATE CLIENTS SECONDS           the queue's own way with a file, grouped; JSON: how many a second, and how long each took

use std::{
    error::Error,
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, routing::get};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", port, file] => serve(port.parse()?, Path::new(file)),
        ["files", dir, template, clients, seconds] => {
            let times = files(
                Path::new(dir),
                std::fs::read(template)?,
                clients.parse()?,
                Duration::from_secs_f64(seconds.parse()?),
            )?;
            println!("{times}");
            Ok(())
        }
        _ => Err("limits serve PORT FILE, or limits files DIR TEMPLATE CLIENTS SECONDS".into()),
    }
}

/// Bare axum.
fn serve(port: u16, file: &Path) -> Outcome<()> {
    let body = Bytes::from(std::fs::read(file)?);
    let answer = move || {
        let body = body.clone();
        async move { ([("content-type", "text/html; charset=utf-8")], body) }
    };
    let routes = Router::new().fallback(get(answer));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, routes).await?;
        Ok(())
    })
}

struct Written {
    tmp: PathBuf,
    name: String,
    done: Sender<()>,
}

/// Each client: a file written and fsynced in `tmp/`; then, many at once, a second name in `seen/`, that folder fsynced, the file moved to `new/`, that folder
/// fsynced; then the next.
fn files(dir: &Path, template: Vec<u8>, clients: usize, time: Duration) -> Outcome<String> {
    for folder in ["tmp", "seen", "new"] {
        std::fs::create_dir_all(dir.join(folder))?;
    }
    let over = Arc::new(AtomicBool::new(false));
    let template = Arc::new(template);
    let (bell, written) = sync_channel::<Written>(1024);
    let mut hands = Vec::new();
    let began = Instant::now();
    for client in 0..clients {
        let (over, template, bell, dir) = (Arc::clone(&over), Arc::clone(&template), bell.clone(), dir.to_owned());
        hands.push(std::thread::spawn(move || hand(client, &dir, &template, &bell, &over)));
    }
    drop(bell);
    let committer = {
        let dir = dir.to_owned();
        std::thread::spawn(move || commit(&dir, &written))
    };
    std::thread::sleep(time);
    over.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for hand in hands {
        times.extend(hand.join().map_err(|_| "a hand panicked")??);
    }
    let took = began.elapsed();
    committer.join().map_err(|_| "the committer panicked")??;
    times.sort_unstable();
    let ms = |share: usize| {
        times
            .get((times.len() * share / 100).min(times.len().saturating_sub(1)))
            .map_or(0.0, |t: &Duration| t.as_secs_f64() * 1e3)
    };
    let rate = f64::from(u32::try_from(times.len())?) / took.as_secs_f64();
    Ok(format!("{{\"rate\": {rate:.1}, \"p50\": {:.3}, \"p99\": {:.3}}}", ms(50), ms(99)))
}

fn hand(
    client: usize,
    dir: &Path,
    template: &[u8],
    bell: &SyncSender<Written>,
    over: &AtomicBool,
) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    let (done, named) = channel();
    for number in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        let name = format!("{client}-{number}.json");
        let tmp = dir.join("tmp").join(&name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&tmp)?;
        file.write_all(template)?;
        file.sync_all()?;
        bell.send(Written { tmp, name, done: done.clone() })?;
        named.recv()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn commit(dir: &Path, written: &Receiver<Written>) -> Outcome<()> {
    let (seen, new) = (dir.join("seen"), dir.join("new"));
    while let Ok(first) = written.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(written.try_iter()).collect();
        for one in &batch {
            std::fs::hard_link(&one.tmp, seen.join(&one.name))?;
        }
        File::open(&seen)?.sync_all()?;
        for one in &batch {
            std::fs::rename(&one.tmp, new.join(&one.name))?;
        }
        File::open(&new)?.sync_all()?;
        for one in batch {
            // It may have had enough meanwhile.
            let _ = one.done.send(());
        }
    }
    Ok(())
}
