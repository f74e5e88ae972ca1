"""The arguments, rows and table of a program of bench/."""

import argparse, contextlib, json, os, pathlib, re, shutil, sys, tempfile

from .table import table

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Program:
    def __init__(self, doc, options=None):
        """`options` adds arguments of the program's own to the parser; each needs a default."""
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="a smoke test: little work, figures that mean little")
        parser.add_argument("--json", metavar="FILE", help="write the rows there")
        parser.add_argument("binary", nargs="?", default=str(ROOT / "target/release/wtaf-host"), help="default: target/release/wtaf-host")
        if options:
            options(parser)
        self.given = parser.parse_args()
        self.quick, self.binary, self.rows = self.given.quick, pathlib.Path(self.given.binary).resolve(), []
        if not os.access(self.binary, os.X_OK):
            raise SystemExit(f"{self.binary} is not there: cargo build --release, or name another")

    def say(self, text):
        """What goes on meanwhile, to the terminal alone."""
        print(text, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def folder(self):
        """An empty folder with the shipped pipeline.toml in it, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="wtaf-bench-", ignore_cleanup_errors=True) as name:
            folder = pathlib.Path(name)
            shutil.copy(ROOT / "pipeline.toml", folder)
            yield folder

    def row(self, what, name, unit, value, *, p50=None, p99=None, against=None, ratio=None, target=None, met=None, note=None):
        row = {"what": what, "name": name, "unit": unit, "value": value, "p50": p50, "p99": p99, "against": against, "ratio": ratio, "target": target, "note": note}
        if target is not None:
            row["met"] = holds(target, value if ratio is None else ratio) if met is None else met
        self.rows.append({key: value for key, value in row.items() if value is not None})

    def skip(self, what, name, how):
        self.rows.append({"what": what, "name": name, "skipped": how})

    def end(self):
        print(table(self.rows), flush=True)
        if self.given.json:
            pathlib.Path(self.given.json).write_text(json.dumps(self.rows, indent=1))


def holds(target, figure):
    """Whether a figure is as a target such as "<= 1.15" wants it."""
    sign, wanted = re.match(r"\s*(<=|>=|<|>|≤|≥|==)\s*([0-9.]+)", target).groups()
    wanted = float(wanted)
    return {"<=": figure <= wanted, "≤": figure <= wanted, ">=": figure >= wanted, "≥": figure >= wanted, "<": figure < wanted, ">": figure > wanted, "==": figure == wanted}[sign]
