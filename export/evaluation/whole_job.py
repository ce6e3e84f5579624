"""How long a whole job takes an image: DICOM files of one series go in, the node's results come out, and the time."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

_CORES = 2
_NODE = "import sys; from orthanc_plugin.cli import main; sys.exit(main())"


def seconds_a_file(model: Path, files: Sequence[Path], few: int) -> float:
    """What each file beyond the first `few` costs from reading it to the written results, on two cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:_CORES])
    try:
        with TemporaryDirectory() as out:
            less, more = (_timed(model, some, Path(out)) for some in (files[:few], files))
    finally:
        os.sched_setaffinity(0, allowed)
    return (more - less) / (len(files) - few)


def _timed(model: Path, files: Sequence[Path], out: Path) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-c", _NODE, "models", "try", str(model), *map(str, files), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
