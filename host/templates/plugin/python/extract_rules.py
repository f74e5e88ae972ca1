"""The last fenced page of an answer, else a bare document."""

import re


def document(answer):
    """The document in an answer, and whether its end is there."""
    _, fence, inside = answer.rpartition("```html\n")
    if fence:
        html, end, _ = inside.partition("\n```")
        return html, bool(end)
    start = re.search("<!doctype html|<html", answer, re.IGNORECASE)
    if not start:
        return None, False
    html = answer[start.start() :]
    end = html.lower().rfind("</html>")
    return (html[: end + len("</html>")], True) if end >= 0 else (html, False)


def title(html):
    found = re.search("<title>([^<]*)</title>", html, re.IGNORECASE)
    return (found.group(1).strip() or None) if found else None
