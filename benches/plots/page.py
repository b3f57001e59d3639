"""The tables of docs/benchmarks.md, between markers, so that no figure is typed by hand."""

# What the rows are called; the order is that of the plot.
RATIO_CASES = {
    "switch": "switch, generator",
    "switch_greenlet": "switch, greenlet",
    "yield2": "yield, 2 take turns",
    "yield1000": "yield, 1,000 take turns",
    "spawn_join": "spawn and join",
    "spawn_10k": "spawn 10,000, join all",
    "sleep_cancel": "time limit not needed",
    "wake_early": "wait ended in time",
    "timer_cancel": "timer taken back",
    "timer_fire": "timer fires",
    "timer_fire_first": "timer fires, first crowd",
    "queue_pingpong": "queue, to and fro",
    "queue_stream": "queue, one way",
    "queue_xthread": "queue, two OS threads",
    "lock_uncontended": "lock, alone",
    "lock_contended8": "lock, eight yield",
    "offload": "blocking call elsewhere",
    "echo_1_cpu": "echo CPU, 1",
    "echo_50_cpu": "echo CPU, 50",
    "echo_500_cpu": "echo CPU, 500",
    "echo_5000_cpu": "echo CPU, 5,000",
    "http_64_cpu": "HTTP CPU, 64",
}


def label(case):
    return RATIO_CASES.get(case, case)


def fill(path, run):
    """Replaces what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""
    text = path.read_text(encoding="utf-8")
    tables = {"run": how(run), "targets": targets(run), "ratios": ratios(run), "echo": echo(run), "http": http(run)}
    for name, lines in {**tables, "memory": memory(run)}.items():
        if not lines:
            continue
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = "\n".join([before + begin, "", *lines, "", end + after])
    path.write_text(text, encoding="utf-8")


def table(head, rows):
    if not rows:
        return []
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]


def spread(ratio):
    return f"{ratio['median']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"


def targets(run):
    rows = [
        [label(target["case"]), target["against"] or "", spread(target), f"{target['at_most']:g}", "yes" if target["met"] else "no"]
        for target in run.targets()
    ]
    return table(["what", "against", "ratio [95 %]", "target", "met"], rows)


def ratios(run):
    rows = []
    for case, name in RATIO_CASES.items():
        found = run.ratios(case)
        if found:
            rivals = ", ".join(f"{peer} {spread(found[peer])}" for peer in sorted(found, key=lambda peer: -found[peer]["median"]))
            rows.append([name, f"{run.median(case, 'greenroom'):,.1f}", rivals])
    return table(["case", "greenroom, ns", "greenroom / rival [95 %], strongest first"], rows)


def how(run):
    pinned = "pinned: servers and cases to one core, loads to another" if run.data.get("pinned") else "not pinned"
    rivals = ", ".join(run.data.get("rivals", []))
    return [
        f"{run.data.get('machine', 'An unknown machine')}; {run.data['rounds']} interleaved rounds (fewer where one takes "
        f"long); {pinned}. Rivals: {rivals}."
    ]


def served(run, cases):
    """A row a server: what was asked of it, and what came of it."""
    rows = []
    for what, case in cases:
        for peer in run.rounds(case):
            figures = {figure: run.median(f"{case}_{figure}", peer) for figure in ("cpu", "p50", "p99", "rss_kib")}
            thousands = 1e6 / run.median(case, peer)
            rows.append([
                what, peer, f"{thousands:.0f}", f"{figures['cpu']:,.0f}", f"{figures['p50'] / 1e3:,.0f}",
                f"{figures['p99'] / 1e3:,.0f}", f"{figures['rss_kib'] / 1024:.1f}",
            ])
    head = ["connections", "server", "thousand requests/s", "CPU ns a request", "p50, µs", "p99, µs", "memory, MiB"]
    return table(head, rows)


def echo(run):
    return served(run, [(f"{connections:,}", f"echo_{connections}") for connections in (1, 50, 500, 5_000)])


def http(run):
    return served(run, [("64", "http_64")])


def memory(run):
    cases = {threads: f"growth_memory_{threads}" for threads in (10, 1_000, 100_000, 1_000_000)}
    peers = dict.fromkeys(peer for case in cases.values() for peer in run.rounds(case))
    rows = [
        [peer, *(f"{run.median(case, peer):,.0f}" if peer in run.rounds(case) else "" for case in cases.values())]
        for peer in peers
    ]
    return table(["bytes a green thread", *(f"{threads:,}" for threads in cases)], rows)
