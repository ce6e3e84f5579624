"""How long a whole job takes a slice: a phantom's DICOM files go in, the node's results come out, and the time."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from export.abdominal_muscle_ct.series import FOLDER
from export.phantoms import abdomen
from export.phantoms.dicom import write_series

_FEW, _MANY = 4, 28
_CORES = 2
_NODE = "import sys; from orthanc_plugin.cli import main; sys.exit(main())"


def seconds_a_slice(seed: int = 60_001) -> float:
    """What each further slice of 512 rows costs from the files to the written results, on two cores."""
    heights = (np.arange(_MANY) - _MANY / 2) * 5.0
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:_CORES])
    try:
        with TemporaryDirectory() as folder:
            files = write_series(abdomen.scanned(abdomen.draw_anatomy(seed), heights, rows=512), Path(folder) / "in")
            few, many = (_timed(files[:count], Path(folder) / "out") for count in (_FEW, _MANY))
    finally:
        os.sched_setaffinity(0, allowed)
    return (many - few) / (_MANY - _FEW)


def _timed(files: Sequence[Path], out: Path) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-c", _NODE, "models", "try", str(FOLDER), *map(str, files), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
