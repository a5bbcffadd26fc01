//! A piece of a list: `limit` says how many, `after` where it goes on. The cursor is the place of the last item in the order of
//! the list, so what is added or taken away meanwhile neither repeats an item nor hides one.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use loa_model::Record;
use loa_store::{Store, Versioned};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::error::WebError;

/// Items of a piece when nobody says how many.
pub(crate) const USUAL: usize = 50;
/// Most items of a piece.
pub(crate) const MOST: usize = 200;

/// Which piece is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub(crate) limit: Option<usize>,
    pub(crate) after: Option<String>,
}

impl Part {
    /// How many.
    pub(crate) fn limit(&self) -> Result<usize, WebError> {
        let limit = self.limit.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) {
            return Ok(limit);
        }
        Err(WebError::unfit("limit phải từ 1 đến 200 / limit must be from 1 to 200"))
    }

    /// Behind which place.
    pub(crate) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, WebError> {
        let Some(text) = self.after.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        place.map(Some).ok_or_else(|| {
            WebError::unfit(
                "after không phải là con trỏ của danh sách này / after is no cursor of this list",
            )
        })
    }
}

/// The cursor behind a place.
pub(crate) fn cursor(place: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(json!(place).to_string())
}

/// Where the list goes on: the layer makes a link of it.
#[derive(Debug, Clone)]
pub(super) struct Next(pub(super) String);

/// Items and where they go on.
#[derive(Debug)]
pub(crate) struct Piece<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
    /// What is told besides.
    pub(crate) more: Map<String, Value>,
}

impl<T> Piece<T> {
    pub(crate) fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next, more: Map::new() }
    }

    /// Tells something of the whole list, too.
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.more.insert(name.to_owned(), json!(value));
        self
    }

    /// A piece of a list that is there whole, in the order of its places.
    pub(crate) fn of<K>(
        all: impl IntoIterator<Item = T>,
        part: &Part,
        place: impl Fn(&T) -> K,
    ) -> Result<Self, WebError>
    where
        K: Ord + Serialize + DeserializeOwned,
    {
        let (limit, after) = (part.limit()?, part.after::<K>()?);
        let behind = |item: &T| after.as_ref().is_none_or(|after| place(item) > *after);
        let mut items: Vec<T> = all.into_iter().filter(behind).collect();
        items.sort_by_key(&place);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| cursor(&place(last)));
        Ok(Self::new(items, next))
    }
}

impl<T: Serialize> IntoResponse for Piece<T> {
    fn into_response(self) -> Response {
        let mut told = self.more;
        told.insert("items".to_owned(), json!(self.items));
        told.insert("next".to_owned(), json!(self.next));
        let mut response = Json(told).into_response();
        if let Some(next) = self.next {
            response.extensions_mut().insert(Next(next));
        }
        response
    }
}

/// Which end of an index a list begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    First,
    Last,
}

/// A piece of the records of an index under a prefix; no more rows are read than are told, and one.
pub(crate) async fn rows<R: Record>(
    store: &dyn Store,
    (index, prefix): (&'static str, &str),
    from: From,
    part: &Part,
) -> Result<(Vec<Versioned<R>>, Option<String>), WebError> {
    let (limit, after) = (part.limit()?, part.after::<String>()?);
    let (mut low, mut high) = (prefix.to_owned(), format!("{prefix}\u{10ffff}"));
    match (after, from) {
        (Some(after), From::First) => low = format!("{prefix}{after}\0"),
        (Some(after), From::Last) => high = format!("{prefix}{after}"),
        (None, _) => {}
    }
    let rows = store.range(index, &low, &high, limit + 1, from == From::Last).await?;
    let more = rows.len() > limit;
    let rows = rows.iter().take(limit).map(loa_store::Row::read::<R>);
    let rows = rows.collect::<loa_store::Result<Vec<_>>>()?;
    let place = |row: &Versioned<R>| {
        let mut own = row.record.index().into_iter().filter(|entry| entry.index == index);
        own.find_map(|entry| entry.key.strip_prefix(prefix).map(|rest| cursor(&rest)))
    };
    let next = rows.last().filter(|_| more).and_then(place);
    Ok((rows, next))
}

/// The parameters of a piece as `OpenAPI` says them.
pub(crate) fn parameters() -> [Value; 2] {
    [
        json!({
            "name": "limit", "in": "query", "required": false, "description": "Items of an answer",
            "schema": { "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL },
        }),
        json!({
            "name": "after", "in": "query", "required": false, "schema": { "type": "string" },
            "description": "Goes on behind this place: `next` of the answer before",
        }),
    ]
}

/// An operation that lists, as `OpenAPI` says it: its own parameters, those of a piece, and its answers.
pub(crate) fn told(summary: &str, what: &str, own: &[Value]) -> Value {
    let mut parameters_told = own.to_vec();
    parameters_told.extend(parameters());
    let problem = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    let schema = json!({
        "type": "object", "required": ["items", "next"],
        "properties": {
            "items": { "type": "array" },
            "next": { "type": ["string", "null"], "description": "after of the next piece; null at the end" },
        },
    });
    let link = json!({ "description": "rel=\"next\" while there is more", "schema": { "type": "string" } });
    json!({
        "summary": summary,
        "parameters": parameters_told,
        "responses": {
            "200": {
                "description": what, "headers": { "Link": link },
                "content": { "application/json": { "schema": schema } },
            },
            "400": { "description": "A parameter cannot be read", "content": problem },
            "422": { "description": "limit is out of bounds, or after is no cursor of this list", "content": problem },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(all: &mut Vec<u32>, limit: usize, mut between: impl FnMut(&mut Vec<u32>)) -> Vec<u32> {
        let mut part = Part { limit: Some(limit), after: None };
        let mut seen = Vec::new();
        loop {
            let piece = Piece::of(all.clone(), &part, |n| *n).expect("a piece");
            seen.extend(piece.items);
            between(all);
            match piece.next {
                Some(next) => part.after = Some(next),
                None => return seen,
            }
        }
    }

    #[test]
    fn a_walk_sees_each_item_once_whatever_is_added_or_taken_meanwhile() {
        let mut all = vec![10, 20, 30, 40, 50];
        assert_eq!(walk(&mut all, 2, |_| {}), [10, 20, 30, 40, 50]);
        assert_eq!(walk(&mut all, 5, |_| {}), [10, 20, 30, 40, 50]);
        let mut n = 0;
        let seen = walk(&mut all, 2, |all| {
            n += 1;
            all.insert(0, n);
            all.retain(|kept| *kept != 20);
        });
        assert_eq!(seen, [10, 20, 30, 40, 50]);
        assert_eq!(walk(&mut vec![], 2, |_| {}), [0; 0]);
    }

    #[test]
    fn what_is_no_cursor_or_no_number_of_items_is_refused() {
        let part = |limit, after: &str| Part { limit, after: Some(after.to_owned()) };
        for limit in [0, MOST + 1] {
            assert!(part(Some(limit), "").limit().is_err());
        }
        for after in ["x", "€", "bnVsbG8"] {
            assert!(part(None, after).after::<u32>().is_err(), "{after}");
        }
        assert_eq!(part(None, &cursor(&7)).after::<u32>().unwrap(), Some(7));
    }
}
