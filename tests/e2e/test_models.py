"""Every model of the catalogue, from a phantom that a scanner pushes to results that others can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from export.phantoms.studies import STUDIES
from orthanc_plugin.routing.folder import Model, read
from tests import judges
from tests.e2e import results
from tests.e2e.node import PROJECT, Node

CATALOGUE = {path.parent.name: read(path.parent) for path in sorted((PROJECT / "onnx_models").glob("*/card.json"))}


def test_every_model_has_a_phantom() -> None:
    assert sorted(CATALOGUE.keys() - STUDIES) == []


@pytest.fixture(scope="module", params=sorted(CATALOGUE))
def ended(request: pytest.FixtureRequest, demonstrated: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The job of a model on its phantom."""
    assert demonstrated.keys() == CATALOGUE.keys()
    job: dict[str, Any] = demonstrated[request.param]
    return job


@pytest.fixture
def given(ended: dict[str, Any], catalogue_node: Node) -> dict[str, Dataset]:
    """The results by their kind, as the archive gives them."""
    return results.of_job(catalogue_node.dicomweb(), ended)


def kinds(model: Model) -> set[str]:
    """What the profile `ohif` takes of what a card gives; no map on ultrasound, where the page shows it. Of an image
    there is nothing to report but what it may have lost or made up.
    """
    outputs = model.card.outputs
    faulty = any(image.faults for image in outputs.images)
    wanted = {"SR", "SC"} if outputs.segments or outputs.classes or faulty else {"SC"}
    if outputs.segments is not None:
        wanted.add("SEG")
    if outputs.images:
        wanted.add("IMAGE")
    if outputs.maps or (outputs.classes is not None and outputs.classes.heat_map is not None):
        wanted.add("PM")
    return wanted - ({"PM"} if model.card.name.endswith("-us") else set())


def test_it_gives_what_its_card_says(ended: dict[str, Any]) -> None:
    model = CATALOGUE[ended["model"]]
    assert (ended["state"], ended["reason"]) == ("done", None)
    assert {result["kind"] for result in ended["results"]} == kinds(model)
    assert (ended["version"], ended["digest"]) == (model.card.version, model.digest)


def test_the_report_says_what_it_is_worth(ended: dict[str, Any], given: dict[str, Dataset]) -> None:
    card = CATALOGUE[ended["model"]].card
    if "SR" in given:
        assert any(card.notice in text for text in results.texts(given["SR"]))
        assert given["SR"].SeriesDescription.startswith(card.title)
    else:
        assert card.notice in given["IMAGE"].DerivationDescription
        assert card.title in given["IMAGE"].SeriesDescription


def test_dciodvfy_finds_no_error(given: dict[str, Dataset], tmp_path: Path) -> None:
    for kind, dataset in given.items():
        dataset.save_as(tmp_path / f"{kind}.dcm", enforce_file_format=True)
        assert judges.dciodvfy(tmp_path / f"{kind}.dcm") == []
