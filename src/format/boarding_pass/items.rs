//! A reader over items of fixed width.

use crate::format::boarding_pass::error::{BoardingPassError, Field};

/// What remains of a part of the pass. The text is ASCII: whoever makes a reader has checked that.
pub struct Items<'a> {
    rest: &'a str,
    leg: usize,
}

impl<'a> Items<'a> {
    /// A reader of what is said once.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, leg: 0 }
    }

    /// From here on items belong to this leg, counted from 1; 0 for none.
    pub fn set_leg(&mut self, leg: usize) {
        self.leg = leg;
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// Everything that remains.
    pub fn rest(self) -> &'a str {
        self.rest
    }

    pub fn invalid(&self, field: Field) -> BoardingPassError {
        BoardingPassError::Invalid { field, leg: self.leg }
    }

    /// The next `width` characters, blanks and all.
    pub fn take(&mut self, field: Field, width: usize) -> Result<&'a str, BoardingPassError> {
        let (item, rest) = self.rest.split_at_checked(width).ok_or(BoardingPassError::Truncated { field, leg: self.leg })?;
        self.rest = rest;
        Ok(item)
    }

    /// The next character; none when blank.
    pub fn character(&mut self, field: Field) -> Result<Option<char>, BoardingPassError> {
        Ok(self.take(field, 1)?.chars().next().filter(|c| *c != ' '))
    }

    /// The next `width` characters without the blanks around them; none when all are blank.
    pub fn text(&mut self, field: Field, width: usize) -> Result<Option<&'a str>, BoardingPassError> {
        Ok(Some(self.take(field, width)?.trim_matches(' ')).filter(|text| !text.is_empty()))
    }

    /// A size: two hexadecimal digits, upper case.
    pub fn size(&mut self, field: Field) -> Result<usize, BoardingPassError> {
        let digits = self.take(field, 2)?;
        let upper = digits.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
        upper.then(|| usize::from_str_radix(digits, 16).ok()).flatten().ok_or_else(|| self.invalid(field))
    }

    /// The part that a size in front of it covers, as a reader of its own.
    pub fn sized(&mut self, size: Field, part: Field) -> Result<Items<'a>, BoardingPassError> {
        let size = self.size(size)?;
        Ok(Items { rest: self.take(part, size)?, leg: self.leg })
    }

    /// An optional item: none when the part ended before it. A part that ends within an item is an error.
    pub fn optional(&mut self, field: Field, width: usize) -> Result<Option<String>, BoardingPassError> {
        if self.is_empty() {
            return Ok(None);
        }
        Ok(self.text(field, width)?.map(str::to_owned))
    }

    /// An optional item of one character.
    pub fn optional_character(&mut self, field: Field) -> Result<Option<char>, BoardingPassError> {
        if self.is_empty() { Ok(None) } else { self.character(field) }
    }
}
