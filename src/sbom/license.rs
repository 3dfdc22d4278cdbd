//! Debian's short names of licences as SPDX identifiers. Never guesses: a name that may
//! mean several texts, or that SPDX does not list, has no identifier.
//!
//! Source: DEP-5 (copyright-format 1.0) §7.1; the SPDX license list.

/// What a `MIT` paragraph must hold to be the one text that SPDX calls MIT.
const EXPAT: &str = "permission is hereby granted, free of charge, to any person obtaining a copy \
                     of this software and associated documentation files";

/// The SPDX expression of one short name, `None` where there is none. `text` is the
/// licence's text, which decides where a name alone does not.
#[must_use]
pub fn identifier(name: &str, text: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((base, exception)) = lower.split_once(" with ") {
        let base = identifier(base, text)?;
        let exception = match exception.trim_end_matches("exception").trim() {
            "libtool" => "Libtool-exception",
            "texinfo" => "Texinfo-exception",
            "bison" => "Bison-exception-2.2",
            "llvm" => "LLVM-exception",
            _ => return None,
        };
        return spdx::exception_id(exception).map(|found| format!("{base} WITH {}", found.name));
    }
    if let Some(known) = family(&lower) {
        return spdx::license_id(&known).map(|found| found.name.to_owned());
    }
    let known = match lower.as_str() {
        "expat" => "MIT",
        "mit" => {
            let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            return text.to_ascii_lowercase().contains(EXPAT).then(|| "MIT".to_owned());
        }
        "apache-2" | "asl-2.0" => "Apache-2.0",
        "apache-2-llvm-exceptions" => return Some("Apache-2.0 WITH LLVM-exception".to_owned()),
        "openldap-2.8" => "OLDAP-2.8",
        "bsd-2-clause-netbsd" => "BSD-2-Clause",
        "bsd-4-clause-uc" => "BSD-4-Clause-UC",
        "bsd3" => "BSD-3-Clause",
        _ => {
            let mut list = spdx::identifiers::LICENSES.iter();
            return list
                .find(|id| id.name.to_ascii_lowercase() == lower)
                .map(|id| id.name.to_owned());
        }
    };
    Some(known.to_owned())
}

/// The GNU licences, whose names carry a version and perhaps "or later": `gpl-2+`,
/// `lgplv2.1+`, `gfdl-1.2`.
fn family(lower: &str) -> Option<String> {
    let names = [("lgpl", "LGPL"), ("agpl", "AGPL"), ("gfdl", "GFDL"), ("gpl", "GPL")];
    let (rest, name) =
        names.iter().find_map(|(prefix, name)| Some((lower.strip_prefix(prefix)?, name)))?;
    let rest = rest.trim_start_matches(['-', 'v']);
    let (version, later) = match rest.strip_suffix('+') {
        Some(version) => (version, true),
        None => (rest, false),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let version = match version.split_once('.') {
        Some((major, minor)) if digits(major) && digits(minor) => format!("{major}.{minor}"),
        None if digits(version) => format!("{version}.0"),
        _ => return None,
    };
    Some(format!("{name}-{version}-{}", if later { "or-later" } else { "only" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_s_names_become_those_of_spdx() {
        for (debian, spdx) in [
            ("GPL-2+", "GPL-2.0-or-later"),
            ("GPL-3", "GPL-3.0-only"),
            ("LGPLv2.1+", "LGPL-2.1-or-later"),
            ("GFDL-1.2+", "GFDL-1.2-or-later"),
            ("Expat", "MIT"),
            ("BSD-3-clause", "BSD-3-Clause"),
            ("zlib", "Zlib"),
            ("APACHE-2-LLVM-EXCEPTIONS", "Apache-2.0 WITH LLVM-exception"),
            ("GPL-2+ with Libtool exception", "GPL-2.0-or-later WITH Libtool-exception"),
        ] {
            assert_eq!(identifier(debian, "").as_deref(), Some(spdx), "{debian}");
        }
    }

    #[test]
    fn every_identifier_is_an_expression_of_spdx() {
        for name in ["GPL-1+", "LGPL-3+", "Apache-2", "OpenLDAP-2.8", "curl", "ISC", "bsd3"] {
            let found = identifier(name, "").unwrap_or_else(|| panic!("{name} has none"));
            spdx::Expression::parse(&found).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn a_name_with_several_meanings_has_no_identifier_without_its_text() {
        assert_eq!(identifier("MIT", "Permission to use, copy, modify"), None);
        let text = format!("{}.", EXPAT.replace("charge,", "charge,\n"));
        assert_eq!(identifier("MIT", &text).as_deref(), Some("MIT"));
        for name in ["public-domain", "GPL", "GPL-2+ with some exception", "GPL-9", "none", ""] {
            assert_eq!(identifier(name, ""), None, "{name}");
        }
    }
}
