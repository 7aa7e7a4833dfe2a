//! Something between a store and its database that loses what passes through it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What happens at the next COMMIT, once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loses {
    /// The database gets it, its answer is lost.
    Answer = 1,
    /// The database does not get it.
    Commit = 2,
}

pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    to: u16,
    loses: AtomicU8,
    /// After a loss nobody gets through any more.
    closes: AtomicBool,
    is_closed: AtomicBool,
    lost: AtomicUsize,
}

impl Proxy {
    pub fn before(port: u16) -> Self {
        let shared = Arc::new(Shared {
            to: port,
            loses: AtomicU8::new(0),
            closes: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let serving = Arc::clone(&shared);
        thread::spawn(move || listener.incoming().flatten().for_each(|client| serve(client, &serving)));
        Self { port, shared }
    }

    /// The address of a database through this.
    pub fn through(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').expect("an address");
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn lose(&self, what: Loses) {
        self.shared.loses.store(what as u8, Ordering::SeqCst);
    }

    pub fn close_after(&self) {
        self.shared.closes.store(true, Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.shared.closes.store(false, Ordering::SeqCst);
        self.shared.is_closed.store(false, Ordering::SeqCst);
    }

    /// How often something was lost.
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

fn serve(client: TcpStream, shared: &Arc<Shared>) {
    if shared.is_closed.load(Ordering::SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.to)) else { return };
    let (from_client, to_client) = (client.try_clone().expect("a handle"), client);
    let (from_server, to_server) = (server.try_clone().expect("a handle"), server);
    let mute = Arc::new(AtomicBool::new(false));
    let (shared, muted) = (Arc::clone(shared), Arc::clone(&mute));
    thread::spawn(move || forward(from_client, to_server, &shared, &mute));
    thread::spawn(move || back(from_server, to_client, &muted));
}

fn forward(mut from: TcpStream, mut to: TcpStream, shared: &Shared, mute: &AtomicBool) {
    let mut bytes = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let passing = &bytes[..length];
        let commit = passing.windows(7).position(|window| window == b"COMMIT\0");
        let Some(at) = commit.filter(|_| shared.loses.load(Ordering::SeqCst) != 0) else {
            if to.write_all(passing).is_err() {
                break;
            }
            continue;
        };
        let loses = shared.loses.swap(0, Ordering::SeqCst);
        if shared.closes.load(Ordering::SeqCst) {
            shared.is_closed.store(true, Ordering::SeqCst);
        }
        shared.lost.fetch_add(1, Ordering::SeqCst);
        if loses == Loses::Answer as u8 {
            mute.store(true, Ordering::SeqCst);
            let _ = to.write_all(passing);
            // Time for the database to make it.
            thread::sleep(Duration::from_millis(300));
        } else {
            // Up to the message that holds it: a letter and a length before the text.
            let _ = to.write_all(&passing[..at.saturating_sub(5)]);
        }
        break;
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn back(mut from: TcpStream, mut to: TcpStream, muted: &AtomicBool) {
    let mut bytes = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if !muted.load(Ordering::SeqCst) && to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
