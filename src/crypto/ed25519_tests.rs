use super::*;
use crate::base::random::{Random, SeededRandom};

/// What the library's own strict verification says.
fn strictly(key: &Ed25519Key, message: &[u8], signature: &[u8; 64]) -> bool {
    key.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

fn scalar(random: &dyn Random) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&random.array())
}

fn key(point: EdwardsPoint) -> Ed25519Key {
    Ed25519Key::from_bytes(point.compress().as_bytes()).expect("a point of large order")
}

/// A signature that satisfies the equation up to points of small order: R = r·B + `torsion`, made with the secret `a` of `key`.
fn sign(random: &dyn Random, a: &Scalar, key: &Ed25519Key, torsion: EdwardsPoint, message: &[u8]) -> [u8; 64] {
    let r = scalar(random);
    let commitment = (EdwardsPoint::mul_base(&r) + torsion).compress();
    let hash = Sha512::new().chain_update(commitment.as_bytes()).chain_update(key.as_bytes()).chain_update(message);
    let s = r + Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * a;
    let (mut signature, s) = ([0; 64], s.to_bytes());
    signature[..32].copy_from_slice(commitment.as_bytes());
    signature[32..].copy_from_slice(&s);
    signature
}

#[test]
fn alone_prepared_and_together_decide_as_the_library_does() {
    let random: &dyn Random = &SeededRandom::new(7);
    let a = scalar(random);
    let once = key(EdwardsPoint::mul_base(&a));
    let prepared = once.clone().prepared();
    assert!(prepared.multiples.is_some());
    let message = b"a card".as_slice();
    // The order of the base point, which added to s gives the same scalar.
    let order = (Scalar::ZERO - Scalar::ONE).to_bytes();
    let mut signatures = Vec::new();
    for torsion in EIGHT_TORSION {
        // R of mixed order, and R of small order whose s fits as far as it can.
        signatures.push(sign(random, &a, &once, torsion, message));
        let small = [torsion.compress().to_bytes(), [0; 32]].concat();
        signatures.push(small.try_into().expect("two halves"));
    }
    let good = sign(random, &a, &once, EdwardsPoint::identity(), message);
    for bit in (0..512).step_by(7) {
        let mut changed = good;
        changed[bit / 8] ^= 1 << (bit % 8);
        signatures.push(changed);
    }
    let mut greatest = good;
    greatest[32..].copy_from_slice(&order);
    let mut beyond = greatest;
    beyond[32] += 1;
    signatures.extend([good, greatest, beyond, [0; 64], [0xff; 64]]);
    let expected: Vec<_> = signatures.iter().map(|signature| strictly(&once, message, signature)).collect();
    assert_eq!(expected.iter().filter(|holds| **holds).count(), 2, "the honest ones: without torsion, and unchanged");
    for key in [&once, &prepared] {
        let alone: Vec<_> = signatures.iter().map(|signature| key.verify(message, signature)).collect();
        assert_eq!(alone, expected);
        let claims: Vec<_> = signatures.iter().map(|signature| Claim { key, message, signature }).collect();
        assert_eq!(verify_all(&claims), expected);
    }
    assert!(verify_all(&[]).is_empty());
}

#[test]
fn of_many_under_several_keys_each_is_answered_in_its_place() {
    let random: &dyn Random = &SeededRandom::new(9);
    let secrets: Vec<_> = (0..3).map(|_| scalar(random)).collect();
    let keys: Vec<_> = secrets.iter().map(|a| key(EdwardsPoint::mul_base(a))).collect();
    let keys: Vec<_> = keys.into_iter().enumerate().map(|(n, key)| if n < 2 { key.prepared() } else { key }).collect();
    let messages: Vec<_> = (0..3 * SIDE_BY_SIDE).map(|n| n.to_be_bytes()).collect();
    let signed = |(n, message): (usize, &[u8; 8])| {
        // Every fifth is made with the secret of another, every seventh has R of mixed order.
        let secret = if n % 5 == 0 { &secrets[(n + 1) % 3] } else { &secrets[n % 3] };
        let torsion = if n % 7 == 0 { EIGHT_TORSION[1 + n % 6] } else { EdwardsPoint::identity() };
        sign(random, secret, &keys[n % 3], torsion, message)
    };
    let signatures: Vec<_> = messages.iter().enumerate().map(signed).collect();
    let claim = |(n, (message, signature))| Claim { key: &keys[n % 3], message, signature };
    let claims: Vec<_> = messages.iter().map(|message| message.as_slice()).zip(&signatures).enumerate().map(claim).collect();
    let held = verify_all(&claims);
    for (n, (claim, held)) in claims.iter().zip(held).enumerate() {
        assert_eq!(held, n % 5 != 0 && n % 7 != 0, "{n}");
        assert_eq!(held, strictly(claim.key, claim.message, claim.signature), "{n}");
    }
}

#[test]
fn a_key_of_mixed_order_is_met_as_before_and_never_prepared() {
    let random: &dyn Random = &SeededRandom::new(11);
    let a = scalar(random);
    for torsion in &EIGHT_TORSION[1..] {
        let key = key(EdwardsPoint::mul_base(&a) + torsion).prepared();
        assert!(key.multiples.is_none());
        for n in 0..16_u8 {
            let signature = sign(random, &a, &key, EIGHT_TORSION[usize::from(n % 8)], &[n]);
            assert_eq!(key.verify(&[n], &signature), strictly(&key, &[n], &signature));
        }
    }
}

#[test]
fn the_one_encoding_of_a_point_is_what_the_library_writes() {
    let mut cases: Vec<[u8; 32]> = Vec::new();
    for low in 0..=0xff {
        for (fill, top) in [(0, 0), (0, 0x80), (0xff, 0x7f), (0xff, 0xff)] {
            let mut bytes = [fill; 32];
            (bytes[0], bytes[31]) = (low, top);
            cases.push(bytes);
        }
    }
    let random: &dyn Random = &SeededRandom::new(13);
    cases.extend((0..500).map(|_| random.array()));
    for bytes in cases {
        let Some(point) = CompressedEdwardsY(bytes).decompress() else { continue };
        assert_eq!(is_canonical(&bytes), point.compress().to_bytes() == bytes, "{bytes:02x?}");
    }
}

#[test]
fn digits_and_multiples_give_the_product() {
    let random: &dyn Random = &SeededRandom::new(15);
    let point = EdwardsPoint::mul_base(&scalar(random));
    let multiples = Multiples::of(point);
    let mut scalars =
        vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(32_u8), Scalar::from(33_u8), Scalar::from(64_u8)];
    scalars.extend((0..20).map(|_| scalar(random)));
    for scalar in scalars {
        let digits = Digits::of(&scalar);
        let mut sum = EdwardsPoint::identity();
        for window in 0..WINDOWS {
            multiples.add_to(&mut sum, window, &digits);
        }
        assert_eq!(sum, point * scalar);
    }
}
