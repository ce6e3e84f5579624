"""Runs the benchmarks, prints their ratios beside what is asked of them, writes benchmarks/results/DATE.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import ingest, latency

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("inference-node", "onnxruntime", "pydicom", "highdicom", "dbos", "numpy")


@dataclass(frozen=True)
class Line:
    """One row of the table; `least` and `most` are what is asked."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def held(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def text(self) -> str:
        asked = f">= {self.least}" if self.least is not None else f"<= {self.most}" if self.most is not None else ""
        return f"{self.what:<66} {self.value:8.2f} {self.unit:<3} {asked:<8} {'' if self.held else 'MISSED'}".rstrip()


def main() -> int:
    given = parse()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rates = ingest.measure(Path(folder, "ingest"), instances=given.instances, repeats=given.repeats)
        times = latency.measure(Path(folder, "latency"), slices=given.slices, repeats=given.repeats)
    lines = [*lines_of_ingest(rates), *lines_of_latency(times)]
    print("\n".join(line.text() for line in lines))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{given.date}.json"
    record = {
        "date": given.date,
        "command": shlex.join(["script/bench", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "table": [asdict(line) | {"held": line.held} for line in lines],
        "ingest": asdict(rates),
        "latency": asdict(times),
    }
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written to {path}")
    return 0 if all(line.held for line in lines) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--date", default=date.today().isoformat(), help="names the file of results")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--instances", type=int, default=200, help="of 512x512 in a series, for the ingest rates")
    parser.add_argument("--slices", type=int, default=60, help="of 512x512 in a series, for the latency")
    return parser.parse_args()


def lines_of_ingest(rates: ingest.Rates) -> list[Line]:
    lines = []
    for client in ingest.CLIENTS:
        lines += [
            Line(f"ingest with the plugin / without, {client}", rates.ratio(client, ingest.WITHOUT), "x", least=0.97),
            Line(f"ingest / default Orthanc, {client}", rates.ratio(client, ingest.DEFAULT), "x", least=2.0),
        ]
    return lines


def lines_of_latency(times: latency.Latencies) -> list[Line]:
    what = f"last of {times.slices} slices stored -> SEG found by QIDO-RS"
    return [
        Line(f"{what}, less the networks", times.beside_the_networks_s, "s", most=2.0),
        Line(f"{what}, all", median(times.until_found_s), "s"),
        Line("the networks alone, same tensors, threads and run", median(times.networks_s), "s"),
    ]


def machine() -> dict[str, object]:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": names[0].partition(":")[2].strip() if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    orthanc = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[
        0
    ]
    return {"python": platform.python_version(), "orthanc": orthanc} | {name: version(name) for name in PACKAGES}


if __name__ == "__main__":
    sys.exit(main())
