//! *Lịch đăng*: the posts of an agency by their time, and moving them. Month, week, day, list, export and `/api/v1/calendar` ask
//! the same question.

mod api;
pub(crate) mod export;
pub(crate) mod grid;
pub(crate) mod import;
pub(crate) mod page;
mod quota;
mod shift;
mod workbook;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use loa_model::{Account, Article, ArticleId, PostId, article::article_key, record::join};
use loa_review::{Entry, MOVERS, Standing};
use loa_store::StoreExt as _;
use serde::Serialize;

use crate::{
    Shared,
    article::ZONE,
    asked::begin,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    view::{self, ReasonView},
};

pub(crate) use api::{calendar, calendar_told, schedule, schedule_told};

/// The longest stretch that is looked at in one go.
const LONGEST: SignedDuration = SignedDuration::from_hours(100 * 24);
/// Accounts of an agency that are looked up.
const ACCOUNTS: usize = 1000;

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// Channels; all when empty.
    pub(crate) channels: BTreeSet<String>,
    /// Standings; all when empty.
    pub(crate) standings: BTreeSet<Standing>,
}

impl Sought {
    fn takes(&self, entry: &Entry) -> bool {
        let channel = self.channels.is_empty() || self.channels.contains(entry.account.channel());
        channel && (self.standings.is_empty() || self.standings.contains(&entry.standing()))
    }
}

/// What was found.
pub(crate) struct Found {
    /// What is wanted, in the order of time.
    pub(crate) entries: Vec<Entry>,
    /// Instants at which an account has a post, wanted or not.
    pub(crate) busy: BTreeSet<(String, Timestamp)>,
    /// Posts for which nothing is left of an allowance.
    beyond: BTreeSet<PostId>,
    /// Campaigns of articles that have several posts, wanted or not.
    pub(crate) campaigns: BTreeMap<ArticleId, Campaign>,
    /// Accounts of the agency.
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Whether there are more than one look takes in.
    pub(crate) cut: bool,
}

/// The posts of one article in the stretch: what has become of it as a whole is seen from them.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Campaign {
    /// `done`, `partly`, `trouble` or `coming`.
    pub(crate) status: &'static str,
    pub(crate) live: usize,
    pub(crate) of: usize,
    pub(crate) posts: Vec<Pill>,
}

/// One post of a campaign.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pill {
    pub(crate) id: String,
    pub(crate) channel_title: String,
    pub(crate) standing: &'static str,
}

/// Posts of a campaign that are named.
const NAMED: usize = 8;

impl Campaign {
    /// Of the posts of an article that are not over; nothing when there is one alone.
    fn of(app: &Shared, entries: &[&Entry]) -> Option<Self> {
        let standings: Vec<Standing> = entries.iter().map(|entry| entry.standing()).collect();
        let live = standings.iter().filter(|s| **s == Standing::Published).count();
        let trouble =
            |s: &Standing| matches!(s, Standing::Failed | Standing::Missed | Standing::Unconfirmed);
        let status = match live {
            _ if standings.iter().any(trouble) => "trouble",
            0 => "coming",
            all if all == standings.len() => "done",
            _ => "partly",
        };
        let pill = |entry: &&Entry| Pill {
            id: entry.id.to_string(),
            channel_title: pages::channel_title(app, &entry.account),
            standing: entry.standing().name(),
        };
        let posts = entries.iter().take(NAMED).map(pill).collect();
        (entries.len() > 1).then_some(Self { status, live, of: standings.len(), posts })
    }
}

/// A post of the calendar as people and machines see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EntryView {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) article: String,
    pub(crate) title: String,
    pub(crate) lang: String,
    pub(crate) account: String,
    pub(crate) account_title: String,
    /// What tells it from the other accounts of its channel; empty when there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) account_short: String,
    pub(crate) channel: String,
    pub(crate) channel_title: String,
    pub(crate) format: String,
    pub(crate) priority: &'static str,
    /// State of the delivery once there is one, else of the post.
    pub(crate) state: String,
    pub(crate) standing: &'static str,
    /// The instant, RFC 3339.
    pub(crate) at: String,
    /// Day in the zone of the agency.
    pub(crate) day: String,
    /// Time of that day.
    pub(crate) time: String,
    /// Whether this visitor can move it now.
    pub(crate) movable: bool,
    /// Why it keeps its time; empty when it does not.
    pub(crate) locked: &'static str,
    /// First time it may have without another signature; empty without a bound.
    pub(crate) earliest: String,
    /// Last such time.
    pub(crate) latest: String,
    /// Whether a time in five minutes goes out in five minutes: it is approved.
    pub(crate) approved: bool,
    pub(crate) reason: ReasonView,
    pub(crate) clashes: Vec<&'static str>,
    /// What has become of its article on all channels, in the same stretch.
    pub(crate) campaign: Option<Campaign>,
}

/// The zone of the pages.
pub(crate) fn zone() -> TimeZone {
    TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)
}

/// First instant of a day.
pub(crate) fn start_of(day: Date) -> Result<Timestamp, WebError> {
    begin(day).ok_or_else(|| {
        WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "Ngày không hợp lệ / Not a valid day")
    })
}

/// The one question: what is wanted in a stretch of time, with whatever stands beside it.
pub(crate) async fn look(
    app: &Shared,
    visitor: &Visitor,
    sought: &Sought,
) -> Result<Found, WebError> {
    if sought.to <= sought.from || sought.to.duration_since(sought.from) > LONGEST {
        return Err(WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Khoảng thời gian phải dài hơn 0 và không quá 100 ngày / The period must be longer than nothing and at most 100 days",
        ));
    }
    let agency = &visitor.user.agency;
    let found = app.review.calendar(agency, sought.from, sought.to, &zone()).await;
    let found = found.map_err(|error| shift::failed(app, visitor, &error))?;
    let rows =
        app.store.list::<Account>("account_by_agency", &join(&[agency, ""]), ACCOUNTS).await?;
    let accounts: BTreeMap<String, Account> =
        rows.into_iter().map(|row| (row.record.name.to_string(), row.record)).collect();
    let beyond = quota::beyond(&app.capabilities, &accounts, &found.entries);
    let taken = found.entries.iter().filter(|entry| entry.standing() != Standing::Over);
    let busy = taken.map(|entry| (entry.account.to_string(), entry.at)).collect();
    let mut of: BTreeMap<ArticleId, Vec<&Entry>> = BTreeMap::new();
    for entry in found.entries.iter().filter(|entry| entry.standing() != Standing::Over) {
        of.entry(entry.article).or_default().push(entry);
    }
    let campaign = |(id, all): (ArticleId, Vec<&Entry>)| Some((id, Campaign::of(app, &all)?));
    let campaigns = of.into_iter().filter_map(campaign).collect();
    let mut entries = found.entries;
    entries.retain(|entry| sought.takes(entry));
    Ok(Found { entries, busy, beyond, campaigns, accounts, cut: found.cut })
}

/// Headlines of articles that are shown, each read once.
#[derive(Default)]
pub(crate) struct Titles(BTreeMap<String, (String, String)>);

impl Titles {
    async fn of(&mut self, app: &Shared, entry: &Entry) -> Result<(String, String), WebError> {
        let key = article_key(entry.article, entry.revision);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let article = app.store.read::<Article>(&key).await?.map(|row| row.record);
        let told = article.map(|article| (article.title().to_owned(), article.lang.clone()));
        let told = told.unwrap_or_default();
        self.0.insert(key, told.clone());
        Ok(told)
    }
}

/// An entry for people; only those that are shown are made.
pub(crate) async fn view(
    app: &Shared,
    visitor: &Visitor,
    found: &Found,
    titles: &mut Titles,
    entry: &Entry,
) -> Result<EntryView, WebError> {
    let (title, lang) = titles.of(app, entry).await?;
    let local = entry.at.to_zoned(zone());
    let account = found.accounts.get(entry.account.as_str());
    let bound = |pick: fn(&(Timestamp, Timestamp)) -> Timestamp| {
        let bounds = entry.room.as_ref().ok().and_then(Option::as_ref);
        bounds.map(|bounds| view::time(pick(bounds), ZONE)).unwrap_or_default()
    };
    Ok(EntryView {
        id: entry.id.to_string(),
        version: entry.version,
        article: entry.article.to_string(),
        title,
        lang,
        account: entry.account.to_string(),
        account_title: account
            .map_or_else(|| entry.account.to_string(), |account| account.title.clone()),
        account_short: {
            let channel = entry.account.channel();
            let of_it = found.accounts.values().filter(|one| one.name.channel() == channel);
            let several = of_it.count() > 1;
            if several { entry.account.short().to_owned() } else { String::new() }
        },
        channel: entry.account.channel().to_owned(),
        channel_title: pages::channel_title(app, &entry.account),
        format: name_of(&entry.format),
        priority: entry.priority.name(),
        state: match entry.delivery {
            Some(state) => state.name().to_owned(),
            None => name_of(&entry.post),
        },
        standing: entry.standing().name(),
        at: entry.at.to_string(),
        day: local.strftime("%Y-%m-%d").to_string(),
        time: local.strftime("%H:%M").to_string(),
        movable: entry.room.is_ok() && visitor.user.is_any(MOVERS),
        locked: entry.room.err().map(loa_review::Locked::key).unwrap_or_default(),
        earliest: bound(|bounds| bounds.0),
        latest: bound(|bounds| bounds.1),
        approved: entry.room.is_ok_and(|room| room.is_some()),
        reason: ReasonView::of(&app.assets, &visitor.lang, &entry.reason),
        clashes: {
            let beyond = found.beyond.contains(&entry.id).then_some("quota");
            entry.clashes.iter().map(|clash| clash.key()).chain(beyond).collect()
        },
        campaign: found.campaigns.get(&entry.article).cloned(),
    })
}

/// The channels of the agency's accounts with their names for people.
pub(crate) fn channels(app: &Shared, found: &Found) -> BTreeMap<String, String> {
    let names = found.accounts.values().map(|account| &account.name);
    names.map(|name| (name.channel().to_owned(), pages::channel_title(app, name))).collect()
}

/// The standing of this name.
pub(crate) fn standing(name: &str) -> Option<Standing> {
    Standing::ALL.into_iter().find(|standing| standing.name() == name)
}
