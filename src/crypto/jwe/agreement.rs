//! The content key of a direct agreement (RFC 7518 section 4.6.2): the Concat KDF of NIST SP 800-56A over one round of
//! SHA-256, which gives as many bytes as the longest key here.

use zeroize::Zeroizing;

use super::Encryption;
use crate::{base::secret::Secret, crypto::sha256};

/// What goes into the derivation beside the agreed secret.
pub(super) struct Derivation<'a> {
    /// Its name is the AlgorithmID and its length of key the SuppPubInfo.
    pub(super) encryption: Encryption,
    /// PartyUInfo: the value of `apu`, decoded.
    pub(super) apu: &'a [u8],
    /// PartyVInfo: the value of `apv`, decoded.
    pub(super) apv: &'a [u8],
}

impl Derivation<'_> {
    /// The content key from the agreed secret.
    pub(super) fn content_key(&self, agreed: &[u8]) -> Secret<Vec<u8>> {
        let mut input = Zeroizing::new(Vec::with_capacity(64 + agreed.len() + self.apu.len() + self.apv.len()));
        input.extend_from_slice(&1u32.to_be_bytes());
        input.extend_from_slice(agreed);
        for data in [self.encryption.jose_name().as_bytes(), self.apu, self.apv] {
            // The header they come from is shorter than 4 GiB by far.
            input.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
            input.extend_from_slice(data);
        }
        let key_bytes = self.encryption.key_bytes();
        input.extend_from_slice(&((key_bytes * 8) as u32).to_be_bytes());
        let round = Zeroizing::new(sha256(&*input));
        Secret::new(round[..key_bytes].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::base64url;

    #[test]
    fn the_key_of_rfc_7518_appendix_c() {
        let agreed = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72,
            246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let derivation = Derivation { encryption: Encryption::A128Gcm, apu: b"Alice", apv: b"Bob" };
        assert_eq!(base64url::encode(derivation.content_key(&agreed).expose()), "VqqN6vgjbSBcIijNcacQGg");
    }
}
