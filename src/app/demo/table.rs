//! The closing table, aligned also where Chinese characters take two columns.

use crate::app::demo::Step;

/// Columns that a terminal gives the text: two for CJK and full-width characters, one for others.
fn width(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}') { 2 } else { 1 }).sum()
}

fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// The table of all steps: number, title in both languages, outcome, time.
pub fn render(steps: &[Step]) -> String {
    let titles: Vec<String> = steps.iter().map(|step| format!("{}  {}", step.title.0, step.title.1)).collect();
    let column = titles.iter().map(|title| width(title)).max().unwrap_or(0);
    let outcomes = steps.iter().map(|step| width(&step.outcome)).max().unwrap_or(0);
    let rule = format!("{}\n", "─".repeat(column + outcomes + 19));
    let mut text = rule.clone();
    for (number, (step, title)) in steps.iter().zip(&titles).enumerate() {
        let millis = step.took.as_secs_f64() * 1000.0;
        text +=
            &format!("{:>3}  {}  {}  {millis:>8.1} ms\n", number + 1, padded(title, column), padded(&step.outcome, outcomes));
    }
    text + &rule
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let step =
            |zh, en, outcome: &str| Step { title: (zh, en), outcome: outcome.to_owned(), took: Duration::from_millis(5) };
        let text = render(&[step("登记", "Register", "ok"), step("吊销卡片", "Revoke", "拒绝 refused")]);
        let ends: Vec<usize> = text.lines().filter(|line| line.contains("ms")).map(width).collect();
        assert_eq!(ends.len(), 2);
        assert_eq!(ends[0], ends[1]);
    }
}
