#!/usr/bin/env python3
"""Measures this service on this machine and writes docs/FIGURES.md from what was measured.

    python3 docs/figures.py benches                      short runs of the benches; ratios to bounds of the same run
    python3 docs/figures.py load [verify ..]             `yufu bench`: rising rates until one is missed
    python3 docs/figures.py growth 10000 100000 1000000  a store of so many sample cards: time, memory, disk, start
    python3 docs/figures.py page                         docs/FIGURES.md from docs/figures/figures.json, nothing measured

Each part replaces its own figures in docs/figures/figures.json and writes the page anew. Folders for growing stores are made
under TMPDIR and removed; ten million cards take about fifteen gigabytes there. YUFU_BINARY names a release build that is measured
instead of one made now. Nothing but Python's own library is needed.
"""
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs/figures/figures.json"
PAGE = ROOT / "docs/FIGURES.md"
YUFU = pathlib.Path(os.environ.get("YUFU_BINARY", ROOT / "target/release/yufu"))

# What the arithmetic at the end starts from; none of it is measured.
LIST_ENTRIES = 2**20
NEARLY_FULL = 1_000_000
CARDS_LIVE_DAYS = 30
DAY = 24 * 3600
SCALES = [
    # who, cards, copies of one card, shown a day by each holder
    ("6.5 million drivers, one copy each", 6_500_000, 1, 2.0),
    ("6.5 million drivers, ten copies each", 6_500_000, 10, 2.0),
    ("1.4 billion citizens, one copy each", 1_400_000_000, 1, 0.2),
    ("1.4 billion citizens, ten copies each", 1_400_000_000, 10, 0.2),
]


def run(command, **options):
    print("$", " ".join(str(part) for part in command), flush=True)
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=True, text=True, **options)


def build():
    if "YUFU_BINARY" in os.environ:
        return
    run(["cargo", "build", "--release", "--quiet"])


def load_figures():
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else {}


def keep(part, figures):
    everything = load_figures()
    everything[part] = {"measured": circumstances(), **figures}
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(everything, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    page()


def circumstances():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    return {
        "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": cpu.group(1) if cpu else "unknown",
        "memory_gb": round(int(memory.group(1)) * 1024 / 1e9) if memory else 0,
        "system": f"{os.uname().sysname} {os.uname().release}",
        "rustc": rustc[1] if len(rustc) > 1 else "unknown",
        # What else ran: absolute figures of a busy machine are too low, ratios of one run hold.
        "load_average": round(os.getloadavg()[1], 1),
    }


# --- benches -------------------------------------------------------------------------------------------------------------

BENCHES = ["sdjwt", "batch", "http_verify", "response", "issuance", "durable"]


# Ratios that a bench tells in words only.
WORDS = {
    "sdjwt_{algorithm}": r"^(?P<algorithm>ES256|EdDSA): verification with key binding, 10 disclosures: (?P<value>[\d.]+) of the bound",
    "response": r"^ratio of rates, median of the rounds: (?P<value>[\d.]+)",
}


def benches():
    known = set(re.findall(r'\[\[bench\]\]\s*name = "([a-z_]+)"', (ROOT / "Cargo.toml").read_text()))
    figures = {}
    for bench in [name for name in BENCHES if name in known]:
        try:
            output = run(["cargo", "bench", "--quiet", "--bench", bench], capture_output=True).stdout
        except subprocess.CalledProcessError as failure:
            print(failure.stdout, failure.stderr, file=sys.stderr)
            continue
        print(output)
        for name, words in WORDS.items():
            for found in re.finditer(words, output, re.M):
                value = float(found.group("value"))
                figures[name.format(**found.groupdict())] = {"value": value, "unit": "ratio", "bench": bench}
        for name, value, unit in re.findall(r"^figure: (\S+) (\S+) (\S+)$", output, re.M):
            figures[name] = {"value": float(value), "unit": unit, "bench": bench}
    figures.update(status_bench())
    keep("benches", {"figures": figures})


def status_bench():
    run(["cargo", "bench", "--quiet", "--bench", "status"], stdout=subprocess.DEVNULL)
    figures = {}
    for per_mille in (1, 10, 100):
        for what in ("compress", "whole_ES256", "whole_EdDSA"):
            for file in (ROOT / "target/criterion").glob(f"status_publish_2^20/{what}/{per_mille}/new/estimates.json"):
                nanoseconds = json.loads(file.read_text())["median"]["point_estimate"]
                name = f"list_2^20_{what}_{per_mille}_per_mille"
                figures[name] = {"value": round(nanoseconds / 1e6, 2), "unit": "ms", "bench": "status"}
    return figures


# --- load ----------------------------------------------------------------------------------------------------------------

LOAD_SECONDS = int(os.environ.get("SECONDS_A_RATE", "10"))
RAMPS = [("verify", "100..6400"), ("issue", "10..1600"), ("revoke", "50..12800"), ("status", "200..25600"), ("mixed", "20..6400")]


def load(wanted):
    build()
    figures = load_figures().get("load", {}).get("scenarios", {})
    for scenario, ramp in [row for row in RAMPS if not wanted or row[0] in wanted]:
        svg = ROOT / f"docs/figures/{scenario}.svg"
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.json"
            command = [YUFU, "bench", scenario, "--ramp", ramp, "--duration", LOAD_SECONDS, "--connections", "64"]
            run([*command, "--json", report, "--svg", svg])
            figures[scenario] = json.loads(report.read_text())
        figures[scenario]["command"] = f"yufu bench {scenario} --ramp {ramp} --duration {LOAD_SECONDS} --connections 64"
    keep("load", {"scenarios": figures})


# --- growth --------------------------------------------------------------------------------------------------------------


class Service:
    """`yufu serve` on a folder, and calls to it."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.process = None

    def start(self):
        url = f"http://127.0.0.1:{self.port}"
        command = [YUFU, "serve", "--data", self.folder / "data", "--keys", self.folder / "keys", "--listen", f"127.0.0.1:{self.port}"]
        command += ["--public-url", url, "--metrics-listen", "off", "--log-level", "error", "--limit-person", "0"]
        self.begun = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, cwd=self.folder)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def call(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"content-type": "application/json"} if body is not None else {}
        if token:
            headers["authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        except OSError:
            return 0, b"", {}
        finally:
            connection.close()

    def until(self, done, most=600):
        """Seconds from the start to the first answer that `done` takes."""
        while time.monotonic() - self.begun < most:
            if self.process.poll() is not None:
                raise RuntimeError("the service ended")
            if done():
                return time.monotonic() - self.begun
            time.sleep(0.01)
        raise RuntimeError("the service did not become ready")

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", status).group(1)) * 1024

    def administrator(self):
        return (self.folder / "data/administrator.token").read_text().strip()

    def serves_all(self):
        # The first start makes the token a moment after the records are open.
        if self.call("GET", "/health/ready")[0] != 200 or not (self.folder / "data/administrator.token").exists():
            return False
        return self.call("GET", "/admin/api/v1/credentials?state=revoked", token=self.administrator())[0] == 200


def folder_bytes(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def growth(sizes):
    build()
    rows = load_figures().get("growth", {}).get("rows", {})
    for cards in sizes:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="yufu-figures-"))
        try:
            rows[str(cards)] = one_size(folder, cards)
            print(json.dumps(rows[str(cards)], indent=2), flush=True)
            keep("growth", {"rows": rows})
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def one_size(folder, cards):
    service = Service(folder, free_port())
    data = folder / "data"
    begun = time.monotonic()
    run([YUFU, "bench", "--fill", cards, "--data", data, "--keys", folder / "keys", "--public-url", f"http://127.0.0.1:{service.port}"],
        stdout=subprocess.DEVNULL)
    filled = time.monotonic() - begun
    row = {"at": circumstances()["at"], "fill_seconds": filled, "fill_rate": cards / filled}
    # The first start makes tokens; what is measured is one as any later one.
    service.start()
    service.until(service.serves_all)
    token = {"name": "figures", "role": "checkpoint"}
    checkpoint = json.loads(service.call("POST", "/admin/api/v1/tokens", token, service.administrator())[1])["token"]
    service.stop()
    row["disk_bytes"] = {name: folder_bytes(data / name) for name in ("log", "store", "status")}

    def decides():
        order = {"presentation": "a.b.c~", "nonce": "n", "audience": "https://gate.example"}
        return service.call("POST", "/checkpoint/api/v1/verifications", order, checkpoint)[0] == 200

    service.start()
    row["ready_for_verification_seconds"] = service.until(decides)
    row["memory_when_verifying_bytes"] = service.memory()
    row["ready_for_all_seconds"] = service.until(service.serves_all)
    time.sleep(5)
    row["memory_bytes"] = service.memory()
    lists = json.loads(service.call("GET", "/status-lists")[1])["status_lists"]
    sizes = [len(service.call("GET", "/status-lists/" + uri.rsplit("/", 1)[1])[1]) for uri in lists]
    row["lists"], row["list_bytes"] = len(lists), sizes
    row["publication_seconds"] = publication(service, lists[0])
    for scenario, rate in (("verify", 100), ("revoke", 50)):
        report = folder / "report.json"
        run([YUFU, "bench", scenario, "--url", f"http://127.0.0.1:{service.port}", "--token-file", data / "administrator.token",
             "--rate", rate, "--duration", "5", "--json", report], stdout=subprocess.DEVNULL)
        latency = json.loads(report.read_text())["stages"][0]["latency_ms"]
        row[f"{scenario}_ms"] = {"rate": rate, "p50": latency["p50"], "p99": latency["p99"]}
    service.stop()
    return row


def publication(service, uri):
    """Seconds from the answer to a revocation until the list that says so is served; the median of five."""
    path, token = "/status-lists/" + uri.rsplit("/", 1)[1], service.administrator()
    cards = json.loads(service.call("GET", "/admin/api/v1/credentials?state=active", token=token)[1])["credentials"]
    cards = [card["id"] for card in cards if card["copies"][0]["uri"] == uri][:5]
    took = []
    for card in cards:
        tag = service.call("GET", path)[2]["etag"]
        service.call("POST", f"/admin/api/v1/credentials/{card}/revoke", {"reason": "other"}, token)
        begun = time.monotonic()
        while service.call("GET", path)[2]["etag"] == tag and time.monotonic() - begun < 30:
            time.sleep(0.005)
        took.append(time.monotonic() - begun)
    return sorted(took)[len(took) // 2] if took else None


# --- the page ------------------------------------------------------------------------------------------------------------


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def size_of(count):
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count:.0f} B"


def where(measured):
    busy = "" if measured["load_average"] <= 2 * measured["cores"] else " (**busy with other work: too slow by far**)"
    return (
        f"{measured['at']}, {measured['processor']}, {measured['cores']} cores, {measured['memory_gb']} GB, {measured['system']}, "
        f"Rust {measured['rustc']}, load average {measured['load_average']}" + busy
    )


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def page():
    figures = load_figures()
    lines = [
        "# Figures",
        "",
        "Written by `docs/figures.py` from what it measured (`docs/figures/figures.json`); nothing here is typed by hand. Measure again on",
        "your own machine before you promise anything. **Ratios** compare two things in the same run, turn by turn, and hold on other",
        "machines; absolute figures are those of the machine that is named, and of what else it did at the time: the load average says how",
        "many threads wanted its cores, the measurement's own among them.",
        "",
    ]
    for part, write in (("benches", benches_page), ("load", load_page), ("growth", growth_page)):
        if part in figures:
            lines += write(figures[part])
    if "growth" in figures:
        lines += arithmetic_page(figures)
    PAGE.write_text("\n".join(lines).rstrip() + "\n")


# What a figure of the benches means, and what the bound is.
MEANINGS = {
    "list_2^20_compress": "compress a list of 2^20 entries, {} ‰ revoked",
    "list_2^20_whole_ES256": "compress and sign it (ES256), {} ‰ revoked",
    "list_2^20_whole_EdDSA": "compress and sign it (EdDSA), {} ‰ revoked",
    "sdjwt_EdDSA": "verification of an SD-JWT with key binding and 10 disclosures, EdDSA, to its two signature checks and hashes",
    "sdjwt_ES256": "the same, ES256",
    "response": "a wallet's whole answer over HTTP, to a handler that only checks its three signatures",
    "issuance_bare_signatures": "bare ES256 signatures on every core, for comparison",
    "issuance_token_copies_1": "cards over HTTP: token, nonce and credential",
    "issuance_credential_copies_1": "cards over HTTP: credential endpoint alone, one copy",
    "issuance_credential_copies_10": "cards over HTTP: credential endpoint alone, ten copies",
}


def meaning(name):
    listed = re.fullmatch(r"(list_2\^20_\w+?)_(\d+)_per_mille", name)
    if listed and listed.group(1) in MEANINGS:
        return MEANINGS[listed.group(1)].format(listed.group(2))
    return MEANINGS.get(name, name.replace("_", " "))


def benches_page(part):
    lines = ["## Against bounds of the same run", "", "`python3 docs/figures.py benches`: " + where(part["measured"]) + ".", ""]

    def shown(figure):
        value = figure["value"]
        return number(value, 0 if value >= 100 else 3 if figure["unit"] == "ratio" else 2)

    ordered = sorted(part["figures"].items(), key=lambda item: (BENCHES.index(item[1]["bench"]) if item[1]["bench"] in BENCHES else 99))
    rows = [[meaning(name), shown(figure), figure["unit"], f"`cargo bench --bench {figure['bench']}`"] for name, figure in ordered]
    return lines + table(["what", "measured", "unit", "by"], rows)


def load_page(part):
    lines = [
        "## Under load", "",
        "`python3 docs/figures.py load`: " + where(part["measured"]) + ".", "",
        "A service of its own with 10,000 sample cards (more where cards are revoked), in one process with the generator on the same cores.",
        "Operations come as people do, at rates that rise by a quarter until one is missed; times count from when an operation was due. The",
        "last rate that was held:", "",
    ]
    rows = []
    for scenario in [name for name, _ in RAMPS if name in part["scenarios"]]:
        report = part["scenarios"][scenario]
        held = [stage for stage in report["stages"] if not stage["missed"]]
        if not held:
            rows.append([scenario, "none", "", "", "", ""])
            continue
        stage, latency = held[-1], held[-1]["latency_ms"]
        half = [other for other in held if other["rate"] <= stage["rate"] / 2] or held[:1]
        calm = half[-1]["latency_ms"]
        rows.append([
            scenario, number(stage["rate"]), f"{latency['p50']:.1f} / {latency['p99']:.1f}",
            f"{calm['p50']:.1f} / {calm['p99']:.1f}", f"`{report['command']}`", f"[chart](figures/{scenario}.svg)",
        ])
    lines += table(["scenario", "held, a second", "p50 / p99 there, ms", "p50 / p99 at half of it, ms", "command", "all rates"], rows)
    return lines + ["![Latency of verifications over the offered rate](figures/verify.svg)", ""]


def growth_page(part):
    rows = [(int(cards), row) for cards, row in part["rows"].items()]
    rows.sort()
    lines = [
        "## How costs grow with the number of cards", "",
        "`python3 docs/figures.py growth " + " ".join(str(cards) for cards, _ in rows) + "`: " + where(part["measured"]) + ".", "",
        "Stores filled by `yufu bench --fill`: each card has one copy, one in a hundred is revoked, a thousand cards belong to each sample person.",
        "A start is that of a folder that was in use before and is in the page cache. *Verifying* is the first verification that is",
        "answered, *everything* the first answer that needs the records.", "",
    ]
    sizes = [number(cards) for cards, _ in rows]

    def line(title, of):
        return [title] + [of(cards, row) for cards, row in rows]

    def times(name):
        return lambda _, row: f"{row[name]['p50']:.1f} / {row[name]['p99']:.1f}"

    body = [
        line("filled in, s", lambda _, row: number(row["fill_seconds"], 1)),
        line("cards filled in a second", lambda _, row: number(row["fill_rate"])),
        line("log on disk", lambda _, row: size_of(row["disk_bytes"]["log"])),
        line("records on disk", lambda _, row: size_of(row["disk_bytes"]["store"])),
        line("snapshots of lists on disk", lambda _, row: size_of(row["disk_bytes"]["status"])),
        line("all of it a card, bytes", lambda cards, row: number(sum(row["disk_bytes"].values()) / cards)),
        line("start until verifying, s", lambda _, row: number(row["ready_for_verification_seconds"], 2)),
        line("start until everything, s", lambda _, row: number(row["ready_for_all_seconds"], 2)),
        line("memory when verifying", lambda _, row: size_of(row["memory_when_verifying_bytes"])),
        line("memory five seconds after everything", lambda _, row: size_of(row["memory_bytes"])),
        line("lists", lambda _, row: number(row["lists"])),
        line("a full list as it is fetched", lambda _, row: size_of(max(row["list_bytes"]))),
        line("all lists as they are fetched", lambda _, row: size_of(sum(row["list_bytes"]))),
        line("revoked until its list is served, s", lambda _, row: number(row["publication_seconds"] or 0, 2)),
        line("100 verifications a second, p50 / p99 ms", times("verify_ms")),
        line("50 revocations a second, p50 / p99 ms", times("revoke_ms")),
    ]
    return lines + table(["cards"] + sizes, body)


def arithmetic(figures):
    """What follows for whole countries; `tests/bench.rs` computes the same."""
    rows = figures["growth"]["rows"]
    largest = max(rows, key=int)
    row = rows[largest]
    full = max(row["list_bytes"]) if int(largest) >= NEARLY_FULL else None
    verify = figures.get("load", {}).get("scenarios", {}).get("verify", {}).get("stages", [])
    held = [stage["rate"] for stage in verify if not stage["missed"]]
    result = []
    for who, cards, copies, shown in SCALES:
        entries = cards * copies
        lists = -(-entries // LIST_ENTRIES)
        result.append({
            "who": who,
            "lists": lists,
            "memory_bytes": lists * LIST_ENTRIES * 3 // 8,
            "published_bytes": lists * full if full else None,
            "issued_per_second": round(cards / (CARDS_LIVE_DAYS * DAY), 1),
            "shown_per_second": round(cards * shown / DAY),
            "machines": -(-int(5 * cards * shown / DAY) // int(held[-1])) if held else None,
            "disk_bytes": round(cards * sum(row["disk_bytes"].values()) / int(largest)),
        })
    return result


def arithmetic_page(figures):
    lines = [
        "## Arithmetic to whole countries", "",
        "Computed from the figures above by `docs/figures.py` and a second time by a test",
        "(`tests/bench.rs::the_arithmetic_to_whole_countries_is_right`). Given: lists of 2^20 entries, two bits an entry and one that says",
        "whether it was given; cards that live for 30 days; drivers show a card twice a day, citizens once in five days; at the busiest five",
        "times as many as in the mean. A list that is published has the size of the largest one measured above (with a million cards or",
        "more), one card in a hundred revoked. Verification at the centre, by machines of the kind measured, at the rate held above; whoever decides at a checkpoint of",
        "its own puts none of it on the centre. Disk is that of one issuing of every card, before copies.", "",
    ]
    rows = []
    for row in arithmetic(figures):
        rows.append([
            row["who"], number(row["lists"]), size_of(row["memory_bytes"]),
            size_of(row["published_bytes"]) if row["published_bytes"] else "not measured",
            number(row["issued_per_second"], 1), number(row["shown_per_second"]),
            number(row["machines"]) if row["machines"] else "not measured", size_of(row["disk_bytes"]),
        ])
    head = ["who", "lists", "memory of lists", "all lists published", "cards issued a second", "shown a second", "machines that verify", "disk"]
    return lines + table(head, rows)


def main():
    commands = {"benches": benches, "page": page}
    match sys.argv[1:]:
        case [command] if command in commands:
            commands[command]()
        case ["load", *wanted]:
            load(wanted)
        case ["growth", *sizes] if sizes:
            growth([int(size) for size in sizes])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
