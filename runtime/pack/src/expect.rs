//! What a C program of `tests/c` says of itself, in comments of one line each:
//!
//! ```text
//! /* expect stdout 42 */      one line of its output; all of them together are all of it
//! /* expect stderr panic: */  a text that must be in there
//! /* expect status 1 */       without it, 0
//! /* only debug */            for the debug archive alone
//! ```
//!
//! Never runs anything.

/// What a program must do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Promise {
    /// All of its output.
    pub stdout: String,
    /// What its errors must have in them.
    pub stderr: Vec<String>,
    /// Its exit status.
    pub status: i32,
    /// Whether only the debug archive has what it calls.
    pub only_debug: bool,
}

impl Promise {
    /// Reads it out of the program's text.
    ///
    /// # Errors
    /// The line that is none of the above, or that the text promises nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut promise = Self::default();
        let mut count = 0;
        for line in text.lines() {
            let Some(inside) = line.strip_prefix("/* ").and_then(|rest| rest.strip_suffix(" */"))
            else {
                continue;
            };
            let (word, rest) = inside.split_once(' ').unwrap_or((inside, ""));
            if word != "expect" && word != "only" {
                continue;
            }
            count += 1;
            match (word, rest.split_once(' ').unwrap_or((rest, ""))) {
                ("only", ("debug", "")) => promise.only_debug = true,
                ("expect", ("stdout", text)) => {
                    promise.stdout.push_str(text);
                    promise.stdout.push('\n');
                }
                ("expect", ("stderr", text)) => promise.stderr.push(text.to_owned()),
                ("expect", ("status", text)) => {
                    promise.status = text.parse().map_err(|_| line.to_owned())?;
                }
                _ => return Err(line.to_owned()),
            }
        }
        if count > 0 { Ok(promise) } else { Err("it promises nothing".to_owned()) }
    }

    /// What a run was that it must not be.
    #[must_use]
    pub fn broken(&self, status: i32, stdout: &[u8], stderr: &[u8]) -> Vec<String> {
        let mut broken = Vec::new();
        if status != self.status {
            broken.push(format!("expected status {}, got {status}", self.status));
        }
        if stdout != self.stdout.as_bytes() {
            let got = String::from_utf8_lossy(stdout);
            broken.push(format!("expected stdout {:?}, got {got:?}", self.stdout));
        }
        let said = String::from_utf8_lossy(stderr);
        for text in self.stderr.iter().filter(|text| !said.contains(*text)) {
            broken.push(format!("expected {text:?} in stderr, got {said:?}"));
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_read_and_held() {
        let text = "/* A program. */\n/* expect status 1 */\n/* expect stdout 4 2 */\nint main;\n\
                    /* expect stderr panic: */\n";
        let promise = Promise::parse(text).expect("it is one");
        assert_eq!(promise.broken(1, b"4 2\n", b"panic: x"), [""; 0]);
        assert_eq!(promise.broken(0, b"", b"").len(), 3);
        assert!(Promise::parse("/* only debug */").expect("it is one").only_debug);
    }

    #[test]
    fn what_promises_nothing_or_something_else_is_refused() {
        for text in ["int main;", "/* expect statuz 1 */", "/* expect status x */", "/* only x */"]
        {
            assert!(Promise::parse(text).is_err(), "{text}");
        }
    }
}
