//! The bound: an actix-web handler that takes the whole body and makes the signature checks of one answer, and nothing else.

use std::{net::TcpListener, sync::Arc, thread};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, rt::System, web};
use yufu::crypto::PublicKey;

/// A signature with what it is over and whose it is.
pub struct Signed {
    pub key: PublicKey,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
}

/// A running server.
pub struct Bare {
    address: String,
    handle: ServerHandle,
}

impl Bare {
    pub fn start(signatures: Vec<Signed>, workers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let signatures = web::Data::from(Arc::new(signatures));
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let app = move || {
                let limit = web::PayloadConfig::new(4 * 1024 * 1024);
                App::new().app_data(signatures.clone()).app_data(limit).route("/", web::post().to(check))
            };
            System::new().block_on(async {
                let server = HttpServer::new(app).workers(workers).listen(listener).expect("it listens").run();
                sender.send(server.handle()).expect("the bench waits");
                server.await
            })
        });
        Self { address, handle: receiver.recv().expect("it starts") }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn check(signatures: web::Data<Vec<Signed>>, body: web::Bytes) -> HttpResponse {
    let good = signatures.iter().all(|one| one.key.verify(&one.message, &one.signature).is_ok());
    if good && !body.is_empty() {
        HttpResponse::Ok().content_type("application/json").body("{}")
    } else {
        HttpResponse::BadRequest().finish()
    }
}
