"""Lines for a report page and the page in a real browser. Python's standard library alone.

  page.py lines ROOT        a year of audits and measurements into ROOT/toolchains
  page.py check PAGE OUT    PAGE in headless Chromium: widths, schemes, contrast, print

Chromium is driven through its debugging pipe (file descriptors 3 and 4), so that no port is
opened. Whatever the page asks for, writes to the console, or lets stick out is a failure.
"""

import base64
import datetime
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def updates(month):
    """What is open in a month: it grows, and a `lock --update` empties it."""
    known = [
        ("libc6", "2.36-9+deb12u9", "2.36-9+deb12u10", "bookworm-security", "high",
         ["CVE-2025-0395", "CVE-2025-4802"]),
        ("zlib1g", "1:1.2.13.dfsg-1", "1:1.2.13.dfsg-2", "bookworm", "medium", ["CVE-2023-45853"]),
        ("libxml2", "2.9.14+dfsg-1.3~deb12u1", "2.9.14+dfsg-1.3~deb12u4", "bookworm-security", "medium",
         [f"CVE-2025-{number}" for number in (24928, 27113, 32414, 32415, 49794, 49796, 6021)]),
        ("libgcc-12-dev", "12.2.0-14+deb12u1", "12.2.0-14+deb12u2", "bookworm", "low", []),
    ]
    return [
        {"name": name, "architectures": ["amd64"], "old": old, "new": new, "suite": suite,
         "linked": True, "urgency": urgency, "cve_count": len(cves), "cves": cves, "complete": True}
        for name, old, new, suite, urgency, cves in known[: month % 5]
    ]


def audit(time, at, count):
    month = at // 2
    newer = updates(month)
    drift = [["libc6", "2.36-9+deb12u9", "2.36-9+deb12u10"], ["zlib1g", "1:1.2.13.dfsg-1", "1:1.2.13.dfsg-2"]]
    findings = []
    for update in newer:
        security = bool(update["cves"])
        findings.append({
            "code": "security-update" if security else "package-superseded",
            "severity": "error" if security else "warning",
            "message": f"{update['name']} {update['old']} → {update['new']} ({update['suite']}, urgency "
                       f"{update['urgency']}): {', '.join(update['cves'])}",
            "hint": "run `reml-toolchain lock --update --write`, then `reml-toolchain prepare`",
            "page": "docs/src/reference/audit.md"})
    if at % 7 == 3:
        findings.append({"code": "release-without-expiry", "severity": "note",
                         "message": "bookworm: its Release has no Valid-Until",
                         "hint": "without Valid-Until a frozen mirror shows only by its age", "page": ""})
    worst = min((["error", "warning", "note"].index(f["severity"]) for f in findings), default=2)
    trees = []
    for target in (X86, ARM):
        trees.append({
            "target": target, "release": "bookworm", "unreadable": None, "glibc": "2.36", "gcc": "12",
            "libstdcxx": "12.2.0-14" + ("+deb12u1" if at > count * 2 // 3 else ""),
            "linux": ["6.1.119-1", "6.1.128-1", "6.1.140-1", "6.1.158-1"][at * 4 // count],
            "clang": ["19.1.4", "19.1.7"][at > count // 3], "lld": ["19.1.4", "19.1.7"][at > count // 3],
            "ar": "19.1.7", "readelf": "19.1.7", "qemu": ["7.2.15", "7.2.19", "7.2.22"][at * 3 // count],
            "files": 4811, "damage": [], "drift": drift if target == X86 and at % 9 in (4, 5) else []})
    day = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).date().isoformat()
    return {
        "schema": 1, "time": time, "date": day, "tool": "0.1.0",
        "status": ["RED", "AMBER", "GREEN"][worst], "exit": 3 if worst == 0 else 0, "findings": findings,
        "facts": {"release": "bookworm", "checked": "online", "lock": {"packages": 371, "date": time},
                  "toolchains": trees, "updates": newer,
                  "host": {"rust": {"version": ["1.93.0", "1.94.0", "1.95.0"][at * 3 // count]}}}}


def measurements(start, days):
    dice = random.Random(19)
    commands = [  # command, target, emulator, one in so many days, milliseconds, bytes
        ("prepare", X86, None, 9, 41_000, None), ("prepare", ARM, None, 16, 58_000, None),
        ("build-runtime", X86, None, 4, 6_200, None), ("build-runtime", ARM, None, 7, 7_100, None),
        ("link", X86, None, 2, 310, 48_000), ("link", ARM, None, 3, 350, 69_000),
        ("run", X86, "native", 1, 9, 48_000), ("run", ARM, "qemu-user", 3, 74, 69_000),
        ("run", X86, "microvm", 6, 1_450, 48_000), ("run", ARM, "microvm", 9, 3_900, 69_000)]
    for day in range(days):
        for command, target, emulator, every, usual, size in commands:
            if dice.randrange(every):
                continue
            time = start + day * 86_400 + dice.randrange(30_000, 70_000)
            total = int(usual * (1.15 - 0.3 * day / days) * dice.lognormvariate(0, 0.16))
            failed = dice.randrange(40) == 0
            milliseconds = {"total": total // 3 if failed else total}
            if emulator:
                milliseconds["start"] = total // 5
            if command == "link":
                milliseconds["lld"] = total // 3
            entry = {"schema": 1, "time": datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
                     .strftime("%Y-%m-%dT%H:%M:%SZ"),
                     "command": command, "target": target, "versions": {"reml-toolchain": "0.1.0"},
                     "milliseconds": milliseconds}
            if size:
                entry["elf_bytes"] = int(size * (1 + 0.25 * day / days)) // 64 * 64
            if emulator:
                entry["emulator"] = emulator
            yield entry | {"exit_status": int(failed)}


def lines(root, start=1_764_547_200, days=360, every=14):
    folder = pathlib.Path(root, "toolchains")
    folder.mkdir(parents=True, exist_ok=True)
    count, previous = days // every + 1, None
    with open(folder / "audit.log", "w", encoding="utf-8") as log:
        for at in range(count):
            value = audit(start + at * every * 86_400 + 25_200, at, count) | {"previous": previous}
            line = json.dumps(value, ensure_ascii=False)
            previous = hashlib.sha256(line.encode()).hexdigest()
            log.write(line + "\n")
    with open(folder / "metrics.jsonl", "a", encoding="utf-8") as metrics:
        for entry in measurements(start, days):
            metrics.write(json.dumps(entry) + "\n")


class Browser:
    """Chromium at the other end of two pipes: messages of JSON that end with a zero byte."""

    def __init__(self, home):
        (to_read, self.to), (self.back, back_write) = os.pipe(), os.pipe()
        # The descriptors 3 and 4 of the child are the pipes, by the browser's convention.
        shell = f'exec 3<&{to_read} 4>&{back_write}; exec "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", "chromium", "--headless=new", "--remote-debugging-pipe", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--hide-scrollbars", f"--user-data-dir={home}", "about:blank"],
            pass_fds=(to_read, back_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        self.number, self.buffer, self.session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.back, 1 << 20)
            if not part:
                raise SystemExit("Chromium has ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def evaluate(self, source):
        result = self.call("Runtime.evaluate", expression=source, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(result["exceptionDetails"])
        return result["result"]["value"]

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)


# What is measured in the page: the width it needs, text that leaves the window, the lowest
# contrast of text with what is behind it, pictures and tables without names, twice used ids.
MEASURE = """(() => {
  const number = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const bar = e.tagName === 'svg' && e.querySelector(':scope > rect');
      const colour = bar ? getComputedStyle(bar).fill : getComputedStyle(e).backgroundColor;
      const [r, g, b, a = 1] = number(colour);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const all = [...document.body.querySelectorAll('*')];
  const spoken = all.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    && !['title', 'desc'].includes(e.tagName.toLowerCase()));
  let worst = {ratio: 99};
  const out = [], small = [];
  for (const e of spoken) {
    const style = getComputedStyle(e);
    const [a, b] = [light(number(e instanceof SVGElement ? style.fill : style.color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst.ratio) worst = {ratio, text: e.textContent.slice(0, 40)};
    if (parseFloat(style.fontSize) < 11) small.push(e.textContent.slice(0, 40));
    const box = e.getBoundingClientRect();
    const inner = e.closest('.table') || e.closest('svg svg');
    if (!inner && (box.left < -1 || box.right > innerWidth + 1)) out.push(e.textContent.slice(0, 40));
  }
  const unnamed = [...document.querySelectorAll('svg[role=img]')].filter(svg =>
    !document.getElementById(svg.getAttribute('aria-labelledby'))?.textContent.trim()
    || !document.getElementById(svg.getAttribute('aria-describedby'))?.textContent.trim()).length
    + [...document.querySelectorAll('.table')].filter(t => !t.getAttribute('aria-label')).length;
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  const labels = [...document.querySelectorAll('[aria-labelledby]')]
    .filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))).length;
  return {
    needs: document.documentElement.scrollWidth, has: innerWidth, out, small, worst, unnamed, labels,
    twice: ids.length - new Set(ids).size, scripts: document.scripts.length,
    pictures: document.querySelectorAll('svg[role=img]').length,
    foreign: [...document.querySelectorAll('img, iframe, object, embed, form, link, [src], [onload], [onclick]')].length,
    back: getComputedStyle(document.body).backgroundColor,
  };
})()"""


def check(page, out):
    page, out = pathlib.Path(page).resolve(), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    wrong, backs = [], set()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Browser(home)
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            browser.call(f"{domain}.enable")
        # The page must not need a script: what is measured below is no script of its own.
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        for scheme in ("light", "dark"):
            for width in (1280, 360, 320):
                name = f"{page.stem}-{width}-{scheme}"
                browser.events.clear()
                browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                             mobile=width < 500)
                browser.call("Emulation.setEmulatedMedia", media="screen",
                             features=[{"name": "prefers-color-scheme", "value": scheme}])
                browser.call("Page.navigate", url=page.as_uri())
                browser.wait("Page.loadEventFired")
                seen = browser.evaluate(MEASURE)
                backs.add(seen["back"])
                size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
                shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                                    clip={"x": 0, "y": 0, "width": width, "height": min(size["height"], 16000),
                                          "scale": 1})
                (out / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
                asked = [event["params"]["request"]["url"] for event in browser.events
                         if event.get("method") == "Network.requestWillBeSent"]
                said = [event["params"] for event in browser.events
                        if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown",
                                                   "Log.entryAdded")]
                for what, bad in (
                        ("asks for more than itself", asked != [page.as_uri()] and asked),
                        ("writes to the console", said),
                        (f"needs {seen['needs']} pixels of {width}", seen["needs"] > width or seen["has"] != width),
                        ("has text outside of the window", seen["out"]),
                        ("has text under 11 pixels", seen["small"]),
                        ("has too little contrast", seen["worst"]["ratio"] < 4.5 and seen["worst"]),
                        ("has pictures or tables without a name", seen["unnamed"] or seen["labels"]),
                        ("has an id twice", seen["twice"]),
                        ("has a script or fetches", seen["scripts"] or seen["foreign"])):
                    if bad:
                        wrong.append(f"{name} {what}: {bad}")
                print(f"{name}: {size['height']:.0f} pixels high, {seen['pictures']} pictures, lowest contrast "
                      f"{seen['worst']['ratio']:.2f} ({seen['worst'].get('text')!r})")
        nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
        images = [node for node in nodes if node.get("role", {}).get("value") in ("image", "img") and not node["ignored"]]
        silent = [node for node in images if not node.get("name", {}).get("value")]
        if len(images) != seen["pictures"] or silent:
            wrong.append(f"screen readers find {len(images)} of {seen['pictures']} pictures, {len(silent)} unnamed")
        if len(backs) != 2:
            wrong.append(f"light and dark have the same background: {backs}")
        # On paper it is dark on white, whatever the screen's scheme.
        browser.call("Emulation.clearDeviceMetricsOverride")
        browser.call("Emulation.setEmulatedMedia", media="print",
                     features=[{"name": "prefers-color-scheme", "value": "dark"}])
        seen = browser.evaluate(MEASURE)
        if seen["back"] != "rgb(255, 255, 255)" or seen["worst"]["ratio"] < 4.5:
            wrong.append(f"on paper: background {seen['back']}, lowest contrast {seen['worst']}")
        pdf = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        (out / f"{page.stem}.pdf").write_bytes(base64.b64decode(pdf["data"]))
        browser.close()
    for text in wrong:
        print(f"WRONG: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit({"lines": lines, "check": check}[sys.argv[1]](*sys.argv[2:]) or 0)
