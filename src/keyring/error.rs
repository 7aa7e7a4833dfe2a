//! What can be wrong with a folder of keys, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    base::{limits::TRUST_LISTS, time::Timestamp},
    crypto::{
        Algorithm,
        x509::{BuildError, CertificateError, ChainError},
    },
};

/// Why the keys are not used. The service does not start; nothing was made or changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyringError {
    /// A file or folder cannot be read or written.
    #[error("{}: {kind}; let the service's user read and write it / 文件无法读写，请让服务的用户可以读写", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// Group or others may read or write a private key.
    #[error(
        "{0}: other users may read this key (mode {mode:03o}); run `chmod 600 {0}`, and replace the key if they could \
         have read it / 其他用户可读取此密钥，请执行 chmod 600；若可能已泄露请更换密钥",
        file.display()
    )]
    Exposed {
        /// The key file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Some files are there and others are not.
    #[error(
        "{}: missing, while other keys are there; restore the file from its backup. No key is made in its place: what the \
         old one signed or sealed would be lost / 密钥文件缺失而其他密钥仍在，请从备份恢复；系统不会另造密钥顶替",
        file.display()
    )]
    Missing {
        /// The first missing file.
        file: PathBuf,
    },
    /// Keys of one's own from before requests for presentations were signed. What is missing was never there.
    #[error(
        "{}: missing; put a P-256 key there that signs requests for presentations, and its certificates in \
         request.chain.pem: signing certificate first, with the DNS name {dns_name}, not the root / \
         缺少为出示请求签名的 P-256 密钥；请放入该密钥，并将其证书（DNS 名称为 {dns_name}，先签名证书、后中间证书）放入 request.chain.pem",
        file.display()
    )]
    NoRequestKey {
        /// The missing file.
        file: PathBuf,
        /// The name that the certificate has to carry.
        dns_name: String,
    },
    /// Truncated, or not of the form it should have.
    #[error("{}: not {expected}; restore it from its backup / 文件内容不完整或格式不符，请从备份恢复", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// A key for another algorithm than its purpose or the settings want.
    #[error(
        "{}: a key for {}, but {expected} is due here; restore the right file, or start with `--signing` as the keys were \
         made / 密钥类型不符，请恢复正确的文件，或按原算法使用 --signing 启动",
        file.display(),
        found.map_or("another algorithm", Algorithm::jose_name)
    )]
    WrongType {
        /// The key file.
        file: PathBuf,
        /// What the key is for; `None` for an algorithm not spoken here.
        found: Option<Algorithm>,
        /// What is due.
        expected: Algorithm,
    },
    /// Key and certificate do not belong together.
    #[error(
        "{}: does not match the certificate in {}; restore the two together / 密钥与证书不匹配，请一并恢复",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The key file.
        key: PathBuf,
        /// The certificate file.
        certificate: PathBuf,
    },
    /// A certificate is past its validity.
    #[error(
        "{}: the certificate expired at {not_after}; put a new one for the same key in its place (a development set: move \
         the folder away and start anew) / 证书已过期，请换上同一密钥的新证书（开发密钥：移走该目录后重新启动）",
        file.display()
    )]
    Expired {
        /// The certificate file.
        file: PathBuf,
        /// The last second of its validity.
        not_after: Timestamp,
    },
    /// A chain that does not verify for another reason.
    #[error(
        "{}: {error}; the file holds the signing certificate first, then intermediates, not the root, and the root \
         stands in `trust/` / 证书链无效：文件应先放签名证书、再放中间证书，根证书放在 trust/ 目录",
        file.display()
    )]
    Chain {
        /// The certificate file.
        file: PathBuf,
        /// What is wrong with it.
        error: ChainError,
    },
    /// A trust anchor that cannot be used.
    #[error("{}: {error}; remove or replace this trust anchor / 信任锚无效，请删除或更换", file.display())]
    Anchor {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// A trust list that cannot be used.
    #[error("{}: {fault}; correct the file, or move its folder out of `trust/` / 信任名单无效，请更正文件或将其目录移出 trust/", file.display())]
    TrustList {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: TrustListFault,
    },
    /// The keys were made for another public URL.
    #[error(
        "{}: made for {found}, but the public URL is {expected}; start with `--public-url {found}`, or make new keys by \
         `--keys` with an empty folder and keep the old address by `--also-public-url {found}` / \
         密钥属于另一公开网址，请用 --public-url 指定原网址；或用 --keys 指定空目录另造密钥，并以 --also-public-url 保留旧网址",
        file.display()
    )]
    OtherAddress {
        /// The file that says so.
        file: PathBuf,
        /// Whom the keys are for.
        found: String,
        /// The public URL of this start.
        expected: String,
    },
    /// The certificate of the key for requests is for another host: wallets would take the service for that one.
    #[error(
        "{}: the certificate is for `{found}`, and wallets are asked from {expected}; put one with that DNS name in its \
         place / 证书所属主机与公开网址的主机 {expected} 不符，请换上带有该 DNS 名称的证书",
        file.display()
    )]
    OtherHost {
        /// The certificate file.
        file: PathBuf,
        /// Its DNS names.
        found: String,
        /// The host of the public URL.
        expected: String,
    },
    /// The development certificates were not made: a public URL that a certificate cannot hold.
    #[error("no certificate can be made for this public URL: {0} / 无法为此公开网址制作证书")]
    Build(#[from] BuildError),
}

/// What is wrong with the description of a trust list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrustListFault {
    /// Not TOML of the form that is expected.
    #[error("{0}")]
    Form(String),
    /// `url` is not an https address.
    #[error("`url` is not an https:// address")]
    Url,
    /// A name that is empty.
    #[error("`name` is empty")]
    Name,
    /// `issuers` is empty, or one of them is.
    #[error("`issuers` names nobody; leave it out to mean every issuer under the certificates")]
    Issuers,
    /// A name in `status_hosts` that is no host name.
    #[error("`{0}` in `status_hosts` is not the name of a host")]
    Host(String),
    /// `purposes` is empty.
    #[error("`purposes` is empty")]
    Purposes,
    /// No `*.pem` stands beside the description.
    #[error("no certificate (*.pem) stands beside it")]
    NoAnchor,
    /// Another list has the same `url`.
    #[error("another list has the same `url`")]
    SameUrl,
    /// More lists than are read.
    #[error("more than {TRUST_LISTS} trust lists")]
    TooMany,
}

impl KeyringError {
    pub(super) fn io(file: &Path, error: &io::Error) -> Self {
        Self::Io { file: file.to_owned(), kind: error.kind() }
    }
}
