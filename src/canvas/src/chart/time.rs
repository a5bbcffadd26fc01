//! Moments in the first column: years, quarters and months.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Year,
    Quarter,
    Month,
}

/// A label that is nothing but a moment: what it is a count of, whether its year is known, and its place in the count.
type Moment = (Step, bool, i32);

const ROMAN: [&str; 4] = ["i", "ii", "iii", "iv"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Whether every label is a moment.
pub(super) fn all(labels: &[&str]) -> bool {
    labels.iter().all(|label| moment(label).is_some())
}

/// Whether the labels are moments of one kind, each as far behind the one before it as all the others.
pub(super) fn evenly(labels: &[&str]) -> bool {
    let Some(moments) = labels.iter().map(|label| moment(label)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let gaps: Vec<_> = moments
        .windows(2)
        .map(|pair| (pair[0].0 == pair[1].0 && pair[0].1 == pair[1].1, pair[1].2 - pair[0].2))
        .collect();
    gaps.first().is_some_and(|first| first.1 > 0 && gaps.iter().all(|gap| gap.0 && gap == first))
}

/// Whether digits may be a year.
pub(super) fn is_year(digits: &str) -> bool {
    year(digits).is_some()
}

fn moment(label: &str) -> Option<Moment> {
    let lower = label.to_lowercase();
    let is_parted = lower.contains(['/', '-', '.']);
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '-' | '.'))
        .filter(|word| !matches!(*word, "" | "năm" | "year"))
        .collect();
    match words.as_slice() {
        [one] => year(one)
            .map(|year| (Step::Year, true, year))
            .or_else(|| short(one).map(|(step, place)| (step, false, place))),
        // “3/2026”, but not “3 2026”.
        [one, two] => {
            let parted = || month(one).filter(|_| is_parted).map(|place| (Step::Month, place));
            match short(one).or_else(parted) {
                Some(first) => dated(first, two),
                None => named(one, two).map(|(step, place)| (step, false, place)),
            }
        }
        [one, two, three] => dated(named(one, two)?, three),
        _ => None,
    }
}

/// A quarter or month in its year.
fn dated((step, place): (Step, i32), word: &str) -> Option<Moment> {
    let in_year = if step == Step::Quarter { 4 } else { 12 };
    Some((step, true, year(word)? * in_year + place))
}

fn year(word: &str) -> Option<i32> {
    number(word).filter(|year| word.len() == 4 && (1900..2100).contains(year))
}

fn month(word: &str) -> Option<i32> {
    number(word).filter(|month| word.len() <= 2 && (1..=12).contains(month))
}

fn quarter(word: &str) -> Option<i32> {
    let roman = ROMAN.iter().zip(1..).find(|(known, _)| **known == word).map(|(_, place)| place);
    roman.or_else(|| number(word).filter(|place| word.len() == 1 && (1..=4).contains(place)))
}

fn number(word: &str) -> Option<i32> {
    word.chars().all(|c| c.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

/// “Tháng 3”, “Quý I”.
fn named(name: &str, place: &str) -> Option<(Step, i32)> {
    match name {
        "tháng" | "month" => Some((Step::Month, month(place)?)),
        "quý" | "quarter" => Some((Step::Quarter, quarter(place)?)),
        _ => None,
    }
}

/// “T3”, “Q1”, “March”, “Mar”.
fn short(word: &str) -> Option<(Step, i32)> {
    let is_name = |name: &&str| word.len() >= 3 && name.starts_with(word);
    if let Some(place) = MONTHS.iter().zip(1..).find(|(name, _)| is_name(name)) {
        return Some((Step::Month, place.1));
    }
    let month_of_year = word.strip_prefix('t').and_then(month).map(|place| (Step::Month, place));
    month_of_year.or_else(|| Some((Step::Quarter, word.strip_prefix('q').and_then(quarter)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_even_steps_forward_are_a_line_of_time() {
        for (labels, want) in [
            (&["2021", "2022", "2023"][..], true),
            (&["Năm 2021", "Năm 2022"], true),
            (&["2015", "2020", "2025"], true),
            (&["Quý III/2025", "Quý IV/2025", "Quý I/2026"], true),
            (&["Quý 4 năm 2025", "Quý 1 năm 2026"], true),
            (&["Q1/2026", "Q2/2026"], true),
            (&["Q1", "Q2", "Q3"], true),
            (&["Tháng 11/2025", "Tháng 12/2025", "Tháng 1/2026"], true),
            (&["Tháng 1", "Tháng 2"], true),
            (&["11/2025", "12/2025", "01/2026"], true),
            (&["T1", "T2", "T3"], true),
            (&["March 2026", "April 2026", "May 2026"], true),
            (&["Jan", "Feb", "Mar"], true),
            // Not forward, not even, not of one kind.
            (&["2023", "2022", "2021"], false),
            (&["2021", "2021"], false),
            (&["2015", "2020", "2026"], false),
            (&["Tháng 11", "Tháng 12", "Tháng 1"], false),
            (&["Quý I", "Tháng 2"], false),
            (&["2025", "Quý I/2026"], false),
            (&["Tháng 1", "Tháng 2/2026"], false),
            (&["2021"], false),
            // More or less than a moment.
            (&["2025 (ước)", "2026 (ước)"], false),
            (&["6 tháng đầu năm 2025", "6 tháng đầu năm 2026"], false),
            (&["Bậc 1", "Bậc 2"], false),
            (&["1", "2", "3"], false),
            (&["3 2026", "4 2026"], false),
            (&["13/2026", "14/2026"], false),
            (&["Quý V/2026", "Quý VI/2026"], false),
            (&["2021-2022", "2022-2023"], false),
            (&["01/7/2026", "02/7/2026"], false),
        ] {
            assert_eq!(evenly(labels), want, "{labels:?}");
        }
        assert!(all(&["2026", "Quý I"]) && !all(&["2026", "Vùng I"]));
    }
}
