"""Every expression of .github/renovate.json finds what it is for in the files it names."""

import json
import pathlib
import re
import sys

wrong = 0
for manager in json.loads(pathlib.Path(".github/renovate.json").read_text())["customManagers"]:
    what, found = manager["description"], []
    files = [re.compile(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
    for path in sorted(pathlib.Path(".").glob("*")) + sorted(pathlib.Path(".ci").glob("*")):
        if not path.is_file() or not any(pattern.search(path.as_posix()) for pattern in files):
            continue
        for expression in manager["matchStrings"]:
            # Renovate's named groups are those of JavaScript.
            for match in re.finditer(expression.replace("(?<", "(?P<"), path.read_text(encoding="utf-8")):
                name = match.groupdict().get("depName") or manager.get("depNameTemplate")
                found.append(f"{name} {match['currentValue']}")
    print(f"{what}: {', '.join(found) or 'NOTHING'}")
    wrong += not found
sys.exit(wrong)
