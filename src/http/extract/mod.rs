//! From bytes of a request to values: bounded in size and time, every key once, every member of its type.

mod body;
mod json;
mod params;
mod path;
mod typed;

pub use body::{BodyError, MediaType, pass_over, read as read_body};
pub use json::JsonBody;
pub use params::{Params, ParamsError};
pub use path::Id;
pub use typed::{FieldError, from_value};
