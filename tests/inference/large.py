"""A folder with a series in, the peak memory in MB of a whole job on it out: `python -m tests.inference.large`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import infer
from orthanc_plugin.measure.clinical import Clinical
from orthanc_plugin.measured import measured
from orthanc_plugin.routing.folder import Model
from tests.encode import making
from tests.inference import graphs


def model(folder: Path) -> Model:
    """A 3D network in overlapping patches; two outlines, with how sure they are."""
    graphs.write_channels(folder / "model.onnx", [0.002, 0.001], kind=3)
    items = [graphs.segment("Bright"), graphs.segment("Brighter")]
    outputs = graphs.segments(*items, steps=[{"step": "threshold"}]) | {"measurements": [{"measure": "volumes"}]}
    stage = graphs.stage(kind="volume", depth=96, rows=128, columns=128, overlap=0.25, batch=1)
    return graphs.model(folder, [stage], outputs)


def peak_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(folder: Path) -> None:
    seen = volume(assemble([decode(path.read_bytes()) for path in sorted((folder / "series").iterdir())]))
    made, device = model(folder / "large"), Device("cpu")
    raw = infer(device, made, {"series": seen}, 0, lambda: None)
    origin = making.origin()
    findings = measured(made.card, seen, raw, origin, Clinical((), ()))
    encode(Making(findings, seen, origin))
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert children and np.isfinite(findings.segments[0].measurements[0].value)
    print(sum(peak_mb(process) for process in (os.getpid(), *map(int, children))))
    device.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
