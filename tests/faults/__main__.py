"""Rounds and a seed in, a line a round and a verdict out: `python -m tests.faults --rounds 50 --seed 1`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from tests.e2e.node import MUSCLE, Node
from tests.faults.plan import FAULTS, USUAL_FAULTS, plan
from tests.faults.rounds import Harness


def main() -> int:
    arguments = parse()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, arguments.out.open("w", encoding="utf-8") as out:
        return carry_out(Path(folder), range(arguments.seed, arguments.seed + arguments.rounds), arguments.faults, out)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count on from it")
    parser.add_argument(
        "--faults",
        type=lambda text: tuple(text.split(",")),
        default=USUAL_FAULTS,
        help=f"which to choose from, of {','.join(FAULTS)} (default {','.join(USUAL_FAULTS)})",
    )
    parser.add_argument("--out", type=Path, default=Path("build/faults.jsonl"), help="a JSON line a round")
    arguments = parser.parse_args()
    if unknown := set(arguments.faults) - set(FAULTS):
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    return arguments


def carry_out(folder: Path, seeds: Iterable[int], faults: tuple[str, ...], out: TextIO) -> int:
    broken = 0
    with Node(folder / "state", models=MUSCLE) as node:
        harness = Harness(node, folder)
        for seed in seeds:
            verdict = harness.round(plan(seed, faults))
            print(verdict.line(), flush=True)
            print(json.dumps(verdict.record()), file=out, flush=True)
            broken += not verdict.balanced
        left = harness.audit()
    for problem in left:
        print(f"at the end: {problem}")
    print(f"{broken} rounds of {len(list(seeds))} with broken books")
    return 1 if broken or left else 0


if __name__ == "__main__":
    sys.exit(main())
