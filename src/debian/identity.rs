//! The control file of a binary package, as far as it must agree with the index.
//! Maintainer scripts beside it are never read.
//!
//! Source: Debian policy §5.1 (syntax), §5.3 (binary package control files).

use crate::host::fault::{Diagnostic, Kind};

/// Why a control file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("control file: expected UTF-8 text, got other bytes after byte {valid}")]
    Encoding { valid: usize },
    #[error("control file, line {line}: {problem}")]
    Syntax { line: usize, problem: &'static str },
    #[error("control file: field {field} is missing")]
    Missing { field: &'static str },
    #[error("control file: {field}: expected {expected} from the index, got {got}")]
    Differs { field: &'static str, expected: String, got: String },
}

impl Diagnostic for ControlError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Differs { .. } => "deb-control-differs",
            _ => "deb-control",
        }
    }
}

/// Who a package says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub package: String,
    pub version: String,
    pub architecture: String,
}

impl Identity {
    /// Reads the three fields out of a control file.
    ///
    /// # Errors
    /// [`ControlError`] when the text is no single well-formed paragraph or a
    /// field is missing or stands there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, ControlError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ControlError::Encoding { valid: error.valid_up_to() })?;
        let mut fields = [("Package", None), ("Version", None), ("Architecture", None)];
        let mut ended = false;
        for (line, content) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            let wrong = |problem| Err(ControlError::Syntax { line, problem });
            if content.trim().is_empty() {
                ended = true;
                continue;
            }
            if ended {
                return wrong("expected one paragraph, got text after a blank line");
            }
            if content.starts_with([' ', '\t']) {
                if line == 1 {
                    return wrong("expected a field, got a continuation line");
                }
                continue;
            }
            let Some((name, value)) = content.split_once(':') else {
                return wrong("expected \"Name: value\", got no colon");
            };
            if let Some((_, slot)) =
                fields.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name))
                && slot.replace(value.trim().to_owned()).is_some()
            {
                return wrong("the field stands there twice");
            }
        }
        let mut take = |index: usize| {
            let (field, value) = &mut fields[index];
            value.take().filter(|value| !value.is_empty()).ok_or(ControlError::Missing { field })
        };
        Ok(Self { package: take(0)?, version: take(1)?, architecture: take(2)? })
    }

    /// Compares what the package says with `self`, which the index says.
    ///
    /// # Errors
    /// [`ControlError::Differs`] with the first field that does.
    pub fn check(&self, got: &Self) -> Result<(), ControlError> {
        for (field, expected, got) in [
            ("Package", &self.package, &got.package),
            ("Version", &self.version, &got.version),
            ("Architecture", &self.architecture, &got.architecture),
        ] {
            if expected != got {
                let (expected, got) = (expected.clone(), got.clone());
                return Err(ControlError::Differs { field, expected, got });
            }
        }
        Ok(())
    }
}
