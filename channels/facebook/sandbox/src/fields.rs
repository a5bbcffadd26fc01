//! The `fields` parameter: names, sub-selections in braces, modifiers in parentheses.

use serde_json::{Map, Value};

use crate::error::GraphError;

/// One field asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) sub: Vec<Field>,
}

/// Reads `a,b.limit(0).summary(true),c{d,e{f}}`.
pub(crate) fn parse(text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let (mut depth, mut piece) = (0i32, String::new());
    for letter in text.chars().chain([',']) {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            ',' if depth == 0 => {
                fields.extend(one(piece.trim()));
                piece.clear();
                continue;
            }
            _ => {}
        }
        piece.push(letter);
    }
    fields
}

fn one(piece: &str) -> Option<Field> {
    let (head, sub) = match piece.split_once('{') {
        Some((head, rest)) => (head, parse(rest.strip_suffix('}').unwrap_or(rest))),
        None => (piece, Vec::new()),
    };
    let name = head.split('.').next().unwrap_or_default().trim().to_owned();
    (!name.is_empty()).then_some(Field { name, sub })
}

/// The fields asked for out of everything an object has. `known` are the names this kind of node has at all.
pub(crate) fn select(
    all: &Map<String, Value>,
    asked: &[Field],
    known: &[&str],
    node: &str,
) -> Result<Value, GraphError> {
    let mut out = Map::new();
    for field in asked {
        if !known.contains(&field.name.as_str()) && !all.contains_key(&field.name) {
            let message =
                format!("Tried accessing nonexisting field ({}) on node type ({node})", field.name);
            return Err(GraphError::param(&message));
        }
        if let Some(value) = all.get(&field.name) {
            out.insert(field.name.clone(), narrow(value, &field.sub));
        }
    }
    if let Some(id) = all.get("id") {
        out.insert("id".to_owned(), id.clone());
    }
    Ok(Value::Object(out))
}

/// A value narrowed to a sub-selection; lists under `data` element by element.
fn narrow(value: &Value, sub: &[Field]) -> Value {
    if sub.is_empty() {
        return value.clone();
    }
    match value {
        Value::Object(map) if map.get("data").is_some_and(Value::is_array) => {
            let mut out = map.clone();
            if let Some(data) = out.get_mut("data") {
                *data = narrow(data, sub);
            }
            Value::Object(out)
        }
        Value::Object(map) => Value::Object(
            sub.iter()
                .filter_map(|field| {
                    Some((field.name.clone(), narrow(map.get(&field.name)?, &field.sub)))
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(|item| narrow(item, sub)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_fields_and_modifiers() {
        let text =
            "id,reactions.limit(0).summary(total_count),attachments{media_type,target{id,url}}";
        let names: Vec<_> =
            parse(text).into_iter().map(|field| (field.name, field.sub.len())).collect();
        let want = [("id", 0), ("reactions", 0), ("attachments", 2)];
        assert_eq!(names, want.map(|(name, sub)| (name.to_owned(), sub)));
    }

    #[test]
    fn an_unknown_field_fails_and_an_absent_one_is_left_out() {
        let all = json!({ "id": "1", "from": { "id": "2", "name": "Trang" } });
        let all = all.as_object().unwrap();
        let got = select(all, &parse("from{name},message"), &["from", "message"], "Post").unwrap();
        assert_eq!(got, json!({ "id": "1", "from": { "name": "Trang" } }));
        let error = select(all, &parse("reach"), &["from"], "Post").unwrap_err();
        assert_eq!(error.code, 100);
    }
}
