//! The service's end of the control socket.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::{self, BufRead, BufReader, BufWriter, Read},
    net::Shutdown,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{net::UnixListener as Listener, runtime::Builder, sync::oneshot};

use crate::{
    app::control::{BACKUP, socket},
    base::clock::Clock,
    crypto::Signer,
    store::{
        Store,
        transfer::file::{self, Header},
    },
};

/// How long the line that names a request may take, and how long a command may leave an answer unread.
const REQUEST: Duration = Duration::from_secs(5);
const UNREAD: Duration = Duration::from_secs(60);

/// Connections answered at one time.
const MOST: usize = 4;

/// What is needed to answer.
pub struct Ground {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The key of the log, which signs copies.
    pub log_signer: Arc<dyn Signer>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The public URL.
    pub public_url: String,
}

/// The socket; it is closed and removed when this is dropped, and what was being answered breaks off.
pub struct Control {
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    listening: Option<JoinHandle<()>>,
    answering: Arc<Answering>,
}

/// Connections under way.
#[derive(Default)]
struct Answering(Mutex<Vec<(UnixStream, JoinHandle<()>)>>);

impl Control {
    /// Listens at the socket of a data folder. One that a dead process has left is replaced: whoever opens the store holds
    /// its lock.
    pub fn open(data: &Path, ground: Ground) -> io::Result<Self> {
        let path = socket(data);
        let listener = bind(data, &path)?;
        let owner = fs::metadata(&path)?.uid();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let answering = Arc::new(Answering::default());
        let (ground, seats) = (Arc::new(ground), Arc::clone(&answering));
        let listening = thread::Builder::new().name("control".to_owned()).spawn(move || {
            runtime.spawn(listen(listener, owner, ground, seats));
            // It ends when the other end is dropped as well, and the listener with it.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { path, stop: Some(stop), listening: Some(listening), answering })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Another service may have taken the folder only after the lock was given up, which is later than this.
        let _ = fs::remove_file(&self.path);
        self.stop = None;
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        let under_way = std::mem::take(&mut *self.answering.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (stream, thread) in under_way {
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

/// Binds where nobody else can look, so that the socket is never open to others, and puts it in its place.
fn bind(data: &Path, path: &Path) -> io::Result<UnixListener> {
    let aside = data.join("control.new");
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => DirBuilder::new().mode(0o700).create(&aside)?,
    }
    let made = aside.join("s");
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    fs::remove_dir(&aside)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn listen(listener: UnixListener, owner: u32, ground: Arc<Ground>, answering: Arc<Answering>) {
    let listener = match Listener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the control socket cannot be listened at"),
    };
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream.peer_cred().and_then(|peer| Ok((peer.uid(), stream.into_std()?))),
            Err(error) => Err(error),
        };
        match accepted {
            Ok((user, stream)) if user == owner || user == 0 => answering.take(stream, &ground),
            Ok((user, _)) => tracing::warn!(user, "another user was turned away at the control socket"),
            Err(error) => {
                tracing::warn!(%error, "a connection to the control socket failed");
                // Too many open files, say: others end meanwhile.
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Answering {
    fn take(&self, stream: UnixStream, ground: &Arc<Ground>) {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|(_, thread)| !thread.is_finished());
        if under_way.len() >= MOST {
            return;
        }
        let (Ok(other), ground) = (stream.try_clone(), Arc::clone(ground)) else { return };
        let answer = thread::Builder::new().name("control-answer".to_owned());
        let thread = answer.spawn(move || {
            if let Err(error) = ground.answer(&stream) {
                tracing::warn!(error, "a command at the control socket was not served");
            }
            // The other handle to it is kept until the next connection comes.
            let _ = stream.shutdown(Shutdown::Both);
        });
        under_way.extend(thread.ok().map(|thread| (other, thread)));
    }
}

impl Ground {
    fn answer(&self, stream: &UnixStream) -> Result<(), String> {
        let io = |error: io::Error| error.to_string();
        stream.set_nonblocking(false).map_err(io)?;
        stream.set_read_timeout(Some(REQUEST)).map_err(io)?;
        stream.set_write_timeout(Some(UNREAD)).map_err(io)?;
        let mut line = String::new();
        BufReader::new(stream.take(BACKUP.len() as u64)).read_line(&mut line).map_err(io)?;
        if line != BACKUP {
            return Err("an unknown request".to_owned());
        }
        let source = self.store.source().ok_or("this store cannot be copied")?;
        let header = header(&self.public_url, &*self.store, &*self.clock);
        let now = || self.clock.now();
        let mut to = BufWriter::new(stream);
        let trailer = file::write(source, &header, &now, &*self.log_signer, &mut to).map_err(|error| error.to_string())?;
        tracing::info!(events = trailer.events, rows = trailer.rows, "the store was copied for a backup");
        Ok(())
    }
}

/// What a copy that is begun now says of itself.
pub fn header(public_url: &str, store: &dyn Store, clock: &dyn Clock) -> Header {
    Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        public_url: public_url.to_owned(),
        begun_at: clock.now(),
        events: store.head().size,
    }
}
