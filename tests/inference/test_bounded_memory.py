"""A 3D network on a volume that is larger than most, in memory that every machine has."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.builders import series

SLICES, ROWS = 600, 512
MOST_MB = 6 * 1024


@pytest.mark.slow
def test_a_whole_job_on_512_by_512_by_600_takes_less_than_6_gib(tmp_path: Path) -> None:
    scan = series.Scan(slices=1, rows=ROWS, columns=ROWS, step_mm=1.0, thickness_mm=1.0)
    [slice_] = series.slices(scan)
    y, x = np.ogrid[:ROWS, :ROWS]
    (tmp_path / "series").mkdir()
    for index in range(SLICES):
        away = np.sqrt(((y - 256) / 200) ** 2 + ((x - 250) / 160) ** 2 + ((index - 300) / 280) ** 2)
        slice_.PixelData = (np.clip(2200 - 1100 * away, 0, 2200) + (x % 7)).astype("<u2").tobytes()
        slice_.SOPInstanceUID, slice_.InstanceNumber = scan.uid("instance", index), index + 1
        slice_.ImagePositionPatient = [*slice_.ImagePositionPatient[:2], 100.0 + index]
        (tmp_path / "series" / f"{index:04d}.dcm").write_bytes(series.part10(slice_))
    command = [sys.executable, "-m", "tests.inference.large", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert 1024 < float(ran.stdout) < MOST_MB
