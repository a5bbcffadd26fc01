//! Numbers of posts put together where that is allowed.

use jiff::Timestamp;
use loa_model::{AccountName, Metric};

use crate::{
    Book, Cell, ReachRange, ReportRow,
    population::Bounds,
    records::summable,
    story::{Mark, Story, second},
};

/// One number of one post within a period.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) name: u32,
    /// Last number before the period, or the beginning of the count.
    base: Option<i64>,
    latest: u64,
    gain: Option<i64>,
    fell: bool,
    method_break: bool,
    /// Whether it was read within the period.
    pub(crate) inside: bool,
}

/// The numbers of one post: its latest of each definition, and the gain within the period.
pub(crate) fn tally(
    book: &Book,
    story: &Story,
    (from, to): (u32, u32),
    begins: Timestamp,
    own: &mut Vec<Tally>,
) {
    own.clear();
    for mark in story.until(to).iter().filter(|mark| mark.name != Mark::NOTHING) {
        let number = i64::try_from(mark.value).unwrap_or(i64::MAX);
        let family = book.family(mark.name);
        let changed =
            own.iter().any(|known| known.name != mark.name && book.family(known.name) == family);
        let at = own.iter().position(|known| known.name == mark.name);
        let at = at.unwrap_or_else(|| {
            own.push(Tally {
                name: mark.name,
                base: None,
                latest: mark.value,
                gain: None,
                fell: false,
                method_break: changed,
                inside: false,
            });
            own.len() - 1
        });
        let known = &mut own[at];
        if mark.at < from {
            known.base = Some(number);
        } else {
            known.inside = true;
            if changed {
                // A new definition counts from its own first number.
                known.base.get_or_insert(number);
            } else if story.live_since >= begins {
                known.base.get_or_insert(0);
            }
            known.fell |= mark.value < known.latest;
            known.gain = known.base.map(|base| number.saturating_sub(base));
        }
        known.latest = mark.value;
    }
}

#[derive(Debug)]
struct Sum {
    name: u32,
    latest: u64,
    posts: u32,
    gain: Option<i64>,
    gain_posts: u32,
    fell: bool,
    method_break: bool,
}

/// Unique people of one account: never added but for the upper end.
#[derive(Debug)]
struct People<'a> {
    account: &'a AccountName,
    most: u64,
    sum: u64,
    posts: u32,
}

/// Posts put together.
#[derive(Debug, Default)]
pub(crate) struct Sums<'a> {
    posts: u32,
    measured: u32,
    numbers: Vec<Sum>,
    people: Vec<People<'a>>,
    /// One of them.
    pub(crate) one: Option<&'a Story>,
    /// When the newest number was read.
    pub(crate) newest: Option<u32>,
}

impl<'a> Sums<'a> {
    /// Takes a post with its numbers in.
    pub(crate) fn take(&mut self, book: &Book, story: &'a Story, to: u32, own: &[Tally]) {
        self.posts += 1;
        self.one.get_or_insert(story);
        if let Some(last) = story.until(to).last() {
            self.measured += 1;
            self.newest = self.newest.max(Some(last.at));
        }
        for tally in own {
            let metric = book.name(tally.name).0;
            if metric == Metric::Reach {
                self.people(&story.account, tally.latest);
            } else if summable(metric) {
                self.sum(tally);
            }
        }
    }

    fn people(&mut self, account: &'a AccountName, latest: u64) {
        match self.people.iter_mut().find(|people| people.account == account) {
            Some(people) => {
                people.most = people.most.max(latest);
                people.sum = people.sum.saturating_add(latest);
                people.posts += 1;
            }
            None => self.people.push(People { account, most: latest, sum: latest, posts: 1 }),
        }
    }

    fn sum(&mut self, tally: &Tally) {
        let at = self.numbers.iter().position(|sum| sum.name == tally.name);
        let at = at.unwrap_or_else(|| {
            self.numbers.push(Sum {
                name: tally.name,
                latest: 0,
                posts: 0,
                gain: None,
                gain_posts: 0,
                fell: false,
                method_break: false,
            });
            self.numbers.len() - 1
        });
        let sum = &mut self.numbers[at];
        sum.latest = sum.latest.saturating_add(tally.latest);
        sum.posts += 1;
        if let Some(gain) = tally.gain {
            sum.gain = Some(sum.gain.unwrap_or(0).saturating_add(gain));
            sum.gain_posts += 1;
        }
        sum.fell |= tally.fell;
        sum.method_break |= tally.method_break;
    }

    /// What is known of them. Every account's sum is capped by the people of the account, their sum by those of the agency.
    pub(crate) fn row(
        &self,
        book: &Book,
        (key, label): (String, String),
        (bounds, population): (&Bounds<'_>, Option<u64>),
    ) -> ReportRow {
        let mut cells: Vec<Cell> = self.numbers.iter().map(|sum| sum.cell(book)).collect();
        cells.sort_by(|a, b| a.key().cmp(&b.key()));
        let reach = self.people.iter().map(|people| people.most).max().map(|at_least| {
            let add = |sum: u64, one: u64| sum.saturating_add(one);
            let sum = self.people.iter().map(|people| people.sum).fold(0, add);
            let capped = self.people.iter().map(|people| {
                bounds
                    .account(people.account)
                    .map_or(people.sum, |most| people.sum.min(most).max(people.most))
            });
            let capped = capped.fold(0, add);
            let capped = population.map_or(capped, |most| capped.min(most)).max(at_least);
            ReachRange {
                at_least,
                at_most: capped,
                posts: self.people.iter().map(|people| people.posts).sum(),
                capped: capped < sum,
            }
        });
        let (posts, measured) = (self.posts, self.measured);
        ReportRow { key, label, posts, measured, cells, reach, post: None }
    }
}

impl Sum {
    fn cell(&self, book: &Book) -> Cell {
        let (metric, channel, source_name, definition) = book.name(self.name).clone();
        Cell {
            metric,
            channel,
            source_name,
            definition,
            latest: self.latest,
            posts: self.posts,
            gain: self.gain,
            gain_posts: self.gain_posts,
            fell: self.fell,
            method_break: self.method_break,
        }
    }
}

/// Posts of a period put together, as pages of one total need it.
pub(crate) fn total<'a>(
    book: &Book,
    stories: &[&'a Story],
    (from, to): (Timestamp, Timestamp),
    mut each: impl FnMut(&[Tally]),
) -> Sums<'a> {
    let mut sums = Sums::default();
    let mut own = Vec::new();
    for story in stories {
        tally(book, story, (second(from), second(to)), from, &mut own);
        each(&own);
        sums.take(book, story, second(to), &own);
    }
    sums
}
