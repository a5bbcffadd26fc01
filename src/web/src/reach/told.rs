//! The operations of reports as `OpenAPI` says them.

use serde_json::{Value, json};

use super::{
    RANGES,
    files::{FILES, OF_ARTICLE},
};
use crate::{
    operation::{
        piece,
        told::{body, problem},
    },
    pages::name_of,
};

fn text() -> Value {
    json!({ "type": "string" })
}

fn parameter(name: &str, place: &str, schema: &Value, words: &str) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": schema, "description": words })
}

/// The period: a name or days.
fn period() -> Vec<Value> {
    let mut ranges = RANGES.to_vec();
    ranges.push("custom");
    let day = json!({ "type": "string", "format": "date" });
    vec![
        parameter(
            "range",
            "query",
            &json!({ "enum": ranges }),
            "Period with a name, 30d when nothing is said",
        ),
        parameter("from", "query", &day, "First day, Asia/Ho_Chi_Minh"),
        parameter("to", "query", &day, "Last day, included"),
    ]
}

fn cut() -> Value {
    let names: Vec<_> = loa_reach::By::ALL.iter().map(name_of).collect();
    let words = format!("Cuts, comma separated: {}", names.join(", "));
    parameter("by", "query", &text(), &words)
}

fn answer(summary: &str, parameters: &[Value]) -> Value {
    json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": "JSON", "content": { "application/json": {} } },
            "400": problem("The question cannot be read"),
            "422": problem("The period or the cut is not one"),
        },
    })
}

/// The overview.
pub(crate) fn overview() -> Value {
    let mut parameters = period();
    parameters.push(cut());
    answer(
        "Numbers of a period beside the one before and the same days last year, their trend, and cuts; reach is a range and never summed",
        &parameters,
    )
}

/// Top and silent posts.
pub(crate) fn ranking() -> Value {
    answer(
        "The ten most seen posts by number, posts with no views after 24 hours, and posts of whose views nothing is known",
        &period(),
    )
}

/// The maps of hours.
pub(crate) fn hours() -> Value {
    answer(
        "Median views at 24 hours by weekday and hour, by number; absent of fewer than five posts",
        &period(),
    )
}

/// Operations.
pub(crate) fn operations() -> Value {
    answer(
        "Time from the publication of articles to each channel, and clips for slow links beside the others",
        &period(),
    )
}

fn id() -> Value {
    parameter("id", "path", &text(), "Id")
}

/// One article.
pub(crate) fn article() -> Value {
    let mut told =
        answer("The posts of an article by their age, with the half-life of their views", &[id()]);
    told["responses"] = json!({
        "200": { "description": "JSON", "content": { "application/json": {} } },
        "400": problem("The address cannot be read"),
        "404": problem("The agency has no such article"),
    });
    told
}

/// Media types of a list of files, as `OpenAPI` says them.
fn kinds(files: &[(&str, &str)]) -> Value {
    let kind = |(_, kind): &(&str, &str)| kind.split(';').next().unwrap_or_default().to_owned();
    files.iter().map(|file| (kind(file), json!({}))).collect::<serde_json::Map<_, _>>().into()
}

/// Its files.
pub(crate) fn article_file() -> Value {
    let names = OF_ARTICLE.map(|(name, _)| name);
    json!({
        "summary": "The views of an article's posts by their age: the chart as SVG or PNG, every reading as CSV, workbook or Parquet",
        "parameters": [id(), parameter("file", "path", &json!({ "enum": names }), "File")],
        "responses": {
            "200": { "description": "The file", "content": kinds(&OF_ARTICLE) },
            "400": problem("The address cannot be read"),
            "404": problem("The agency has no such article, there is no such file, or nothing to draw"),
            "422": problem("The chart cannot be drawn"),
        },
    })
}

/// Files.
pub(crate) fn file() -> Value {
    let names = FILES.map(|(name, _)| name);
    let mut parameters = period();
    parameters.push(cut());
    parameters.push(parameter("file", "path", &json!({ "enum": names }), "File"));
    json!({
        "summary": "A period as a file in the reader's language: lan-toa is the report, its CSV without totals and its Parquet for programs; the others are the charts and tables of the pages",
        "parameters": parameters,
        "responses": {
            "200": { "description": "The file", "content": kinds(&FILES) },
            "400": problem("The question cannot be read"),
            "404": problem("There is no such file, or nothing to draw"),
            "422": problem("The period or the cut is not one, or the report does not fit on paper"),
        },
    })
}

/// Links, listed.
pub(crate) fn shares() -> Value {
    let summary =
        "Links by which people outside read a report, the newest first; never their tokens";
    piece::told(summary, "Links", &[])
}

/// One of them.
pub(crate) fn one_share() -> Value {
    json!({
        "summary": "One link by which people outside read a report; never its token",
        "parameters": [id()],
        "responses": {
            "200": { "description": "The link", "content": { "application/json": {} } },
            "404": problem("The agency has no such link"),
        },
    })
}

/// A link, made.
pub(crate) fn share() -> Value {
    let day = json!({ "type": "string", "format": "date" });
    let cut = json!({ "enum": loa_reach::By::ALL.map(|by| name_of(&by)) });
    let schema = json!({
        "type": "object", "required": ["from", "to"], "additionalProperties": false,
        "properties": {
            "from": day, "to": day, "by": { "type": "array", "items": cut },
            "days": { "type": "integer", "minimum": 1, "maximum": 366, "default": 30 },
        },
    });
    json!({
        "summary": "Make a link by which people outside read one report until it runs out; its address is told once",
        "requestBody": body(&schema),
        "responses": {
            "201": { "description": "The address and what is kept", "content": { "application/json": {} } },
            "400": problem("The body is no JSON"),
            "415": problem("The body is not said to be JSON"),
            "422": problem("The period or the days are not right"),
        },
    })
}

/// A link, taken back.
pub(crate) fn unshare() -> Value {
    json!({
        "summary": "Take a link back; whoever has it reads nothing more",
        "parameters": [id()],
        "responses": {
            "204": { "description": "It opens nothing any more" },
            "400": problem("The address cannot be read"),
            "404": problem("The agency has no such link"),
        },
    })
}
