//! Which addresses may be asked when a stranger names them: the rules, pure.
//!
//! A credential names the host of its status list. Whoever can have a credential signed could otherwise make this service
//! call its neighbours (server-side request forgery). The rules hold for the resolved address, never for the name.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// A block of addresses, as `10.20.0.0/16` or `fd12::/16`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a text is no block of addresses that can be allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotACidr {
    /// Not an address, a slash and the length of the prefix.
    #[error("an address block is expected, such as 10.20.0.0/16")]
    Form,
    /// Bits beyond the prefix are set: one of the two is a slip.
    #[error("the address has bits beyond its prefix")]
    HostBits,
    /// A prefix of length 0.
    #[error("a block that covers every address is not allowed")]
    Everything,
    /// A block that holds only addresses that are never asked.
    #[error("addresses of this block are never fetched from (link-local, multicast, reserved, metadata of clouds)")]
    Never,
}

impl Cidr {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { network: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(first: u16, second: u16, prefix: u8) -> Self {
        Self { network: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), prefix }
    }

    /// Whether an address lies in the block. An IPv4 address never lies in a block of IPv6, however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                (u64::from(network.to_bits()) >> shift) == (u64::from(address.to_bits()) >> shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                let cut = |bits: u128| bits.checked_shr(shift).unwrap_or_default();
                cut(network.to_bits()) == cut(address.to_bits())
            }
            _ => false,
        }
    }

    /// Whether an address of this machine itself lies in the block.
    pub fn covers_loopback(&self) -> bool {
        self.network.is_loopback()
            || self.contains(IpAddr::V4(Ipv4Addr::LOCALHOST))
            || self.contains(IpAddr::V6(Ipv6Addr::LOCALHOST))
    }

    fn has_host_bits(&self) -> bool {
        match self.network {
            IpAddr::V4(network) => self.prefix < 32 && network.to_bits() << self.prefix != 0,
            IpAddr::V6(network) => self.prefix < 128 && network.to_bits() << self.prefix != 0,
        }
    }
}

impl FromStr for Cidr {
    type Err = NotACidr;

    fn from_str(text: &str) -> Result<Self, NotACidr> {
        let (address, prefix) = text.split_once('/').ok_or(NotACidr::Form)?;
        let network: IpAddr = address.parse().map_err(|_| NotACidr::Form)?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse::<u8>().ok().filter(|prefix| digits && *prefix <= longest).ok_or(NotACidr::Form)?;
        let block = Self { network, prefix };
        match block {
            Self { prefix: 0, .. } => Err(NotACidr::Everything),
            _ if block.has_host_bits() => Err(NotACidr::HostBits),
            _ if is_never(network) => Err(NotACidr::Never),
            _ => Ok(block),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Why an address is not asked. None of these names the address: they stand in statements.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Not a URL with a host.
    #[error("not an address on the web")]
    NotAUrl,
    /// Neither https nor http.
    #[error("an address that is neither https nor http")]
    Scheme,
    /// User name or password in the URL.
    #[error("an address with a user name or password in it")]
    Credentials,
    /// Plain http beyond this machine, or not allowed.
    #[error("an address that is not https")]
    PlainHttp,
    /// A redirect from https to http.
    #[error("a redirect from https to http")]
    Downgrade,
    /// A port other than 443.
    #[error("a port other than 443")]
    Port,
    /// Private, loopback, link-local, shared, multicast, documentation, translated or reserved: one address of the name is
    /// enough, since nothing says which of them would be used.
    #[error("a host that has an address of no public network")]
    NotPublic,
}

/// The rules: public addresses by https on port 443, and what the operator allows beside them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressRules {
    allowed: Vec<Cidr>,
}

impl AddressRules {
    /// The rules with blocks for which the private-address and port rules are lifted (`--allow-fetch`), and plain http too
    /// where they are this machine's own. Some addresses are never asked, whatever is allowed.
    pub fn new(allowed: Vec<Cidr>) -> Self {
        Self { allowed }
    }

    /// Whether a connection to a resolved address may be opened; `is_plain` is http without TLS.
    pub fn check(&self, is_plain: bool, address: SocketAddr) -> Result<(), Refusal> {
        let ip = address.ip();
        let lifted = self.allowed.iter().any(|block| block.contains(ip)) && !is_never(ip);
        match () {
            () if is_plain && !(lifted && ip.is_loopback()) => Err(Refusal::PlainHttp),
            () if lifted => Ok(()),
            () if !is_public(ip) => Err(Refusal::NotPublic),
            () if address.port() != 443 => Err(Refusal::Port),
            () => Ok(()),
        }
    }
}

/// Blocks of the IANA special-purpose registry of IPv4 that no operator can allow: this network, link-local, protocol
/// assignments, documentation, the former 6to4 relays, multicast and reserved; and where clouds keep the credentials of
/// their machines outside link-local (Alibaba, Azure).
const NEVER_V4: [Cidr; 11] = [
    Cidr::v4(0, 0, 0, 0, 8),
    Cidr::v4(169, 254, 0, 0, 16),
    Cidr::v4(192, 0, 0, 0, 24),
    Cidr::v4(192, 0, 2, 0, 24),
    Cidr::v4(192, 88, 99, 0, 24),
    Cidr::v4(198, 51, 100, 0, 24),
    Cidr::v4(203, 0, 113, 0, 24),
    Cidr::v4(224, 0, 0, 0, 4),
    Cidr::v4(240, 0, 0, 0, 4),
    Cidr::v4(100, 100, 100, 200, 32),
    Cidr::v4(168, 63, 129, 16, 32),
];

/// Blocks that are refused unless allowed: loopback, private use, shared by carriers, benchmarks.
const INNER_V4: [Cidr; 6] = [
    Cidr::v4(10, 0, 0, 0, 8),
    Cidr::v4(100, 64, 0, 0, 10),
    Cidr::v4(127, 0, 0, 0, 8),
    Cidr::v4(172, 16, 0, 0, 12),
    Cidr::v4(192, 168, 0, 0, 16),
    Cidr::v4(198, 18, 0, 0, 15),
];

/// Of IPv6 only this block is given to public networks.
const GLOBAL_V6: Cidr = Cidr::v6(0x2000, 0, 3);

/// In it: protocol assignments with Teredo, documentation, and 6to4, whose addresses carry an IPv4 address.
const NEVER_V6: [Cidr; 4] =
    [Cidr::v6(0x2001, 0, 23), Cidr::v6(0x2001, 0x0db8, 32), Cidr::v6(0x2002, 0, 16), Cidr::v6(0x3fff, 0, 20)];

/// Unique local addresses, refused unless allowed.
const INNER_V6: Cidr = Cidr::v6(0xfc00, 0, 7);

/// Metadata of clouds in unique local addresses (Amazon, Google).
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Whether an address is asked by nobody's leave. Everything of IPv6 outside global unicast, unique local and loopback is:
/// addresses that carry an IPv4 address (mapped, translated), link-local, multicast.
fn is_never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => NEVER_V4.iter().any(|block| block.contains(address)),
        IpAddr::V6(v6) => {
            let known = GLOBAL_V6.contains(address) || INNER_V6.contains(address) || v6.is_loopback();
            !known || METADATA_V6.contains(&v6) || NEVER_V6.iter().any(|block| block.contains(address))
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    let inner = INNER_V4.iter().any(|block| block.contains(address));
    !is_never(address) && !inner && (address.is_ipv4() || GLOBAL_V6.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is an address"))
    }

    fn rules(blocks: &[&str]) -> AddressRules {
        AddressRules::new(blocks.iter().map(|block| block.parse().expect("a block")).collect())
    }

    #[test]
    fn public_addresses_are_asked_by_https_on_443_only() {
        let none = rules(&[]);
        for address in ["1.1.1.1", "223.5.5.5", "[2400:3200::1]", "[2606:4700::1111]", "172.32.0.1", "100.128.0.1", "11.0.0.1"]
        {
            assert_eq!(none.check(false, at(&format!("{address}:443"))), Ok(()), "{address}");
            assert_eq!(none.check(false, at(&format!("{address}:8443"))), Err(Refusal::Port), "{address}");
            assert_eq!(none.check(true, at(&format!("{address}:443"))), Err(Refusal::PlainHttp), "{address}");
        }
    }

    const INNER: [&str; 11] = [
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.9.9.9",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.19.0.1",
        "[fd12:3456::1]",
    ];

    #[test]
    fn inner_addresses_are_refused_unless_allowed() {
        for address in INNER.into_iter().chain(["[::1]"]) {
            let at = at(&format!("{address}:443"));
            assert_eq!(rules(&[]).check(false, at), Err(Refusal::NotPublic), "{address}");
            assert_eq!(rules(&["192.0.3.0/24", "2a00::/16"]).check(false, at), Err(Refusal::NotPublic), "{address}");
            let block = format!("{}/{}", at.ip(), if at.is_ipv4() { 32 } else { 128 });
            assert_eq!(rules(&[&block]).check(false, at), Ok(()), "{address}");
            assert_eq!(rules(&[&block]).check(false, SocketAddr::new(at.ip(), 8443)), Ok(()), "{address}");
            let plain = rules(&[&block]).check(true, at);
            assert_eq!(plain, if at.ip().is_loopback() { Ok(()) } else { Err(Refusal::PlainHttp) }, "{address}");
        }
    }

    #[test]
    fn some_addresses_are_never_asked_whatever_is_allowed() {
        let all = [Cidr::v4(0, 0, 0, 0, 1), Cidr::v4(128, 0, 0, 0, 1), Cidr::v6(0, 0, 1), Cidr::v6(0x8000, 0, 1)];
        let wide = AddressRules::new(all.to_vec());
        assert_eq!(wide.check(false, at("10.0.0.1:443")), Ok(()));
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "192.0.0.192",
            "192.0.2.7",
            "192.88.99.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:1.1.1.1]",
            "[::7f00:1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2001:0:7f00:1::]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
        ] {
            for rules in [&wide, &rules(&[])] {
                assert_eq!(rules.check(false, at(&format!("{address}:443"))), Err(Refusal::NotPublic), "{address}");
                assert_eq!(rules.check(true, at(&format!("{address}:80"))), Err(Refusal::PlainHttp), "{address}");
            }
        }
    }

    #[test]
    fn blocks_are_read_exactly() {
        for (text, error) in [
            ("", NotACidr::Form),
            ("10.0.0.0", NotACidr::Form),
            ("10.0.0.0/", NotACidr::Form),
            ("10.0.0.0/33", NotACidr::Form),
            ("10.0.0.0/+8", NotACidr::Form),
            ("10.0.0.0/-1", NotACidr::Form),
            ("10.0.0/8", NotACidr::Form),
            ("010.0.0.0/8", NotACidr::Form),
            ("::1/129", NotACidr::Form),
            ("localhost/8", NotACidr::Form),
            ("10.0.0.1/8", NotACidr::HostBits),
            ("fd12::1/64", NotACidr::HostBits),
            ("0.0.0.0/0", NotACidr::Everything),
            ("::/0", NotACidr::Everything),
            ("169.254.0.0/16", NotACidr::Never),
            ("169.254.169.254/32", NotACidr::Never),
            ("fe80::/10", NotACidr::Never),
            ("::ffff:0:0/96", NotACidr::Never),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(error), "{text:?}");
        }
        for text in ["10.20.0.0/16", "127.0.0.0/8", "127.0.0.1/32", "::1/128", "fd12::/16"] {
            assert_eq!(text.parse::<Cidr>().map(|block| block.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_block_holds_what_lies_in_it() {
        let block = |text: &str| text.parse::<Cidr>().expect("a block");
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(block("10.20.0.0/16").contains(ip("10.20.255.255")) && !block("10.20.0.0/16").contains(ip("10.21.0.0")));
        assert!(block("fd12::/16").contains(ip("fd12:ffff::1")) && !block("fd12::/16").contains(ip("fd13::")));
        assert!(!block("127.0.0.0/8").contains(ip("::ffff:127.0.0.1")) && !block("::1/128").contains(ip("127.0.0.1")));
        for (text, covers) in [("127.0.0.0/8", true), ("127.1.0.0/16", true), ("64.0.0.0/2", true), ("::1/128", true)]
            .into_iter()
            .chain([("10.0.0.0/8", false), ("fd12::/16", false)])
        {
            assert_eq!(block(text).covers_loopback(), covers, "{text}");
        }
    }
}
