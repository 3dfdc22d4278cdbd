//! A bill as an SPDX 2.3 document. Pure; what is not known is `NOASSERTION`, never left to
//! be guessed.
//!
//! Source: the SPDX specification 2.3, and its JSON schema.

use serde_json::{Value, json};

use super::{Bill, Part};
use crate::host::hash::Digest;

const UNKNOWN: &str = "NOASSERTION";
const ROOT: &str = "SPDXRef-Toolchain";

/// The document.
pub fn document(bill: &Bill) -> Value {
    let mut packages = vec![toolchain(bill)];
    packages.extend(bill.parts.iter().map(|part| package(bill, part)));
    let contains = bill.parts.iter().map(|part| {
        json!({
            "spdxElementId": ROOT,
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": id(part),
        })
    });
    let described = json!({
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": ROOT,
    });
    let extracted: Vec<Value> = bill
        .extracted()
        .into_iter()
        .map(|(id, (name, text))| json!({ "licenseId": id, "name": name, "extractedText": text }))
        .collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("reml-toolchain-{}-{}", bill.target, bill.release),
        "documentNamespace": "",
        "creationInfo": {
            "created": bill.time(),
            "creators": [concat!("Tool: reml-toolchain-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": std::iter::once(described).chain(contains).collect::<Vec<_>>(),
        "hasExtractedLicensingInfos": extracted,
    });
    // One name for one content: the digest of all the rest.
    let digest = Digest::of(document.to_string().as_bytes());
    document["documentNamespace"] =
        format!("https://spdx.org/spdxdocs/reml-toolchain-{}-{digest}", bill.target).into();
    document
}

fn toolchain(bill: &Bill) -> Value {
    json!({
        "SPDXID": ROOT,
        "name": format!("reml-toolchain-{}", bill.target),
        "versionInfo": format!("{}-{}", bill.release, &bill.tree[..16]),
        "supplier": UNKNOWN,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": "INSTALL",
        "comment": "A toolchain laid out from the packages that it contains.",
    })
}

fn package(bill: &Bill, part: &Part) -> Value {
    let source = match &part.source_version {
        Some(version) => format!("built from the source package {} {version}", part.source),
        None => format!("built from the source package {}, version {UNKNOWN}", part.source),
    };
    let declared = part.licences.as_ref().map_or(UNKNOWN, |found| &found.expression);
    let maintainer = part.maintainer.as_deref().unwrap_or(UNKNOWN);
    json!({
        "SPDXID": id(part),
        "name": part.name,
        "versionInfo": part.version,
        "packageFileName": part.path.rsplit('/').next(),
        "supplier": "Organization: Debian",
        "downloadLocation": part.url.as_deref().unwrap_or(UNKNOWN),
        "filesAnalyzed": false,
        "checksums": [{ "algorithm": "SHA256", "checksumValue": part.sha256 }],
        "sourceInfo": source,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": declared,
        "copyrightText": UNKNOWN,
        "comment": format!("part of the {}; maintainer in Debian: {maintainer}", part.component),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": part.purl(&bill.release),
        }],
    })
}

/// Letters, digits, `.` and `-` are all that an identifier may have.
fn id(part: &Part) -> String {
    let mut id = format!("SPDXRef-{}-", part.component);
    for c in format!("{}-{}", part.name, part.architecture).chars() {
        match c {
            '+' => id.push_str(".plus"),
            c if c.is_ascii_alphanumeric() || c == '.' => id.push(c),
            _ => id.push('-'),
        }
    }
    id
}
