//! Ed25519 public keys and strict verification: RFC 8032 section 5.1.7 without the cofactor, points of small order refused.
//!
//! A signature (R, s) holds under A when s is below the order of the base point, s·B − k·A encodes as the very bytes of R,
//! and that point is not of small order. That is what `verify_strict` of `ed25519-dalek` accepts, and nothing else: the two
//! ways of computing it here differ in cost only, and a test compares them with it.
//!
//! - Of a key that is met once, s·B − k·A is one double multiplication. `verify_strict` decodes R beside it, only to see
//!   whether it is of small order; here its bytes are compared with the encodings of the eight points that are.
//! - Of a key under which many signatures are checked ([`prepared`](Ed25519Key::prepared)), multiples stand ready, so that
//!   either product is a sum of some forty points; and of many signatures at once the points are encoded with one inversion.
//!
//! The usual batch equation, a random combination of all signatures, is not used: a point R with a component of small order,
//! which whoever has the issuer's key can make, passes it now and then, and strict verification never takes it.

use std::sync::{Arc, LazyLock};

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::CompressedEdwardsY,
    traits::Identity,
};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use sha2::{Digest, Sha512};

use super::public_key::KeyError;

/// Signatures that are added up side by side: their sums and one window of two tables stay in the first-level cache.
const SIDE_BY_SIDE: usize = 64;

/// The encodings of the points of small order.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// The multiples of the base point.
static BASE: LazyLock<Multiples> = LazyLock::new(|| Multiples::of(ED25519_BASEPOINT_POINT));

/// A point of the curve in its canonical encoding that is not of small order.
#[derive(Clone)]
pub struct Ed25519Key {
    key: VerifyingKey,
    /// Multiples of −A.
    multiples: Option<Arc<Multiples>>,
}

/// What is to be checked.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) key: &'a Ed25519Key,
    pub(super) message: &'a [u8],
    pub(super) signature: &'a [u8; 64],
}

impl Ed25519Key {
    /// A key from its 32 bytes (RFC 8032 section 5.1.5), in the one encoding its point has.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_canonical(bytes) {
            return Err(KeyError::Malformed);
        }
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Malformed)?;
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self { key, multiples: None }) }
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The same key with its multiples: some 220 kB, made in about 0.3 ms. A key with a component of small order stays as it
    /// is; nobody makes one by the rules.
    #[must_use]
    pub(super) fn prepared(self) -> Self {
        let point = self.key.to_edwards();
        let multiples = match self.multiples {
            None if point.is_torsion_free() => Some(Arc::new(Multiples::of(-point))),
            known => known,
        };
        Self { multiples, ..self }
    }

    /// Whether a signature holds.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        match &self.multiples {
            Some(_) => verify_prepared(&[Claim { key: self, message, signature }]).first() == Some(&true),
            None => {
                let (commitment, _) = halves(signature);
                // R decodes to the point that was computed, or the encodings differ and it does not hold anyway.
                !SMALL_ORDER.contains(commitment) && self.key.verify(message, &Signature::from_bytes(signature)).is_ok()
            }
        }
    }
}

/// Which of many signatures hold, in their order: those under prepared keys are computed side by side, the others one by
/// one. Whether one holds does not depend on the others.
pub(super) fn verify_all(claims: &[Claim<'_>]) -> Vec<bool> {
    let (prepared, single): (Vec<usize>, Vec<usize>) =
        (0..claims.len()).partition(|at| claims.get(*at).is_some_and(|claim| claim.key.multiples.is_some()));
    let mut held = vec![false; claims.len()];
    let mut note = |at: usize, holds: bool| {
        if let Some(place) = held.get_mut(at) {
            *place = holds;
        }
    };
    for at in single {
        note(at, claims.get(at).is_some_and(|claim| claim.key.verify(claim.message, claim.signature)));
    }
    for group in prepared.chunks(SIDE_BY_SIDE) {
        let group_claims: Vec<_> = group.iter().filter_map(|at| claims.get(*at).copied()).collect();
        for (at, holds) in group.iter().zip(verify_prepared(&group_claims)) {
            note(*at, holds);
        }
    }
    held
}

/// One signature while it is added up.
struct Sum<'a> {
    /// The multiples of −A.
    multiples: &'a Multiples,
    commitment: &'a [u8; 32],
    s: Digits,
    k: Digits,
    /// Whether s is below the order of the base point.
    in_range: bool,
}

/// Computes s·B − k·A of every claim, all of whose keys are prepared; a claim whose key is not does not hold.
fn verify_prepared(claims: &[Claim<'_>]) -> Vec<bool> {
    let sums: Vec<Option<Sum<'_>>> = claims.iter().map(Sum::begin).collect();
    let mut points = vec![EdwardsPoint::identity(); sums.len()];
    let base: &Multiples = &BASE;
    for window in 0..WINDOWS {
        for (point, sum) in points.iter_mut().zip(&sums) {
            let Some(sum) = sum else { continue };
            base.add_to(point, window, &sum.s);
            sum.multiples.add_to(point, window, &sum.k);
        }
    }
    let encoded: Vec<CompressedEdwardsY> = match points.as_slice() {
        [only] => vec![only.compress()],
        all => EdwardsPoint::compress_batch_alloc(all),
    };
    let holds = |(sum, point): (&Option<Sum<'_>>, &CompressedEdwardsY)| {
        sum.as_ref()
            .is_some_and(|sum| sum.in_range && point.as_bytes() == sum.commitment && !SMALL_ORDER.contains(sum.commitment))
    };
    sums.iter().zip(&encoded).map(holds).collect()
}

impl<'a> Sum<'a> {
    fn begin(claim: &Claim<'a>) -> Option<Self> {
        let multiples = claim.key.multiples.as_deref()?;
        let (commitment, s) = halves(claim.signature);
        let s: Option<Scalar> = Scalar::from_canonical_bytes(*s).into();
        let hash = Sha512::new().chain_update(commitment).chain_update(claim.key.as_bytes()).chain_update(claim.message);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        let in_range = s.is_some();
        let s = Digits::of(&s.unwrap_or_default());
        Some(Self { multiples, commitment, s, k: Digits::of(&k), in_range })
    }
}

/// R and s.
fn halves(signature: &[u8; 64]) -> (&[u8; 32], &[u8; 32]) {
    const ZERO: [u8; 32] = [0; 32];
    // Two halves of 32 bytes each: neither default is ever taken.
    (signature.first_chunk().unwrap_or(&ZERO), signature.last_chunk().unwrap_or(&ZERO))
}

/// Whether 32 bytes are the one encoding of their point: y below p = 2^255 − 19, and no sign where x = 0, which is for y = 1
/// and y = −1 only.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    let (y_top, negative) = (last & 0x7f, last & 0x80 != 0);
    let is_all = |byte: u8| middle.iter().all(|one| *one == byte);
    let beyond = y_top == 0x7f && is_all(0xff) && *first >= 0xed;
    let one = y_top == 0 && is_all(0) && *first == 1;
    let minus_one = y_top == 0x7f && is_all(0xff) && *first == 0xec;
    !(beyond || negative && (one || minus_one))
}

/// Bits of a scalar that one addition settles. Five would halve the tables and add a fifth to the additions, seven the
/// other way round.
const WINDOW_BITS: usize = 6;

/// Windows of a scalar: it has 253 bits, and the last window takes the carry of the one before.
const WINDOWS: usize = 43;

/// Multiples in one window: 1 to 2^5 times; digits are signed.
const IN_WINDOW: usize = 1 << (WINDOW_BITS - 1);

/// A scalar as signed digits of [`WINDOW_BITS`], lowest first, each from −31 to 32.
struct Digits([i8; WINDOWS]);

impl Digits {
    fn of(scalar: &Scalar) -> Self {
        let bytes = scalar.as_bytes();
        let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
        let mut carry = 0;
        let digit = |window: usize| {
            let bit = window * WINDOW_BITS;
            let two = byte(bit / 8) | byte(bit / 8 + 1) << 8;
            // Six bits and a carry: below 65.
            let value = (two >> (bit % 8) & 0x3f) as i8 + carry;
            carry = i8::from(value > IN_WINDOW as i8);
            value - (carry << WINDOW_BITS)
        };
        let mut digit = digit;
        Self(std::array::from_fn(&mut digit))
    }
}

/// The multiples of one point by 1 to 2^5 times 2^(6 n), for every window n. Public points and scalars only: what is
/// looked up shows in the time it takes.
struct Multiples(Vec<EdwardsPoint>);

impl Multiples {
    fn of(point: EdwardsPoint) -> Self {
        let mut multiples = Vec::with_capacity(WINDOWS * IN_WINDOW);
        let mut unit = point;
        for _ in 0..WINDOWS {
            let mut multiple = unit;
            for _ in 1..IN_WINDOW {
                multiples.push(multiple);
                multiple += unit;
            }
            multiples.push(multiple);
            // 2 times 2^5 times the unit.
            unit = multiple + multiple;
        }
        Self(multiples)
    }

    fn add_to(&self, sum: &mut EdwardsPoint, window: usize, digits: &Digits) {
        let digit = digits.0.get(window).copied().unwrap_or(0);
        let Some(at) = usize::from(digit.unsigned_abs()).checked_sub(1) else { return };
        let Some(multiple) = self.0.get(window * IN_WINDOW + at) else { return };
        if digit > 0 {
            *sum += multiple;
        } else {
            *sum -= multiple;
        }
    }
}

#[cfg(test)]
#[path = "ed25519_tests.rs"]
mod tests;
