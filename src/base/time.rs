//! Points in time as whole seconds of Unix time, and calendar dates.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z, as `NumericDate` of RFC 7519 section 2 without a
/// fraction. Serialised as that number.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds of Unix time.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds of Unix time.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`, which may be negative; stops at the ends of the range instead of wrapping.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339; fractions of a second are cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339).ok().map(|at| Self(at.unix_timestamp()))
    }

    /// The UTC calendar date of this time; `None` outside the years 0 to 9999.
    pub fn date(self) -> Option<Date> {
        let date = OffsetDateTime::from_unix_timestamp(self.0).ok()?.date();
        (0..=9999).contains(&date.year()).then_some(Date(date))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, for example `2026-11-24T06:00:00Z`; the bare number for years RFC 3339 cannot write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OffsetDateTime::from_unix_timestamp(self.0).ok().and_then(|at| at.format(&Rfc3339).ok()) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A calendar date without a time of day (RFC 3339 `full-date`), years 0 to 9999. Serialised as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Date(time::Date);

/// The text is not a date of the calendar in the form `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a date in the form YYYY-MM-DD")]
pub struct NotADate;

impl Date {
    /// A date from its parts; `None` when the calendar has no such day.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        if !(0..=9999).contains(&year) {
            return None;
        }
        let month = time::Month::try_from(month).ok()?;
        time::Date::from_calendar_date(year, month, day).ok().map(Self)
    }

    /// Reads exactly ten characters `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| -> Option<i32> {
            let part = bytes.get(range)?;
            part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |n, d| n * 10 + i32::from(d - b'0')))
        };
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(NotADate);
        }
        let (year, month, day) = (digits(0..4).ok_or(NotADate)?, digits(5..7).ok_or(NotADate)?, digits(8..10).ok_or(NotADate)?);
        Self::new(year, month as u8, day as u8).ok_or(NotADate)
    }

    /// The year, 0 to 9999.
    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.0.month() as u8
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// A date from its year and the number of its day in it, 1 to 366; `None` when that year has no such day.
    pub fn from_day_of_year(year: i32, day: u16) -> Option<Self> {
        let date = time::Date::from_ordinal_date(year, day).ok()?;
        (0..=9999).contains(&year).then_some(Self(date))
    }

    /// Days from `earlier` to this date; negative when `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from(self.0.to_julian_day()) - i64::from(earlier.0.to_julian_day())
    }

    /// The first second of this day in UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.midnight().assume_utc().unix_timestamp())
    }

    /// Whole years from this date to `on`: the age of a person born on this date. Someone born on 29 February grows
    /// older on 1 March in years without one. Negative before the date itself.
    pub fn full_years_until(self, on: Self) -> i32 {
        let years = on.year() - self.year();
        if (on.month(), on.day()) < (self.month(), self.day()) { years - 1 } else { years }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for Date {
    type Error = NotADate;

    fn try_from(text: String) -> Result<Self, NotADate> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_and_write_rfc_3339() {
        let at = Timestamp::from_unix(1_795_500_000);
        assert_eq!(Timestamp::parse_rfc3339(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("2026-11-24T08:00:00+08:00"), Timestamp::parse_rfc3339("2026-11-24T00:00:00Z"));
        assert_eq!(Timestamp::from_unix(i64::MAX).plus_seconds(1).to_string(), i64::MAX.to_string());
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        assert_eq!(Date::parse("2024-02-29").map(|d| d.to_string()), Ok("2024-02-29".to_owned()));
        for bad in ["2023-02-29", "2024-2-29", "2024-13-01", "24-01-01", "2024/01/01", "2024-01-01T", "+024-01-01", "２０２４"]
        {
            assert_eq!(Date::parse(bad), Err(NotADate), "{bad}");
        }
    }

    #[test]
    fn age_counts_whole_years() {
        let born = Date::parse("2008-02-29").expect("a leap day");
        let age = |on: &str| born.full_years_until(Date::parse(on).expect("a date"));
        assert_eq!((age("2026-02-28"), age("2026-03-01"), age("2008-02-28")), (17, 18, -1));
    }
}
