//! The page *Lịch đăng* in its four views, and its form that moves a post.

use std::collections::BTreeSet;

use axum::{
    Extension, Form,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
};
use loa_delivery::SWITCHERS;
use loa_model::{Post, PostId, PostState, When, schedule::meant};
use loa_review::{Entry, Standing};
use loa_store::StoreExt as _;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    EntryView, Sought, Titles, channels,
    grid::{Day, Drawing, Hour, Look, days, ghosts, weekday},
    look, shift as moving, standing, start_of, zone,
};
use crate::{
    Shared,
    article::ZONE,
    asked::{self, Filters},
    auth::Visitor,
    error::WebError,
    pages,
    post::own_post_row,
    view,
};

/// Entries on a page of the list.
const LISTED: usize = 100;
/// Entries that a narrow screen begins with, beside the month that wide ones see.
const BRIEF: usize = 30;
/// An approved post that is to go out sooner is asked about once more.
const SOON: SignedDuration = SignedDuration::from_mins(5);

/// What an address asks for. What it does not say, or says wrong, is as on the first visit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    look: Option<Look>,
    day: Option<Date>,
    channels: BTreeSet<String>,
    standings: BTreeSet<Standing>,
    page: usize,
    /// A post that was just moved.
    moved: Option<PostId>,
}

impl Asked {
    fn of(query: &str) -> Self {
        let mut asked = Self { page: 1, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "xem" => asked.look = Look::ALL.into_iter().find(|look| look.name() == value),
                "ngay" => asked.day = value.parse().ok(),
                "kenh" => asked
                    .channels
                    .extend(value.split(',').filter(|name| !name.is_empty()).map(str::to_owned)),
                "trang-thai" => asked.standings.extend(value.split(',').filter_map(standing)),
                "trang" => asked.page = value.parse().unwrap_or(1).clamp(1, 1000),
                "da-doi" => asked.moved = value.parse().ok(),
                _ => {}
            }
        }
        asked
    }

    /// The address that asks for this.
    fn url(&self) -> String {
        let look = self.look.map(|look| ("xem", look.name().to_owned()));
        let channels = self.channels.iter().map(|name| ("kenh", name.clone()));
        let standings = self.standings.iter().map(|one| ("trang-thai", one.name().to_owned()));
        let page = Some(self.page).filter(|page| *page > 1);
        let fields = look.into_iter().chain([("ngay", asked::day(self.day))]);
        let fields = fields.chain(channels).chain(standings);
        let fields = fields.chain(page.map(|page| ("trang", page.to_string())));
        Filters::of(fields).address("/lich", "", &[])
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut other = Self { page: 1, moved: None, ..self.clone() };
        change(&mut other);
        other.url()
    }
}

/// A link of the head.
#[derive(Serialize)]
struct Link {
    key: &'static str,
    url: String,
    on: bool,
}

/// Something that can be filtered by.
#[derive(Serialize)]
struct Choice {
    name: String,
    /// Name for people, where it is not a word of the locale files.
    title: String,
    on: bool,
    /// The address without it.
    without: String,
}

#[derive(Serialize)]
struct Head {
    date: String,
    weekday: &'static str,
    number: String,
    today: bool,
    url: String,
}

#[derive(Serialize)]
struct Page {
    /// `month`, `week`, `day` or `list`.
    look: &'static str,
    /// Nothing was chosen: narrow screens show the list.
    auto: bool,
    /// The view that was chosen, as addresses name it.
    chosen: Option<&'static str>,
    /// What is shown, in numbers.
    title: String,
    day: String,
    /// The address of a day, but for the day.
    of_day: String,
    tabs: Vec<Link>,
    before: String,
    today: String,
    after: String,
    channels: Vec<Choice>,
    standings: Vec<Choice>,
    filtered: bool,
    all: String,
    heads: Vec<Head>,
    weeks: Vec<Vec<Day>>,
    hours: Vec<Hour>,
    list: Vec<Day>,
    /// What is shown, each once.
    sheets: Vec<EntryView>,
    /// The list of the whole month.
    whole: String,
    total: usize,
    cut: bool,
    turn_back: Option<String>,
    turn_on: Option<String>,
    from: String,
    to: String,
    csv: String,
    xlsx: String,
    /// Where a form comes back to.
    back: String,
    may_move: bool,
    may_stop: bool,
    scope: String,
    moved: Option<Moved>,
    /// Least time that a form takes.
    least: String,
}

/// What a move has come to.
#[derive(Serialize)]
struct Moved {
    id: String,
    at: String,
    url: String,
    version: u64,
    /// The time it had before, as the form takes it; empty where the move cannot be taken back.
    was: String,
    was_at: String,
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, WebError> {
    let asked = Asked::of(query.as_deref().unwrap_or_default());
    let now = app.clock.now();
    let today = zone().to_datetime(now).date();
    let day = asked.day.unwrap_or(today);
    let looks = asked.look.unwrap_or(Look::Month);
    let bad =
        |_| WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "Ngày không hợp lệ / Not a valid day");
    let stretch = looks.stretch(day).map_err(bad)?;
    let (from, to) = (start_of(stretch.0)?, start_of(stretch.1)?);
    let known = asked.channels.iter().filter(|name| app.capabilities.contains_key(*name));
    let sought =
        Sought { from, to, channels: known.cloned().collect(), standings: asked.standings.clone() };
    let found = look(&app, &visitor, &sought).await?;
    let wanted = |channel: &str| sought.channels.is_empty() || sought.channels.contains(channel);
    let free = ghosts(&app, &found, wanted, (from, to)).await?;
    let mut drawing = Drawing {
        app: &app,
        visitor: &visitor,
        found: &found,
        ghosts: free,
        titles: Titles::default(),
        now,
    };
    let (mut weeks, mut hours, mut list) = (Vec::new(), Vec::new(), Vec::new());
    match looks {
        Look::Month => weeks = drawing.month(day, stretch).await?,
        Look::Week | Look::Day => hours = drawing.hours(stretch).await?,
        Look::List => {}
    }
    if looks == Look::List || asked.look.is_none() {
        // A narrow screen begins with what is to come; the whole month is one press away.
        let over = |entry: &&Entry| zone().to_datetime(entry.at).date() < today;
        let (skip, take) = match looks {
            Look::List => ((asked.page - 1) * LISTED, LISTED),
            _ if (stretch.0..stretch.1).contains(&today) => {
                (found.entries.iter().take_while(over).count(), BRIEF)
            }
            _ => (0, BRIEF),
        };
        list = drawing.list(skip, take).await?;
    }
    let total = found.entries.len();
    let pages = looks == Look::List;
    let turn = |page: usize| asked.with(|other| other.page = page);
    let around = |day: Date| asked.with(|other| other.day = Some(day));
    let export = export_urls(&sought);
    let head = |date: Date| Head {
        weekday: weekday(date),
        number: date.strftime("%-d/%-m").to_string(),
        today: date == today,
        url: asked.with(|other| (other.look, other.day) = (Some(Look::Day), Some(date))),
        date: date.to_string(),
    };
    let names = channels(&app, &found);
    let channel = |(name, title): (String, String)| Choice {
        on: sought.channels.contains(&name),
        without: asked.with(|other| {
            other.channels.remove(&name);
        }),
        name,
        title,
    };
    let of_standing = |standing: Standing| Choice {
        name: standing.name().to_owned(),
        title: String::new(),
        on: asked.standings.contains(&standing),
        without: asked.with(|other| {
            other.standings.remove(&standing);
        }),
    };
    let tab = |look: Look| Link {
        key: look.key(),
        url: asked.with(|other| (other.look, other.day) = (Some(look), Some(day))),
        on: look == looks && (asked.look.is_some() || look == Look::Month),
    };
    let page = Page {
        look: looks.key(),
        auto: asked.look.is_none(),
        chosen: asked.look.map(Look::name),
        of_day: asked.with(|other| (other.look, other.day) = (Some(Look::Day), None)),
        title: title(looks, day, stretch),
        day: day.to_string(),
        tabs: Look::ALL.map(tab).into_iter().collect(),
        before: looks.step(day, false).map(around).map_err(bad)?,
        after: looks.step(day, true).map(around).map_err(bad)?,
        today: asked.with(|other| other.day = None),
        channels: names.into_iter().map(channel).collect(),
        standings: Standing::ALL.map(of_standing).into_iter().collect(),
        filtered: !sought.channels.is_empty() || !sought.standings.is_empty(),
        all: asked.with(|other| {
            other.channels.clear();
            other.standings.clear();
        }),
        heads: match looks {
            Look::Week | Look::Day => days(stretch).map(head).collect(),
            _ => Vec::new(),
        },
        sheets: sheets(&weeks, &hours, &list),
        whole: asked.with(|other| (other.look, other.day) = (Some(Look::List), Some(day))),
        weeks,
        hours,
        list,
        total,
        cut: found.cut,
        turn_back: (pages && asked.page > 1).then(|| turn(asked.page - 1)),
        turn_on: (pages && asked.page * LISTED < total).then(|| turn(asked.page + 1)),
        from: from.to_string(),
        to: to.to_string(),
        csv: export("csv"),
        xlsx: export("xlsx"),
        back: Asked { moved: None, ..asked.clone() }.url(),
        may_move: visitor.user.is_any(loa_review::MOVERS),
        may_stop: visitor.user.is_any(SWITCHERS),
        scope: format!("agency/{}", visitor.user.agency),
        moved: moved(&app, &visitor, &asked).await?,
        least: zone().to_datetime(now).strftime("%Y-%m-%dT%H:%M").to_string(),
    };
    pages::draw(&app, &visitor, "calendar", "pages/calendar.html", page).await
}

/// Every entry that is shown, once.
fn sheets(weeks: &[Vec<Day>], hours: &[Hour], list: &[Day]) -> Vec<EntryView> {
    let days = weeks.iter().flatten().chain(list).flat_map(|day| &day.entries);
    let cells = hours.iter().flat_map(|hour| &hour.cells).flat_map(|cell| &cell.entries);
    let mut seen = BTreeSet::new();
    days.chain(cells).filter(|entry| seen.insert(&entry.id)).cloned().collect()
}

/// The post that the last press moved, when it is the agency's.
async fn moved(app: &Shared, visitor: &Visitor, asked: &Asked) -> Result<Option<Moved>, WebError> {
    let Some(id) = asked.moved else { return Ok(None) };
    // A move is the newest commit of the post, or cannot be taken back any more.
    let commits = app.store.past::<Post>(&id.to_string(), 2).await?;
    let Some(now) = commits.first().filter(|now| now.record.agency == visitor.user.agency) else {
        return Ok(None);
    };
    let post = &now.record;
    let before = commits.get(1).map(|before| before.record.scheduled_at);
    let may = visitor.user.is_any(loa_review::MOVERS);
    let was = before.filter(|at| may && *at != post.scheduled_at && *at >= app.clock.now());
    let version = app.store.read::<Post>(&id.to_string()).await?.map(|row| row.version);
    Ok(Some(Moved {
        id: id.to_string(),
        at: view::time(post.scheduled_at, ZONE),
        url: asked.with(|other| {
            other.look = Some(Look::Day);
            other.day = Some(zone().to_datetime(post.scheduled_at).date());
        }),
        version: version.unwrap_or_default(),
        was: was.map(|at| zone().to_datetime(at).to_string()).unwrap_or_default(),
        was_at: was.map(|at| view::time(at, ZONE)).unwrap_or_default(),
    }))
}

/// Addresses of the export of what is shown.
fn export_urls(sought: &Sought) -> impl Fn(&str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("from", &sought.from.to_string());
    query.append_pair("to", &sought.to.to_string());
    let channels: Vec<&str> = sought.channels.iter().map(String::as_str).collect();
    let states: Vec<&str> = sought.standings.iter().map(|standing| standing.name()).collect();
    for (name, all) in [("channel", channels.join(",")), ("state", states.join(","))] {
        if !all.is_empty() {
            query.append_pair(name, &all);
        }
    }
    let query = query.finish();
    move |format: &str| format!("/api/v1/calendar/export?format={format}&{query}")
}

/// Month or days as numbers; the template says them in English.
fn title(look: Look, day: Date, (from, to): (Date, Date)) -> String {
    match look {
        Look::Month | Look::List => day.strftime("%-m/%Y").to_string(),
        Look::Day => day.strftime("%d/%m/%Y").to_string(),
        Look::Week => {
            let last = to.yesterday().unwrap_or(to);
            format!("{} – {}", from.strftime("%d/%m"), last.strftime("%d/%m/%Y"))
        }
    }
}

/// The form of an entry.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    /// `at`, `now` or `next_slot`.
    when: String,
    /// Wall time, for `at`.
    #[serde(default)]
    at: String,
    version: u64,
    #[serde(default)]
    back: String,
    /// It was asked about once more.
    #[serde(default)]
    sure: String,
}

/// What is asked once more before an approved post goes out within minutes, and when it could not be moved.
#[derive(Serialize)]
struct Sure {
    /// Why it was not moved; empty when it is only asked.
    problem: String,
    id: String,
    when: String,
    at: String,
    version: u64,
    back: String,
    title: String,
    lang: String,
    account: String,
    time: String,
}

/// Moves a post by the form: without script, by keyboard, on a telephone.
pub(crate) async fn shift(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(wish): Form<Wish>,
) -> Result<Response, WebError> {
    let id: PostId = id.parse().map_err(|_| WebError::missing())?;
    let post = own_post_row(&app, &visitor, id).await?.record;
    let wrong = || {
        WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Hãy chọn ngày và giờ / Choose a day and a time",
        )
    };
    let when = match wish.when.as_str() {
        "now" => When::Soon,
        "next_slot" => When::NextSlot,
        "at" => {
            let wall: DateTime = wish.at.parse().map_err(|_| wrong())?;
            When::At { at: meant(wall, &zone()).map_err(|_| wrong())?.at, wall }
        }
        _ => return Err(wrong()),
    };
    let now = app.clock.now();
    let minutes_left = match when {
        When::Soon => true,
        When::At { at, .. } => at >= now && at.duration_since(now) < SOON,
        When::NextSlot | When::Usual => false,
    };
    let back = back(&wish.back);
    let page = Sure {
        problem: String::new(),
        id: post.id.to_string(),
        time: match when {
            When::At { at, .. } => view::time(at, ZONE),
            _ => String::new(),
        },
        when: wish.when,
        at: wish.at,
        version: wish.version,
        back: back.clone(),
        title: pages::article_title(&app, &post).await?,
        lang: post.content.lang.clone(),
        account: pages::account_title(&app, &post).await?,
    };
    let draw = async |page| {
        pages::draw(&app, &visitor, "calendar", "pages/calendar_sure.html", page).await
    };
    if minutes_left && post.state == PostState::Approved && wish.sure.is_empty() {
        return Ok(draw(page).await?.into_response());
    }
    if let Err(error) = moving::shift(&app, &visitor, id, when, Some(wish.version)).await {
        let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
        // Somebody else moved it: the form that follows is of what is there now.
        let version = own_post_row(&app, &visitor, id).await?.version;
        let page = draw(Sure { problem, version, ..page }).await?;
        return Ok((error.status, page).into_response());
    }
    let mark = if back.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{back}{mark}da-doi={id}")).into_response())
}

/// The view a form came from: a calendar of ours, or the first one.
fn back(text: &str) -> String {
    let query = text.strip_prefix("/lich?").unwrap_or_default();
    Asked { moved: None, ..Asked::of(query) }.url()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_asks_for_and_nothing_that_is_wrong() {
        let text =
            "xem=tuan&ngay=2026-11-16&kenh=facebook&kenh=zalo&trang-thai=draft%2Cmissed&trang=2";
        let asked = Asked::of(text);
        assert_eq!((asked.channels.len(), asked.standings.len(), asked.page), (2, 2, 2));
        assert_eq!(Asked::of(asked.url().strip_prefix("/lich?").unwrap()), asked);
        let wrong = Asked::of("xem=nam&ngay=2026-02-30&trang-thai=x&trang=-1&kenh=");
        assert_eq!(wrong, Asked { page: 1, ..Asked::default() });
        assert_eq!(wrong.url(), "/lich");
    }

    #[test]
    fn a_form_comes_back_to_a_calendar_of_ours_only() {
        assert_eq!(back("/lich?xem=ngay&ngay=2026-11-16"), "/lich?xem=ngay&ngay=2026-11-16");
        for text in ["https://evil.example/", "//evil.example", "/dang-xuat", "/lich?\r\nx: y", ""]
        {
            assert_eq!(back(text), "/lich", "{text:?}");
        }
    }
}
