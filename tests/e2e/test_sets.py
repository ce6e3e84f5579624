"""A model of several series: from the series of a study, in any order, one of them late, to what they say together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from export.brain_tumour_mr import SERIES
from export.phantoms.brain import dicom as brain
from tests.e2e import results
from tests.e2e.node import PROJECT, Node, configured
from tests.e2e.senders import Scanner

MODEL = "brain-tumour-mr"
WAIT_S = 2
VOXEL_MM = (5.0, 2.5)


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The shipped model, which waits less long: for a series that may be missing, and for another that is better."""
    place = tmp_path_factory.mktemp("sets")
    folder = place / "onnx_models" / MODEL
    shutil.copytree(PROJECT / "onnx_models" / MODEL, folder)
    card = json.loads((folder / "card.json").read_text())
    for role in card["inputs"].values():
        role.pop("best", None)
    (folder / "card.json").write_text(json.dumps(card | {"wait_s": WAIT_S}))
    environment = configured(place, ModelsFolder=str(folder.parent), QuietMostSeconds=1)
    with Node(place / "state", environment) as running:
        yield running


def study(seed: int, folder: Path, **wanted: str) -> dict[str, list[Path]]:
    """Coarse, so that it is done soon; by the names of the series."""
    paths = brain.write_study(seed, folder, ill=True, voxel_mm=VOXEL_MM, **wanted)
    return {name: [path for path in paths if path.parent.name == name] for name in SERIES}


def series_uid(files: list[Path]) -> str:
    return str(dcmread(files[0], stop_before_pixels=True).SeriesInstanceUID)


def test_series_in_any_order_one_apart_are_one_job_and_the_one_apart_is_laid_on_the_first(
    own_node: Node, tmp_path: Path
) -> None:
    files = study(5, tmp_path / "study", apart="flair")
    for name in reversed(SERIES):
        Scanner(own_node.dicom_port).send(files[name][::-1])

    job = own_node.job(series_uid(files["t1c"]), "done")

    told = own_node.get(f"/inference/api/jobs/{job['id']}")
    assert told["roles"] == {name: series_uid(files[name]) for name in SERIES}
    given = results.of_job(own_node.dicomweb(), job)
    assert set(given) == {"SEG", "SR", "SC", "REG"}
    assert any("was laid on" in each for each in results.texts(given["SR"]))
    [on] = given["SEG"].ReferencedSeriesSequence
    assert on.SeriesInstanceUID == series_uid(files["t1c"])


def test_a_series_that_may_be_missing_is_missed_in_words_and_taken_up_when_it_comes_late(
    own_node: Node, tmp_path: Path
) -> None:
    files, scanner = study(6, tmp_path / "study"), Scanner(own_node.dicom_port)
    for name in ("flair", "t1", "t1c"):
        scanner.send(files[name])
    without = own_node.job(series_uid(files["t1c"]), "done")
    said = results.texts(results.retrieve(own_node.dicomweb(), without["study"])["SR"])
    assert any("There is no T2" in each for each in said)

    scanner.send(files["t2"])
    whole = own_node.job(series_uid(files["t2"]), "done")

    roles = [own_node.get(f"/inference/api/jobs/{job['id']}")["roles"] for job in (without, whole)]
    assert [set(SERIES) - set(each) for each in roles] == [{"t2"}, set()]
    assert [job["id"] for job in own_node.standing(series_uid(files["t1c"]))] == [whole["id"]]
    left = results.retrieve(own_node.dicomweb(), whole["study"])
    assert not any("There is no T2" in each for each in results.texts(left["SR"]))


def test_without_a_series_that_must_be_there_nothing_is_said(own_node: Node, tmp_path: Path) -> None:
    files = study(7, tmp_path / "study")
    for name in ("t1", "t1c", "t2"):
        Scanner(own_node.dicom_port).send(files[name])

    job = own_node.job(series_uid(files["t1c"]), "skipped")

    assert "flair" in job["reason"]
    assert results.search(own_node.dicomweb(), job["study"]) == ()
