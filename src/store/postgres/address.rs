//! The address of a database as settings write it.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// When the kernel gives up a connection whose other side is silent: below the time a commit may take.
const SILENT_AFTER: Duration = Duration::from_secs(4);

/// `postgres://user:password@host:port/database?..`: where the database is, and how it is reached. Never shows the
/// password.
#[derive(Clone)]
pub struct Address {
    text: String,
    config: Config,
    tls: Tls,
}

/// How a connection is protected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Tls {
    /// Not at all: a socket, this machine, or said in so many words.
    Off,
    /// The server proves its name by a certificate under these roots (PEM), or under those of the web.
    Verified(Option<PathBuf>),
}

/// Why an address is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AddressError {
    /// Not the address of a PostgreSQL database.
    #[error("not an address like postgres://user:password@host:port/database")]
    Malformed,
    /// It names no host.
    #[error("the address of the database names no host")]
    NoHost,
    /// A protection that does not prove whom one speaks to.
    #[error(
        "sslmode={0} does not prove which server answers; use sslmode=verify-full, or sslmode=disable on a network that is safe by itself"
    )]
    Unproved(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let scheme = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if !scheme {
            return Err(AddressError::Malformed);
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decoded(value))),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
        let mut config: Config = plain.parse().map_err(|_| AddressError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::NoHost);
        }
        let tls = match mode {
            None if config.get_hosts().iter().all(is_near) && roots.is_none() => Tls::Off,
            Some("disable") => Tls::Off,
            None | Some("verify-full") => Tls::Verified(roots),
            Some(other) => return Err(AddressError::Unproved(other.to_owned())),
        };
        config.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        if config.get_application_name().is_none() {
            config.application_name("yufu");
        }
        // Of several servers the one that takes writes is meant.
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config.tcp_user_timeout(SILENT_AFTER).keepalives_idle(SILENT_AFTER).keepalives_interval(Duration::from_secs(1));
        Ok(Self { text: text.to_owned(), config, tls })
    }
}

impl Address {
    /// What a connection is made with.
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    /// The address without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.text.split_once("://").unwrap_or(("postgres", ""));
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        match place.rsplit_once('@') {
            Some((user, host)) => write!(f, "{scheme}://{}@{host}", user.split(':').next().unwrap_or_default())?,
            None => write!(f, "{scheme}://{place}")?,
        }
        let shown: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !is_secret(pair)).collect();
        if shown.is_empty() { Ok(()) } else { write!(f, "?{}", shown.join("&")) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn is_secret(pair: &str) -> bool {
    pair.starts_with("password=")
}

/// On this machine: a socket or a loopback address.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// A value of the query, percent-decoded.
fn decoded(value: &str) -> String {
    url::form_urlencoded::parse(format!("v={}", value.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn no_password_is_shown() {
        for (text, shown) in [
            ("postgres://yufu:s3cret@127.0.0.1:5432/yufu", "postgres://yufu@127.0.0.1:5432/yufu"),
            (
                "postgres://yufu@localhost/yufu?password=s3cret&connect_timeout=3",
                "postgres://yufu@localhost/yufu?connect_timeout=3",
            ),
            ("postgres://u:p%40ss@[::1]:1/d", "postgres://u@[::1]:1/d"),
            ("postgresql://localhost/d", "postgresql://localhost/d"),
        ] {
            assert_eq!(address(text).to_string(), shown);
            assert!(!format!("{:?}", address(text)).contains("s3cret"));
        }
    }

    #[test]
    fn a_server_elsewhere_proves_its_name_unless_the_setting_says_otherwise() {
        let tls = |text: &str| address(text).tls;
        for near in ["postgres://u@127.0.0.1/d", "postgres://u@[::1]/d", "postgres://u@localhost/d", "postgres://u@%2Ftmp/d"] {
            assert_eq!(tls(near), Tls::Off, "{near}");
        }
        assert_eq!(tls("postgres://u@db.example/d"), Tls::Verified(None));
        assert_eq!(tls("postgres://u@127.0.0.1,db.example/d"), Tls::Verified(None));
        assert_eq!(tls("postgres://u@127.0.0.1/d?sslmode=verify-full"), Tls::Verified(None));
        let roots = Tls::Verified(Some("/etc/yufu/db.pem".into()));
        assert_eq!(tls("postgres://u@db.example/d?sslrootcert=%2Fetc%2Fyufu/db.pem"), roots);
        assert_eq!(tls("postgres://u@10.0.0.7/d?sslmode=disable"), Tls::Off);
        for mode in ["require", "prefer", "allow", "verify-ca", ""] {
            let refused = format!("postgres://u@db.example/d?sslmode={mode}").parse::<Address>().err();
            assert_eq!(refused, Some(AddressError::Unproved(mode.to_owned())));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "sled", "mysql://u@h/d", "postgres:/u@h/d", "postgres://u@h:port/d", "postgres://u@h/d?nonsense=1"] {
            assert_eq!(text.parse::<Address>().err(), Some(AddressError::Malformed), "{text}");
        }
        assert_eq!("postgres:///d".parse::<Address>().err(), Some(AddressError::NoHost));
    }

    #[test]
    fn of_several_servers_the_one_that_takes_writes_is_used() {
        let attributes = |text: &str| address(text).config.get_target_session_attrs();
        assert_eq!(attributes("postgres://u@127.0.0.1:1,127.0.0.1:2/d"), TargetSessionAttrs::ReadWrite);
        assert_eq!(attributes("postgres://u@127.0.0.1:1/d"), TargetSessionAttrs::Any);
    }
}
