"""Lines of seven syllables: how it is, what is there, what it does (`misty-dragonfly-resting`: two, three, two).

The same seed gives the same lines. Every line there is comes once before any comes with a number, so there is always another name.
"""

import re
from datetime import datetime, timezone
from math import gcd

# Two syllables.
MOODS = {
    "spring": ["budding", "early", "misty", "rainy", "silken", "tender", "waking"],
    "summer": ["barefoot", "drowsy", "golden", "humming", "sunny", "thunder", "velvet"],
    "autumn": ["amber", "crimson", "drifting", "mellow", "russet", "stormy", "windy"],
    "winter": ["bitter", "frosty", "frozen", "moonlit", "silent", "silver", "snowy"],
}
ANY_SEASON = ["distant", "gentle", "hollow", "lonely", "quiet"]

# Three.
THINGS = [
    "bumblebee", "butterfly", "candlelight", "chickadee", "cicada", "dragonfly", "grasshopper", "harbour-wind", "kingfisher", "ladybird",
    "lavender", "mountain-path", "nightingale", "old-temple", "paper-boat", "persimmon", "river-stone", "sparrowhawk",
    "waterfall", "willow-tree", "woodpecker",
]  # fmt: skip

# Two.
DOINGS = [
    "awakes", "bending", "dreaming", "falling", "floating", "glowing", "leaping", "lingers", "listens", "resting", "settles", "singing", "turning",
    "waiting", "wanders",
]  # fmt: skip


def settings(config, now):
    """The season and how many lines, from the stage's config and the job's own time (milliseconds)."""
    unknown = sorted(set(config) - {"season", "count"})
    if unknown:
        raise ValueError(f"unknown key `{unknown[0]}` (known: season, count)")
    season = config.get("season") or season_of(now)
    if season not in MOODS:
        raise ValueError(f"season = {season!r}: one of {', '.join(MOODS)}")
    count = config.get("count", 16)
    if not isinstance(count, int) or not 1 <= count <= 100:
        raise ValueError("count: 1 to 100")
    return season, count


def season_of(now):
    month = datetime.fromtimestamp(now / 1000, timezone.utc).month
    return ["winter", "spring", "summer", "autumn"][month % 12 // 3]


def names(seed, season, count, about, taken):
    """So many lines, none of them taken; first those in which something of the page is named."""
    taken = set(taken)
    lines = list(walk(seed, MOODS[season] + ANY_SEASON))
    asked = {word.removesuffix("s") for word in re.findall("[a-z]+", about.lower())}
    lines.sort(key=lambda line: asked.isdisjoint(word.removesuffix("s") for word in line))
    free = ("-".join(line) for line in lines)
    found = [name for name in free if name not in taken][:count]
    number = 2
    while len(found) < count:
        name = f"{'-'.join(lines[number % len(lines)])}-{number}"
        if name not in taken:
            found.append(name)
        number += 1
    return found


def walk(seed, moods):
    """Every line once, in an order of the seed's own: steps of a size that shares no factor with their number."""
    total = len(moods) * len(THINGS) * len(DOINGS)
    # Neighbouring seeds, far apart (Fibonacci hashing).
    start = seed * 0x9E3779B97F4A7C15 % 2**64
    step = (start >> 40) % total | 1
    while gcd(step, total) != 1:
        step += 2
    for number in range(total):
        rest, doing = divmod((start + number * step) % total, len(DOINGS))
        mood, thing = divmod(rest, len(THINGS))
        yield moods[mood], THINGS[thing], DOINGS[doing]
