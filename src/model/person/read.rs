//! Reading a person from JSON, field by field.

use serde_json::{Map, Value};

use crate::{
    base::{limits::PORTRAIT_BYTES, time::Date},
    model::{
        id_number::{IdNumber, Sex},
        person::{Address, DATA_DEPTH, FieldError, Person, PersonState, Problem, Qualification},
    },
};

/// Longest name, in characters: transliterated names of several parts stay under 40.
const NAME_CHARACTERS: usize = 64;
/// Longest other text, in characters: a full postal address line.
const TEXT_CHARACTERS: usize = 128;
/// Most qualifications of one person.
const QUALIFICATIONS: usize = 16;
/// Largest `data` of a qualification, in bytes of JSON.
const DATA_BYTES: usize = 4096;
/// Nobody born before is alive; an earlier year is a slip of the pen.
const EARLIEST_BIRTH_YEAR: i32 = 1850;

const FIELDS: [&str; 14] = [
    "id_number",
    "name",
    "family_name",
    "given_name",
    "latin_family_name",
    "latin_given_name",
    "sex",
    "ethnicity",
    "birth_date",
    "address",
    "portrait",
    "state",
    "qualifications",
    "cards_need_approval",
];

impl Person {
    /// Reads a person as the API writes one (DESIGN section 5) on the civil day `today`. Everything that is wrong is
    /// told at once.
    pub fn read(object: &Map<String, Value>, today: Date) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields { object, prefix: String::new(), errors: Vec::new() };
        fields.refuse_unknown(&FIELDS);
        let person = read_person(&mut fields, today);
        match person {
            Some(person) if fields.errors.is_empty() => Ok(person),
            _ => Err(fields.errors),
        }
    }
}

/// None when a required field is bad; the errors say which.
fn read_person(fields: &mut Fields<'_>, today: Date) -> Option<Person> {
    let id_number = fields.required("id_number", |text| IdNumber::parse(text).map_err(Problem::IdNumber));
    let name = fields.optional("name", |text| plain(text, NAME_CHARACTERS));
    let family_name = fields.required("family_name", |text| plain(text, NAME_CHARACTERS));
    let given_name = fields.required("given_name", |text| plain(text, NAME_CHARACTERS));
    let latin_family_name = fields.required("latin_family_name", latin);
    let latin_given_name = fields.required("latin_given_name", latin);
    let sex = fields.required("sex", |text| Sex::from_name(text).ok_or(Problem::NotOneOf("male, female")));
    let ethnicity = fields.required("ethnicity", |text| plain(text, NAME_CHARACTERS));
    let birth_date = fields.required("birth_date", |text| birth_date(text, today));
    let address = fields.object("address").and_then(|inner| fields.nested("address".to_owned(), inner, read_address));
    let portrait = fields.optional("portrait", portrait);
    let state = fields.optional("state", |text| {
        PersonState::ALL.into_iter().find(|s| s.name() == text).ok_or(Problem::NotOneOf("active, deceased, moved_away"))
    });
    let qualifications = read_qualifications(fields);
    let cards_need_approval = fields.flag("cards_need_approval");
    if let Some(number) = &id_number {
        if birth_date.is_some_and(|date| date != number.birth_date()) {
            fields.error("birth_date", Problem::DisagreesWithIdNumber);
        }
        if sex.is_some_and(|sex| sex != number.sex()) {
            fields.error("sex", Problem::DisagreesWithIdNumber);
        }
    }
    let (family_name, given_name) = (family_name?, given_name?);
    Some(Person {
        id_number: id_number?,
        name: name.unwrap_or_else(|| whole_name(&family_name, &given_name)),
        family_name,
        given_name,
        latin_family_name: latin_family_name?,
        latin_given_name: latin_given_name?,
        sex: sex?,
        ethnicity: ethnicity?,
        birth_date: birth_date?,
        address: address?,
        portrait,
        state: state.unwrap_or_default(),
        qualifications,
        cards_need_approval,
    })
}

fn read_address(fields: &mut Fields<'_>) -> Option<Address> {
    fields.refuse_unknown(&["region", "locality", "street_address"]);
    let [region, locality, street_address] =
        ["region", "locality", "street_address"].map(|name| fields.required(name, |text| plain(text, TEXT_CHARACTERS)));
    Some(Address { region: region?, locality: locality?, street_address: street_address? })
}

fn read_qualifications(fields: &mut Fields<'_>) -> Vec<Qualification> {
    let list = match fields.object.get("qualifications") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) if list.len() <= QUALIFICATIONS => list,
        Some(Value::Array(_)) => {
            fields.error("qualifications", Problem::TooLong(QUALIFICATIONS));
            return Vec::new();
        }
        Some(_) => {
            fields.error("qualifications", Problem::WrongType("a list"));
            return Vec::new();
        }
    };
    let mut read = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let path = format!("qualifications[{at}]");
        match value {
            Value::Object(inner) => read.extend(fields.nested(path, inner, read_qualification)),
            _ => fields.error(&path, Problem::WrongType("an object")),
        }
    }
    read
}

fn read_qualification(fields: &mut Fields<'_>) -> Option<Qualification> {
    fields.refuse_unknown(&["type", "number", "valid_from", "valid_until", "data"]);
    let credential_type = fields.required("type", |text| plain(text, NAME_CHARACTERS));
    let number = fields.required("number", |text| plain(text, NAME_CHARACTERS));
    let date = |text: &str| Date::parse(text).map_err(|_| Problem::NotADate);
    let (valid_from, valid_until) = (fields.required("valid_from", date), fields.required("valid_until", date));
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until < from
    {
        fields.error("valid_until", Problem::EndsBeforeItBegins);
    }
    let data = read_data(fields);
    Some(Qualification {
        credential_type: credential_type?,
        number: number?,
        valid_from: valid_from?,
        valid_until: valid_until?,
        data,
    })
}

/// What the type's file may put into claims: small, shallow, and without the names SD-JWT keeps for itself.
fn read_data(fields: &mut Fields<'_>) -> Map<String, Value> {
    let problem = match fields.object.get("data") {
        None | Some(Value::Null) => return Map::new(),
        Some(value @ Value::Object(data)) => match value.to_string().len() {
            ..=DATA_BYTES if can_be_claims(value, DATA_DEPTH) => return data.clone(),
            ..=DATA_BYTES => Problem::NotClaims,
            _ => Problem::TooLong(DATA_BYTES),
        },
        Some(_) => Problem::WrongType("an object"),
    };
    fields.error("data", problem);
    Map::new()
}

fn can_be_claims(value: &Value, depth: usize) -> bool {
    let reserved = |name: &String| ["_sd", "_sd_alg", "..."].contains(&name.as_str());
    match (value, depth.checked_sub(1)) {
        (Value::Object(map), Some(below)) => !map.keys().any(reserved) && map.values().all(|v| can_be_claims(v, below)),
        (Value::Array(list), Some(below)) => list.iter().all(|v| can_be_claims(v, below)),
        (Value::Object(_) | Value::Array(_), None) => false,
        _ => true,
    }
}

/// An object under reading, its place in the whole, and what was wrong so far.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    fn error(&mut self, field: &str, problem: Problem) {
        self.errors.push(FieldError { field: format!("{}{field}", self.prefix), problem });
    }

    fn refuse_unknown(&mut self, known: &[&str]) {
        let object = self.object;
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            // A stranger's key is repeated only as far as it can be a field name.
            let shown: String = name.chars().filter(|c| c.is_ascii_graphic()).take(NAME_CHARACTERS).collect();
            self.error(&shown, Problem::Unknown);
        }
    }

    fn required<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Problem>) -> Option<T> {
        if matches!(self.object.get(name), None | Some(Value::Null)) {
            self.error(name, Problem::Missing);
            return None;
        }
        self.optional(name, read)
    }

    /// A field that may be left out or `null`.
    fn optional<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Problem>) -> Option<T> {
        let result = match self.object.get(name) {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => read(text),
            Some(_) => Err(Problem::WrongType("text")),
        };
        result.map_err(|problem| self.error(name, problem)).ok()
    }

    /// A field that is true or false, and false when it is left out.
    fn flag(&mut self, name: &str) -> bool {
        match self.object.get(name) {
            None | Some(Value::Null) => return false,
            Some(Value::Bool(flag)) => return *flag,
            Some(_) => self.error(name, Problem::WrongType("true or false")),
        }
        false
    }

    fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        match self.object.get(name) {
            Some(Value::Object(inner)) => return Some(inner),
            None | Some(Value::Null) => self.error(name, Problem::Missing),
            Some(_) => self.error(name, Problem::WrongType("an object")),
        }
        None
    }

    fn nested<T>(
        &mut self,
        path: String,
        object: &Map<String, Value>,
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut inner = Fields { object, prefix: format!("{}{path}.", self.prefix), errors: Vec::new() };
        let value = read(&mut inner);
        self.errors.append(&mut inner.errors);
        value
    }
}

/// Text of one line without invisible characters: what looks alike is alike.
fn plain(text: &str, limit: usize) -> Result<String, Problem> {
    // Zero-width and direction-changing characters (Unicode general category Cf) make two equal-looking names differ.
    let invisible = |c: char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if text.trim().is_empty() {
        Err(Problem::Empty)
    } else if text.chars().count() > limit {
        Err(Problem::TooLong(limit))
    } else if text.trim() != text || text.chars().any(|c| c.is_control() || invisible(c)) {
        Err(Problem::BadCharacters)
    } else {
        Ok(text.to_owned())
    }
}

fn latin(text: &str) -> Result<String, Problem> {
    let text = plain(text, NAME_CHARACTERS)?;
    let allowed = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '-' | '\'');
    if text.chars().all(allowed) && text.chars().any(|c| c.is_ascii_alphabetic()) { Ok(text) } else { Err(Problem::NotLatin) }
}

fn birth_date(text: &str, today: Date) -> Result<Date, Problem> {
    match Date::parse(text).map_err(|_| Problem::NotADate)? {
        date if date > today => Err(Problem::InFuture),
        date if date.year() < EARLIEST_BIRTH_YEAR => Err(Problem::TooLongAgo),
        date => Ok(date),
    }
}

/// The media type has to be the image's own: the first bytes say what it is.
fn portrait(uri: &str) -> Result<String, Problem> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    if uri.len() > PORTRAIT_BYTES {
        return Err(Problem::TooLong(PORTRAIT_BYTES));
    }
    let kinds: [(&str, &[u8]); 2] =
        [("data:image/jpeg;base64,", &[0xff, 0xd8, 0xff]), ("data:image/png;base64,", b"\x89PNG\r\n\x1a\n")];
    for (prefix, magic) in kinds {
        if let Some(body) = uri.strip_prefix(prefix)
            && STANDARD.decode(body).is_ok_and(|image| image.starts_with(magic))
        {
            return Ok(uri.to_owned());
        }
    }
    Err(Problem::NotAnImage)
}

/// Chinese names are written without a space, others with one.
fn whole_name(family_name: &str, given_name: &str) -> String {
    let separator = if family_name.is_ascii() && given_name.is_ascii() { " " } else { "" };
    format!("{family_name}{separator}{given_name}")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
