//! Claims path pointers (OpenID4VP 1.0 section 7).

use serde_json::{Map, Value};

/// One step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Element {
    /// The member of this name.
    Key(String),
    /// The element of an array at this place, from 0.
    Index(usize),
    /// Every element of an array.
    All,
}

/// A pointer; never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Path(pub(super) Vec<Element>);

/// Why a pointer selects nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// A name where there is no object, or a place where there is no array.
    #[error("the pointer does not fit the credential")]
    WrongContainer,
    /// There is no such claim.
    #[error("there is no such claim")]
    Nothing,
}

impl Path {
    /// A pointer of names only; `None` when there is none.
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let elements: Vec<_> = keys.into_iter().map(|key| Element::Key(key.to_owned())).collect();
        (!elements.is_empty()).then_some(Self(elements))
    }

    /// Its steps.
    pub fn elements(&self) -> &[Element] {
        &self.0
    }

    /// What it selects in a credential (section 7.1.1): never nothing.
    pub fn select<'a>(&self, claims: &'a Map<String, Value>) -> Result<Vec<&'a Value>, PathError> {
        let Some((Element::Key(first), rest)) = self.0.split_first() else { return Err(PathError::WrongContainer) };
        let mut selected: Vec<&Value> = claims.get(first).into_iter().collect();
        for element in rest {
            let mut next = Vec::new();
            for value in selected {
                match (element, value) {
                    (Element::Key(key), Value::Object(members)) => next.extend(members.get(key)),
                    (Element::All, Value::Array(elements)) => next.extend(elements),
                    (Element::Index(index), Value::Array(elements)) => next.extend(elements.get(*index)),
                    _ => return Err(PathError::WrongContainer),
                }
            }
            selected = next;
        }
        if selected.is_empty() { Err(PathError::Nothing) } else { Ok(selected) }
    }

    /// Whether what `other` selects stands within what this one selects.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let step = |(ours, theirs): (&Element, &Element)| {
            ours == theirs || (*ours == Element::All && matches!(theirs, Element::Index(_)))
        };
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(step)
    }
}

impl std::fmt::Display for Path {
    /// For people: `address.region`, `nationalities[0]`, `degrees[].type`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, element) in self.0.iter().enumerate() {
            match element {
                Element::Key(key) if place == 0 => f.write_str(key)?,
                Element::Key(key) => write!(f, ".{key}")?,
                Element::Index(index) => write!(f, "[{index}]")?,
                Element::All => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// What of `claims` these pointers select, in the shape it has there: elements of arrays that are not selected are left
/// out.
pub(super) fn project(claims: &Map<String, Value>, paths: &[&[Element]]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (key, value) in claims {
        let below: Vec<_> = paths
            .iter()
            .filter_map(|path| match path.split_first() {
                Some((Element::Key(first), rest)) if first == key => Some(rest),
                _ => None,
            })
            .collect();
        if let Some(value) = part(value, &below) {
            kept.insert(key.clone(), value);
        }
    }
    kept
}

fn part(value: &Value, paths: &[&[Element]]) -> Option<Value> {
    if paths.is_empty() {
        return None;
    }
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let kept = project(members, paths);
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(elements) => {
            let of = |place: usize| {
                let below = paths.iter().filter_map(move |path| match path.split_first() {
                    Some((Element::All, rest)) => Some(rest),
                    Some((Element::Index(index), rest)) if *index == place => Some(rest),
                    _ => None,
                });
                below.collect::<Vec<_>>()
            };
            let kept: Vec<_> = elements.iter().enumerate().filter_map(|(place, value)| part(value, &of(place))).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}
