//! The list itself: entries of 1, 2, 4 or 8 bits, packed with the least significant bit first (section 4.1).

/// How wide an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bits {
    /// Valid or invalid.
    One,
    /// Room for suspended.
    Two,
    /// Room for application-specific values.
    Four,
    /// Every value.
    Eight,
}

impl Bits {
    /// Reads the number of bits; none but 1, 2, 4 and 8 is allowed.
    pub const fn from_number(bits: u64) -> Option<Self> {
        match bits {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The number of bits.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The largest value of an entry, which is also its mask.
    pub const fn largest(self) -> u8 {
        u8::MAX >> (8 - self.number())
    }

    /// Entries in a byte.
    const fn per_byte(self) -> u64 {
        8 / self.number() as u64
    }
}

/// What a value means (section 7.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatusValue {
    /// 0x00: good.
    Valid,
    /// 0x01: taken back for good.
    Invalid,
    /// 0x02: not good for now.
    Suspended,
    /// 0x03 and 0x0C to 0x0F: means what the application of that issuer says, so nothing to a stranger.
    ApplicationSpecific(u8),
    /// Every other value: not assigned.
    Reserved(u8),
}

impl StatusValue {
    /// Reads the value of an entry.
    pub const fn from_entry(value: u8) -> Self {
        match value {
            0x00 => Self::Valid,
            0x01 => Self::Invalid,
            0x02 => Self::Suspended,
            0x03 | 0x0c..=0x0f => Self::ApplicationSpecific(value),
            _ => Self::Reserved(value),
        }
    }
}

/// Why an entry cannot be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryError {
    /// The list has no such index.
    #[error("the list has no such index")]
    OutOfRange,
    /// The value needs more bits than an entry has.
    #[error("the value does not fit into an entry")]
    TooWide,
}

/// A packed list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusList {
    bits: Bits,
    packed: Vec<u8>,
}

impl StatusList {
    /// A list of at least `entries` entries, all valid; whole bytes, so up to seven more.
    pub fn all_valid(bits: Bits, entries: usize) -> Self {
        let packed = vec![0; entries.div_ceil(8 / usize::from(bits.number()))];
        Self { bits, packed }
    }

    /// A list that is packed already.
    pub fn from_packed(bits: Bits, packed: Vec<u8>) -> Self {
        Self { bits, packed }
    }

    /// How wide an entry is.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// The packed bytes.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        (self.packed.len() as u64).saturating_mul(self.bits.per_byte())
    }

    /// The value at `index`; none beyond the end, where a credential has to be refused (section 8.3).
    pub fn value(&self, index: u64) -> Option<u8> {
        let (byte, shift) = self.place(index)?;
        Some(self.packed.get(byte)? >> shift & self.bits.largest())
    }

    /// Sets the value at `index`.
    pub fn set(&mut self, index: u64, value: u8) -> Result<(), EntryError> {
        let mask = self.bits.largest();
        if value > mask {
            return Err(EntryError::TooWide);
        }
        let (byte, shift) = self.place(index).ok_or(EntryError::OutOfRange)?;
        let byte = self.packed.get_mut(byte).ok_or(EntryError::OutOfRange)?;
        *byte = *byte & !(mask << shift) | value << shift;
        Ok(())
    }

    /// The byte an entry stands in, and how far from its lowest bit.
    fn place(&self, index: u64) -> Option<(usize, u32)> {
        let per_byte = self.bits.per_byte();
        let shift = (index % per_byte) as u32 * u32::from(self.bits.number());
        Some((usize::try_from(index / per_byte).ok()?, shift))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Bits; 4] = [Bits::One, Bits::Two, Bits::Four, Bits::Eight];

    #[test]
    fn the_least_significant_bit_comes_first() {
        // The examples of sections 4.1 and 4.2 of the draft.
        let one = StatusList::from_packed(Bits::One, vec![0xb9, 0xa3]);
        let values: Vec<_> = (0..16).filter_map(|index| one.value(index)).collect();
        assert_eq!(values, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        let two = StatusList::from_packed(Bits::Two, vec![0xc9, 0x44, 0xf9]);
        let values: Vec<_> = (0..12).filter_map(|index| two.value(index)).collect();
        assert_eq!(values, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn beyond_the_end_there_is_no_value() {
        for bits in ALL {
            let mut list = StatusList::all_valid(bits, 16);
            assert_eq!((list.entries(), list.value(15)), (16, Some(0)));
            for index in [16, 1 << 31, 1 << 53, u64::MAX] {
                assert_eq!(list.value(index), None, "{index}");
                assert_eq!(list.set(index, 0), Err(EntryError::OutOfRange));
            }
        }
        assert_eq!(StatusList::all_valid(Bits::Two, 5).entries(), 8);
        assert_eq!(StatusList::from_packed(Bits::One, Vec::new()).value(0), None);
    }

    #[test]
    fn other_widths_and_too_wide_values_are_refused() {
        for bits in [0, 3, 5, 16, 1 << 32 | 1] {
            assert_eq!(Bits::from_number(bits), None);
        }
        for (bits, too_wide) in ALL.into_iter().zip([2, 4, 16]) {
            assert_eq!(StatusList::all_valid(bits, 8).set(0, too_wide), Err(EntryError::TooWide));
        }
    }

    #[test]
    fn values_mean_what_the_registry_says() {
        use StatusValue as V;
        let all: Vec<_> = (0..=0x10).map(V::from_entry).collect();
        assert_eq!(all[..4], [V::Valid, V::Invalid, V::Suspended, V::ApplicationSpecific(3)]);
        assert!((4..=0x0b).all(|value| all[value as usize] == V::Reserved(value)));
        assert!((0x0c..=0x0f).all(|value| all[value as usize] == V::ApplicationSpecific(value)));
        assert_eq!(all[0x10], V::Reserved(0x10));
    }

    proptest! {
        #[test]
        fn an_entry_holds_what_was_set_and_its_neighbours_what_they_held(
            width in 0_usize..4, start in prop::collection::vec(any::<u8>(), 8), sets in prop::collection::vec((0_u64..64, any::<u8>()), 0..40)
        ) {
            let bits = ALL[width];
            let mut list = StatusList::from_packed(bits, start);
            let mut plain: Vec<u8> = (0..list.entries()).filter_map(|index| list.value(index)).collect();
            for (index, value) in sets {
                let (index, value) = (index % list.entries(), value & bits.largest());
                prop_assert_eq!(list.set(index, value), Ok(()));
                plain[index as usize] = value;
            }
            let read: Vec<u8> = (0..list.entries()).filter_map(|index| list.value(index)).collect();
            prop_assert_eq!(read, plain);
        }
    }
}
