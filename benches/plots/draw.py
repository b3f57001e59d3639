#!/usr/bin/env python3
"""Draws the plots of docs/benchmarks.md, and fills in its tables, from what the bench wrote:

    python3 benches/plots/draw.py FILE.json [FOLDER]

FOLDER is docs by default; elsewhere only the plots are drawn, unless there is a benchmarks.md.
Nothing but Python's standard library (3.8 or later) is needed."""

import sys
from pathlib import Path

# Nothing but the page and its plots is written beside the sources.
sys.dont_write_bytecode = True

import page
from chart import COLOURS, LIMITS, Panel, Picture, Scale, name_of_class, number, width_of
from figures import Run

CONNECTIONS = (1, 50, 500, 5_000)
THREADS = (10, 1_000, 100_000, 1_000_000)
DOCS = Path(__file__).resolve().parents[2] / "docs"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    run = Run(sys.argv[1])
    docs = Path(sys.argv[2]) if len(sys.argv) == 3 else DOCS
    plots = docs / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    drawings = {"ratios": ratios, "echo": echo, "http": http, "memory": memory, "growth": growth}
    for name, draw in drawings.items():
        # A run of some cases only leaves the other plots as they are.
        picture = draw(run)
        if picture:
            (plots / f"{name}.svg").write_text(picture.svg(), encoding="utf-8")
    if (docs / "benchmarks.md").exists():
        page.fill(docs / "benchmarks.md", run)


def in_order(peers):
    """greenroom, then the rivals in the order of their colours, then the others by name."""
    known = list(COLOURS)
    return sorted(peers, key=lambda peer: (known.index(peer) if peer in known else len(known), peer))


def drawn_last_first(series):
    """So that greenroom lies on top."""
    return [(peer, series[peer]) for peer in reversed(in_order(series))]


def ratios(run):
    """Each case a row, each rival a dot: how many times as long as it greenroom takes."""
    rows = [case for case in page.RATIO_CASES if run.ratios(case)]
    if not rows:
        return None
    most = {}
    for target in run.targets():
        most.setdefault(target["case"], []).append(target["at_most"])
    left, right, top, row_height, width = 196, 170, 104, 26, 920
    every = {peer for case in rows for peer in run.ratios(case)}
    named = [peer for peer in in_order(every) if peer in COLOURS]
    others = any(peer not in COLOURS for peer in every)
    bounds = [ratio[end] for case in rows for ratio in run.ratios(case).values() for end in ("low", "high")]
    scale = Scale([*(bound for bound in bounds if bound > 0), 1.0, 2.0], logarithmic=True, pad=0.03)
    picture = Picture(width, top + row_height * len(rows) + 56, "Time of greenroom divided by the rival's, by case")
    picture.text(16, 26, "How greenroom’s time compares, case by case", kind="title")
    picture.text(16, 46, "Time of greenroom divided by the rival’s, of the same round. Bars: 95 % interval of the median. Upright marks: targets. Hollow: limits.", kind="faint small")
    picture.legend(20, 68, width - 40, [*named, *(["other"] if others else [])], shape="dot")
    at = lambda ratio: left + scale.share(ratio) * (width - left - right)
    bottom = top + row_height * len(rows)
    for tick in scale.ticks():
        picture.line(at(tick), top - 4, at(tick), bottom, "grid")
        picture.text(at(tick), bottom + 16, number(tick), "middle", "small faint")
    picture.line(at(1.0), top - 4, at(1.0), bottom, "axis", 1.5)
    picture.text(at(1.0) - 12, bottom + 38, "← greenroom takes less", "end", "small faint")
    picture.text(at(1.0) + 12, bottom + 38, "more →", kind="small faint")
    picture.text(width - right + 14, top - 8, "strongest rival", kind="small faint")
    for index, case in enumerate(rows):
        y = top + row_height * (index + 0.5)
        picture.text(left - 12, y + 4, page.label(case), "end")
        for x in map(at, most.get(case, [])):
            picture.line(x, y - 9, x, y + 9, "mark", 2)
        found = run.ratios(case)
        for peer in reversed(in_order(found)):
            ratio, kind = found[peer], name_of_class(peer)
            if ratio["low"] > 0:
                picture.line(at(ratio["low"]), y, at(ratio["high"]), y, kind, 2)
            picture.dot(at(ratio["median"]), y, kind, 4.5, hollow=peer in LIMITS)
        rivals = {peer: ratio for peer, ratio in found.items() if peer not in LIMITS}
        if rivals:
            peer, ratio = max(rivals.items(), key=lambda item: item[1]["median"])
            picture.text(width - right + 14, y + 4, f"{peer} {ratio['median']:.2f}", kind="small")
    return picture


def panels(run, title, subtitle, frames, columns, below, width=920):
    """A picture of panels, two a row; a frame is (title, cases by column, what a figure means, logarithmic)."""
    drawn = []
    for name, case_of, meaning, logarithmic in frames:
        series = run.series([(column, case_of(column)) for column in columns])
        shown = {}
        for peer, points in series.items():
            # What was too little to be measured is left out.
            points = [(x, *sorted(meaning(figure, x) for figure in spread)) for x, *spread in points if min(spread) > 0]
            if points:
                shown[peer] = points
        if shown:
            drawn.append((name, shown, logarithmic))
    if not drawn:
        return None
    margin, top, height = 64, 64, 250
    each = (width - 2 * margin - 2 * 24) / 2
    peers = in_order({peer for _, series, _ in drawn for peer in series})
    rows = (len(drawn) + 1) // 2
    picture = Picture(width, 0, title)
    picture.text(16, 26, title, kind="title")
    picture.text(16, 46, subtitle, kind="faint small")
    top += picture.legend(20, top + 6, width - 40, peers) + 34
    for index, (name, series, logarithmic) in enumerate(drawn):
        figures = [figure for points in series.values() for _, *spread in points for figure in spread]
        x, y = margin + (index % 2) * (each + 24 + margin), top + (index // 2) * (height + 90)
        vertical = Scale(figures, logarithmic, pad=0.06)
        horizontal = Scale([column for column in columns], logarithmic=True, pad=0.04)
        panel = Panel(picture, x, y, each, height, horizontal, vertical)
        panel.axes(name, below, columns)
        for peer, points in drawn_last_first(series):
            panel.series(peer, points)
    picture.height = top + rows * (height + 90) - 34
    picture.parts[0] = f'<rect class="ground" width="{width}" height="{picture.height}" rx="6"/>'
    return picture


def echo(run):
    return panels(
        run,
        "Echo of 64 bytes, by the number of connections",
        "Server on one core, load on the other. Medians; bars: middle half of the rounds.",
        [
            ("thousand requests a second", lambda n: f"echo_{n}", lambda ns, _: 1e6 / ns, False),
            ("longest wait of 99 % of the requests, ms", lambda n: f"echo_{n}_p99", lambda ns, _: ns / 1e6, True),
            ("CPU time of the server a request, µs", lambda n: f"echo_{n}_cpu", lambda ns, _: ns / 1e3, False),
            ("memory of the server, MiB", lambda n: f"echo_{n}_rss_kib", lambda kib, _: kib / 1024, True),
        ],
        CONNECTIONS,
        "connections",
    )


def http(run):
    rounds = run.rounds("http_64_cpu")
    if not rounds:
        return None
    medians = {peer: run.median("http_64_cpu", peer) / 1e3 for peer in rounds}
    order = sorted(medians, key=medians.get)
    width, left, right, top, height = 920, 130, 190, 78, 28
    picture = Picture(width, top + height * len(order) + 16, "HTTP: CPU time of the server a request")
    picture.text(16, 26, "“Hello, World!” by HTTP/1.1, 64 connections kept alive", kind="title")
    picture.text(16, 46, "CPU time of the server a request; in brackets thousand requests a second.", kind="faint small")
    longest = max(medians.values())
    for index, peer in enumerate(order):
        y = top + height * index
        length = medians[peer] / longest * (width - left - right)
        picture.text(left - 12, y + 15, peer, "end", "heading" if peer == "greenroom" else "")
        picture.bar(left, y, max(length, 2), 20, name_of_class(peer))
        served = 1e6 / run.median("http_64", peer)
        picture.text(left + length + 8, y + 15, f"{medians[peer]:.2f} µs ({served:.0f})", kind="small")
    return picture


def memory(run):
    return panels(
        run,
        "Memory of parked green threads, by their number",
        "Growth of the resident memory. One OS thread, every green thread parked. Medians.",
        [
            ("all of them, MiB", lambda n: f"growth_memory_{n}", lambda each, n: each * n / 2**20, True),
            ("bytes a green thread", lambda n: f"growth_memory_{n}", lambda each, _: each, True),
        ],
        THREADS,
        "green threads",
    )


def growth(run):
    return panels(
        run,
        "What an operation costs, by the number of green threads",
        "Flat is what scales. Medians; bars: middle half of the rounds.",
        [
            ("spawn and join, ns", lambda n: f"growth_spawn_{n}", lambda ns, _: ns, True),
            ("yield, ns", lambda n: f"growth_yield_{n}", lambda ns, _: ns, True),
            ("sleep and wake, CPU ns", lambda n: f"growth_sleep_{n}", lambda ns, _: ns, True),
            ("memory, bytes a green thread", lambda n: f"growth_memory_{n}", lambda each, _: each, True),
        ],
        THREADS,
        "green threads",
    )


if __name__ == "__main__":
    main()
