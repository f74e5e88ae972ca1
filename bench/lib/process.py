"""What a process uses, as Linux tells it."""

import os, pathlib, re, time

MIB = 1 << 20


class Process:
    def __init__(self, pid):
        self.pid, self.proc = pid, pathlib.Path(f"/proc/{pid}")

    def resident(self):
        """Bytes of memory."""
        return int((self.proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def threads(self):
        return len(os.listdir(self.proc / "task"))

    def thread_names(self):
        names = {}
        for task in os.listdir(self.proc / "task"):
            try:
                name = (self.proc / "task" / task / "comm").read_text().strip()
            except OSError:
                continue
            names[name] = names.get(name, 0) + 1
        return names

    def cpu(self):
        """Seconds of processor time so far, to the nanosecond: the clock ticks of `stat` are too coarse for an idle process."""
        run = 0
        for task in os.listdir(self.proc / "task"):
            try:
                run += int((self.proc / "task" / task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                return self.ticks()
        return run / 1e9

    def ticks(self):
        fields = (self.proc / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wakes(self):
        """How often its threads went to sleep by themselves, by thread: what wakes an idle machine."""
        count = {}
        for task in os.listdir(self.proc / "task"):
            try:
                told = (self.proc / "task" / task / "status").read_text()
            except OSError:
                continue
            name = re.search(r"Name:\s*(.*)", told)[1]
            count[name] = count.get(name, 0) + int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", told)[1])
        return count

    def maps(self):
        """Resident bytes by what is mapped, the largest first."""
        sizes, name = {}, "?"
        for line in (self.proc / "smaps").read_text().splitlines():
            head = re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+\s*(.*)", line)
            if head:
                name = f"{head[2] or 'anonymous'} {head[1]}"
            elif line.startswith("Rss:"):
                sizes[name] = sizes.get(name, 0) + int(line.split()[1]) * 1024
        return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def steady(figure, within=0.01, every=0.5, most=30):
    """A figure once it no longer moves by more than a share of itself; the last one where it never rests."""
    last, until = figure(), time.monotonic() + most
    while time.monotonic() < until:
        time.sleep(every)
        now = figure()
        if abs(now - last) <= abs(last) * within:
            return now
        last = now
    return last
