//! Days and hours: which stretch a view shows, and what stands in each cell of it.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
};
use loa_model::Timetable;
use loa_review::{Entry, MOVERS};
use loa_store::StoreExt as _;
use serde::Serialize;

use super::{EntryView, Found, Titles, view, zone};
use crate::{Shared, auth::Visitor, error::WebError, pages};

/// How the calendar is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Month,
    Week,
    Day,
    List,
}

impl Look {
    pub(crate) const ALL: [Self; 4] = [Self::Month, Self::Week, Self::Day, Self::List];

    /// Its name in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Month => "thang",
            Self::Week => "tuan",
            Self::Day => "ngay",
            Self::List => "danh-sach",
        }
    }

    /// Key of its word: `calendar.<key>`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::List => "list",
        }
    }

    /// First day and the day after the last, around `day`. A month is shown with the whole weeks it touches.
    pub(crate) fn stretch(self, day: Date) -> Result<(Date, Date), jiff::Error> {
        let monday =
            |day: Date| day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days());
        match self {
            Self::Day => Ok((day, day.tomorrow()?)),
            Self::Week => Ok((monday(day)?, monday(day)?.checked_add(7.days())?)),
            Self::Month => {
                let last = monday(day.last_of_month())?;
                Ok((monday(day.first_of_month())?, last.checked_add(7.days())?))
            }
            Self::List => Ok((day.first_of_month(), day.last_of_month().tomorrow()?)),
        }
    }

    /// The day that the view before or after this one is around.
    pub(crate) fn step(self, day: Date, ahead: bool) -> Result<Date, jiff::Error> {
        let sign = if ahead { 1 } else { -1 };
        match self {
            Self::Day => day.checked_add(sign.days()),
            Self::Week => day.checked_add((7 * sign).days()),
            // Of the first: the 31st has no month after it in half of the year.
            Self::Month | Self::List => day.first_of_month().checked_add(sign.months()),
        }
    }
}

/// A slot that nobody has.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ghost {
    pub(crate) day: String,
    pub(crate) time: String,
    hour: i8,
    /// Accounts with a free slot then.
    pub(crate) accounts: Vec<String>,
}

/// A day of a month.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Day {
    pub(crate) date: String,
    pub(crate) number: String,
    pub(crate) weekday: &'static str,
    pub(crate) today: bool,
    /// Of the month before or after.
    pub(crate) outside: bool,
    pub(crate) past: bool,
    pub(crate) entries: Vec<EntryView>,
    pub(crate) more: usize,
    pub(crate) ghosts: Vec<Ghost>,
    pub(crate) more_ghosts: usize,
}

/// An hour of one day, or of seven.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Hour {
    pub(crate) hour: String,
    pub(crate) cells: Vec<Cell>,
}

/// An hour of one day.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) date: String,
    pub(crate) now: bool,
    pub(crate) past: bool,
    pub(crate) entries: Vec<EntryView>,
    pub(crate) more: usize,
    pub(crate) ghosts: Vec<Ghost>,
}

/// Entries that a day of a month shows, and ghosts beside them.
const OF_MONTH: (usize, usize) = (3, 2);
/// Entries that an hour shows: of a week, of a day.
const OF_HOUR: (usize, usize) = (4, 40);
/// Hours that are always there.
const OFFICE: (i8, i8) = (6, 21);

pub(crate) fn weekday(day: Date) -> &'static str {
    match day.weekday() {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

/// Days of a stretch.
pub(crate) fn days((from, to): (Date, Date)) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |day| *day < to)
}

/// Slots of the agency's accounts that nobody has, from now on, by day.
pub(crate) async fn ghosts(
    app: &Shared,
    found: &Found,
    wanted: impl Fn(&str) -> bool,
    (from, to): (Timestamp, Timestamp),
) -> Result<BTreeMap<Date, Vec<Ghost>>, WebError> {
    let mut free: BTreeMap<Timestamp, Vec<String>> = BTreeMap::new();
    let after = from.max(app.clock.now());
    for (name, account) in &found.accounts {
        if after >= to || !wanted(account.name.channel()) {
            continue;
        }
        let Some(timetable) = app.store.read::<Timetable>(name).await? else { continue };
        for slot in timetable.record.plan.slots_after(after) {
            if slot.at < to && !found.busy.contains(&(name.clone(), slot.at)) {
                let channel = pages::channel_title(app, &account.name);
                free.entry(slot.at).or_default().push(format!("{} ({channel})", account.title));
            }
        }
    }
    let mut by_day: BTreeMap<Date, Vec<Ghost>> = BTreeMap::new();
    for (at, accounts) in free {
        let local = zone().to_datetime(at);
        by_day.entry(local.date()).or_default().push(Ghost {
            day: local.date().to_string(),
            time: local.strftime("%H:%M").to_string(),
            hour: local.hour(),
            accounts,
        });
    }
    Ok(by_day)
}

/// What is drawn, and what it is drawn from.
pub(crate) struct Drawing<'a> {
    pub(crate) app: &'a Shared,
    pub(crate) visitor: &'a Visitor,
    pub(crate) found: &'a Found,
    pub(crate) ghosts: BTreeMap<Date, Vec<Ghost>>,
    pub(crate) titles: Titles,
    pub(crate) now: Timestamp,
}

impl Drawing<'_> {
    async fn views(
        &mut self,
        entries: impl Iterator<Item = &Entry>,
    ) -> Result<Vec<EntryView>, WebError> {
        let mut views = Vec::new();
        for entry in entries {
            views.push(view(self.app, self.visitor, self.found, &mut self.titles, entry).await?);
        }
        Ok(views)
    }

    fn may_move(&self) -> bool {
        self.visitor.user.is_any(MOVERS)
    }

    /// The weeks of a month, each of seven days.
    pub(crate) async fn month(
        &mut self,
        around: Date,
        stretch: (Date, Date),
    ) -> Result<Vec<Vec<Day>>, WebError> {
        let mut of: BTreeMap<Date, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.found.entries {
            of.entry(zone().to_datetime(entry.at).date()).or_default().push(entry);
        }
        let today = zone().to_datetime(self.now).date();
        let mut weeks: Vec<Vec<Day>> = Vec::new();
        for date in days(stretch) {
            let all = of.remove(&date).unwrap_or_default();
            let free = self.ghosts.remove(&date).filter(|_| self.may_move()).unwrap_or_default();
            let places = OF_MONTH.1.min((OF_MONTH.0 + 1).saturating_sub(all.len()));
            let day = Day {
                date: date.to_string(),
                number: if date.day() == 1 {
                    date.strftime("%-d/%-m").to_string()
                } else {
                    date.day().to_string()
                },
                weekday: weekday(date),
                today: date == today,
                outside: date.month() != around.month(),
                past: date < today,
                // One line that says "one more" takes the place of the one.
                more: if all.len() > OF_MONTH.0 + 1 { all.len() - OF_MONTH.0 } else { 0 },
                entries: {
                    let shown =
                        if all.len() > OF_MONTH.0 + 1 { OF_MONTH.0 } else { OF_MONTH.0 + 1 };
                    self.views(all.into_iter().take(shown)).await?
                },
                more_ghosts: free.len().saturating_sub(places),
                ghosts: free.into_iter().take(places).collect(),
            };
            match weeks.last_mut().filter(|week| week.len() < 7) {
                Some(week) => week.push(day),
                None => weeks.push(vec![day]),
            }
        }
        Ok(weeks)
    }

    /// The hours of one day, or of the days of a week.
    pub(crate) async fn hours(&mut self, stretch: (Date, Date)) -> Result<Vec<Hour>, WebError> {
        let days: Vec<Date> = days(stretch).collect();
        let most = if days.len() == 1 { OF_HOUR.1 } else { OF_HOUR.0 };
        let mut of: BTreeMap<(i8, Date), Vec<&Entry>> = BTreeMap::new();
        for entry in &self.found.entries {
            let local = zone().to_datetime(entry.at);
            of.entry((local.hour(), local.date())).or_default().push(entry);
        }
        let mut free: BTreeMap<(i8, Date), Vec<Ghost>> = BTreeMap::new();
        if self.may_move() {
            for (date, ghosts) in std::mem::take(&mut self.ghosts) {
                for ghost in ghosts {
                    free.entry((ghost.hour, date)).or_default().push(ghost);
                }
            }
        }
        let used = of.keys().chain(free.keys()).map(|(hour, _)| *hour);
        let used: Vec<i8> = used.chain([OFFICE.0, OFFICE.1]).collect();
        let (first, last) = (used.iter().min().copied(), used.iter().max().copied());
        let now = zone().to_datetime(self.now);
        let mut hours = Vec::new();
        for hour in first.unwrap_or(0)..=last.unwrap_or(23) {
            let mut cells = Vec::new();
            for date in &days {
                let all = of.remove(&(hour, *date)).unwrap_or_default();
                cells.push(Cell {
                    date: date.to_string(),
                    now: (*date, hour) == (now.date(), now.hour()),
                    past: (*date, hour) < (now.date(), now.hour()),
                    more: all.len().saturating_sub(most),
                    entries: self.views(all.into_iter().take(most)).await?,
                    ghosts: free.remove(&(hour, *date)).unwrap_or_default(),
                });
            }
            hours.push(Hour { hour: format!("{hour:02}"), cells });
        }
        Ok(hours)
    }

    /// Entries of a page of the list, by day.
    pub(crate) async fn list(&mut self, skip: usize, take: usize) -> Result<Vec<Day>, WebError> {
        let found = self.found;
        let today = zone().to_datetime(self.now).date();
        let mut days: Vec<Day> = Vec::new();
        for entry in self.views(found.entries.iter().skip(skip).take(take)).await? {
            if days.last().is_none_or(|day| day.date != entry.day) {
                let date: Date = entry.day.parse().unwrap_or_default();
                days.push(Day {
                    date: entry.day.clone(),
                    number: date.strftime("%d/%m/%Y").to_string(),
                    weekday: weekday(date),
                    today: date == today,
                    outside: false,
                    past: date < today,
                    entries: Vec::new(),
                    more: 0,
                    ghosts: Vec::new(),
                    more_ghosts: 0,
                });
            }
            if let Some(day) = days.last_mut() {
                day.entries.push(entry);
            }
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_view_shows_whole_weeks_from_monday() {
        let around = date(2026, 11, 16);
        let of = |look: Look| look.stretch(around).unwrap();
        assert_eq!(of(Look::Month), (date(2026, 10, 26), date(2026, 12, 7)));
        assert_eq!(of(Look::Week), (date(2026, 11, 16), date(2026, 11, 23)));
        assert_eq!(of(Look::Day), (around, date(2026, 11, 17)));
        assert_eq!(of(Look::List), (date(2026, 11, 1), date(2026, 12, 1)));
        let four = Look::Month.stretch(date(2027, 2, 28)).unwrap();
        assert_eq!(days(four).count(), 28, "February 2027 begins on a Monday");
        assert_eq!(Look::Week.stretch(date(2026, 11, 22)).unwrap(), of(Look::Week));
    }

    #[test]
    fn from_the_last_of_a_month_the_next_month_is_one_on() {
        let step = |look: Look, ahead| look.step(date(2026, 1, 31), ahead).unwrap();
        assert_eq!(step(Look::Month, true), date(2026, 2, 1));
        assert_eq!(step(Look::List, false), date(2025, 12, 1));
        assert_eq!(step(Look::Week, true), date(2026, 2, 7));
        assert_eq!(step(Look::Day, true), date(2026, 2, 1));
        assert!(Look::Month.step(Date::MAX, true).is_err(), "no year 10000");
    }
}
