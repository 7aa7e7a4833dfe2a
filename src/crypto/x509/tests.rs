use super::*;
use crate::{
    base::random::{Random, SeededRandom},
    crypto::{
        Algorithm, Signer, SoftwareKey,
        x509::{AlternativeName, BuildError, Issuer, Request, Role, Subject, Validity, issue, leaf, root, x5c_header},
    },
};

const NOW: Timestamp = Timestamp::from_unix(1_795_500_000);
const DAY: i64 = 86_400;
const URI: &str = "https://id.example";

/// A root, a key for an intermediate and a key for a leaf, and certificates among them.
struct Pki {
    random: SeededRandom,
    root_key: SoftwareKey,
    root: Vec<u8>,
    middle_key: SoftwareKey,
    leaf_key: SoftwareKey,
}

fn subject(common_name: &str) -> Subject<'_> {
    Subject { country: "CN", organization: "贵阳市", common_name }
}

fn days(from: i64, to: i64) -> Validity {
    Validity { not_before: NOW.plus_seconds(from * DAY), not_after: NOW.plus_seconds(to * DAY) }
}

impl Pki {
    fn new(algorithm: Algorithm) -> Self {
        let random = SeededRandom::new(7);
        let root_key = SoftwareKey::generate(algorithm, &random);
        let root = root(subject("root"), days(-10, 1000), &root_key, &random).expect("a root");
        let [middle_key, leaf_key] = std::array::from_fn(|_| SoftwareKey::generate(algorithm, &random));
        Self { random, root_key, root, middle_key, leaf_key }
    }

    fn anchors(&self) -> Vec<Anchor> {
        vec![Anchor::from_der(&self.root).expect("the root is an anchor")]
    }

    fn by_root(&self, request: &Request<'_>) -> Vec<u8> {
        let issuer = Issuer { certificate: Some(&self.root), signer: &self.root_key };
        issue(request, issuer, &self.random).expect("a certificate")
    }

    fn request<'a>(&'a self, role: Role) -> Request<'a> {
        let (common_name, key) = match role {
            Role::Authority(_) => ("middle", &self.middle_key),
            Role::Leaf => ("leaf", &self.leaf_key),
        };
        Request {
            subject: subject(common_name),
            public_key: key.public_key(),
            validity: days(-1, 100),
            role,
            uris: &[URI],
            dns_names: &[],
            extended_key_usages: &[],
        }
    }

    /// Leaf under `authority`, an intermediate of this root.
    fn by_middle(&self, authority: &[u8]) -> Vec<u8> {
        let issuer = Issuer { certificate: Some(authority), signer: &self.middle_key };
        issue(&self.request(Role::Leaf), issuer, &self.random).expect("a certificate")
    }

    fn refused(&self, chain: &[Vec<u8>]) -> ChainError {
        verify_chain(chain, &self.anchors(), NOW).expect_err("the chain is refused")
    }
}

#[test]
fn a_leaf_under_the_root_is_accepted_and_tells_its_facts() {
    for algorithm in Algorithm::ALL {
        let pki = Pki::new(algorithm);
        let chain = [pki.by_root(&pki.request(Role::Leaf))];
        let leaf = verify_chain(&chain, &pki.anchors(), NOW).expect("a good chain");
        assert_eq!(&leaf.public_key, pki.leaf_key.public_key());
        assert_eq!(leaf.uris, [URI]);
        assert_eq!(leaf.subject, "CN=leaf,O=贵阳市,C=CN");
        assert_eq!(leaf.extended_key_usages, None);
        assert_eq!((leaf.not_before, leaf.not_after), (NOW.plus_seconds(-DAY), NOW.plus_seconds(100 * DAY)));
    }
}

#[test]
fn up_to_two_intermediates_stand_between() {
    let pki = Pki::new(Algorithm::Es256);
    let middle = pki.by_root(&pki.request(Role::Authority(None)));
    assert!(verify_chain(&[pki.by_middle(&middle), middle.clone()], &pki.anchors(), NOW).is_ok());

    // The same key certifies itself once more, as a second intermediate.
    let issuer = Issuer { certificate: Some(&middle), signer: &pki.middle_key };
    let second = issue(&pki.request(Role::Authority(None)), issuer, &pki.random).expect("a certificate");
    let leaf = pki.by_middle(&second);
    assert!(verify_chain(&[leaf.clone(), second.clone(), middle.clone()], &pki.anchors(), NOW).is_ok());
    let four = [leaf, second.clone(), second, middle];
    assert_eq!(pki.refused(&four), ChainError::TooLong { certificates: 4 });
    let many = vec![four[0].clone(); 1000];
    assert_eq!(pki.refused(&many), ChainError::TooLong { certificates: 1000 });
    assert_eq!(pki.refused(&[]), ChainError::Empty);
}

#[test]
fn neither_the_anchor_nor_a_self_signed_leaf_belongs_in_a_chain() {
    let pki = Pki::new(Algorithm::Es256);
    let good = pki.by_root(&pki.request(Role::Leaf));
    assert_eq!(pki.refused(&[good, pki.root.clone()]), ChainError::AnchorIncluded { position: 1 });
    assert_eq!(pki.refused(std::slice::from_ref(&pki.root)), ChainError::AnchorIncluded { position: 0 });
    let renewed = root(subject("root"), days(-1, 2000), &pki.root_key, &pki.random).expect("a renewed root");
    assert_eq!(pki.refused(&[renewed]), ChainError::AnchorIncluded { position: 0 });
    let itself = Issuer { certificate: None, signer: &pki.leaf_key };
    let itself = issue(&pki.request(Role::Leaf), itself, &pki.random).expect("a self-signed leaf");
    assert_eq!(pki.refused(&[itself]), ChainError::SelfSigned);
}

#[test]
fn who_signed_is_held_by_name_key_identifier_and_signature() {
    let (pki, other) = (Pki::new(Algorithm::Es256), Pki::new(Algorithm::Ed25519));
    let middle = pki.by_root(&pki.request(Role::Authority(None)));
    let good = pki.by_middle(&middle);
    let stranger = root(subject("stranger"), days(-10, 10), &other.root_key, &other.random).expect("a root");
    let trust = |anchors: &[Vec<u8>]| {
        let anchors: Vec<_> = anchors.iter().map(|der| Anchor::from_der(der).expect("an anchor")).collect();
        verify_chain(&[good.clone(), middle.clone()], &anchors, NOW).err()
    };
    assert_eq!(trust(&[]), Some(ChainError::Untrusted));
    // Another's name; the same name with another key, which its key identifier gives away.
    assert_eq!(trust(std::slice::from_ref(&stranger)), Some(ChainError::Untrusted));
    assert_eq!(trust(std::slice::from_ref(&other.root)), Some(ChainError::Untrusted));
    assert_eq!(trust(&[stranger, other.root.clone(), pki.root.clone()]), None);
    // The intermediate left out; a leaf of another authority in its place.
    assert_eq!(pki.refused(std::slice::from_ref(&good)), ChainError::Untrusted);
    let unrelated = pki.by_root(&pki.request(Role::Leaf));
    assert_eq!(pki.refused(&[unrelated, middle.clone()]), ChainError::Broken { position: 0 });
    // The last byte of a certificate is of its signature.
    let damaged = |der: &[u8]| {
        let mut der = der.to_vec();
        *der.last_mut().expect("not empty") ^= 1;
        der
    };
    assert_eq!(pki.refused(&[damaged(&good), middle.clone()]), ChainError::BadSignature { position: 0 });
    assert_eq!(pki.refused(&[good, damaged(&middle)]), ChainError::BadSignature { position: 1 });
}

#[test]
fn every_certificate_has_to_be_in_its_time() {
    let pki = Pki::new(Algorithm::Es256);
    let middle = pki.by_root(&Request { validity: days(-5, 200), ..pki.request(Role::Authority(None)) });
    let chain = [pki.by_middle(&middle), middle];
    let at = |day: i64, second: i64| verify_chain(&chain, &pki.anchors(), NOW.plus_seconds(day * DAY + second)).err();
    let day = |day: i64| NOW.plus_seconds(day * DAY);
    assert_eq!((at(-1, 0), at(100, 0)), (None, None));
    assert_eq!(at(-1, -1), Some(ChainError::NotYetValid { position: 0, not_before: day(-1) }));
    assert_eq!(at(100, 1), Some(ChainError::Expired { position: 0, not_after: day(100) }));

    let long = Request { validity: days(-50, 5000), ..pki.request(Role::Leaf) };
    let under = |chain: &[Vec<u8>], to: i64| verify_chain(chain, &pki.anchors(), day(to)).err();
    let direct = [pki.by_root(&long)];
    assert_eq!(under(&direct, 1001), Some(ChainError::Expired { position: 1, not_after: day(1000) }));
    assert_eq!(under(&direct, -20), Some(ChainError::NotYetValid { position: 1, not_before: day(-10) }));
    let issuer = Issuer { certificate: Some(&chain[1]), signer: &pki.middle_key };
    let through = [issue(&long, issuer, &pki.random).expect("a certificate"), chain[1].clone()];
    assert_eq!(under(&through, 201), Some(ChainError::Expired { position: 1, not_after: day(200) }));
}

#[test]
fn a_renewed_anchor_takes_over_from_the_expired_one() {
    let pki = Pki::new(Algorithm::Es256);
    let renewed = root(subject("root"), days(900, 3000), &pki.root_key, &pki.random).expect("a renewed root");
    let chain = [pki.by_root(&Request { validity: days(-1, 2000), ..pki.request(Role::Leaf) })];
    let mut anchors = pki.anchors();
    anchors.push(Anchor::from_der(&renewed).expect("an anchor"));
    for at in [0, 950, 1500] {
        assert!(verify_chain(&chain, &anchors, NOW.plus_seconds(at * DAY)).is_ok(), "day {at}");
    }
}

#[test]
fn only_an_authority_certifies_and_only_as_deep_as_it_may() {
    let pki = Pki::new(Algorithm::Es256);
    let as_leaf = pki.by_root(&Request { role: Role::Leaf, ..pki.request(Role::Authority(None)) });
    let leaf = pki.by_middle(&as_leaf);
    assert_eq!(pki.refused(&[leaf, as_leaf]), ChainError::NotAnAuthority { position: 1 });

    let one = pki.by_root(&pki.request(Role::Authority(Some(0))));
    let issuer = Issuer { certificate: Some(&one), signer: &pki.middle_key };
    let two = issue(&pki.request(Role::Authority(None)), issuer, &pki.random).expect("a certificate");
    let leaf = pki.by_middle(&two);
    assert_eq!(pki.refused(&[leaf, two, one]), ChainError::PathTooLong { position: 2, allowed: 0 });

    let authority = pki.by_root(&pki.request(Role::Authority(None)));
    assert_eq!(pki.refused(&[authority]), ChainError::LeafIsAuthority);
}

#[test]
fn an_anchor_has_to_be_an_authority() {
    let pki = Pki::new(Algorithm::Es256);
    let leaf = pki.by_root(&pki.request(Role::Leaf));
    assert_eq!(Anchor::from_der(&leaf).err(), Some(CertificateError::NotAnAuthority));
    assert_eq!(Anchor::from_der(b"").err(), Some(CertificateError::Malformed));
    assert_eq!(Anchor::from_pem("").err(), Some(CertificateError::NotOnePem));
    let text = pem::encode(pem::CERTIFICATE, &pki.root);
    assert_eq!(Anchor::from_pem(&text).map(|anchor| anchor.der().to_vec()), Ok(pki.root.clone()));
    assert_eq!(Anchor::from_pem(&format!("{text}{text}")).err(), Some(CertificateError::NotOnePem));
    assert_eq!(Anchor::all_from_pem(&format!("{text}{text}")).map(|all| all.len()), Ok(2));
}

#[test]
fn purposes_other_than_ours_are_refused() {
    const STATUS_SIGNING: &str = "1.3.6.1.5.5.7.3.30";
    const SERVER: &str = "1.3.6.1.5.5.7.3.1";
    let pki = Pki::new(Algorithm::Es256);
    let with = |usages: &[&str], purposes: &[&str]| {
        let chain = [pki.by_root(&Request { extended_key_usages: usages, ..pki.request(Role::Leaf) })];
        verify_chain_for(&chain, &pki.anchors(), NOW, purposes).map(|leaf| leaf.extended_key_usages)
    };
    assert_eq!(with(&[SERVER], &[]), Err(ChainError::ExtendedKeyUsage));
    assert_eq!(with(&[SERVER], &[STATUS_SIGNING]), Err(ChainError::ExtendedKeyUsage));
    assert_eq!(with(&[SERVER, STATUS_SIGNING], &[STATUS_SIGNING]), Ok(Some(vec![SERVER.into(), STATUS_SIGNING.into()])));
    assert!(with(&[ANY_EXTENDED_KEY_USAGE], &[]).is_ok());
}

#[test]
fn no_cut_and_no_changed_byte_is_accepted_and_none_panics() {
    for algorithm in Algorithm::ALL {
        let pki = Pki::new(algorithm);
        let good = pki.by_root(&pki.request(Role::Leaf));
        for at in 0..good.len() {
            assert_eq!(pki.refused(&[good[..at].to_vec()]), ChainError::Malformed { position: 0 }, "cut at {at}");
            let mut changed = good.clone();
            changed[at] ^= 0x01;
            assert!(verify_chain(&[changed], &pki.anchors(), NOW).is_err(), "byte {at} of {algorithm}");
        }
        let tail = [good.as_slice(), &[0]].concat();
        assert_eq!(pki.refused(&[tail]), ChainError::Malformed { position: 0 });
    }
}

#[test]
fn a_critical_extension_that_nobody_understands_refuses() {
    // keyUsage, always critical here, becomes an extension of an unknown number: 2.5.29.15 -> 2.5.29.99.
    let pki = Pki::new(Algorithm::Es256);
    let renumbered = |to: u8| {
        let mut der = pki.by_root(&pki.request(Role::Leaf));
        let at = der.windows(3).position(|part| part == [0x55, 0x1d, 0x0f]).expect("keyUsage stands in it");
        der[at + 2] = to;
        pki.refused(&[der])
    };
    assert_eq!(renumbered(99), ChainError::UnhandledExtension { position: 0, oid: "2.5.29.99".to_owned() });
    // Name constraints (2.5.29.30) are understood to constrain, and are not processed.
    assert_eq!(renumbered(30), ChainError::UnhandledExtension { position: 0, oid: "2.5.29.30".to_owned() });
    // A second subjectKeyIdentifier (2.5.29.14).
    assert_eq!(renumbered(14), ChainError::Malformed { position: 0 });
}

#[test]
fn what_a_certificate_cannot_hold_is_refused_when_it_is_made() {
    let pki = Pki::new(Algorithm::Es256);
    let issuer = Issuer { certificate: Some(&pki.root), signer: &pki.root_key };
    let make = |request: &Request<'_>| issue(request, issuer, &pki.random).err();
    let good = pki.request(Role::Leaf);
    assert_eq!(make(&good), None);
    let not_encodable = Some(BuildError::NotEncodable);
    assert_eq!(make(&Request { subject: Subject { country: "China", ..good.subject }, ..good }), not_encodable);
    assert_eq!(make(&Request { uris: &["https://身份.example"], ..good }), not_encodable);
    assert_eq!(make(&Request { extended_key_usages: &["1.x"], ..good }), not_encodable);
    let before_1970 = Validity { not_before: Timestamp::from_unix(-1), ..good.validity };
    assert_eq!(make(&Request { validity: before_1970, ..good }), not_encodable);
}

#[test]
fn x5c_is_standard_base64_and_is_read_back() {
    let pki = Pki::new(Algorithm::Ed25519);
    let chain = vec![pki.by_root(&pki.request(Role::Leaf))];
    let header = serde_json::Map::from_iter([("typ".to_owned(), "t".into()), ("x5c".to_owned(), x5c_header(&chain))]);
    let jws = crate::crypto::jws::sign(header, &serde_json::Map::new(), &pki.leaf_key).expect("it signs");
    let read = crate::crypto::jws::Unverified::parse(&jws, &["t"]).expect("it is read");
    assert_eq!(read.header().x5c, Some(chain));
}

#[test]
fn openssl_reads_and_verifies_what_is_made_here() {
    use std::process::Command;
    if Command::new("openssl").arg("version").output().is_err() {
        println!("openssl absent: certificates were not cross-checked");
        return;
    }
    for algorithm in Algorithm::ALL {
        let pki = Pki::new(algorithm);
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, chain: &[&Vec<u8>]| {
            let path = dir.path().join(name);
            let text: String = chain.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect();
            std::fs::write(&path, text).expect("it is written");
            path
        };
        let middle = pki.by_root(&pki.request(Role::Authority(Some(0))));
        let leaf = pki.by_middle(&middle);
        let (root, middle, leaf) = (write("root", &[&pki.root]), write("middle", &[&middle]), write("leaf", &[&leaf]));
        let at = NOW.unix().to_string();
        let output = Command::new("openssl")
            .args(["verify", "-x509_strict", "-check_ss_sig", "-attime", &at, "-CAfile"])
            .args([&root, &std::path::PathBuf::from("-untrusted"), &middle, &leaf])
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "{algorithm}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn leaf_makes_what_the_service_needs() {
    let pki = Pki::new(Algorithm::Es256);
    let issuer = Issuer { certificate: Some(&pki.root), signer: &pki.root_key };
    let random: &dyn Random = &pki.random;
    for (name, names) in [
        (AlternativeName::Uri(URI), (vec![URI.to_owned()], vec![])),
        (AlternativeName::Dns("id.example"), (vec![], vec!["id.example".to_owned()])),
    ] {
        let key = pki.leaf_key.public_key();
        let made = leaf(subject("issuer"), days(-1, 1), key, name, issuer, random).expect("a leaf");
        assert_eq!(verify_chain(&[made], &pki.anchors(), NOW).map(|leaf| (leaf.uris, leaf.dns_names)), Ok(names));
    }
}

/// OpenID4VP 1.0 section 6.1.1.1 looks at every certificate of the chain.
#[test]
fn every_certificate_of_a_chain_names_the_key_above_it() {
    let pki = Pki::new(Algorithm::Es256);
    let middle = pki.by_root(&pki.request(Role::Authority(Some(0))));
    let chain = [pki.by_middle(&middle), middle.clone()];
    let subject_key = |der: &[u8]| Certificate::from_der(der).expect("a certificate").subject_key_id.expect("a key identifier");
    let above = vec![subject_key(&middle), subject_key(&pki.root)];
    assert_ne!(above[0], above[1]);
    assert_eq!(verify_chain(&chain, &pki.anchors(), NOW).map(|leaf| leaf.authority_key_ids), Ok(above));
}

#[test]
fn a_chain_of_ones_own_needs_no_anchor_and_everything_else() {
    let pki = Pki::new(Algorithm::Es256);
    let leaf = pki.by_root(&pki.request(Role::Leaf));
    assert_eq!(check_own_chain(std::slice::from_ref(&leaf), NOW).map(|leaf| leaf.uris), Ok(vec![URI.to_owned()]));
    // For any purpose: it is not for us to accept.
    let for_servers = Request { extended_key_usages: &["1.3.6.1.5.5.7.3.1"], ..pki.request(Role::Leaf) };
    assert!(check_own_chain(&[pki.by_root(&for_servers)], NOW).is_ok());

    let refused = |chain: &[Vec<u8>], at| check_own_chain(chain, at).err();
    assert_eq!(refused(&[], NOW), Some(ChainError::Empty));
    assert_eq!(refused(&[leaf.clone(), pki.root.clone()], NOW), Some(ChainError::AnchorIncluded { position: 1 }));
    assert_eq!(refused(std::slice::from_ref(&pki.root), NOW), Some(ChainError::SelfSigned));
    let not_after = days(0, 100).not_after;
    assert_eq!(
        refused(std::slice::from_ref(&leaf), not_after.plus_seconds(1)),
        Some(ChainError::Expired { position: 0, not_after })
    );
    let stranger = Pki { random: SeededRandom::new(8), ..Pki::new(Algorithm::Es256) };
    let middle = stranger.by_root(&stranger.request(Role::Authority(None)));
    assert_eq!(refused(&[leaf, middle], NOW), Some(ChainError::Broken { position: 0 }));
}
