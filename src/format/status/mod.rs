//! Token Status List (draft-ietf-oauth-status-list): the status of many credentials in one compressed list of bits,
//! signed as a JWT, and the claim by which a credential points into it.

mod compression;
mod list;
mod reference;
mod token;

pub use compression::{CompressError, InflateError, compress, inflate};
pub use list::{Bits, EntryError, StatusList, StatusValue};
pub use reference::{ReferenceError, StatusReference};
pub use token::{Expectation, StatusListClaims, StatusListError, TYPE, Unverified, Verified, sign};
