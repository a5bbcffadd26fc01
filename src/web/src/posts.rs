//! *Bài đăng*: what goes out and went out, the newest first, as far as a person asks for it; and what came back to its writer.

use axum::{
    Extension,
    extract::{Query, State},
    response::Html,
};
use jiff::civil::Date;
use loa_model::{
    Account, Post,
    record::{join, time_key},
};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    articles::fold::{Sought, fold, holds},
    asked::{self, Chip, Filters},
    auth::Visitor,
    error::WebError,
    operation::piece::{self, Part},
    pages::{draw, posts_of, state_of},
    post::{Names, PostCard, is_refused, post_line},
    view,
};

/// Where the list is.
const PATH: &str = "/bai-dang";
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
    fn filters(&self) -> Filters {
        Filters::of([
            ("q", self.q.clone()),
            ("state", self.state.clone()),
            ("account", self.account.clone()),
            ("author", self.author.clone()),
            ("from", asked::day(self.from)),
            ("to", asked::day(self.to)),
        ])
    }

    /// Whether a post is asked for; what is cheap to know is asked first.
    async fn takes(
        &self,
        app: &Shared,
        visitor: &Visitor,
        post: &Post,
        (words, names): (&Sought, &mut Names),
    ) -> Result<bool, WebError> {
        let of =
            |account: &str| post.account.as_str() == account || post.account.channel() == account;
        if !self.account.is_empty() && !of(&self.account)
            || self.author == "me" && !post.was_written_by(visitor.user.id)
        {
            return Ok(false);
        }
        if !self.q.is_empty() {
            let said = fold(&format!("{} {}", names.article(app, post).await?, post.content.text));
            if !holds(&said, words) {
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
    let (since, end) = asked::stretch(asked.from, asked.to);
    let first = end.map(|end| piece::cursor(&time_key(end))).unwrap_or_default();
    let mut after = if later { asked.sau.clone() } else { first };
    let filters = asked.filters();
    let filtered = !filters.is_empty();
    let words = Sought::of(&fold(&asked.q));
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
    let shown = |name: &str, value: &str| {
        let title = accounts.iter().find(|(key, _)| name == "account" && key == value);
        title.map_or(value, |(_, title)| title).to_owned()
    };
    let list = Listed {
        chips: filters.chips(PATH, shown),
        posts,
        back,
        states: STATES,
        accounts,
        older: if more { filters.address(PATH, "", &[("sau", &after)]) } else { String::new() },
        newest: filters.address(PATH, "", &[]),
        later,
        looked: if more && filtered { looked } else { 0 },
        asked,
    };
    draw(&app, &visitor, "posts", "pages/posts.html", list).await
}
