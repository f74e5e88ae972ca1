//! Calls of an Extism plugin, a fresh instance each, timed for whoever asks on stdin: `pass THREADS MILLISECONDS`, answered by calls a second, median and 99th in
//! a hundred in microseconds.

use std::{
    io::{BufRead, stdin},
    time::{Duration, Instant},
};

use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

fn main() -> Result<(), extism::Error> {
    let guest = std::env::args().nth(1).ok_or_else(|| extism::Error::msg("bench-extism GUEST.wasm"))?;
    let compiled = CompiledPlugin::new(PluginBuilder::new(Manifest::new([Wasm::file(guest)])))?;
    for line in stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let function = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
        let (threads, time) = (number(), Duration::from_millis(number()));
        let (mut times, seconds) = timed(&compiled, &function, threads, time);
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let calls = times.len() as f64;
        println!("{} {} {}", calls / seconds, at(50), at(99));
    }
    Ok(())
}

fn timed(compiled: &CompiledPlugin, function: &str, threads: u64, time: Duration) -> (Vec<f64>, f64) {
    let input = "what passes ".repeat(86)[..1 << 10].to_owned();
    let began = Instant::now();
    let times = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while began.elapsed() < time {
                        let now = Instant::now();
                        let mut plugin = Plugin::new_from_compiled(compiled).expect("it starts");
                        let output: String = plugin.call(function, &input).expect("it answers");
                        assert_eq!(output.len(), input.len());
                        drop(plugin);
                        times.push(now.elapsed().as_secs_f64() * 1e6);
                    }
                    times
                })
            })
            .collect();
        running.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
    });
    (times, began.elapsed().as_secs_f64())
}
