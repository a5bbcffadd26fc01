//! What reports read: the posts of an agency that are or were live with every number read of them, in memory.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Article, ArticleId, Delivery, DeliveryId, DeliveryState, Post, PostId, Variant, VariantId,
    VariantKind,
};

use crate::{
    Error, Population, Result,
    story::{Head, Key, Mark, Story, second},
};

/// Most posts of one report: more do not fit into a page or a sheet that anybody reads.
const POSTS: usize = 200_000;
/// Posts are measured for a year: what went out earlier was not measured in the period.
const MEASURED: SignedDuration = SignedDuration::from_hours(24 * 400);

/// States of deliveries that were live at some time.
const LIVE: [DeliveryState; 5] = [
    DeliveryState::Published,
    DeliveryState::Correcting,
    DeliveryState::Retracting,
    DeliveryState::Retracted,
    DeliveryState::Gone,
];

/// What reports need of an article.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub(crate) title: Option<String>,
    pub(crate) section: String,
    /// Of its first revision; of the newest while the first one tells none.
    pub(crate) published_at: Option<Timestamp>,
    revision: u32,
    first_published: Option<Timestamp>,
}

/// The posts of an agency and what is known of them. Made by [`crate::Books`].
#[derive(Debug, Default)]
pub struct Book {
    agency: String,
    /// What is counted, by number: numbers of two names are never added.
    names: Vec<Key>,
    by_name: HashMap<Key, u32>,
    /// The name of each under any definition.
    families: Vec<u32>,
    /// Posts that are or were live, by the time they went live.
    stories: BTreeMap<(Timestamp, PostId), Story>,
    /// Under which time each stands there.
    places: HashMap<PostId, Timestamp>,
    /// What is known of posts that are not live.
    early: HashMap<PostId, Early>,
    articles: HashMap<ArticleId, Piece>,
    /// Clips: whether each is made for slow links.
    clips: HashMap<VariantId, bool>,
    populations: BTreeMap<String, Population>,
    version: u64,
}

/// A post before it is live.
#[derive(Debug, Default)]
struct Early {
    head: Option<Head>,
    /// Deliveries that are or were live, with the time of their receipt.
    live: Vec<(DeliveryId, Timestamp)>,
    marks: Vec<Mark>,
}

impl Book {
    pub(crate) fn of(agency: &str) -> Self {
        Self { agency: agency.to_owned(), ..Self::default() }
    }

    /// Agency (tenant).
    pub fn agency(&self) -> &str {
        &self.agency
    }

    /// Grows with everything that is written into it: what was told at one version holds until the next.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The populations that were stated, by whose they are and their day.
    pub fn populations(&self) -> impl DoubleEndedIterator<Item = &Population> {
        self.populations.values()
    }

    pub(crate) fn name(&self, name: u32) -> &Key {
        &self.names[name as usize]
    }

    /// The same for every definition of one name.
    pub(crate) fn family(&self, name: u32) -> u32 {
        self.families[name as usize]
    }

    pub(crate) fn number_of(&self, key: &Key) -> Option<u32> {
        self.by_name.get(key).copied()
    }

    pub(crate) fn piece(&self, story: &Story) -> Option<&Piece> {
        self.articles.get(&story.article)
    }

    /// Whether a clip is made for slow links; nothing when it is not known.
    pub(crate) fn is_low(&self, clip: VariantId) -> Option<bool> {
        self.clips.get(&clip).copied()
    }

    /// The posts that were live or measured from `from` to before `to`, by time.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<&Story>> {
        let earliest = from.checked_sub(MEASURED).unwrap_or(Timestamp::MIN);
        let (first, last) = (second(from), second(to));
        // Older posts belong to the period only when something was seen of them in it.
        let seen = |story: &&Story| {
            story.live_since >= from || story.until(last).last().is_some_and(|m| m.at >= first)
        };
        let found: Vec<&Story> = self.lived(earliest, to).filter(seen).collect();
        if found.len() > POSTS { Err(Error::TooMany { most: POSTS }) } else { Ok(found) }
    }

    /// The posts that went live from `from` to before `to`, by time.
    pub(crate) fn born(&self, from: Timestamp, to: Timestamp) -> Result<Vec<&Story>> {
        let found: Vec<&Story> = self.lived(from, to).collect();
        if found.len() > POSTS { Err(Error::TooMany { most: POSTS }) } else { Ok(found) }
    }

    fn lived(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Story> {
        let key = |at| (at, PostId(uuid::Uuid::nil()));
        let range = (from < to).then(|| self.stories.range(key(from)..key(to)));
        range.into_iter().flatten().map(|(_, story)| story)
    }

    // --- what is written ---------------------------------------------------

    pub(crate) fn post(&mut self, post: Post) {
        self.version += 1;
        let (id, head) = (post.id, Head::of(post));
        let place = self.places.get(&id).map(|at| (*at, id));
        if let Some(story) = place.and_then(|place| self.stories.get_mut(&place)) {
            story.head = head;
        } else {
            self.early.entry(id).or_default().head = Some(head);
            self.settle(id);
        }
    }

    pub(crate) fn delivery(&mut self, delivery: &Delivery) {
        let at = delivery.receipt.as_ref().map(|receipt| receipt.at);
        let at = at.filter(|_| LIVE.contains(&delivery.state));
        let id = delivery.post;
        if at.is_none() && !self.places.contains_key(&id) && !self.early.contains_key(&id) {
            return;
        }
        self.version += 1;
        self.unsettle(id);
        let early = self.early.entry(id).or_default();
        early.live.retain(|(known, _)| *known != delivery.id);
        early.live.extend(at.map(|at| (delivery.id, at)));
        self.settle(id);
    }

    /// Takes a sample; the same one again changes nothing.
    pub(crate) fn sample<'a>(
        &mut self,
        post: PostId,
        taken_at: Timestamp,
        values: impl Iterator<Item = (Key, u64)> + 'a,
    ) {
        self.version += 1;
        let at = second(taken_at);
        let mut marks: Vec<Mark> =
            values.map(|(key, value)| Mark { at, name: self.intern(key), value }).collect();
        if marks.is_empty() {
            marks.push(Mark { at, name: Mark::NOTHING, value: 0 });
        }
        let place = self.places.get(&post).map(|at| (*at, post));
        let known = match place.and_then(|place| self.stories.get_mut(&place)) {
            Some(story) => &mut story.marks,
            None => &mut self.early.entry(post).or_default().marks,
        };
        for mark in marks {
            let key = |m: &Mark| (m.at, m.name);
            match known.binary_search_by_key(&key(&mark), key) {
                Ok(found) => known[found] = mark,
                Err(place) => known.insert(place, mark),
            }
        }
    }

    pub(crate) fn article(&mut self, article: &Article) {
        self.version += 1;
        let piece = self.articles.entry(article.id).or_default();
        if article.revision == 1 {
            piece.first_published = article.published_at;
        }
        if article.revision >= piece.revision {
            piece.revision = article.revision;
            piece.title = Some(article.title().to_owned());
            piece.section.clone_from(&article.section);
            piece.published_at = article.published_at;
        }
        piece.published_at = piece.first_published.or(piece.published_at);
    }

    pub(crate) fn variant(&mut self, variant: &Variant) {
        self.version += 1;
        self.clips.insert(variant.id, variant.kind == VariantKind::LowBand);
    }

    pub(crate) fn population(&mut self, key: String, population: Option<Population>) {
        self.version += 1;
        match population {
            Some(population) => self.populations.insert(key, population),
            None => self.populations.remove(&key),
        };
    }

    fn intern(&mut self, key: Key) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(Mark::NOTHING - 1);
        match self.by_name.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let (metric, channel, source, _) = free.key();
                let same = |key: &Key| (key.0, &key.1, &key.2) == (*metric, channel, source);
                let family = self.names.iter().position(same);
                let family = family.and_then(|n| self.families.get(n)).copied().unwrap_or(next);
                self.families.push(family);
                self.names.push(free.key().clone());
                *free.insert(next)
            }
        }
    }

    /// Puts a post among the live ones once its words are known and it was live.
    fn settle(&mut self, id: PostId) {
        let Entry::Occupied(early) = self.early.entry(id) else { return };
        let since = early.get().live.iter().map(|(_, at)| *at).min();
        if let (Some(live_since), true) = (since, early.get().head.is_some()) {
            let Early { head: Some(head), live, marks } = early.remove() else { return };
            let story = Story { post: id, head, live_since, live, marks };
            self.places.insert(id, live_since);
            self.stories.insert((live_since, id), story);
        }
    }

    /// Takes it away from there again, with all that is known of it.
    fn unsettle(&mut self, id: PostId) {
        let Some(at) = self.places.remove(&id) else { return };
        if let Some(story) = self.stories.remove(&(at, id)) {
            let Story { head, live, marks, .. } = story;
            self.early.insert(id, Early { head: Some(head), live, marks });
        }
    }
}
