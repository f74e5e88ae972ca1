"""The title's own words, then the same with something behind them. The host takes the first that is free, so the best comes first."""

import re

# Words that say nothing in a name.
SMALL = {"a", "an", "and", "for", "in", "my", "of", "on", "that", "the", "to", "with"}


def names(title, idea, kind, taken, seed):
    base = name_of(title) or name_of(idea) or name_of(kind) or "page"
    found = [base, f"{base}-{name_of(kind) or 'page'}"]
    found += [f"{base}-{number}" for number in range(2, 10)]
    found += [f"{base}-{1000 + (seed + step * 457) % 9000}" for step in range(20)]
    return [name for name in found if name not in taken]


def name_of(text):
    """Up to four telling words. A name is made of `a-z`, `0-9` and single dashes, and has at most 64 letters."""
    words = (re.sub("[^a-z0-9]", "", word) for word in re.split(r"[\W_]+", text.lower()))
    return "-".join([word for word in words if word and len(word) <= 12 and word not in SMALL][:4])
