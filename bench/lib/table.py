"""Rows as a table for a terminal."""

HEADS = ("what", "", "value", "p50", "p99", "against", "ratio", "target", "")


def table(rows):
    lines, last = [HEADS], None
    for row in rows:
        what = row["what"] if row["what"] != last else ""
        last = row["what"]
        if "skipped" in row:
            lines.append((what, row["name"], f"skipped: {row['skipped']}"))
            continue
        times = (number(row.get("p50")), number(row.get("p99")))
        ratio = f"{row['ratio']:.2f}x" if "ratio" in row else ""
        met = {True: "met", False: "NOT MET"}.get(row.get("met"), "")
        lines.append((what, row["name"], f"{number(row['value'])} {row['unit']}", *times, row.get("against", ""), ratio, row.get("target", ""), met))
    whole = [line for line in lines if len(line) == len(HEADS)]
    widths = [max(len(line[column]) for line in whole) for column in range(len(HEADS))]
    return "\n".join(draw(line, widths) for line in lines)


def draw(line, widths):
    right = {2, 3, 4, 6}
    cells = [cell.rjust(width) if column in right and not cell.startswith("skipped") else cell.ljust(width) for column, (cell, width) in enumerate(zip(line, widths))]
    return "  ".join(cells).rstrip()


def number(value):
    if value is None:
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"
