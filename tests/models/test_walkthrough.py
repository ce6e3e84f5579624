"""Every command of the walk-through is run as it stands on the page."""

import json
import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pydicom
import pytest

from tests.models.walkthrough import PAGE, blocks, without_a_node

if not (find_spec("torch") and find_spec("monai")):
    pytest.skip("the importers need torch and MONAI", allow_module_level=True)

from tests.export.bundles import monai_bundle, nnunet_trained
from tests.export.radiographs import LABELS, write_dicom

PROJECT = PAGE.parents[1]
FIVE_MINUTES_S = 300
"""From a stranger's file to its results."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_walk_through_works_as_it_is_written(tmp_path: Path) -> None:
    work = tmp_path / "work"
    monai_bundle(work / "spleen_bundle")
    nnunet_trained(work / "nnUNetTrainer__nnUNetPlans__3d_fullres")
    for label in LABELS:
        for seed in range(12):
            write_dicom(label, seed, work / "images" / label / f"{seed}.dcm", 64)
    settings = {"ModelsFolder": str(tmp_path / "onnx_models"), "StateFolder": str(tmp_path / "state")}
    node = {"INFERENCE_SETTINGS": json.dumps(settings), "INFERENCE_DEVICE": "cpu", "work": str(work)}
    began_s = time.time()

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", without_a_node()],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith("INFERENCE_")} | node,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert (work / "results/SEG.dcm").stat().st_mtime - began_s < FIVE_MINUTES_S
    assert "MEND  The card leaves licence open (null); state it in card.json.\n" in done.stdout
    assert "as was to be expected\n" in done.stdout
    assert "Bone 1.0.0 is in; digest " in done.stdout
    assert sorted(path.name for path in (work / "results").iterdir()) == ["SC.dcm", "SEG.dcm", "SR.dcm", "preview.png"]
    (segment,) = pydicom.dcmread(work / "results/SEG.dcm").SegmentSequence
    assert segment.SegmentLabel == "Bone"
    assert {"SR.dcm", "SC.dcm", "preview.png"} <= {path.name for path in (work / "answer").iterdir()}
    assert (tmp_path / "onnx_models/bone-ct/card.json").is_file()
    assert (work / "lungs-2/model.onnx").is_file()


def test_the_page_shows_no_command_that_is_not_run() -> None:
    """What has no kind is a picture of folders; it holds no command."""
    assert {kind for kind, _ in blocks()} == {"sh", "sh node", ""}
    assert [block.split()[0] for kind, block in blocks() if not kind] == ["images/"]
