//! What a list of articles asks for, in memory: read from the store when somebody asks first, then kept by the ledger.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use loa_model::{
    Article, ArticleId, ArticleState, BlobHash, Delivery, DeliveryId, DeliveryState, Digest, Post,
    PostFormat, PostId, PostState, Priority, Record,
};
use loa_store::{Change, Seq, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::fold::{Sought, fold, holds};
use crate::{asked::stretch, error::WebError, pages::name_of};

/// Rows and ledger records that are read at once.
const TOGETHER: usize = 1_000;

/// How an article stands: what most needs a person among its posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// A post was refused, given up or missed.
    Trouble,
    /// Nobody knows yet whether a post is there.
    Uncertain,
    /// A post waits for its approver.
    Waiting,
    /// A post is being written.
    Draft,
    /// Everything is signed and on its way.
    Scheduled,
    /// Some posts are live, others are written, on their way or were called off.
    Partly,
    /// All posts are live.
    Published,
    /// Its posts are taken back or called off.
    Over,
    /// There are none.
    None,
}

impl Status {
    /// Every one, what needs a person first.
    pub(crate) const ALL: [Self; 9] = [
        Self::Trouble,
        Self::Uncertain,
        Self::Waiting,
        Self::Draft,
        Self::Scheduled,
        Self::Partly,
        Self::Published,
        Self::Over,
        Self::None,
    ];

    /// The status of an article whose posts stand so.
    fn of(posts: impl Iterator<Item = (PostState, Option<DeliveryState>)>) -> Self {
        let each: BTreeSet<Self> = posts.filter_map(|(post, d)| Self::one(post, d)).collect();
        let live = each.contains(&Self::Published);
        match each.first() {
            None => Self::None,
            Some(Self::Published) if each.contains(&Self::Over) => Self::Partly,
            // What is still written keeps nobody from seeing that the first posts are live.
            Some(Self::Draft | Self::Scheduled) if live => Self::Partly,
            Some(first) => *first,
        }
    }

    /// Of one post; nothing for one whose place another took.
    fn one(post: PostState, delivery: Option<DeliveryState>) -> Option<Self> {
        use DeliveryState as D;
        Some(match post {
            PostState::Void => return None,
            PostState::Draft | PostState::Returned => Self::Draft,
            PostState::InReview => Self::Waiting,
            PostState::Approved => match delivery? {
                D::Published | D::Correcting | D::Retracting => Self::Published,
                D::Uncertain => Self::Uncertain,
                D::Rejected | D::Dead | D::Missed | D::Gone => Self::Trouble,
                D::Cancelled | D::Retracted => Self::Over,
                D::Scheduled | D::Ready | D::Leased | D::Intent | D::Held => Self::Scheduled,
            },
        })
    }
}

/// What is asked for. What is empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Question {
    /// Words of the headline, the standfirst, the source, the section, keywords or authors.
    pub(crate) q: String,
    /// How it stands.
    #[serde(deserialize_with = "crate::view::some")]
    pub(crate) status: Option<Status>,
    /// Section of the portal.
    pub(crate) section: String,
    /// Publisher.
    pub(crate) source: String,
    /// Published on this day or later.
    #[serde(deserialize_with = "crate::view::some")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// Published on this day or before.
    #[serde(deserialize_with = "crate::view::some")]
    pub(crate) to: Option<jiff::civil::Date>,
}

/// What a line of a list says of an article itself.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: ArticleId,
    pub(crate) revision: u32,
    pub(crate) title: String,
    pub(crate) lang: String,
    pub(crate) section: String,
    pub(crate) publisher: String,
    pub(crate) state: ArticleState,
    pub(crate) at: Timestamp,
    pub(crate) photo: Option<BlobHash>,
    pub(crate) doubts: usize,
}

/// Where an article stands in a list: the newest comes first.
type Place = (Timestamp, ArticleId);

/// An article as lists know it.
#[derive(Debug)]
struct Entry {
    /// Folded words that are looked through.
    words: String,
    /// Digest of how it begins, folded: two articles that begin alike are one that came twice.
    begins: Digest,
    line: Arc<Line>,
    posts: BTreeSet<PostId>,
    /// How it stands, by its posts.
    status: Status,
    /// The most urgent of its posts that are not over.
    priority: Priority,
}

/// Articles of one agency.
#[derive(Debug, Default)]
struct Shelf {
    articles: BTreeMap<Place, Entry>,
    /// How many articles each section has.
    sections: BTreeMap<String, usize>,
    /// How many articles each publisher has.
    sources: BTreeMap<String, usize>,
    /// Articles by how they begin.
    alike: HashMap<Digest, BTreeSet<Place>>,
}

impl Shelf {
    fn put(&mut self, entry: Entry) {
        let line = &entry.line;
        *self.sections.entry(line.section.clone()).or_default() += 1;
        *self.sources.entry(line.publisher.clone()).or_default() += 1;
        self.alike.entry(entry.begins).or_default().insert((line.at, line.id));
        self.articles.insert((line.at, line.id), entry);
    }

    /// Another article that begins as this one does: the oldest.
    fn twin(&self, place: Place) -> Option<ArticleId> {
        let own = self.articles.get(&place)?;
        let alike = self.alike.get(&own.begins)?;
        alike.iter().map(|(_, id)| *id).find(|id| *id != place.1)
    }

    fn take(&mut self, place: Place) -> Option<Entry> {
        let entry = self.articles.remove(&place)?;
        if let Some(alike) = self.alike.get_mut(&entry.begins) {
            alike.remove(&place);
            if alike.is_empty() {
                self.alike.remove(&entry.begins);
            }
        }
        let line = &entry.line;
        for (names, name) in
            [(&mut self.sections, &line.section), (&mut self.sources, &line.publisher)]
        {
            let left = names.get_mut(name).map(|count| {
                *count -= 1;
                *count
            });
            if left == Some(0) {
                names.remove(name);
            }
        }
        Some(entry)
    }
}

#[derive(Debug, Clone)]
struct Standing {
    article: ArticleId,
    channel: Arc<str>,
    format: PostFormat,
    state: PostState,
    priority: Priority,
    delivery: Option<(DeliveryId, DeliveryState)>,
}

/// An article that was found.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) line: Arc<Line>,
    /// How it stands.
    pub(crate) status: Status,
    /// Whether a post of it that is not over is urgent or put aside.
    pub(crate) priority: Priority,
    /// Another article that begins alike.
    pub(crate) twin: Option<ArticleId>,
    /// Its posts: channel, format, and the state that a person cares about.
    pub(crate) posts: Vec<(Arc<str>, PostFormat, String)>,
}

/// Which part of what is found is wanted, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behind {
    /// Behind so many: what stands there changes with what is added.
    Skip(usize, usize),
    /// Behind this place in the order of the list.
    Place(Option<Place>, usize),
}

/// Answer to a question.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The wanted part of what was found, the newest first.
    pub(crate) articles: Vec<Hit>,
    /// The place of the last of them, when there are more.
    pub(crate) next: Option<Place>,
    /// How many were found.
    pub(crate) total: usize,
    /// How many the agency has.
    pub(crate) all: usize,
    /// Sections there are.
    pub(crate) sections: Vec<String>,
    /// Publishers there are.
    pub(crate) sources: Vec<String>,
}

#[derive(Default)]
struct Known {
    seq: Seq,
    /// By agency.
    shelves: HashMap<Arc<str>, Shelf>,
    /// On which shelf an article is, and where.
    places: HashMap<ArticleId, (Arc<str>, Timestamp)>,
    posts: HashMap<PostId, Standing>,
    /// Deliveries of posts that were not read yet.
    early: HashMap<PostId, (DeliveryId, DeliveryState)>,
    /// Names of channels, each once.
    channels: BTreeSet<Arc<str>>,
}

/// Articles of every agency; empty until somebody asks.
#[derive(Default)]
pub(crate) struct Catalogue(RwLock<Option<Known>>);

impl Catalogue {
    /// Articles of an agency that fit, from `skip` on, at most `limit`.
    pub(crate) async fn find(
        &self,
        store: &dyn Store,
        agency: &str,
        question: &Question,
        part: Behind,
    ) -> Result<Found, WebError> {
        // While nothing is written, everybody looks at once.
        let kept = self.0.read().await;
        if let Some(known) = kept.as_ref().filter(|known| known.seq >= store.last_seq()) {
            return Ok(known.find(agency, question, part));
        }
        drop(kept);
        let known = self.current(store).await?;
        let known = known.as_ref().expect("it was just read");
        Ok(known.find(agency, question, part))
    }

    /// Another article of the agency that begins as this one does.
    pub(crate) async fn twin(
        &self,
        store: &dyn Store,
        article: &Article,
    ) -> Result<Option<ArticleId>, WebError> {
        let known = self.current(store).await?;
        let known = known.as_ref().expect("it was just read");
        let place = known.places.get(&article.id).map(|(agency, at)| (agency, (*at, article.id)));
        Ok(place.and_then(|(agency, place)| known.shelves.get(agency)?.twin(place)))
    }

    /// What is known as of now.
    async fn current(
        &self,
        store: &dyn Store,
    ) -> Result<RwLockReadGuard<'_, Option<Known>>, WebError> {
        let mut kept = self.0.write().await;
        // Taken out: what fails half way is read anew.
        let mut known = match kept.take() {
            Some(known) => known,
            None => Known::read(store).await?,
        };
        loop {
            let entries = store.tail(known.seq, TOGETHER).await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else { break };
            for change in entries.iter().flat_map(|entry| &entry.changes.rows) {
                known.change(change)?;
            }
            known.seq = last;
        }
        *kept = Some(known);
        Ok(kept.downgrade())
    }
}

impl Known {
    async fn read(store: &dyn Store) -> Result<Self, WebError> {
        // What is written while this reads comes again with the ledger.
        let mut known = Self { seq: store.last_seq(), ..Self::default() };
        scan::<Article>(store, |article| _ = known.article(&article)).await?;
        scan::<Post>(store, |post| _ = known.post(&post)).await?;
        scan::<Delivery>(store, |delivery| _ = known.delivery(&delivery)).await?;
        let all: Vec<ArticleId> = known.places.keys().copied().collect();
        for article in all {
            known.settle(article);
        }
        Ok(known)
    }

    fn change(&mut self, change: &Change) -> Result<(), WebError> {
        let touched = match change.table.as_str() {
            Article::TABLE => change.record()?.and_then(|article| self.article(&article)),
            Post::TABLE => change.record()?.and_then(|post| self.post(&post)),
            Delivery::TABLE => change.record()?.and_then(|d| self.delivery(&d)),
            _ => None,
        };
        if let Some(article) = touched {
            self.settle(article);
        }
        Ok(())
    }

    /// Takes an article in; the answer is whose standing may have changed, as of the next two.
    fn article(&mut self, article: &Article) -> Option<ArticleId> {
        let agency = match self.shelves.get_key_value(article.agency.as_str()) {
            Some((agency, _)) => Arc::clone(agency),
            None => article.agency.as_str().into(),
        };
        let at = article.published_at.unwrap_or(article.fetched_at);
        let shelved = self.shelves.entry(Arc::clone(&agency)).or_default();
        let before = self.places.get(&article.id).map(|(_, at)| (*at, article.id));
        let known = before.and_then(|place| shelved.articles.get(&place));
        if known.is_some_and(|known| known.line.revision > article.revision) {
            return None;
        }
        let known = before.and_then(|place| shelved.take(place));
        let lists = article.authors.iter().chain(&article.keywords).map(String::as_str);
        let words = [article.title(), article.sapo(), &article.source.publisher, &article.section];
        let words: Vec<String> = words.into_iter().chain(lists).map(fold).collect();
        let line = Line {
            id: article.id,
            revision: article.revision,
            title: article.title().to_owned(),
            lang: article.lang.clone(),
            section: article.section.clone(),
            publisher: article.source.publisher.clone(),
            state: article.state,
            at,
            photo: article.photos.iter().find_map(|photo| photo.blob),
            doubts: article.doubts.len(),
        };
        let first: Vec<&str> = article.blocks.iter().take(2).map(|b| b.text.as_str()).collect();
        shelved.put(Entry {
            words: words.join(" "),
            begins: Digest::of(fold(&first.join(" ")).as_bytes()),
            line: Arc::new(line),
            posts: known.map(|known| known.posts).unwrap_or_default(),
            status: Status::None,
            priority: Priority::Normal,
        });
        self.places.insert(article.id, (agency, at));
        Some(article.id)
    }

    fn post(&mut self, post: &Post) -> Option<ArticleId> {
        let known = self.posts.get(&post.id).and_then(|known| known.delivery);
        let channel = post.account.channel();
        let channel = self.channels.get(channel).cloned().unwrap_or_else(|| {
            let channel: Arc<str> = channel.into();
            self.channels.insert(Arc::clone(&channel));
            channel
        });
        let standing = Standing {
            article: post.article,
            channel,
            format: post.content.format,
            state: post.state,
            priority: post.priority,
            delivery: self.early.remove(&post.id).or(known),
        };
        self.posts.insert(post.id, standing);
        self.entry(post.article)?.posts.insert(post.id);
        Some(post.article)
    }

    /// The last delivery of a post is the one that counts.
    fn delivery(&mut self, d: &Delivery) -> Option<ArticleId> {
        let newer = |known: &Option<(DeliveryId, DeliveryState)>| known.is_none_or(|k| k.0 <= d.id);
        match self.posts.get_mut(&d.post) {
            Some(post) if newer(&post.delivery) => {
                post.delivery = Some((d.id, d.state));
                Some(post.article)
            }
            Some(_) => None,
            None => {
                self.early.insert(d.post, (d.id, d.state));
                None
            }
        }
    }

    fn entry(&mut self, article: ArticleId) -> Option<&mut Entry> {
        let (agency, at) = self.places.get(&article)?;
        self.shelves.get_mut(agency)?.articles.get_mut(&(*at, article))
    }

    /// Works out how an article stands.
    fn settle(&mut self, article: ArticleId) {
        let Some((agency, at)) = self.places.get(&article) else { return };
        let shelved = self.shelves.get_mut(agency);
        let Some(entry) = shelved.and_then(|shelved| shelved.articles.get_mut(&(*at, article)))
        else {
            return;
        };
        let posts = || entry.posts.iter().filter_map(|id| self.posts.get(id));
        let status = Status::of(posts().map(|p| (p.state, p.delivery.map(|d| d.1))));
        let open = posts().filter(|post| {
            let state = Status::one(post.state, post.delivery.map(|d| d.1));
            !matches!(state, None | Some(Status::Published | Status::Over))
        });
        let priority = open.map(|post| post.priority).min().unwrap_or(Priority::Normal);
        (entry.status, entry.priority) = (status, priority);
    }

    fn posts_of(&self, article: &Entry) -> Vec<(Arc<str>, PostFormat, String)> {
        let posts = article.posts.iter().filter_map(|id| self.posts.get(id));
        let one = |post: &Standing| {
            // Once it is signed, what became of it counts.
            let state = match (post.state, post.delivery) {
                (PostState::Approved, Some((_, delivery))) => delivery.name().to_owned(),
                (state, _) => name_of(&state),
            };
            (Arc::clone(&post.channel), post.format, state)
        };
        posts.map(one).collect()
    }

    fn find(&self, agency: &str, asked: &Question, part: Behind) -> Found {
        let Some(shelved) = self.shelves.get(agency) else { return Found::default() };
        let words = Sought::of(&fold(&asked.q));
        let (from, before) = stretch(asked.from, asked.to);
        let fits = |entry: &&Entry| {
            let line = &*entry.line;
            (asked.section.is_empty() || asked.section == line.section)
                && (asked.source.is_empty() || asked.source == line.publisher)
                && asked.status.is_none_or(|wanted| wanted == entry.status)
                && from.is_none_or(|from| line.at >= from)
                && before.is_none_or(|before| line.at < before)
                && holds(&entry.words, &words)
        };
        let fitting: Vec<&Entry> = shelved.articles.values().rev().filter(fits).collect();
        let place = |entry: &&Entry| (entry.line.at, entry.line.id);
        let (skip, limit) = match part {
            Behind::Skip(skip, limit) => (skip, limit),
            Behind::Place(None, limit) => (0, limit),
            Behind::Place(Some(after), limit) => {
                (fitting.partition_point(|entry| place(entry) >= after), limit)
            }
        };
        let last = skip.saturating_add(limit);
        let more = last < fitting.len();
        let hit = |entry: &&Entry| Hit {
            line: Arc::clone(&entry.line),
            status: entry.status,
            priority: entry.priority,
            twin: shelved.twin(place(entry)),
            posts: self.posts_of(entry),
        };
        let names = |names: &BTreeMap<String, usize>| {
            names.keys().filter(|name| !name.is_empty()).cloned().collect()
        };
        Found {
            articles: fitting.iter().skip(skip).take(limit).map(hit).collect(),
            next: last.checked_sub(1).filter(|_| more).map(|n| place(&fitting[n])),
            total: fitting.len(),
            all: shelved.articles.len(),
            sections: names(&shelved.sections),
            sources: names(&shelved.sources),
        }
    }
}

/// Every record of a table.
async fn scan<R: Record>(store: &dyn Store, mut take: impl FnMut(R)) -> Result<(), WebError> {
    let mut from = String::new();
    loop {
        let rows = store.scan(R::TABLE, &from, TOGETHER).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        // The next key there can be.
        from = format!("{}\0", last.key);
        for row in &rows {
            take(row.read::<R>()?.record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_seen_beside_what_is_still_written() {
        use DeliveryState as D;
        let approved = |d| (PostState::Approved, Some(d));
        let (draft, waits) = ((PostState::Draft, None), (PostState::InReview, None));
        for (posts, status) in [
            (vec![draft], Status::Draft),
            (vec![draft, approved(D::Published)], Status::Partly),
            (vec![draft, approved(D::Scheduled)], Status::Draft),
            (vec![draft, waits, approved(D::Published)], Status::Waiting),
            (vec![approved(D::Scheduled), approved(D::Published)], Status::Partly),
            (vec![approved(D::Published)], Status::Published),
        ] {
            assert_eq!(Status::of(posts.iter().copied()), status, "{posts:?}");
        }
    }
}
