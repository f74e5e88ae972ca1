//! A line to a server that can be cut and mended: what a network does when it fails.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A port of its own that leads to another one while the line is whole.
pub struct Line {
    /// Where to connect.
    pub port: u16,
    whole: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Line {
    /// To a port on this machine; whole or cut from the start.
    pub async fn to(port: u16, whole: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let here = listener.local_addr().expect("it listens").port();
        let line = Self { port: here, whole: Arc::new(AtomicBool::new(whole)), calls: Arc::default() };
        let (whole, calls) = (Arc::clone(&line.whole), Arc::clone(&line.calls));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !whole.load(Ordering::SeqCst) {
                    continue;
                }
                let call = tokio::spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                calls.lock().unwrap().push(call.abort_handle());
            }
        });
        line
    }

    /// Cuts it: every connection breaks, none can be made.
    pub fn cut(&self) {
        self.whole.store(false, Ordering::SeqCst);
        self.calls.lock().unwrap().drain(..).for_each(|call| call.abort());
    }

    /// Mends it.
    pub fn mend(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }
}
