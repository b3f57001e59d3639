"""Charts as SVG: scales, panels with axes, lines, and a legend. Each picture brings a light and a dark dress of its own."""

import math
from html import escape

# By rival, in the light dress and in the dark one. Who has no colour here is drawn in grey.
COLOURS = {
    "greenroom": ("#0a8f4d", "#3ddc84"),
    "tokio": ("#c4451c", "#ff8a5c"),
    "hyper": ("#c4451c", "#ff8a5c"),
    "smol": ("#7b4fc9", "#b794f6"),
    "monoio": ("#1f6fd1", "#63b3ff"),
    "may": ("#a87400", "#e8b931"),
    "may_minihttp": ("#a87400", "#e8b931"),
    "go": ("#008b9e", "#4fd8ea"),
    "gevent": ("#b3267e", "#ff7fc4"),
    "os-threads": ("#6b6b6b", "#a8a8a8"),
    "epoll": ("#111111", "#f2f2f2"),
}
# The least that the kernel or the processor allows: limits, not rivals.
LIMITS = ("epoll", "corosensei", "limit")
OTHER = "other"

FONT = 12
SMALL = 11


def name_of_class(peer):
    return f"c-{peer}" if peer in COLOURS else f"c-{OTHER}"


def style():
    def dress(index, ground, text, faint, grid, other):
        rules = [
            f".ground{{fill:{ground}}}.hollow{{fill:{ground}!important}}",
            f"text{{fill:{text}}}",
            f".faint{{fill:{faint}}}",
            f".grid{{stroke:{grid}}}",
            f".axis{{stroke:{faint}}}",
            f".mark{{stroke:{text}}}",
        ]
        for peer, colours in [*COLOURS.items(), (OTHER, (other, other))]:
            rules.append(f".{name_of_class(peer)}{{stroke:{colours[index]};fill:{colours[index]}}}")
        return "".join(rules)

    light = dress(0, "#ffffff", "#1f2328", "#59636e", "#e3e6ea", "#8a929b")
    dark = dress(1, "#0d1117", "#e6edf3", "#9198a1", "#2a313b", "#7d8590")
    return (
        "<style>text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;"
        f"font-size:{FONT}px;stroke:none}}.small{{font-size:{SMALL}px}}.title{{font-size:14px;font-weight:600}}"
        ".heading{font-weight:600}.line{fill:none!important}"
        f"{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"
    )


def width_of(text, bold=False):
    """A guess on the safe side: fonts differ."""
    return len(text) * FONT * (0.66 if bold else 0.6)


class Picture:
    """An SVG that grows by what is drawn."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = [f'<rect class="ground" width="{width}" height="{height}" rx="6"/>']

    def text(self, x, y, text, anchor="start", kind="", turned=False):
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{turn}>{escape(text)}</text>'
        )

    def line(self, x1, y1, x2, y2, kind, width=1, dashes=""):
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" '
            f'stroke-width="{width}"{dashed}/>'
        )

    def path(self, points, kind, width, dashes=""):
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(
            f'<polyline points="{way}" class="line {kind}" stroke-width="{width}" stroke-linejoin="round"{dashed}/>'
        )

    def dot(self, x, y, kind, radius=3.5, hollow=False):
        shape = " hollow" if hollow else ""
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}{shape}" stroke-width="1.5"/>'
        )

    def bar(self, x, y, width, height, kind):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}" stroke="none"/>'
        )

    def legend(self, x, y, width, peers, shape="line"):
        """One entry a colour, in as many rows as it takes; returns the height used."""
        left, row, entries = x, 0, {}
        for peer in peers:
            entries.setdefault((COLOURS.get(peer), peer in LIMITS), []).append(peer)
        for (_, limit), peers in entries.items():
            peer, label = peers[0], ", ".join(peers)
            need = 28 + width_of(label, peer == "greenroom") + 14
            if left + need > x + width:
                left, row = x, row + 1
            middle = y + row * 20
            kind = name_of_class(peer)
            if shape == "line":
                self.line(left, middle, left + 22, middle, kind, weight(peer), "5 3" if limit else "")
            self.dot(left + 11, middle, kind, hollow=limit)
            self.text(left + 28, middle + 4, label, kind="heading" if peer == "greenroom" else "")
            left += need
        return (row + 1) * 20

    def svg(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img"><title>{escape(self.title)}</title>'
            f"{style()}{''.join(self.parts)}</svg>\n"
        )


def weight(peer):
    return 3 if peer == "greenroom" else 1.6


class Scale:
    """From values to positions, by logarithm or in proportion from 0."""

    def __init__(self, values, logarithmic, pad=0.0):
        self.logarithmic = logarithmic
        low, high = min(values), max(values)
        if logarithmic:
            low, high = math.log10(low), math.log10(high)
            # Half a decade has ticks at all events.
            spare = max(0.5 - (high - low), 0) / 2 + pad * (high - low)
            self.low, self.high = low - spare, high + spare
        else:
            self.low, self.high = 0.0, high * 1.06

    def share(self, value):
        at = math.log10(value) if self.logarithmic else value
        return (at - self.low) / (self.high - self.low)

    def ticks(self):
        if not self.logarithmic:
            step = nice(self.high / 6)
            return [step * i for i in range(int(self.high / step) + 1)]
        within = lambda values: [value for value in values if self.low <= math.log10(value) <= self.high]
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5)):
            ticks = within(factor * 10.0**decade for decade in decades for factor in factors)
            if len(ticks) >= 4:
                return ticks
        return ticks


def nice(step):
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * 0.999)


def number(value):
    """As a reader writes it: thousands set apart, no digit without meaning."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


class Panel:
    """A frame with a title, an axis on the left and one below."""

    def __init__(self, picture, x, y, width, height, horizontal, vertical):
        self.picture, self.x, self.y, self.width, self.height = picture, x, y, width, height
        self.horizontal, self.vertical = horizontal, vertical

    def at(self, x, y):
        return (
            self.x + self.horizontal.share(x) * self.width,
            self.y + self.height - self.vertical.share(y) * self.height,
        )

    def axes(self, title, below, columns):
        picture, bottom = self.picture, self.y + self.height
        picture.text(self.x - 40, self.y - 14, title, kind="heading")
        for tick in self.vertical.ticks():
            y = self.y + self.height - self.vertical.share(tick) * self.height
            picture.line(self.x, y, self.x + self.width, y, "grid")
            picture.text(self.x - 8, y + 4, number(tick), "end", "small faint")
        for column in columns:
            x = self.x + self.horizontal.share(column) * self.width
            picture.line(x, bottom, x, bottom + 4, "axis")
            picture.text(x, bottom + 18, number(column), "middle", "small faint")
        picture.line(self.x, bottom, self.x + self.width, bottom, "axis")
        picture.text(self.x + self.width / 2, bottom + 36, below, "middle", "small faint")

    def series(self, peer, points):
        """Points are (x, lower quartile, median, upper quartile)."""
        kind, limit = name_of_class(peer), peer in LIMITS
        for x, low, _, high in points:
            (at, bottom), (_, top) = self.at(x, low), self.at(x, high)
            self.picture.line(at, bottom, at, top, kind, 1)
        middle = [self.at(x, median) for x, _, median, _ in points]
        self.picture.path(middle, kind, weight(peer), "5 3" if limit else "")
        for x, y in middle:
            self.picture.dot(x, y, kind, 4 if peer == "greenroom" else 3, hollow=limit)
