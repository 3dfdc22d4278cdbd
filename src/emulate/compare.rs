//! What a program wrote against what it should have written, told so that a person sees the
//! first difference. Pure.

use std::fmt::Write as _;

/// Lines shown before the difference, and of each side of it.
const BEFORE: usize = 2;
const SHOWN: usize = 12;
/// The longest line that is shown whole, in bytes.
const WIDEST: usize = 200;

/// The difference in words; `None` when there is none. Lines of `expected` begin with `-`,
/// those of `got` with `+`.
#[must_use]
pub fn difference(expected: &[u8], got: &[u8]) -> Option<String> {
    if expected == got {
        return None;
    }
    let (old, new) = (lines(expected), lines(got));
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (rest_old, rest_new) = (&old[same..], &new[same..]);
    let tail = rest_old.iter().rev().zip(rest_new.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("the first difference is in line {}:\n", same + 1);
    for line in &old[same.saturating_sub(BEFORE)..same] {
        show(&mut text, ' ', line);
    }
    for (sign, side) in [('-', rest_old), ('+', rest_new)] {
        let changed = &side[..side.len() - tail];
        for line in changed.iter().take(SHOWN) {
            show(&mut text, sign, line);
        }
        if changed.len() > SHOWN {
            let _ = writeln!(text, "{sign} … and {} more lines", changed.len() - SHOWN);
        }
    }
    text.pop();
    Some(text)
}

/// Lines with their ends, so that a missing last one is seen.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn show(text: &mut String, sign: char, line: &[u8]) {
    let (line, end) = match line.strip_suffix(b"\n") {
        Some(line) => (line, ""),
        None => (line, "  (without a line end)"),
    };
    let cut = if line.len() > WIDEST { "…" } else { "" };
    let shown = String::from_utf8_lossy(&line[..line.len().min(WIDEST)]);
    // Tabs and control characters would hide what differs.
    let shown: String = shown
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    let _ = writeln!(text, "{sign} {shown}{cut}{end}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(difference(b"a\n", b"a\n"), None);
        assert_eq!(difference(b"", b""), None);
    }

    #[test]
    fn the_first_difference_is_shown_with_what_stands_before_it() {
        assert_eq!(
            difference(b"1\n2\n3\n4\n5\n", b"1\n2\n3\nx\n5\n").unwrap(),
            "the first difference is in line 4:\n  2\n  3\n- 4\n+ x"
        );
        assert_eq!(
            difference(b"a\n", b"a").unwrap(),
            "the first difference is in line 1:\n- a\n+ a  (without a line end)"
        );
        assert_eq!(
            difference(b"a\n", b"a\r\n").unwrap(),
            "the first difference is in line 1:\n- a\n+ a\\r"
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let got = "x\n".repeat(1000);
        let text = difference(b"", got.as_bytes()).unwrap();
        assert!(text.ends_with("+ … and 988 more lines"), "{text}");
        assert!(difference(b"", &[b'y'; 9000]).unwrap().len() < 400);
    }
}
