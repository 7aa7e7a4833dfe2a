//! `DATA/control.sock`: how a command on the same machine talks to the running service.
//!
//! One request a connection: a line that names it. There is one, `backup`, and the answer is the stream of
//! `store::transfer::file`. The socket belongs to the user of the service and lets nobody else in; whoever connects has to
//! be that user or root.

mod server;

use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

pub use server::{Control, Ground, header};

/// The request for a copy of the store.
const BACKUP: &str = "backup\n";

/// How long a command waits for the next bytes: the service reads its store in between.
const ANSWER: Duration = Duration::from_secs(120);

/// Where the socket of a data folder is.
pub fn socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the service of a data folder for a copy of its store; none when no service listens there.
pub fn ask_for_backup(data: &Path) -> io::Result<Option<UnixStream>> {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    let mut stream = match UnixStream::connect(socket(data)) {
        Ok(stream) => stream,
        // A path that is too long for a socket has none.
        Err(error) if matches!(error.kind(), ConnectionRefused | InvalidInput | NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(BACKUP.as_bytes())?;
    Ok(Some(stream))
}
