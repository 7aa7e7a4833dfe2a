//! What a first start makes and a later one finds: the pinned public URL and the first administrator's token.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    app::{config::Config, wire::StartError},
    base::secret::Secret,
    http::auth::tokens::OperatorTokens,
    keyring::{Keyring, WALLET_ATTESTERS},
    model::{
        profile::Profile,
        record::{Commit, Guard, Key, Record, Versioned, Write as Put},
    },
    store::{Damage, Store},
};

/// The setting of the store that holds the public URL.
const PUBLIC_URL: &str = "public_url";

/// Remembers the public URL, or holds the start to the one that is remembered.
pub(super) fn pin_public_url(config: &Config, store: &dyn Store, public_url: &str) -> Result<(), StartError> {
    let key = Key::Setting(PUBLIC_URL.to_owned());
    let guard = match store.get(&key)? {
        Some(Versioned { version, value: Record::Setting { value, .. } }) => {
            config.check_pinned(&value, public_url)?;
            if value == public_url {
                return Ok(());
            }
            Guard::Version(key, version)
        }
        _ => Guard::Absent(key),
    };
    let setting = Record::Setting { name: PUBLIC_URL.to_owned(), value: public_url.to_owned() };
    store.commit(Commit { guards: vec![guard], writes: vec![Put::Put(setting)], ..Commit::default() })?;
    Ok(())
}

/// What is to be done about a store that is guarded.
pub(super) fn guarded(damage: &Damage) -> String {
    match damage {
        Damage::DatabaseBehind { .. } | Damage::DatabaseForked(_) => format!(
            "guarded: {damage}; bring back the database that has them, see OPERATIONS.md, PostgreSQL / \
             受保护模式：数据库丢失或更改了本节点已见的事件，请恢复包含这些事件的数据库"
        ),
        _ => format!("guarded: {damage}; stop the service and run `yufu repair`"),
    }
}

/// What is told when the records take their time.
pub(super) fn still_opening() -> String {
    "the records are still being opened: verification, status lists and the log are served, everything else a little later / \
     记录仍在打开：核验、状态列表和日志已可用，其余功能稍后可用"
        .to_owned()
}

/// Where the first administrator's token is written.
pub fn token_file(data: &Path) -> PathBuf {
    data.join("administrator.token")
}

/// What is told when commands on this machine cannot reach the service.
pub(super) fn no_control(error: &io::Error) -> String {
    format!(
        "no control socket: {error}; `yufu backup` works only while the service is stopped / 无法建立控制套接字，备份须先停止服务"
    )
}

/// What an operator should know whose public URL is https, which somebody in front speaks, and who named nobody in front.
pub(super) fn no_proxy(config: &Config, public_url: &str) -> Option<String> {
    let nobody_named = public_url.starts_with("https://") && config.limits.trusted_proxies.is_empty();
    nobody_named.then(|| {
        "requests are counted by the address they come from: name the proxies in front with --trusted-proxies, or everybody \
         behind one is one address, and behind one on this machine nobody is counted / 请求按来源地址计数：请用 --trusted-proxies \
         指明前置代理的地址，否则同一代理之后的所有人算作同一地址，而本机代理之后的请求不计数"
            .to_owned()
    })
}

/// What is told when no wallet can fetch a card, because each has to be vouched for and nobody may vouch.
pub(super) fn no_attester(profile: Profile, keyring: &Keyring, keys: &Path) -> Option<String> {
    if !profile.is_haip() || !keyring.wallet_attesters().is_empty() {
        return None;
    }
    let folder = keys.join("trust").join(WALLET_ATTESTERS);
    Some(format!(
        "no wallet can fetch a card yet: profile haip asks each for an attestation, and nobody is trusted to give one. Put the \
         certificate of the authority that vouches for a wallet (PEM) into {folder}/ and start again; `--profile open` takes any \
         wallet, for trying / 目前没有任何钱包可以领证：haip 规范要求钱包出具证明，而尚未信任任何证明机构。请将钱包证明机构的根证书（PEM）\
         放入 {folder}/ 并重新启动；仅供试用时可用 --profile open",
        folder = folder.display()
    ))
}

/// Makes the first administrator's token, once. It lies in its file before it is good: a crash in between leaves a token
/// that opens nothing, and the next start makes another.
pub(super) fn keep_first_token(data: &Path, tokens: &OperatorTokens) -> Result<(), StartError> {
    let file = token_file(data);
    let mut failed = None;
    let keep = |secret: &Secret<String>| write(&file, secret).map_err(|error| failed = Some(error)).is_ok();
    tokens.first_administrator(keep)?;
    failed.map_or(Ok(()), |error| Err(StartError::TokenFile { file, error }))
}

fn write(file: &Path, secret: &Secret<String>) -> io::Result<()> {
    // A leftover could have another mode, which opening it would keep.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    open.write_all(secret.expose().as_bytes())?;
    open.write_all(b"\n")?;
    open.sync_all()?;
    // The name of the file too has to be there after a power cut: the token is made once, and is good from then on.
    file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
