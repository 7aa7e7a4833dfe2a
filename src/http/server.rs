//! Listeners, workers and their limits.

use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    task::Poll,
    thread,
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    rt, web,
};

use crate::http::{
    State, admin,
    call::THREADS,
    checkpoint, citizen, frame, openapi,
    problem::{Kind, Problem},
    public, wallet,
};

/// Time for the request line and headers; a slow head is cut off (THREATS HT-01).
const HEAD: Duration = Duration::from_secs(5);

/// How long an idle connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// How long a connection may take to close, and how long the rest of a refused body is read so that the client sees
/// the answer.
const CLOSING: Duration = Duration::from_secs(2);

/// Seconds that requests under way have to end when the service stops (THREATS FT-14).
const DRAIN_SECONDS: u64 = 10;

/// Connections at the metrics listener.
const METRICS_CONNECTIONS: usize = 64;

/// For whom a listener is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Audiences {
    /// Wallets and the public.
    pub wallet: bool,
    /// Administration.
    pub admin: bool,
    /// Checkpoints.
    pub checkpoint: bool,
}

impl Audiences {
    /// Everyone.
    pub const ALL: Self = Self { wallet: true, admin: true, checkpoint: true };
}

/// A bound socket, and whom it serves.
pub struct Site {
    /// The socket.
    pub listener: TcpListener,
    /// Whom it serves.
    pub audiences: Audiences,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndsBy {
    /// [`Running::stop`] only.
    Call,
    /// SIGTERM and SIGINT too: requests under way are finished.
    Signals,
}

/// A server that takes requests on threads of its own.
pub struct Running {
    addresses: Vec<SocketAddr>,
    handles: Vec<ServerHandle>,
    state: Arc<State>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Running {
    /// The addresses of the sites, in their order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more requests and ends when those under way are answered, at the latest after some seconds.
    pub fn stop(&self) {
        self.stopper().stop();
    }

    /// What stops it from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper { handles: self.handles.clone(), state: Arc::clone(&self.state) }
    }

    /// Waits for the end.
    pub fn wait(mut self) -> io::Result<()> {
        match self.thread.take().map(thread::JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            None => Ok(()),
        }
    }
}

/// Stops a server that somebody else waits for.
pub struct Stopper {
    handles: Vec<ServerHandle>,
    state: Arc<State>,
}

impl Stopper {
    /// See [`Running::stop`].
    pub fn stop(&self) {
        // Streams do not end by themselves.
        self.state.followers.close();
        for handle in &self.handles {
            // The order is given by the call; what it returns only waits for the end.
            drop(handle.stop(true));
        }
    }
}

impl Drop for Running {
    /// A server does not outlive the one who started it.
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop();
            // An error of the server was only of interest to one who waits.
            let _ = thread.join();
        }
    }
}

/// Starts a server on these sites with so many workers each (0: one for each core); `metrics` gets a listener of its
/// own.
pub fn start(
    state: Arc<State>,
    sites: Vec<Site>,
    metrics: Option<TcpListener>,
    workers: usize,
    ends: EndsBy,
) -> io::Result<Running> {
    let addresses = sites.iter().map(|site| site.listener.local_addr()).collect::<io::Result<_>>()?;
    let (report, started) = mpsc::channel();
    let kept = Arc::clone(&state);
    let thread = thread::Builder::new().name("http".to_owned()).spawn(move || {
        rt::System::new().block_on(async move {
            let servers = match build(&state, sites, metrics, workers) {
                Ok(servers) => servers,
                Err(error) => {
                    // When nobody listens any more the failure has nobody to go to.
                    let _ = report.send(Err(error));
                    return Ok(());
                }
            };
            let handles: Vec<_> = servers.iter().map(Server::handle).collect();
            if ends == EndsBy::Signals {
                rt::spawn(stop_on_signal(handles.clone(), Arc::clone(&state)));
            }
            let _ = report.send(Ok(handles));
            let tasks: Vec<_> = servers.into_iter().map(rt::spawn).collect();
            for task in tasks {
                task.await.map_err(io::Error::other)??;
            }
            Ok(())
        })
    })?;
    let handles = started.recv().map_err(io::Error::other)??;
    Ok(Running { addresses, handles, state: kept, thread: Some(thread) })
}

fn build(state: &Arc<State>, sites: Vec<Site>, metrics: Option<TcpListener>, workers: usize) -> io::Result<Vec<Server>> {
    let workers = if workers == 0 { thread::available_parallelism().map_or(2, usize::from) } else { workers };
    let sites = sites.into_iter().map(|site| listen(state, site.listener, Content::For(site.audiences), workers));
    let metrics = metrics.into_iter().map(|listener| listen(state, listener, Content::Metrics, 1));
    sites.chain(metrics).collect()
}

/// What a listener serves.
#[derive(Clone, Copy)]
enum Content {
    For(Audiences),
    Metrics,
}

fn listen(state: &Arc<State>, listener: TcpListener, content: Content, workers: usize) -> io::Result<Server> {
    // Whoever looks after the service reads its metrics whatever else comes.
    let connections = Some(Arc::clone(&state.connections)).filter(|_| matches!(content, Content::For(_)));
    // What is too many is turned away and not left waiting in the kernel.
    let most = connections.as_ref().map_or(METRICS_CONNECTIONS, |connections| connections.most().saturating_add(1));
    let state = web::Data::from(Arc::clone(state));
    let factory = move || {
        App::new()
            .app_data(web::Data::clone(&state))
            .wrap(from_fn(frame::frame))
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::new(Kind::NotFound)) }))
            .configure(move |app| match content {
                Content::For(audiences) => routes(app, audiences),
                Content::Metrics => public::configure_metrics(app),
            })
    };
    let server = HttpServer::new(factory)
        .workers(workers)
        .client_request_timeout(HEAD)
        .client_disconnect_timeout(CLOSING)
        .keep_alive(IDLE)
        .max_connections(most)
        .on_connect(move |connection, with_it| {
            if let Some(connections) = &connections {
                connections.take(connection, with_it);
            }
        })
        .worker_max_blocking_threads(THREADS)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    Ok(server.listen(listener)?.run())
}

fn routes(app: &mut web::ServiceConfig, audiences: Audiences) {
    if audiences.wallet {
        public::configure(app);
        openapi::configure(app);
        wallet::configure(app);
        citizen::configure(app);
    }
    if audiences.admin {
        admin::configure(app);
    }
    if audiences.checkpoint {
        checkpoint::configure(app);
    }
}

/// The first signal lets requests end, a second one does not.
async fn stop_on_signal(handles: Vec<ServerHandle>, state: Arc<State>) {
    for graceful in [true, false] {
        if let Err(error) = signal().await {
            tracing::error!(%error, "signals cannot be received; stop the service by its process");
            return;
        }
        tracing::info!(graceful, "stopping");
        state.followers.close();
        for handle in &handles {
            drop(handle.stop(graceful));
        }
    }
}

/// Waits for SIGTERM or SIGINT.
async fn signal() -> io::Result<()> {
    let mut terminate = rt::signal::unix::signal(rt::signal::unix::SignalKind::terminate())?;
    let mut interrupt = rt::signal::unix::signal(rt::signal::unix::SignalKind::interrupt())?;
    poll_fn(|context| match (terminate.poll_recv(context), interrupt.poll_recv(context)) {
        (Poll::Pending, Poll::Pending) => Poll::Pending,
        _ => Poll::Ready(Ok(())),
    })
    .await
}
