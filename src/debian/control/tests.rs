//! Paragraphs good and hostile.

use proptest::prelude::*;

use super::{ControlProblem, Field, Limits, Paragraphs, decode, single};
use crate::host::fault::{Diagnostic, Kind};

const LIMITS: Limits = Limits { paragraph: 100, line: 40, fields: 4 };

fn problem(text: &str) -> (usize, ControlProblem) {
    let error = read_all(text, LIMITS).expect_err("the text was accepted");
    assert_eq!(error.file, "Packages");
    assert_eq!(error.kind(), Kind::Integrity);
    (error.line, error.problem)
}

fn read_all(text: &str, limits: Limits) -> Result<Vec<Vec<Field<'_>>>, super::ControlError> {
    Paragraphs::new("Packages", text, limits)?
        .map(|paragraph| paragraph?.distinct_fields())
        .collect()
}

#[test]
fn paragraphs_fields_and_lines_are_found() {
    let text = "\n\nPackage: a\nDepends: b,\n c,\n\td\n\n\n\nPackage: e\nEmpty:\n";
    let all = read_all(text, LIMITS).expect("good text");
    assert_eq!(all.len(), 2);
    assert_eq!((all[0][0].name, all[0][0].value(), all[0][0].line), ("Package", "a", 3));
    let depends = all[0][1];
    assert!(depends.is_folded() && depends.is("DEPENDS"));
    assert_eq!(depends.value(), "b,\n c,\n\td");
    assert_eq!(depends.lines().collect::<Vec<_>>(), [(4, "b,"), (5, "c,"), (6, "d")]);
    assert_eq!((all[1][0].value(), all[1][0].line), ("e", 10));
    assert_eq!((all[1][1].value(), all[1][1].is_folded()), ("", false));
}

#[test]
fn a_text_without_a_newline_at_its_end_is_read() {
    let all = read_all("A: 1\n\nB: 2", LIMITS).expect("good text");
    assert_eq!(all[1][0].value(), "2");
    assert!(read_all("", LIMITS).expect("an empty text").is_empty());
    assert!(read_all("\n\n", LIMITS).expect("an empty text").is_empty());
}

#[test]
fn b15_duplicates_comments_and_stray_lines_are_refused_with_their_line() {
    let name = "a".to_owned();
    assert_eq!(problem("A: 1\na: 2\n"), (2, ControlProblem::Duplicate { name, first: 1 }));
    assert_eq!(problem("A: 1\n# no\nB: 2\n"), (2, ControlProblem::Comment));
    assert_eq!(problem("A: 1\n \nB: 2\n"), (2, ControlProblem::Blanks));
    assert_eq!(problem("A: 1\n\n \nB: 2\n"), (3, ControlProblem::Blanks));
    assert_eq!(problem("A: 1\n\n b\n"), (3, ControlProblem::Orphan));
    assert_eq!(problem("A: 1\nnothing\n"), (2, ControlProblem::NoColon));
    assert_eq!(problem(": 1\n"), (1, ControlProblem::Name(String::new())));
    assert_eq!(problem("A b: 1\n"), (1, ControlProblem::Name("A b".to_owned())));
    assert_eq!(problem("-A: 1\n"), (1, ControlProblem::Name("-A".to_owned())));
    assert_eq!(problem("A: 1\r\nB: 2\n"), (1, ControlProblem::Byte(b'\r')));
    assert_eq!(problem("A: 1\nB: \0\n"), (2, ControlProblem::Byte(0)));
}

#[test]
fn b15_a_second_paragraph_is_refused_where_one_is_needed() {
    let one =
        |text| single("Release", text, LIMITS).map(|p| p.line()).map_err(|e| (e.line, e.problem));
    assert_eq!(one("A: 1\n"), Ok(1));
    assert_eq!(one("A: 1\n\n\n"), Ok(1));
    assert_eq!(one("A: 1\n\nB: 2\n"), Err((3, ControlProblem::Second)));
    assert_eq!(one("\n"), Err((1, ControlProblem::Empty)));
}

#[test]
fn c13_a_paragraph_a_line_or_a_field_too_many_is_refused() {
    let too_large = |what, limit| ControlProblem::TooLarge { what, limit };
    let long_line = format!("A: {}\n", "x".repeat(38));
    assert_eq!(problem(&long_line), (1, too_large("line", 40)));
    let long_continuation = format!("A:\n {}\n", "x".repeat(40));
    assert_eq!(problem(&long_continuation), (2, too_large("line", 40)));
    let many_fields = "A: 1\nB: 2\nC: 3\nD: 4\nE: 5\n";
    assert_eq!(problem(many_fields), (5, too_large("number of fields", 4)));
    let long_paragraph = format!("Z: 1\n\nA:\n{}", " x\n".repeat(40));
    assert_eq!(problem(&long_paragraph), (3, too_large("paragraph", 100)));
}

#[test]
fn c13_the_limits_hold_exactly() {
    let line = format!("A: {}\n", "x".repeat(37));
    assert_eq!(line.len(), 41);
    assert!(read_all(&line, LIMITS).is_ok());
    let full = format!("A:{}\nB:{}\nCC:{}\n", " x".repeat(16), " y".repeat(16), "z".repeat(27));
    assert_eq!(full.len(), 101);
    assert!(read_all(&full, LIMITS).is_err(), "101 bytes");
    assert!(read_all(&full[..100], LIMITS).is_ok(), "100 bytes");
}

#[test]
fn c13_megabytes_without_an_end_are_refused() {
    let text = "x".repeat(8 * Limits::PACKAGES.paragraph);
    let error = read_all(&text, Limits::PACKAGES).expect_err("too large");
    assert_eq!(error.code(), "control-too-large");
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_line() {
    assert_eq!(decode("Packages", b"A: \xc3\xa9\n"), Ok("A: é\n"));
    let error = decode("Packages", b"A: 1\nB: \xff\n").expect_err("not UTF-8");
    assert_eq!(error.to_string(), "Packages:2: expected UTF-8, got other bytes");
}

proptest! {
    #[test]
    fn reading_never_panics(text in "([A-C :#\n\t\r-]|é){0,60}") {
        let _ = read_all(&text, LIMITS);
    }

    #[test]
    fn whatever_is_written_is_read_back(fields in prop::collection::vec("[a-z][a-z ,]{0,8}[a-z](\n [a-z]{1,4}){0,2}", 1..4)) {
        let lines = fields.iter().enumerate().map(|(at, value)| format!("F{at}: {value}\n"));
        let text: String = lines.collect();
        let all = read_all(&text, Limits::PACKAGES).expect("good text");
        let values: Vec<&str> = all[0].iter().map(Field::value).collect();
        prop_assert_eq!(values, fields);
    }
}
