"""What a destination's profile promises is made for it on every kind of source, and stands in docs/profiles.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from pydicom.uid import (
    ColorSoftcopyPresentationStateStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from orthanc_plugin.deliver.profile import BASE, Kind, Profile, profile, shipped, written
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.settings import from_orthanc
from tests.encode import making, outlined

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "profiles.md").read_text("utf-8")
SOURCES: dict[str, Callable[[], Imaged]] = {
    "axial CT": making.volume,
    "oblique CT": lambda: making.volume(orientation=making.OBLIQUE),
    "multi-frame CT": making.enhanced_volume,
    "PET": outlined.pet,
    **{name: outlined.FLAT[name] for name in ("DX", "MG of two sizes", "US in colour")},
}
CLASSES = {
    "SEG": {SegmentationStorage},
    "SR": {Comprehensive3DSRStorage, ComprehensiveSRStorage},
    "SC": {SecondaryCaptureImageStorage},
    "PM": {ParametricMapStorage},
    "PR": {GrayscaleSoftcopyPresentationStateStorage, ColorSoftcopyPresentationStateStorage},
    "PDF": {EncapsulatedPDFStorage},
    "KO": {KeyObjectSelectionDocumentStorage},
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_gives_exactly_the_objects_that_it_names(name: str, source: str) -> None:
    on, wanted = SOURCES[source](), profile(name, {})

    beside = outlined.laid()
    laid = (beside,) if isinstance(on, Volume) else ()
    making_of = Making(outlined.everything(on), on, making.origin(), wanted, beside.headers, laid=laid)
    results = encode(making_of)

    left_out = {"PM"} if on.headers[0].Modality in wanted.maps_not_on else set()
    left_out |= set() if laid else {"REG"}
    assert {result.kind for result in results} == set(wanted.objects) - left_out
    for result in results:
        dataset = making.read_back(result.dataset)
        assert dataset.file_meta.TransferSyntaxUID in wanted.transfer_syntaxes
        assert dataset.SOPClassUID in CLASSES.get(result.kind, {dataset.SOPClassUID})
        if result.kind == "SR":
            comprehensive = dataset.SOPClassUID == ComprehensiveSRStorage
            assert comprehensive == (wanted.report == "comprehensive")
        if result.kind == "SEG":
            bits = dataset.Rows * dataset.Columns
            misread = wanted.binary_in_whole_words and bits % 16
            assert dataset.SegmentationType == ("FRACTIONAL" if misread else wanted.segmentations[0].upper())


def test_a_site_s_own_profile_may_begin_with_a_shipped_one() -> None:
    chosen = of_site({"Base": "ihe-air", "Report": "comprehensive"})

    assert chosen == profile("ihe-air", {}).model_copy(update={"report": "comprehensive"})


def test_a_site_s_own_profile_without_a_base_begins_with_the_defaults() -> None:
    assert of_site({"Objects": ["SR"]}) == Profile().model_copy(update={"objects": ("SR",)})


def test_a_profile_is_read_back_from_what_results_say_of_it() -> None:
    for name in shipped():
        wanted = profile(name, {})
        assert written(wanted.encoding).encoding == wanted.encoding


@pytest.mark.parametrize(
    "section",
    [{"Base": "none"}, {"Objects": ["RTSTRUCT"]}, {"Segmentations": []}, {"TransferSyntaxes": []}, {"Colour": "red"}],
)
def test_what_a_profile_can_not_be_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        of_site(section)
    assert refused.value.sentence == (
        f'"Inference.Profiles" is {json.dumps({"pacs": section})}; '
        "allowed is destination profiles by name, each a section {…}."
    )


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        profile("pacs", {})
    assert refused.value.sentence == 'There is no destination profile "pacs"; there are ihe-air, ohif, plain.'


def test_every_key_is_documented_with_its_default_and_all_that_is_allowed() -> None:
    rows = {row[0]: row[1:] for row in table("| key | default | allowed | what |")}

    fields = Profile.model_json_schema()["properties"]
    assert list(rows) == [f"`{key}`" for key in (BASE, *fields)]
    for key, (default, allowed, _) in list(rows.items())[1:]:
        field = fields[key.strip("`")]
        assert default == shown(field["default"]), key
        choices = field.get("enum") or field.get("items", {}).get("enum")
        if choices:
            assert set(allowed.split(", ")) == set(choices), key
    assert rows[f"`{BASE}`"][1].split(", ") == ["ohif", "ihe-air", "plain"]
    assert set(get_args(Kind)) == set(rows["`Objects`"][1].split(", "))


def test_the_shipped_profiles_are_documented_as_they_are() -> None:
    names = [name.strip("`") for name in table("| | `ohif`", heading=True)[0][1:]]
    assert sorted(names) == list(shipped())
    for key, *values in table("| | `ohif`")[1:]:
        for name, value in zip(names, values, strict=True):
            of_profile = profile(name, {}).model_dump(by_alias=True)
            assert value == shown(of_profile[key.strip("`")]), f"{name}: {key}"


@pytest.mark.parametrize("name", shipped())
def test_a_profile_can_be_read_again_from_the_encoding_that_results_were_written_in(name: str) -> None:
    wanted = profile(name, {})
    assert written(wanted.encoding).model_dump(exclude={"superseded"}) == wanted.model_dump(exclude={"superseded"})


def of_site(section: dict[str, object]) -> Profile:
    configuration = {"Inference": {"Profile": "pacs", "Profiles": {"pacs": section}}}
    return from_orthanc(json.dumps(configuration), {}).local_profile


def table(head: str, heading: bool = False) -> list[list[str]]:
    """The cells of the rows below that line of the document, or of the line itself."""
    lines = DOCUMENT[DOCUMENT.index(head) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in (lines[:1] if heading else lines[2:])]


def shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return json.dumps(value) if isinstance(value, bool) else str(value)
