//! A bill as a `CycloneDX` 1.6 document. Pure; what is not known is left out, as the format
//! asks.
//!
//! Source: the `CycloneDX` specification 1.6 (ECMA-424), and its JSON schema.

use serde_json::{Value, json};

use super::{Bill, Part};
use crate::host::hash::Digest;

/// The document.
pub fn document(bill: &Bill) -> Value {
    let version = format!("{}-{}", bill.release, &bill.tree[..16]);
    let root = format!("reml-toolchain-{}@{version}", bill.target);
    let components: Vec<Value> = bill.parts.iter().map(|part| component(bill, part)).collect();
    let contained: Vec<String> = bill.parts.iter().map(|part| reference(bill, part)).collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": bill.time(),
            "tools": { "components": [{
                "type": "application",
                "name": "reml-toolchain",
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": {
                "type": "platform",
                "bom-ref": root,
                "name": format!("reml-toolchain-{}", bill.target),
                "version": version,
            },
        },
        "components": components,
        "dependencies": [{ "ref": root, "dependsOn": contained }],
    });
    let digest = Digest::of(document.to_string().as_bytes());
    document["serialNumber"] = format!("urn:uuid:{}", uuid(digest)).into();
    document
}

/// The first 16 bytes of a digest as a UUID of version 8, RFC 9562 §5.8.
fn uuid(digest: Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.0[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A package may be in several components: its URL alone does not tell which.
fn reference(bill: &Bill, part: &Part) -> String {
    format!("{}#{}", part.purl(&bill.release), part.component)
}

fn component(bill: &Bill, part: &Part) -> Value {
    let mut supplier = json!({ "name": "Debian", "url": ["https://www.debian.org/"] });
    if let Some((name, email)) = part.maintainer.as_deref().and_then(address) {
        supplier["contact"] = json!([{ "name": name, "email": email }]);
    }
    let mut properties = vec![
        json!({ "name": "reml-toolchain:component", "value": part.component }),
        json!({ "name": "reml-toolchain:source", "value": part.source }),
    ];
    if let Some(version) = &part.source_version {
        properties.push(json!({ "name": "reml-toolchain:source-version", "value": version }));
    }
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(bill, part),
        "supplier": supplier,
        "name": part.name,
        "version": part.version,
        "hashes": [{ "alg": "SHA-256", "content": part.sha256 }],
        "purl": part.purl(&bill.release),
        "properties": properties,
    });
    if let Some(url) = &part.url {
        component["externalReferences"] = json!([{ "type": "distribution", "url": url }]);
    }
    if let Some(found) = &part.licences {
        component["licenses"] =
            json!([{ "expression": found.expression, "acknowledgement": "declared" }]);
        let texts: Vec<Value> = found
            .extracted
            .iter()
            .map(|(id, (_, text))| {
                json!({ "license": { "name": id, "text": { "contentType": "text/plain", "content": text } } })
            })
            .collect();
        if !texts.is_empty() {
            component["evidence"] = json!({ "licenses": texts });
        }
    }
    component
}

/// `Name <address>`.
fn address(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('<')?;
    Some((name.trim(), rest.strip_suffix('>')?))
}
