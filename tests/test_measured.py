"""What networks said, by hand, becomes one description of all of it."""

from typing import Any

import numpy as np
import pytest

from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.inference.drawn import Drawn
from orthanc_plugin.inference.model import RawOutput
from orthanc_plugin.measure.clinical import Clinical
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measured import measured
from orthanc_plugin.routing.card import Card
from tests.builders import series
from tests.encode import making
from tests.imaging.radiographs import radiograph
from tests.routing import cards

SOURCE = {"stage": "only", "output": "y"}
SEGMENTS = cards.card_values()["outputs"]
CLASSES = cards.classes()
MAPS = {"maps": [{"label": "Sure", "segment": "Liver", "quantity": cards.code("q"), "unit": cards.code("1")}]}
IMAGES = {"images": [{"label": "Quiet", "derivation": cards.code("d"), "values": "as-input", "from": SOURCE}]}
NOTHING_GIVEN = Clinical((), ())


def on(kind: str) -> Imaged:
    if kind == "image":
        return images(assemble([decode(series.part10(radiograph("DX")))]))
    return making.volume()


def card(kind: str, **outputs: Any) -> Card:
    return cards.card(stages=[cards.stage(kind=kind)], outputs=outputs)


def said(main: Imaged, classified: bool = True) -> RawOutput:
    """The liver is everywhere on the first slice or image; the cyst is likely, and was seen there."""
    grid = (len(main), *main.shape_yx(0))
    masks = np.zeros((2, *grid), bool)
    masks[0, 0] = True
    drawn = Drawn(masks, np.full(masks.shape, 0.75, np.float32), {"Sure": np.ones(grid, np.float32)})
    return RawOutput(drawn, Classification((0.9,), 0, None) if classified else None, {})


def found(kind: str, raw: RawOutput, given: Clinical = NOTHING_GIVEN, **outputs: Any) -> Findings:
    return measured(card(kind, **outputs), on(kind), raw, making.origin(), given)


@pytest.mark.parametrize("kind", ["slices", "image"])
def test_outlines_classes_and_maps_are_one_description(kind: str) -> None:
    findings = found(kind, said(on(kind)), **SEGMENTS, **CLASSES, **MAPS)
    assert [segment.label for segment in findings.segments] == ["Liver"]
    assert [absence.label for absence in findings.absent] == ["Spleen"]
    assert [(each.label, each.verdict) for each in findings.classes] == [("Cyst", "present")]
    assert [each.label for each in findings.maps] == ["Sure"]
    assert (findings.key_slice, findings.worth_opening) == (0, (0,))
    assert findings.headline == "Present: Cyst (0.90). Liver"
    soft = findings.segments[0].probability_zyx
    assert soft is not None and (soft == 0.75).all()


@pytest.mark.parametrize("kind", ["slices", "image"])
def test_what_is_found_is_tracked_under_its_own_name(kind: str) -> None:
    identity = Identity.of(on(kind), making.origin())
    findings = found(kind, said(on(kind)), **SEGMENTS, **CLASSES)
    tracked = [*findings.segments, *findings.absent, *findings.classes]
    assert [each.tracking_uid for each in tracked] == [identity.tracking_uid(each.label) for each in tracked]


def test_what_is_missing_of_clinical_values_is_a_caution_once() -> None:
    main = on("slices")
    given = Clinical((), ("No height is known.", "Spleen was not found."))
    assert found("slices", said(main), given, **SEGMENTS).cautions == ("Spleen was not found.", "No height is known.")


def test_pictures_alone_are_named() -> None:
    main = on("slices")
    drawn = Drawn(images={"Quiet": np.zeros((len(main), *main.shape_yx(0)), np.float32)})
    findings = found("slices", RawOutput(drawn, None, {}), **IMAGES)
    assert ([each.label for each in findings.images], findings.headline) == (["Quiet"], "Quiet")
    assert not findings.says_something


def test_a_card_s_infarct_is_measured_as_one() -> None:
    main = on("slices")
    one = {"segments": SEGMENTS["segments"] | {"items": SEGMENTS["segments"]["items"][:1]}}
    raw = RawOutput(Drawn(np.zeros((1, len(main), *main.shape_yx(0)), bool)), None, {})
    assert found("slices", raw, **one, measurements=[{"measure": "infarct"}]).headline == "Liver: none was found"


@pytest.mark.parametrize("encoding", ["fractional", None])
def test_the_encoding_that_the_card_prefers_travels_along(encoding: str | None) -> None:
    outlining = {"segments": SEGMENTS["segments"] | ({"encoding": encoding} if encoding else {})}
    assert found("slices", said(on("slices")), **outlining).encoding == encoding


def test_of_several_maps_that_of_the_class_that_stands_out_comes_first_and_chooses_the_slice() -> None:
    main = making.volume()
    one, two = (cards.code(each) for each in ("one", "two"))
    items = [{"label": "One", "code": one, "threshold": 0.5}, {"label": "Two", "code": two, "threshold": 0.5}]
    kind = {"quantity": cards.code("q"), "unit": cards.code("1"), "from": SOURCE}
    wanted = {
        "classes": {**CLASSES["classes"], "items": items},
        "maps": [kind | {"label": f"Heat map: {name}"} for name in ("One", "Two")],
    }
    shape = (len(main), *main.shape_yx(0))
    first, second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    first[1], second[4] = 1, 1
    drawn = Drawn(None, None, {"Heat map: One": first, "Heat map: Two": second})
    findings = found("slices", RawOutput(drawn, Classification((0.2, 0.9), 3, None, 1), {}), **wanted)
    assert [each.label for each in findings.maps] == ["Heat map: Two", "Heat map: One"]
    assert findings.key_slice == 4
