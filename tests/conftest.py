"""What all tests share: where the real DICOM files are, when they are there, and a node that has run every model."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.e2e.node import PROJECT, Node

REAL_DICOM = Path(__file__).resolve().parents[1] / "../shared/dicom"


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """Real files of other people's, beside the checkout; tests that use them skip without."""
    if not REAL_DICOM.is_dir():
        pytest.skip("the real DICOM files are not beside this checkout")
    return REAL_DICOM


@pytest.fixture(scope="session")
def catalogue_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """With the whole catalogue, as it is shipped."""
    with Node(tmp_path_factory.mktemp("catalogue") / "state") as running:
        yield running


@pytest.fixture(scope="session")
def demonstrated(catalogue_node: Node) -> dict[str, dict[str, Any]]:
    """By model the job on its phantom, which `script/server --demo` links to."""
    node = catalogue_node
    address = ["--url", node.url, "--dicom-port", str(node.dicom_port), "--state", str(node.state_folder)]
    command = [str(PROJECT / ".venv/bin/python"), "-m", "export.demo", *address]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    shown = re.findall(r"^(\S+): done.*?StudyInstanceUIDs=([0-9.]+)", ran.stdout, re.DOTALL | re.MULTILINE)
    return {model: node.jobs(study=study, model=model)[0] for model, study in shown}


RUN_NODES = {"browser": "browser", "e2e": "nodes", "faults": "nodes", "plugin": "nodes"}
SHARES_ITS_NODE = {"tests/e2e/test_models.py": "browser"}


class NodesApart(LoadScopeScheduling):
    """What runs real nodes stays together, in two processes that mostly wait; everything else goes file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return SHARES_ITS_NODE.get(str(file)) or RUN_NODES.get(file.parent.name, str(file))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return NodesApart(config, log)
