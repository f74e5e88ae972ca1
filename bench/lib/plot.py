"""Rows as a picture: a group of bars for each thing measured, a line at its target. Plain SVG; its colours follow the reader's light or dark."""

from xml.sax.saxutils import escape

from .table import number

WIDTH, LEFT, RIGHT, BAR, GAP = 860, 210, 240, 18, 6
STYLE = """
  .ground { fill: #ffffff } .title { fill: #1f2328; font-weight: 600 } .name, .value { fill: #59636e }
  .bar { fill: #afb8c1 } .ours { fill: #0969da } .missed { fill: #bc4c00 } .target { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 3 2 }
  text { font: 13px system-ui, sans-serif } .title { font-size: 14px } .small { font-size: 11px }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .title { fill: #f0f6fc } .name, .value { fill: #9198a1 }
    .bar { fill: #3d444d } .ours { fill: #4493f8 } .missed { fill: #db6d28 } .target { stroke: #f0f6fc }
  }
"""


def plot(rows, under):
    """One picture of all rows; `under` is the line below them."""
    body, y = [], 34
    for what, group in grouped(rows):
        body.append(f'<text class="title" x="20" y="{y}">{escape(what)}</text>')
        y += 12
        most = max([row["value"] for row in group] + [wanted for row in group if (wanted := limit(row))] + [1e-9])
        scale = (WIDTH - LEFT - RIGHT) / most
        for row in group:
            body += bar(row, y, scale)
            y += BAR + GAP
        y += 26
    height = y + 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" aria-label="What the engine costs, measured">'
    foot = f'<text class="name small" x="20" y="{height - 14}">{escape(under)}</text>'
    return "\n".join([head, f"<style>{STYLE}</style>", f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>', *body, foot, "</svg>\n"])


def grouped(rows):
    """Things in their order; in a thing only one unit is drawn, since bars of two do not compare."""
    groups = {}
    for row in rows:
        if "value" in row:
            groups.setdefault((row["what"], row["unit"]), []).append(row)
    twice = [what for what, _ in groups]
    return [(f"{what}, {unit}" if twice.count(what) > 1 else what, group) for (what, unit), group in groups.items()]


def limit(row):
    """Where the target lies on the bar's own scale; none where it is one of a ratio."""
    if "target" not in row or "ratio" in row:
        return None
    try:
        return float(row["target"].split()[1])
    except (IndexError, ValueError):
        return None


def bar(row, y, scale):
    kind = "bar" if not row["name"].startswith("ours") else "missed" if row.get("met") is False else "ours"
    long = max(1.5, row["value"] * scale)
    value = f"{number(row['value'])} {row['unit']}"
    if "p99" in row:
        value += f", p99 {number(row['p99'])}"
    if "ratio" in row:
        value += f" ({row['ratio']:.2f}x {row.get('against', '')}".rstrip() + ")"
    parts = [
        f'<text class="name" x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{escape(row["name"][:32])}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{long:.1f}" height="{BAR - 2}" rx="2"><title>{escape(value)}</title></rect>',
        f'<text class="value" x="{LEFT + long + 8:.1f}" y="{y + 13}">{escape(value)}</text>',
    ]
    if wanted := limit(row):
        x = LEFT + wanted * scale
        parts.append(f'<line class="target" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 3}" y2="{y + BAR + 1}"><title>target {escape(row["target"])}</title></line>')
    return parts
