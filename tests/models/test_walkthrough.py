"""Every command of the walk-through that comes after the way into a running node (tests/e2e/test_bring_your_own.py)."""

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.models.walkthrough import PAGE, after_the_node, blocks

if not (find_spec("torch") and find_spec("monai")):
    pytest.skip("the importers need torch and MONAI", allow_module_level=True)

from tests.export.bundles import monai_bundle, nnunet_trained
from tests.export.radiographs import LABELS, write_dicom

PROJECT = PAGE.parents[1]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_importers_and_two_folders_work_as_it_is_written(tmp_path: Path) -> None:
    work = tmp_path / "work"
    monai_bundle(work / "spleen_bundle")
    nnunet_trained(work / "nnUNetTrainer__nnUNetPlans__3d_fullres")
    for label in LABELS:
        for seed in range(12):
            write_dicom(label, seed, work / "images" / label / f"{seed}.dcm", 64)
    settings = {"ModelsFolder": str(tmp_path / "onnx_models"), "StateFolder": str(tmp_path / "state")}
    node = {"INFERENCE_SETTINGS": json.dumps(settings), "INFERENCE_DEVICE": "cpu", "work": str(work)}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", after_the_node()],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith("INFERENCE_")} | node,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert {"spleen", "spleen-nnunet", "lungs"} <= {path.name for path in work.iterdir()}
    assert {"SR.dcm", "SC.dcm", "preview.png"} <= {path.name for path in (work / "answer").iterdir()}
    assert (work / "lungs-2/model.onnx").is_file()


def test_the_page_shows_no_command_that_is_not_run() -> None:
    """What has no kind is a picture of folders; it holds no command."""
    assert {kind for kind, _ in blocks()} == {"sh", "sh node", ""}
    assert [block.split()[0] for kind, block in blocks() if not kind] == ["images/"]
