//! The line between a node and its database. When it is pulled nothing passes and nobody is told; when it is plugged in
//! again, what waits goes on.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

pub struct Cable {
    port: u16,
    is_pulled: Arc<AtomicBool>,
}

impl Cable {
    /// To a server on this machine.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let is_pulled = Arc::new(AtomicBool::new(false));
        let pulled = Arc::clone(&is_pulled);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let pulled = Arc::clone(&pulled);
                thread::spawn(move || serve(&client, server, &pulled));
            }
        });
        Self { port, is_pulled }
    }

    /// The address of a database through this.
    pub fn through(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').expect("an address");
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn pull(&self) {
        self.is_pulled.store(true, Ordering::SeqCst);
    }

    pub fn plug_in(&self) {
        self.is_pulled.store(false, Ordering::SeqCst);
    }
}

fn serve(client: &TcpStream, server: u16, is_pulled: &Arc<AtomicBool>) {
    wait(is_pulled);
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
    thread::scope(|scope| {
        scope.spawn(|| pass(client, &server, is_pulled));
        pass(&server, client, is_pulled);
    });
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, is_pulled: &AtomicBool) {
    let mut bytes = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        wait(is_pulled);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

fn wait(is_pulled: &AtomicBool) {
    while is_pulled.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
    }
}
