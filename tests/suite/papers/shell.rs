//! The commands of this program that a page shows: in its code blocks for shells, and
//! between backticks in its prose.

/// What a page writes for values that the reader chooses.
const BREAKS: &[&str] = &["|", "||", "&&", ";", ">", ">>", "<", "2>&1"];

/// Every command of the program on a page, as words.
pub fn commands(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut block: Option<bool> = None;
    let mut prose = String::new();
    for line in page.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            block = match block {
                Some(_) => None,
                None => Some(["sh", "console", "bash", "text"].contains(&kind)),
            };
        } else if block == Some(true) {
            found.extend(of_line(line));
        } else if block.is_none() {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    // Others quote what somebody says.
    for span in spans.filter(|span| span.starts_with("reml-toolchain ")) {
        found.extend(of_line(&span));
    }
    found
}

/// The commands of one line: each begins with the program's name and ends where the shell
/// goes on to something else.
fn of_line(line: &str) -> Vec<Vec<String>> {
    let line = line.replace("cargo run --release -- ", "reml-toolchain ");
    let line = line.replace("target/release/reml-toolchain ", "reml-toolchain ");
    let line = line.trim_start().trim_start_matches("$ ");
    let mut found = Vec::new();
    // `$(…)` holds a command like any other.
    for part in line.split("$(") {
        let part = part.split(')').next().unwrap_or_default();
        let mut current: Option<Vec<String>> = None;
        for word in words(part) {
            if BREAKS.contains(&word.as_str()) {
                found.extend(current.take());
            } else if let Some(words) = &mut current {
                words.push(word);
            } else if word == "reml-toolchain" {
                current = Some(vec![word]);
            }
        }
        found.extend(current);
    }
    // The name alone is the program, not a command.
    found.retain(|words| words.len() > 1);
    found
}

/// Splits at blanks, with quotes as in a shell; a word that begins with `#` ends the line.
fn words(line: &str) -> Vec<String> {
    let mut list = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => return list,
            (None, ' ' | '\t') => list.extend(word.take()),
            (None, ';') => {
                list.extend(word.take());
                list.push(";".to_owned());
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    list.extend(word);
    list
}

#[test]
fn commands_are_found_wherever_a_page_has_them() {
    let page = "Text `reml-toolchain a --b 'c d'`, `reml-toolchain`, `by reml-toolchain or`.\n```sh\n\
                x | reml-toolchain e f > g && reml-toolchain h   # reml-toolchain no\n\
                eval \"$(reml-toolchain i)\"\ncargo run --release -- j\n```\n\
                ```toml\nreml-toolchain no\n```\n";
    let found: Vec<String> = commands(page).iter().map(|words| words[1..].join("|")).collect();
    assert_eq!(found, ["e|f", "h", "i", "j", "a|--b|c d"]);
}
