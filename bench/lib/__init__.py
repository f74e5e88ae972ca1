"""What the benchmarks share. Nothing beyond Python's standard library.

A program is an executable file in bench/ that is called as

    bench/NAME [--quick] [--json FILE] [BINARY]

and prints a table of its own. To write one, with all of this done for it:

    from lib import Engine, FakeAi, Program

    program = Program(__doc__)                        # reads the arguments: .quick, .binary, .say("...")
    with program.folder() as folder, FakeAi() as ai:  # an empty folder with pipeline.toml in it; an AI that answers at once
        with Engine(program.binary, folder, *ai.settings()) as engine:
            status, headers, body = engine.ask("GET", "/healthz")
            ...
    program.row("what is measured", "ours", "us", 12.5, p50=12.5, p99=31.0, against="bare axum", ratio=1.12, target="<= 1.15")
    program.skip("what is measured", "Extism", "get it with: cargo build ...")   # a peer that is not there: a line, no failure
    program.end()                                     # the table, and FILE

`target` is held against `ratio` where there is one, else against `value`; or say `met=` yourself. A figure never fails a program: only what cannot be measured does.
`bench/run` finds the programs by itself, in alphabetical order; one that is written in Rust (a cargo bench) gets a script here that builds and calls it.
"""

from .ai import FakeAi, SecureAi
from .engine import Engine, free_port, wait_for
from .process import Process
from .program import Program
from .spread import at, median

__all__ = ["Engine", "FakeAi", "Process", "Program", "SecureAi", "at", "free_port", "median", "wait_for"]
