//! *Bài đăng*: what goes out and went out, the newest first, as far as a person asks for it; and what came back to its writer.

use axum::{
    Extension,
    extract::{Query, State},
    response::Html,
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use loa_model::{
    Account, Post,
    record::{join, time_key},
};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    article::ZONE,
    articles::fold::fold,
    auth::Visitor,
    error::WebError,
    operation::piece::{self, Part},
    pages::{draw, posts_of, state_of},
    post::{Names, PostCard, is_refused, post_line},
    view,
};

/// Posts of a page.
const A_PAGE: usize = 50;
/// Posts that are looked at for one page: what is asked for may be rare among a hundred thousand.
const LOOKS: usize = 2000;

/// States that can be asked for.
const STATES: [&str; 16] = [
    "draft",
    "in_review",
    "returned",
    "refused",
    "approved",
    "scheduled",
    "held",
    "published",
    "uncertain",
    "rejected",
    "dead",
    "missed",
    "cancelled",
    "retracted",
    "gone",
    "void",
];

/// What is asked for; empty asks for everything.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    state: String,
    /// An account, or a channel with all its accounts.
    account: String,
    /// `me` for what the visitor wrote.
    author: String,
    #[serde(deserialize_with = "view::some")]
    from: Option<Date>,
    #[serde(deserialize_with = "view::some")]
    to: Option<Date>,
    /// Behind which post the page begins.
    #[serde(skip_serializing)]
    sau: String,
}

impl Asked {
    /// Its filters as an address has them.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let mut all = vec![
            ("q", self.q.trim().to_owned()),
            ("state", self.state.clone()),
            ("account", self.account.clone()),
            ("author", self.author.clone()),
            ("from", day(self.from)),
            ("to", day(self.to)),
        ];
        all.retain(|(_, value)| !value.is_empty());
        all
    }

    /// Whether a post is asked for; what is cheap to know is asked first.
    async fn takes(
        &self,
        app: &Shared,
        visitor: &Visitor,
        post: &Post,
        (words, names): (&str, &mut Names),
    ) -> Result<bool, WebError> {
        let of =
            |account: &str| post.account.as_str() == account || post.account.channel() == account;
        if !self.account.is_empty() && !of(&self.account)
            || self.author == "me" && !post.was_written_by(visitor.user.id)
        {
            return Ok(false);
        }
        if !words.is_empty() {
            let said = fold(&format!("{} {}", names.article(app, post).await?, post.content.text));
            if !said.contains(words) {
                return Ok(false);
            }
        }
        if self.state.is_empty() {
            return Ok(true);
        }
        let state =
            if is_refused(post) { "refused".to_owned() } else { state_of(app, post).await?.0 };
        Ok(state == self.state)
    }
}

/// The beginning of a day where the newsroom is.
fn begin(day: Date) -> Option<Timestamp> {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    day.to_zoned(zone).ok().map(|at| at.timestamp())
}

/// A filter that is on, and the others.
#[derive(Serialize)]
struct Chip {
    name: &'static str,
    value: String,
    without: String,
}

/// The filters as the part of an address behind its `?`.
fn query(pairs: &[(&'static str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn chips(asked: &Asked, accounts: &[(String, String)]) -> Vec<Chip> {
    let pairs = asked.pairs();
    let chip = |(name, value): &(&'static str, String)| {
        let others: Vec<_> = pairs.iter().filter(|(other, _)| other != name).cloned().collect();
        let title = accounts.iter().find(|(key, _)| *name == "account" && key == value);
        let value = title.map_or_else(|| value.clone(), |(_, title)| title.clone());
        Chip { name, value, without: query(&others) }
    };
    pairs.iter().map(chip).collect()
}

/// Posts that the visitor wrote and an approver sent back, as far as the newest hundred tell.
pub(crate) async fn returned(app: &Shared, visitor: &Visitor) -> Result<Vec<Post>, WebError> {
    of_visitor(app, visitor, "returned").await
}

/// Posts that the visitor wrote and an approver refused this week.
async fn refused(app: &Shared, visitor: &Visitor) -> Result<Vec<Post>, WebError> {
    const KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
    let since = app.clock.now() - KEPT;
    let mut posts = of_visitor(app, visitor, "void").await?;
    posts.retain(|post| is_refused(post) && post.created_at >= since);
    Ok(posts)
}

async fn of_visitor(app: &Shared, visitor: &Visitor, state: &str) -> Result<Vec<Post>, WebError> {
    const NEWEST: usize = 100;
    let prefix = join(&[&visitor.user.agency, state, ""]);
    let rows = app.store.list_last::<Post>("post_by_state", &prefix, NEWEST).await?;
    let posts = rows.into_iter().map(|row| row.record);
    Ok(posts.filter(|post| post.was_written_by(visitor.user.id)).collect())
}

#[derive(Serialize)]
struct Listed {
    posts: Vec<PostCard>,
    /// What the visitor wrote and does not go out as it is: sent back, then refused. Only at the beginning of the list.
    back: Vec<PostCard>,
    asked: Asked,
    chips: Vec<Chip>,
    states: [&'static str; 16],
    /// Channels and accounts: what is asked by, and what people call it.
    accounts: Vec<(String, String)>,
    /// Where the list goes on; empty at its end.
    older: String,
    newest: String,
    /// Whether this is not its beginning.
    later: bool,
    /// So many posts were looked at, and there are more.
    looked: usize,
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, WebError> {
    let mut names = Names::default();
    let later = !asked.sau.is_empty();
    let end = asked.to.and_then(|day| day.checked_add(1.day()).ok()).and_then(begin);
    let first = end.map(|end| piece::cursor(&time_key(end))).unwrap_or_default();
    let mut after = if later { asked.sau.clone() } else { first };
    let since = asked.from.and_then(begin);
    let filtered = !asked.pairs().is_empty();
    let words = fold(&asked.q);
    let limit = if filtered { piece::MOST } else { A_PAGE };
    let (mut posts, mut looked, mut more) = (Vec::new(), 0, true);
    while more && posts.len() < A_PAGE && looked < LOOKS {
        let part = Part { limit: Some(limit), after: Some(after.clone()) };
        let (rows, next) = posts_of(&app, &visitor.user.agency, &part).await?;
        more = next.is_some();
        let last = rows.len();
        for (at, row) in rows.into_iter().enumerate() {
            let post = row.record;
            if since.is_some_and(|since| post.scheduled_at < since) {
                more = false;
                break;
            }
            looked += 1;
            let key = [time_key(post.scheduled_at), post.id.to_string()];
            after = piece::cursor(&join(&[&key[0], &key[1]]));
            if asked.takes(&app, &visitor, &post, (&words, &mut names)).await? {
                posts.push(post_line(&app, &visitor, &post, &mut names).await?);
            }
            if posts.len() == A_PAGE {
                more = more || at + 1 < last;
                break;
            }
        }
    }
    let mut back = Vec::new();
    if !later && !filtered {
        let mut all = returned(&app, &visitor).await?;
        all.extend(refused(&app, &visitor).await?);
        for post in all {
            back.push(post_line(&app, &visitor, &post, &mut names).await?);
        }
    }
    let mut accounts: Vec<(String, String)> = Vec::new();
    let own = join(&[&visitor.user.agency, ""]);
    for row in app.store.list::<Account>("account_by_agency", &own, 1000).await? {
        let account = row.record;
        let channel = account.name.channel().to_owned();
        let shown = app.capabilities.get(&channel).map_or(channel.clone(), |c| c.title.clone());
        if !accounts.iter().any(|(key, _)| *key == channel) {
            accounts.push((channel, shown.clone()));
        }
        accounts.push((account.name.to_string(), format!("{shown} · {}", account.title)));
    }
    accounts.sort();
    let mut on = asked.pairs();
    let newest = query(&on);
    on.push(("sau", after));
    let list = Listed {
        chips: chips(&asked, &accounts),
        posts,
        back,
        states: STATES,
        accounts,
        older: if more { query(&on) } else { String::new() },
        newest,
        later,
        looked: if more && filtered { looked } else { 0 },
        asked,
    };
    draw(&app, &visitor, "posts", "pages/posts.html", list).await
}
