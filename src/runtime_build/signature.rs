//! The runtime's functions as LLVM IR declares them, read out of the one table of the ABI.
//! Types are LLVM's own text without attributes, so that declarations can be compared.

use super::abi;

/// A function that IR may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The symbol, without `@`.
    pub name: &'static str,
    /// The type it returns, such as `ptr` or `{ ptr, i64 }`.
    pub result: &'static str,
    /// The types of its parameters.
    pub parameters: Vec<&'static str>,
    /// Whether more arguments may follow.
    pub variadic: bool,
    /// The declaration as the table has it, with attributes, for people.
    pub text: &'static str,
}

/// Every function that IR has a use for, in the order of the table.
#[must_use]
pub fn signatures() -> Vec<Signature> {
    abi::FUNCTIONS.iter().filter_map(|function| parse(function.ir)).collect()
}

/// `zeroext i8 @name(ptr, ...)`; nothing for an empty text.
fn parse(text: &'static str) -> Option<Signature> {
    let (before, rest) = text.split_once('@')?;
    let (name, rest) = rest.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let mut parameters: Vec<&str> = split(inside).into_iter().map(parameter).collect();
    let variadic = parameters.pop_if(|last| *last == "...").is_some();
    Some(Signature { name, result: result(before.trim()), parameters, variadic, text })
}

/// The parts between commas that are in no braces.
fn split(list: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let parts = list.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// A parameter's attributes follow its type.
fn parameter(text: &str) -> &str {
    match text.rfind('}') {
        Some(end) => text.get(..=end).unwrap_or(text),
        None => text.split_whitespace().next().unwrap_or(text),
    }
}

/// A result's attributes stand before its type.
fn result(text: &str) -> &str {
    match text.find('{') {
        Some(start) => text.get(start..).unwrap_or(text),
        None => text.split_whitespace().next_back().unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Signature {
        signatures().into_iter().find(|it| it.name == name).unwrap()
    }

    #[test]
    fn every_declaration_of_the_table_is_read() {
        let declared = abi::FUNCTIONS.iter().filter(|function| !function.ir.is_empty());
        let names: Vec<&str> = declared.map(|function| function.symbol).collect();
        assert_eq!(signatures().iter().map(|it| it.name).collect::<Vec<_>>(), names);
    }

    #[test]
    fn types_stand_alone_without_attributes() {
        let alloc = find("mem_alloc");
        assert_eq!((alloc.result, &*alloc.parameters), ("ptr", &["i64"][..]));
        let panic = find("panic");
        assert_eq!((panic.result, &*panic.parameters), ("void", &["ptr", "i64"][..]));
        assert_eq!(find("reml_box_bool").parameters, ["i8"]);
        assert_eq!(find("reml_unbox_bool").result, "i8");
        assert_eq!(find("reml_str_data").parameters, ["{ ptr, i64 }"]);
        assert_eq!(find("reml_unbox_string").result, "{ ptr, i64 }");
        assert!(find("reml_set_new").parameters.is_empty());
        let array = find("reml_array_from");
        assert!(array.variadic);
        assert_eq!(array.parameters, ["i64"]);
    }
}
