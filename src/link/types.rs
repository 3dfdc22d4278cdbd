//! Function types as LLVM prints them, without attributes and with named types resolved, so
//! that two can be compared. Pure.

use std::collections::BTreeMap;
use std::fmt;

/// How deep named types are followed.
const DEEPEST: usize = 16;

/// A function's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What it returns.
    pub result: String,
    /// What it takes.
    pub parameters: Vec<String>,
    /// Whether more may follow.
    pub variadic: bool,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.result, self.parameters.join(", "))?;
        match (self.variadic, self.parameters.is_empty()) {
            (true, true) => f.write_str("...)"),
            (true, false) => f.write_str(", ...)"),
            _ => f.write_str(")"),
        }
    }
}

/// Named types by their name, with its `%`.
pub type Types = BTreeMap<String, String>;

/// The function that a `declare` is about; `text` follows that word.
#[must_use]
pub fn declared(text: &str, types: &Types) -> Option<(String, Shape)> {
    let (before, name, inside) = around(text)?;
    Some((name, shape(last_type(before)?, inside, types)))
}

/// The function that an instruction calls by its name.
#[must_use]
pub fn called(line: &str, types: &Types) -> Option<(String, Shape)> {
    let text = line.trim_start();
    let text = match text.split_once(" = ") {
        Some((value, rest)) if value.starts_with('%') && !value.contains(' ') => rest,
        _ => text,
    };
    let mut words = text.splitn(3, ' ');
    let (first, second) = (words.next()?, words.next()?);
    let is_call = matches!(first, "call" | "invoke")
        || matches!(first, "tail" | "musttail" | "notail") && second == "call";
    if !is_call || text.contains(" asm ") {
        return None;
    }
    let (before, name, inside) = around(text)?;
    let before = before.trim_end();
    // Calls of variadic functions name the whole type, `ptr (i64, ...)`.
    if before.ends_with(')') {
        let open = matching_start(before)?;
        let inside = before.get(open + 1..before.len() - 1)?;
        return Some((name, shape(last_type(before.get(..open)?)?, inside, types)));
    }
    Some((name, shape(last_type(before)?, inside, types)))
}

/// What stands before the first symbol, the symbol, and what its parentheses hold.
fn around(text: &str) -> Option<(&str, String, &str)> {
    let at = text.find('@')?;
    let (before, rest) = (&text[..at], &text[at + 1..]);
    let (name, rest) = match rest.strip_prefix('"') {
        Some(rest) => rest.split_once('"')?,
        None => rest.split_at(rest.find('(')?),
    };
    let rest = rest.strip_prefix('(')?;
    let end = end_of(rest, ')')?;
    Some((before, name.to_owned(), &rest[..end]))
}

fn shape(result: &str, inside: &str, types: &Types) -> Shape {
    let mut parameters: Vec<&str> = split(inside);
    let variadic = parameters.pop_if(|last| *last == "...").is_some();
    let parameters = parameters.into_iter().map(|text| resolve(first_type(text), types, DEEPEST));
    Shape { result: resolve(result, types, DEEPEST), parameters: parameters.collect(), variadic }
}

/// Where the bracket that is open at the start of `text` closes.
fn end_of(text: &str, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_string = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_string = !in_string,
            _ if in_string => {}
            _ if c == close && depth == 0 => return Some(at),
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Where the bracket opens that closes at the end of `text`.
fn matching_start(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' | ']' | '}' | '>' => depth += 1,
            '(' | '[' | '{' | '<' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between commas that are in no brackets.
fn split(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some(at) = end_of(text, ',') {
        parts.push(text[..at].trim());
        text = &text[at + 1..];
    }
    parts.push(text.trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The type before attributes and value: `ptr noundef %1`.
fn first_type(text: &str) -> &str {
    if let Some(length) = text.strip_prefix("%\"").and_then(|rest| rest.find('"')) {
        return text.get(..length + 3).unwrap_or(text);
    }
    let bracket = match text.chars().next() {
        Some('{') => Some('}'),
        Some('[') => Some(']'),
        Some('<') => Some('>'),
        _ => None,
    };
    match bracket.and_then(|close| end_of(text.get(1..)?, close)) {
        Some(end) => text.get(..end + 2).unwrap_or(text),
        None => text.split([' ', ',']).next().unwrap_or(text),
    }
}

/// The type after attributes: `dso_local zeroext i8`.
fn last_type(text: &str) -> Option<&str> {
    let text = text.trim_end();
    if text.ends_with(['}', ']', '>']) {
        return text.get(matching_start(text)?..);
    }
    // A quoted name may hold blanks; quotes in it are printed as `\22`.
    match text.strip_suffix('"').and_then(|rest| rest.rfind("%\"")) {
        Some(start) => text.get(start..),
        None => text.split_whitespace().next_back(),
    }
}

/// A type with every name in it replaced by what it stands for.
fn resolve(text: &str, types: &Types, depth: usize) -> String {
    if let Some(body) = types.get(text).filter(|_| depth > 0) {
        return resolve(body, types, depth - 1);
    }
    let Some(inside) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return text.to_owned();
    };
    let parts = split(inside).into_iter().map(|part| resolve(part, types, depth.saturating_sub(1)));
    format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn types() -> Types {
        [("%S", "{ ptr, i64 }"), ("%\"a b\"", "{ %S, i8 }"), ("%loop", "{ %loop }")]
            .map(|(name, body)| (name.to_owned(), body.to_owned()))
            .into()
    }

    #[test]
    fn declarations_lose_their_attributes() {
        for (text, expected) in [
            ("ptr @f(i64)", "ptr (i64)"),
            ("dso_local noundef zeroext i8 @f(ptr noundef align 8) #1", "i8 (ptr)"),
            ("!dbg !53 ptr @f(i64 noundef, ...) local_unnamed_addr", "ptr (i64, ...)"),
            ("void @f(...)", "void (...)"),
            ("void @f()", "void ()"),
            ("range(i8 0, 2) i8 @f(ptr dereferenceable(8) %0, %S %1)", "i8 (ptr, { ptr, i64 })"),
            ("{ ptr, i64 } @f([2 x i64])", "{ ptr, i64 } ([2 x i64])"),
            ("void @f(%\"a b\" noundef %x)", "void ({ { ptr, i64 }, i8 })"),
            ("%\"a b\" @f(<4 x i32>)", "{ { ptr, i64 }, i8 } (<4 x i32>)"),
        ] {
            let (name, shape) = declared(text, &types()).unwrap();
            assert_eq!((&*name, &*shape.to_string()), ("f", expected), "{text}");
        }
    }

    #[test]
    fn calls_tell_the_types_they_are_made_with() {
        for (line, expected) in [
            ("  call void @f(i32 42)", "void (i32)"),
            ("  %1 = tail call ptr @f(ptr nonnull @.str, i64 1) #2, !dbg !40", "ptr (ptr, i64)"),
            ("  %4 = tail call ptr (i64, ...) @f(i64 noundef 2, ptr %1)", "ptr (i64, ...)"),
            ("  %5 = call noundef zeroext i8 @f(ptr %4)", "i8 (ptr)"),
            ("  %r = invoke { ptr, i64 } @f(%S { ptr @x, i64 3 })", "{ ptr, i64 } ({ ptr, i64 })"),
            ("  call void @f([2 x i64] [i64 ptrtoint (ptr @s to i64), i64 1])", "void ([2 x i64])"),
        ] {
            let (name, shape) = called(line, &types()).unwrap();
            assert_eq!((&*name, &*shape.to_string()), ("f", expected), "{line}");
        }
        for line in ["  store ptr @f, ptr %1", "  call void asm \"@f(x)\"(), ", "}", "@f(i8"] {
            assert_eq!(called(line, &types()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[a-z@%\"(){}<>,.= é\\[\\]]{0,60}") {
            for before in ["", "  call ptr (", "%x = tail call {", "void @f("] {
                let line = format!("{before}{line}");
                let _ = (called(&line, &types()), declared(&line, &types()));
            }
        }
    }

    #[test]
    fn types_that_name_themselves_end() {
        assert!(declared("void @f(%loop)", &types()).is_some());
    }
}
