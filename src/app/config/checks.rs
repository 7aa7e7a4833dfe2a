//! When the service refuses to start, because starting would promise what it cannot hold.

use crate::{
    app::config::{Config, PublicUrl, StorageOptions, StoreChoice},
    model::profile::Profile,
    outbound::Cidr,
};

/// Why the service does not start with these settings.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StartRefusal {
    /// Wallets would talk to the service in clear.
    #[error(
        "the public URL {0} is plain http and not this machine itself: use https (a proxy in front can speak it), or say \
         --allow-plain-http\n公开地址 {0} 使用明文 http 且不是本机：请改用 https（可由前置代理提供），或明确指定 --allow-plain-http"
    )]
    PlainHttp(PublicUrl),
    /// Credentials anyone could make would be served to others.
    #[error(
        "the keys are development keys, made by the first start, and the service is to be reached from beyond this machine: \
         install keys of your own, or say --allow-development-keys\n\
         当前是首次启动时生成的开发密钥，而服务可从本机之外访问：请安装正式密钥，或明确指定 --allow-development-keys"
    )]
    DevelopmentKeys,
    /// Anybody could ask in our name.
    #[error(
        "--client-id-prefix redirect_uri leaves requests unsigned, which is for trying out on this machine itself, and the \
         public URL is {0}: say x509_hash\n\
         --client-id-prefix redirect_uri 的请求没有签名，仅供本机试用，而公开地址是 {0}：请改用 x509_hash"
    )]
    UnsignedRequests(PublicUrl),
    /// Listening everywhere says nothing about the name under which one is found.
    #[error(
        "--listen {0} names no address that others could use: say --public-url\n\
         --listen {0} 没有给出他人可用的地址：请指定 --public-url"
    )]
    PublicUrlUnknown(std::net::SocketAddr),
    /// A stranger's card could make a service that others reach call what listens on its own machine only.
    #[error(
        "--allow-fetch {0} lets addresses that strangers name lead to this machine itself, and the service is to be reached \
         from beyond it: leave loopback out, it is for trying on one machine\n\
         --allow-fetch {0} 允许他人指定的地址指向本机，而服务可从本机之外访问：请去掉本机地址，它仅供单机试用"
    )]
    FetchFromOwnMachine(Cidr),
    /// Anybody's address would get codes.
    #[error(
        "--admit-redirect-uris sends wallets that nobody registered back with a code, which is for the profile open, and the \
         profile is haip: register wallets instead\n\
         --admit-redirect-uris 允许未登记的钱包取得授权码，仅适用于 open 配置，而当前为 haip：请改为登记钱包"
    )]
    UnregisteredWallets,
    /// Codes that everybody knows would be good for cards that others believe.
    #[error(
        "--test-issuer hands cards of made-up people to everybody, and the keys in the folder of keys are no development keys\n         --test-issuer 会向任何人签发虚构人员的证件，而密钥目录中的不是开发密钥"
    )]
    TestIssuerKeys,
    /// The store is nowhere.
    #[error("{0}: {1}\n{0}：数据库地址无法使用")]
    Store(&'static str, String),
    /// Half of the province's login.
    #[error("the province's login needs {0} too\n省级统一登录还需要 {0}")]
    LoginIncomplete(&'static str),
    /// The data folder belongs to a service of another name.
    #[error(
        "this data folder belongs to {pinned}, not to {given}: credentials name it. Start with --public-url {pinned}, or, if \
         the service has moved, with --also-public-url {pinned}\n\
         此数据目录属于 {pinned}，而不是 {given}。请用 --public-url {pinned} 启动；若服务已迁移，请加上 --also-public-url {pinned}"
    )]
    AnotherPublicUrl {
        /// What the store remembers.
        pinned: String,
        /// What was asked for.
        given: String,
    },
}

/// Refuses an address of the database that is none, and a replica of something that has none.
pub(super) fn store(storage: &StorageOptions) -> Result<(), StartRefusal> {
    if let Some(why) = storage.store.fault() {
        return Err(StartRefusal::Store("--store", why.to_owned()));
    }
    if let Some(listen) = &storage.store_listen {
        let alone = (storage.store == StoreChoice::Sled).then_some("only a PostgreSQL database sends notifications");
        if let Some(why) = alone.or(listen.fault()) {
            return Err(StartRefusal::Store("--store-listen", why.to_owned()));
        }
    }
    match &storage.store_replica {
        None => Ok(()),
        Some(replica) if replica.fault().is_some() => {
            Err(StartRefusal::Store("--store-replica", replica.fault().unwrap_or_default().to_owned()))
        }
        Some(replica) if *replica == StoreChoice::Sled || storage.store == StoreChoice::Sled => {
            Err(StartRefusal::Store("--store-replica", "only a PostgreSQL database has replicas".to_owned()))
        }
        Some(_) => Ok(()),
    }
}

/// Refuses a plain-http public URL beyond this machine, unless it was allowed.
pub(super) fn plain_http(config: &Config) -> Result<(), StartRefusal> {
    match &config.identity.public_url {
        Some(url) if !url.is_https() && !url.is_loopback() && !config.identity.allow_plain_http => {
            Err(StartRefusal::PlainHttp(url.clone()))
        }
        _ => Ok(()),
    }
}

/// Refuses unsigned requests to wallets beyond this machine. A public URL that is left out is this machine's own.
pub(super) fn requests_are_signed(config: &Config) -> Result<(), StartRefusal> {
    match &config.identity.public_url {
        Some(url) if !url.is_loopback() && !config.identity.client_id_prefix.is_signed() => {
            Err(StartRefusal::UnsignedRequests(url.clone()))
        }
        _ => Ok(()),
    }
}

/// Refuses to lift the address rule for loopback where the service is reached from beyond this machine: metrics, the
/// administration and whatever else listens there would be in reach of what strangers name.
pub(super) fn own_machine_stays_private(config: &Config) -> Result<(), StartRefusal> {
    match config.outbound.allow_fetch.iter().find(|block| block.covers_loopback()) {
        Some(block) if config.reaches_beyond_loopback() => Err(StartRefusal::FetchFromOwnMachine(*block)),
        _ => Ok(()),
    }
}

/// Refuses addresses of wallets nobody registered under the profile that promises to know them. A public URL that is left
/// out is this machine's own.
pub(super) fn wallets_are_registered(config: &Config) -> Result<(), StartRefusal> {
    let profile = match (&config.identity.public_url, config.identity.profile) {
        (_, Some(profile)) => profile,
        (Some(url), None) => config.identity.profile_for(url),
        (None, None) => Profile::Open,
    };
    if profile.is_haip() && !config.identity.admit_redirect_uris.is_empty() {
        return Err(StartRefusal::UnregisteredWallets);
    }
    Ok(())
}

/// Without a public URL, the address of the listener for wallets has to be this machine's own.
pub(super) fn public_url_can_be_known(config: &Config) -> Result<(), StartRefusal> {
    let listener = config.listen.wallet_listen.unwrap_or(config.listen.listen);
    if config.identity.public_url.is_some() || listener.ip().is_loopback() {
        Ok(())
    } else {
        Err(StartRefusal::PublicUrlUnknown(listener))
    }
}

impl Config {
    /// Whether someone beyond this machine can reach the service, or is told that it can be reached.
    pub fn reaches_beyond_loopback(&self) -> bool {
        self.listen.addresses().any(|address| !address.ip().is_loopback())
            || self.identity.public_url.as_ref().is_some_and(|url| !url.is_loopback())
    }

    /// Refuses development keys beyond this machine, unless they were allowed.
    pub fn check_keys(&self, are_development_keys: bool) -> Result<(), StartRefusal> {
        if are_development_keys && self.reaches_beyond_loopback() && !self.identity.allow_development_keys {
            Err(StartRefusal::DevelopmentKeys)
        } else {
            Ok(())
        }
    }

    /// Refuses to be a test issuer with keys that somebody believes.
    pub fn check_test_issuer(&self, are_development_keys: bool) -> Result<(), StartRefusal> {
        if self.identity.test_issuer && !are_development_keys { Err(StartRefusal::TestIssuerKeys) } else { Ok(()) }
    }

    /// Refuses a public URL other than the one the store remembers, unless the old one was named.
    pub fn check_pinned(&self, pinned: &str, given: &str) -> Result<(), StartRefusal> {
        let moved = self.identity.also_public_url.as_ref().is_some_and(|old| old.as_str() == pinned);
        if pinned == given || moved {
            Ok(())
        } else {
            Err(StartRefusal::AnotherPublicUrl { pinned: pinned.to_owned(), given: given.to_owned() })
        }
    }
}
