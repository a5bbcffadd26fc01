//! A figure that counts up: what stands on the screen on the way to it. The way is an ornament; it is listed as such, is
//! over after a second, and no still of a clip ever shows it.

/// Pictures on the way.
const STEPS: u32 = 12;

/// What is shown before `value`, smallest first, written as the value is; nothing when it has not exactly one number, or one
/// that is too small or too long to count to.
pub(crate) fn steps(value: &str) -> Vec<String> {
    let Some((before, digits, after)) = number(value) else { return Vec::new() };
    // A limit or an estimate does not count: “không quá 20” on the way to “không quá 30” would be another statement.
    if before.chars().any(char::is_alphabetic) {
        return Vec::new();
    }
    let bare: String = digits.chars().filter(char::is_ascii_digit).collect();
    let Ok(last) = bare.parse::<u64>() else { return Vec::new() };
    // A year or a single digit does not count up; twelve digits are more than a screen holds.
    if last < 20 || bare.len() > 12 || bare.starts_with('0') {
        return Vec::new();
    }
    let mut out: Vec<String> = Vec::new();
    for step in 1..STEPS {
        // Fast at first, slow towards the end.
        let left = u64::from(STEPS - step);
        let all = u64::from(STEPS);
        let now = last
            - u64::try_from(u128::from(last) * u128::from(left * left) / u128::from(all * all))
                .unwrap_or(0);
        let text = format!("{before}{}{after}", like(now, digits));
        if now < last && out.last() != Some(&text) {
            out.push(text);
        }
    }
    out
}

/// Whether `text` may be seen on the way to `value`.
pub(crate) fn leads_to(text: &str, value: &str) -> bool {
    steps(value).iter().any(|step| step == text)
}

/// The words before the only number, its digits with their points and commas, the words after it.
fn number(value: &str) -> Option<(&str, &str, &str)> {
    let first = value.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = value.split_at_checked(first)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
    let (mut digits, mut after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    // A stop after the number is not part of it.
    while digits.ends_with(['.', ',']) {
        let length = digits.len() - 1;
        digits = digits.get(..length)?;
        after = value.get(before.len() + length..)?;
    }
    (!after.contains(|c: char| c.is_ascii_digit())).then_some((before, digits, after))
}

/// A number written with the marks of another one, which is as long or longer: zeros in front are left out.
fn like(number: u64, pattern: &str) -> String {
    let mut digits = number.to_string().into_bytes();
    // Figures after a comma or point at the end of the pattern stay: `2,5` counts `0,1`, `0,2` …
    let decimals = decimals(pattern);
    while digits.len() <= decimals {
        digits.insert(0, b'0');
    }
    let mut out = Vec::new();
    for mark in pattern.bytes().rev() {
        if mark.is_ascii_digit() {
            let Some(digit) = digits.pop() else { break };
            out.push(digit);
        } else if !digits.is_empty() {
            out.push(mark);
        }
    }
    out.reverse();
    String::from_utf8_lossy(&out).into_owned()
}

/// Digits after the mark that parts whole numbers from the rest: the last one, when three digits do not follow it.
fn decimals(pattern: &str) -> usize {
    match pattern.rfind(['.', ',']) {
        Some(at) if pattern.len() - at - 1 != 3 => pattern.len() - at - 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_counts_up_written_as_it_is() {
        let way = steps("3.850");
        assert!(way.len() >= 8, "{way:?}");
        assert!(way.iter().all(|step| leads_to(step, "3.850")), "{way:?}");
        assert!(!leads_to("3.850", "3.850") && !leads_to("9.999", "3.850"));
        let numbers: Vec<u32> = way
            .iter()
            .map(|s| s.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap())
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && numbers[0] > 0, "{numbers:?}");
        assert!(numbers.iter().all(|n| *n < 3850));
        assert!(way.iter().any(|s| s.contains('.')), "{way:?}");
        assert_eq!(steps("50,5").first().map(String::as_str), Some("8,1"));
        assert!(steps("99,8").iter().all(|s| s.contains(',')));
    }

    #[test]
    fn what_cannot_be_counted_stands() {
        for value in [
            "",
            "không quá",
            "không quá 30",
            "gần 3.850",
            "10–15",
            "7",
            "2/3 ",
            "0,5",
            "1.234.567.890.123",
        ] {
            assert_eq!(steps(value), Vec::<String>::new(), "{value}");
        }
        assert!(steps("500.").iter().all(|s| s.ends_with('.')));
    }
}
