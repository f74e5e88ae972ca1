//! A line to a server that can be cut, mended and made slow: what a network does when it fails.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};
use url::Url;

/// A port of its own that leads to another one while the line is whole.
pub struct Line {
    /// Where to connect.
    pub port: u16,
    way: watch::Sender<Way>,
    late: Arc<AtomicU64>,
    calls: Arc<Mutex<Vec<AbortHandle>>>,
}

/// How it is with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Whole,
    /// Nothing arrives, and nobody is told.
    Silent,
    Cut,
}

impl Line {
    /// To a port on this machine; whole or cut from the start.
    pub async fn to(port: u16, whole: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let here = listener.local_addr().expect("it listens").port();
        let (way, mut is) = watch::channel(if whole { Way::Whole } else { Way::Cut });
        let line = Self { port: here, way, late: Arc::default(), calls: Arc::default() };
        let (late, calls) = (Arc::clone(&line.late), Arc::clone(&line.calls));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *is.borrow_and_update() == Way::Cut {
                    continue;
                }
                let (late, is) = (Arc::clone(&late), is.clone());
                let call = tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await {
                        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                        let other = is.clone();
                        tokio::join!(carry(from_near, to_far, &late, is), carry(from_far, to_near, &late, other));
                    }
                });
                calls.lock().unwrap().push(call.abort_handle());
            }
        });
        line
    }

    /// The `--set` that has the engine find a database at the end of it.
    pub fn stands_for(&self, database: &Url) -> String {
        let mut url = database.clone();
        url.set_port(Some(self.port)).expect("a database's URL has a port");
        format!("store.url={url}")
    }

    /// Cuts it: every connection breaks, none can be made.
    pub fn cut(&self) {
        self.way.send_replace(Way::Cut);
        self.calls.lock().unwrap().drain(..).for_each(|call| call.abort());
    }

    /// A black hole: connections stay, and can be made, and what is said arrives only once the line is mended.
    pub fn silence(&self) {
        self.way.send_replace(Way::Silent);
    }

    /// Mends it.
    pub fn mend(&self) {
        self.way.send_replace(Way::Whole);
    }

    /// What is said arrives this much later, each way.
    pub fn slow(&self, late: Duration) {
        self.late.store(u64::try_from(late.as_millis()).expect("a short while"), Ordering::SeqCst);
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    late: &AtomicU64,
    mut way: watch::Receiver<Way>,
) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut piece).await;
        tokio::time::sleep(Duration::from_millis(late.load(Ordering::SeqCst))).await;
        // In the silence the end of a connection is not told either. A line that is gone stays as it was.
        let _ = way.wait_for(|way| *way != Way::Silent).await;
        let Ok(length @ 1..) = read else { break };
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    // The other end may be gone already.
    let _ = to.shutdown().await;
}
