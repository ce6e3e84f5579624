"""Maps and images keep the order and the meaning that the card gives them."""

import numpy as np
import pytest
from pydantic import ValidationError
from pydicom.uid import UID

from orthanc_plugin.measure import maps
from orthanc_plugin.routing.outputs import Outputs
from tests.encode import making
from tests.inference.graphs import concept

SOURCE = {"stage": "only", "output": "y"}
OUTPUTS = Outputs.model_validate(
    {
        "maps": [
            {"label": name, "quantity": concept(name, name), "unit": concept("ms", "milliseconds"), "from": SOURCE}
            for name in ("T1", "T2")
        ],
        "images": [
            {"label": "Quiet", "derivation": concept("q", "Quiet"), "values": "as-input", "from": SOURCE},
            {
                "label": "Water",
                "derivation": concept("w", "Water"),
                "values": "as-answered",
                "from": SOURCE,
                "unit": concept("1", "no units"),
            },
        ],
    }
)


def ramp(number: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.full((6, 64, 80), number, np.float32)


def test_a_map_lies_on_all_slices() -> None:
    first, second = maps.value_maps(OUTPUTS, {"T2": ramp(2), "T1": ramp(1)})
    assert (first.label, second.label, first.unit.value) == ("T1", "T2", "ms")
    assert first.slices == (0, 1, 2, 3, 4, 5)
    assert (first.values_nyx == 1).all() and (second.values_nyx == 2).all()


def test_an_image_has_the_source_s_unit_or_its_own() -> None:
    quiet, water = maps.derived_images(OUTPUTS, {"Quiet": ramp(1), "Water": ramp(2)})
    assert (quiet.unit, water.unit and water.unit.value) == (None, "1")
    assert (quiet.derivation.value, water.derivation.value) == ("q", "w")


def test_a_model_that_only_draws_names_what_it_drew() -> None:
    findings = maps.findings(OUTPUTS, making.volume())
    assert (findings.headline, findings.key_slice, findings.worth_opening) == ("T1, T2, Quiet, Water", 3, (3,))


def test_what_such_images_hide_and_make_up_is_said_wherever_they_are_spoken_of() -> None:
    told = OUTPUTS.model_dump(by_alias=True)
    told["images"][1]["faults"] = {"lost": 12.4, "invented": 3.0, "data": "60 held-out phantoms"}
    outputs = Outputs.model_validate(told)
    found = maps.with_warnings(maps.findings(outputs, making.volume()), outputs, lambda label: UID(f"1.2.{len(label)}"))
    assert found.says_something
    [said] = found.conclusions
    assert [(each.name.value, each.value, each.unit.value) for each in said.measurements] == [
        ("lesions-lost", 12.4, "[ppth]"),
        ("lesions-invented", 3.0, "[ppth]"),
    ]
    assert [(each.name, each.value) for each in found.figures] == [
        ("Water: lesions lost, of 1,000", "12"),
        ("Water: lesions invented in 1,000 slices", "3"),
    ]
    assert found.cautions[-1] == (
        "The image Water was made by a network, which may hide what is there and show what is not: of 1,000 planted "
        "lesions it lost 12, and in 1,000 slices it invented 3 (60 held-out phantoms). The source is the reference."
    )
    plain = maps.with_warnings(maps.findings(OUTPUTS, making.volume()), OUTPUTS, UID)
    assert (plain.conclusions, plain.figures, plain.cautions, plain.says_something) == ((), (), (), False)


def test_an_image_of_another_modality_is_called_synthetic_wherever_results_are() -> None:
    told = OUTPUTS.model_dump(by_alias=True)
    told["images"] = [dict(each) for each in told["images"]]
    told["images"][1] |= {"unit": None, "modality": "CT"}
    outputs = Outputs.model_validate(told)
    found = maps.with_warnings(maps.findings(outputs, making.volume()), outputs, UID)
    assert found.cautions == ("The image Water is synthetic: no CT was made, a network computed it.",)
    assert maps.derived_images(outputs, {"Quiet": ramp(1), "Water": ramp(2)})[1].modality == "CT"
    told["images"][1]["values"] = "as-input"
    with pytest.raises(ValidationError, match="is in another modality, so its values are as answered"):
        Outputs.model_validate(told)
