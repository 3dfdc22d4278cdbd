"""Judges bills of materials by the formats' own programs: sbom-check.py SPDX CYCLONEDX.

CycloneDX's library brings its JSON schema, SPDX's own library the rules of 2.3, and
packageurl the grammar of package URLs. Exits with 1 and every complaint.
"""

import json
import pathlib
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

spdx, cyclonedx = map(pathlib.Path, sys.argv[1:])
complaints = []

document = parse_file(str(spdx))
for message in validate_full_spdx_document(document, "SPDX-2.3"):
    complaints.append(f"{spdx.name}: {message.validation_message} ({message.context.spdx_id})")

text = cyclonedx.read_text()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if error:
    complaints.append(f"{cyclonedx.name}: {error}")

bom = json.loads(text)
urls = {component["purl"] for component in bom["components"]}
for package in json.loads(spdx.read_text())["packages"]:
    for reference in package.get("externalRefs", []):
        url = reference["referenceLocator"]
        if url not in urls:
            complaints.append(f"{url}: in {spdx.name} only")
for url in sorted(urls):
    if PackageURL.from_string(url).to_string() != url:
        complaints.append(f"{url}: expected {PackageURL.from_string(url).to_string()}")

for complaint in complaints:
    print(complaint, file=sys.stderr)
if complaints:
    sys.exit(1)
licensed = sum("licenses" in component for component in bom["components"])
print(f"{len(bom['components'])} packages, {licensed} with licences: valid SPDX 2.3, CycloneDX 1.6 and purl")
