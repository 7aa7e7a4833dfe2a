//! Why a boarding pass cannot be read, and where.

/// An item of a boarding pass.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each item is described where it is kept")]
pub enum Field {
    FormatCode,
    NumberOfLegs,
    PassengerName,
    ElectronicTicket,
    Pnr,
    From,
    To,
    Carrier,
    FlightNumber,
    DayOfYear,
    Compartment,
    Seat,
    Sequence,
    Status,
    VariableSize,
    VersionMark,
    Version,
    UniqueSize,
    PassengerDescription,
    SourceOfCheckIn,
    SourceOfIssuance,
    DateOfIssue,
    DocumentType,
    Issuer,
    BaggageTags,
    RepeatedSize,
    AirlineNumericCode,
    DocumentNumber,
    Selectee,
    DocumentVerification,
    MarketingCarrier,
    FrequentFlyerAirline,
    FrequentFlyerNumber,
    IdAd,
    BaggageAllowance,
    FastTrack,
    AirlineUse,
    SecurityMark,
    SecurityKind,
    SecuritySize,
    SecurityData,
}

/// Why a text is not a boarding pass. Names places only, never what stands there: that may be personal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BoardingPassError {
    /// Longer than any pass.
    #[error("longer than {most} characters")]
    TooLong {
        /// How long one may be.
        most: usize,
    },
    /// A character that is not printable ASCII.
    #[error("a character at {at} is not printable ASCII")]
    NotPrintable {
        /// Where, from 0.
        at: usize,
    },
    /// It ends within an item, or before one that has to be there.
    #[error("it ends within {field:?}{}", of_leg(*.leg))]
    Truncated {
        /// The item.
        field: Field,
        /// The leg, from 1; 0 for what is said once.
        leg: usize,
    },
    /// An item is not what it has to be.
    #[error("{field:?} is not what it has to be{}", of_leg(*.leg))]
    Invalid {
        /// The item.
        field: Field,
        /// The leg, from 1; 0 for what is said once.
        leg: usize,
    },
    /// Something stands after the end.
    #[error("{more} characters after the end")]
    Trailing {
        /// How many.
        more: usize,
    },
}

fn of_leg(leg: usize) -> String {
    if leg == 0 { String::new() } else { format!(" of leg {leg}") }
}
