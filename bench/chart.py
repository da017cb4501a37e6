"""Draws charts as SVG by hand: bars and lines on logarithmic axes, readable in light and in dark."""

import html
import math

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 }
.quiet { fill: #777; font-size: 11px } .grid { stroke: #8884; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .quiet { fill: #999 } }
</style>"""
COLOURS = ["#999999", "#2f7ed8", "#e8853a", "#4caf6d", "#b05cc6", "#d84a4a", "#8a6d3b"]


def colour(name, index):
    return {"floor": "#999999", "milky": "#2f7ed8"}.get(name, COLOURS[2 + index % 5])


def svg(width, height, parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">{STYLE}' + "".join(parts) + "</svg>\n"
    )


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(words)}</text>'


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def decades(low, high):
    """Powers of ten that enclose the values."""
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def bars(title, values):
    """`values`: (name, number) from top to bottom, on a logarithmic axis."""
    left, right, row, top = 190, 560, 24, 34
    powers = decades(min(v for _, v in values) * 0.7, max(v for _, v in values))
    low, high = 10 ** powers[0], 10 ** powers[-1]

    def at(value):
        return left + (math.log10(value / low) / math.log10(high / low)) * (right - left)

    bottom = top + row * len(values)
    parts = [text(8, 20, title, kind="title")]
    for power in powers:
        x = at(10**power)
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(text(x, bottom + 14, number(10**power), "middle", "quiet"))
    for i, (name, value) in enumerate(values):
        y = top + i * row
        parts.append(text(left - 8, y + 16, name, "end"))
        fill = colour(name.split(",")[0], i)
        parts.append(
            f'<rect x="{left}" y="{y + 4}" width="{max(1, at(value) - left):.1f}" height="{row - 8}" '
            f'rx="2" fill="{fill}"/>'
        )
        parts.append(text(at(value) + 6, y + 16, number(value)))
    return svg(640, bottom + 24, parts)


def lines(title, series):
    """`series`: name -> (x, y) points; both axes are logarithmic."""
    left, right, top, bottom = 60, 470, 40, 300
    points = [point for line in series.values() for point in line]
    xs = decades(min(x for x, _ in points), max(x for x, _ in points))
    ys = decades(min(y for _, y in points), max(y for _, y in points))

    def at(x, y):
        across = (math.log10(x) - xs[0]) / max(1, xs[-1] - xs[0])
        up = (math.log10(y) - ys[0]) / max(1, ys[-1] - ys[0])
        return left + across * (right - left), bottom - up * (bottom - top)

    parts = [text(8, 20, title, kind="title")]
    for power in xs:
        x, _ = at(10**power, 10 ** ys[0])
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(text(x, bottom + 16, number(10**power), "middle", "quiet"))
    for power in ys:
        _, y = at(10 ** xs[0], 10**power)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        parts.append(text(left - 8, y + 4, number(10**power), "end", "quiet"))
    labels = []
    for i, (name, line) in enumerate(series.items()):
        line = sorted(line)
        fill = colour(name, i)
        path = " ".join(f"{'L' if k else 'M'}{at(*p)[0]:.1f} {at(*p)[1]:.1f}" for k, p in enumerate(line))
        parts.append(f'<path d="{path}" fill="none" stroke="{fill}" stroke-width="2"/>')
        parts += [f'<circle cx="{at(*p)[0]:.1f}" cy="{at(*p)[1]:.1f}" r="3" fill="{fill}"/>' for p in line]
        labels.append([at(*line[-1])[1], name, fill])
    labels.sort()
    for i, (y, name, fill) in enumerate(labels):
        if i and y < labels[i - 1][0] + 15:
            labels[i][0] = y = labels[i - 1][0] + 15
        parts.append(f'<rect x="{right + 10}" y="{y - 5:.1f}" width="10" height="10" fill="{fill}"/>')
        parts.append(text(right + 26, y + 5, name))
    return svg(640, bottom + 28, parts)
