//! The ledger of risks keeps its form, so that what reads it may rely on that.

use std::fs;

use crate::support::sources::root;

const PARTS: [&str; 3] = ["**Sign.** ", "**Answer.** ", "**If it happens.** "];

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// What is wrong with one entry: its heading's text and what follows.
fn problem(number: usize, entry: &str) -> Option<String> {
    let (heading, body) = entry.split_once('\n')?;
    if !heading.starts_with(&format!("R{number:02}: ")) {
        return Some(format!("expected R{number:02}, got {heading}"));
    }
    let row = body.lines().filter(|line| line.starts_with('|')).nth(2).unwrap_or_default();
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [severity, likelihood, state, since, reviewed] = cells[..] else {
        return Some(format!("{heading}: no row of five cells"));
    };
    let is_known = ["S1", "S2", "S3"].contains(&severity)
        && ["rare", "possible", "likely"].contains(&likelihood)
        && ["open", "watched", "accepted", "closed"].contains(&state);
    if !is_known || !is_date(since) || !is_date(reviewed) || since > reviewed {
        return Some(format!("{heading}: {row}"));
    }
    let missing = PARTS.iter().find(|part| {
        let paragraph = body.split("\n\n").find(|text| text.trim_start().starts_with(*part));
        paragraph.is_none_or(|text| text.trim().len() < part.len() + 10)
    });
    missing.map(|part| format!("{heading}: no {part}"))
}

#[test]
fn every_risk_has_its_number_its_judgement_its_dates_and_its_answers() {
    let text = fs::read_to_string(root().join("docs/src/operations/risks.md")).unwrap();
    let (_, ledger) = text.split_once("\n# The ledger\n").expect("a ledger");
    let entries: Vec<&str> = ledger.split("\n## ").skip(1).collect();
    assert!(entries.len() >= 10, "{} entries", entries.len());
    let all = entries.iter().enumerate();
    let problems: Vec<String> = all.filter_map(|(at, it)| problem(at + 1, it)).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn an_entry_without_a_part_is_found() {
    let good = "R01: it\n\n| a | b | c | d | e |\n|---|---|---|---|---|\n\
                | S1 | rare | open | 2026-11-27 | 2026-11-27 |\n\n**Sign.** It is seen.\n\n\
                **Answer.** It is done.\n\n**If it happens.** Do something.\n";
    assert_eq!(problem(1, good), None);
    for (from, to) in [
        ("R01", "R02"),
        ("S1", "S4"),
        ("rare", "never"),
        ("| 2026-11-27 |\n", "| 2026-11-26 |\n"),
        ("**Answer.** It is done.", "**Answer.**"),
        ("open", ""),
    ] {
        assert!(problem(1, &good.replace(from, to)).is_some(), "{from} → {to}");
    }
}
