"""A worker tries the graphs of every model once, tells what is wrong with them, and goes on with the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.inference.device import Device
from orthanc_plugin.jobs import device_report
from orthanc_plugin.jobs.device_report import DeviceReport
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from orthanc_plugin.pipeline import Rooms
from orthanc_plugin.readiness import Readiness, make_ready
from orthanc_plugin.routing import faults
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs
from tests.ledgers import url_in

OUTPUTS = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])
WRONG = "The graph model.onnx of odd takes ? x ? x ? x ? in hu, where its card says 4 x 1 x 8 x 16 x 16."


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device("cuda,cpu")
    yield device
    device.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(url_in(tmp_path))
    yield opened
    opened.close()


def right(models: Path) -> Model:
    graphs.write_doubler(models / "right" / "model.onnx")
    return graphs.model(models / "right", [graphs.stage()], OUTPUTS)


def odd(models: Path) -> Model:
    graphs.write_doubler(models / "odd" / "model.onnx")
    return graphs.model(models / "odd", [graphs.stage(kind="volume", depth=8)], OUTPUTS)


def test_each_model_is_tried_once_and_what_is_wrong_is_told(device: Device, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    readiness = Readiness(device, lambda digest, sentence: told.append((digest, sentence)))
    models = [odd(tmp_path), right(tmp_path)]
    readiness.look(models)
    readiness.look(models)

    assert told == [(models[0].digest, WRONG), (models[1].digest, "")]


def test_a_graph_that_never_ends_is_a_fault_of_its_model(device: Device, tmp_path: Path) -> None:
    told: list[str] = []
    graphs.write_endless(tmp_path / "endless" / "model.onnx")
    model = graphs.model(tmp_path / "endless", [graphs.stage()], OUTPUTS, limits={"seconds": 2})
    Readiness(device, lambda _digest, sentence: told.append(sentence)).look([model, right(tmp_path)])

    assert told == [
        "The graph model.onnx of endless did not end within 2 s; look at its loops, or raise the limit in its card.",
        "",
    ]


def test_before_the_first_job_device_and_models_are_known_to_the_others(
    device: Device, ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = tmp_path / "models"
    wrong, fine = odd(models), right(models)
    ledger.attempts.enrol("elsewhere", Process.mine())
    make_ready(Rooms(FolderArchive(tmp_path), Catalogue(models), device), ledger, host="elsewhere")

    fallback = (
        "The graphs run on cpu and not on cuda, which was asked for: "
        "the installed ONNX Runtime has no CUDAExecutionProvider."
    )
    assert list(device_report.reports(ledger)) == [DeviceReport("cpu", "cuda,cpu", fallback)]
    assert [faults.fault(ledger, each.digest) for each in (wrong, fine)] == [WRONG, ""]
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [fallback, WRONG]
