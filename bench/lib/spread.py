"""Figures out of many times."""


def at(times, share):
    """The time that so large a share (0 to 1) took no longer than."""
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * share))]


def median(times):
    return at(times, 0.5)
