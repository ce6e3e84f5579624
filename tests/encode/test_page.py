"""The page that people read: what is on it, in which letters, and what is left out when there is too much."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import lettering
from orthanc_plugin.encode import page as layout
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page, shown_slices
from orthanc_plugin.encode.theme import DARK, LIGHT
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import DerivedImage, Figure
from tests.encode import making, outlined

ON = making.volume()
FINDINGS = replace(making.findings(ON), worth_opening=())
MAKING = Making(FINDINGS, ON, making.origin())
WITH_PATIENT = Profile().model_copy(update={"patient_on_page": True})
NOTICE_FROM = layout.HEIGHT - 62
NOTICES = ["Not for clinical use.", "임상용으로 사용하지 마십시오.", "臨床使用禁止。不得用于临床。" * 20]


def column_of(shown: np.ndarray) -> np.ndarray:
    return shown[layout.TOP : NOTICE_FROM, layout.COLUMN : layout.RIGHT]


def pictures_of(shown: np.ndarray) -> np.ndarray:
    return shown[layout.TOP : NOTICE_FROM, layout.MARGIN : layout.MARGIN + layout.PICTURES]


def test_another_moment_of_making_gives_the_same_pixels() -> None:
    later = replace(making.origin(), created_at=making.origin().created_at + timedelta(days=400))

    assert np.array_equal(page(MAKING), page(replace(MAKING, origin=later)))


def test_nobody_is_named_on_the_page() -> None:
    other = making.volume(patient_name="Someone^Else")

    assert np.array_equal(page(MAKING), page(replace(MAKING, imaged=other)))


def test_more_cautions_than_fit_are_counted_not_written_over_the_notice() -> None:
    notice_from = layout.HEIGHT - 62
    few, many = (
        page(
            replace(
                MAKING, findings=replace(FINDINGS, cautions=("The slices are thick, and some of them lean.",) * count)
            )
        )
        for count in (0, 30)
    )

    assert np.array_equal(few[notice_from:], many[notice_from:])
    assert not np.array_equal(few, many)


@pytest.mark.parametrize("notice", ["", "Not for clinical use. " * 12])
def test_a_notice_of_any_length_is_shown_within_the_page(notice: str) -> None:
    shown = page(replace(MAKING, origin=replace(making.origin(), notice=notice)))
    strip = shown[layout.HEIGHT - 62 : layout.HEIGHT - 16, layout.MARGIN : layout.RIGHT]

    assert (strip == DARK.amber).all(axis=2).any() == bool(notice)
    assert (shown[:, : layout.MARGIN] == DARK.background).all()


def test_who_the_patient_is_stands_on_the_page_where_the_destination_asks_for_it() -> None:
    other = making.volume(patient_name="Someone^Else")
    asked = replace(MAKING, profile=WITH_PATIENT)

    assert not np.array_equal(page(asked), page(replace(asked, imaged=other)))


@pytest.mark.parametrize("worth_opening", [(), (3,), (1, 2), (3, 0, 1, 2, 4, 5)])
def test_slices_worth_opening_are_shown_beside_the_key_slice(worth_opening: tuple[int, ...]) -> None:
    findings = replace(FINDINGS, worth_opening=worth_opening)

    shown = shown_slices(findings)

    assert shown[0] == FINDINGS.key_slice
    assert set(shown[1:]) <= set(worth_opening) - {FINDINGS.key_slice} and shown[1:] == sorted(shown[1:])
    assert len(shown) == min(len({FINDINGS.key_slice, *worth_opening}), 5)
    alone, together = page(MAKING), page(replace(MAKING, findings=findings))
    assert np.array_equal(pictures_of(alone), pictures_of(together)) == (len(shown) == 1)
    assert np.array_equal(column_of(alone), column_of(together))


def test_a_derived_image_is_shown_beside_its_source() -> None:
    smoothed = DerivedImage("Smoothed", making.card().segments[0].property.code(), ON.voxels_zyx * np.float32(0.5))
    with_image = replace(FINDINGS, images=(smoothed,))

    assert not np.array_equal(pictures_of(page(MAKING)), pictures_of(page(replace(MAKING, findings=with_image))))


@pytest.mark.parametrize("count", [0, 10, 20, 60])
def test_figures_keep_to_their_column_and_leave_room_for_a_caution(count: int) -> None:
    figures = (Figure("A structure with a rather long name, mean value", "123456.7", "cm²/m²"),) * count
    full = replace(FINDINGS, figures=figures, cautions=())
    cautious = replace(full, cautions=("The field of view cuts the body.",))
    plain, said = (page(replace(MAKING, findings=findings)) for findings in (full, cautious))

    assert not np.array_equal(column_of(plain), column_of(said))
    assert (plain[layout.TOP : NOTICE_FROM, layout.RIGHT + 1 :] == DARK.background).all()
    for shown in (plain, said):
        assert (shown[NOTICE_FROM - 14 : NOTICE_FROM, layout.COLUMN :] == DARK.background).all()


def test_a_page_for_paper_is_light() -> None:
    assert (page(MAKING, LIGHT)[0, 0] == (255, 255, 255)).all()


@pytest.mark.parametrize("source", outlined.FLAT)
def test_single_images_of_any_kind_have_a_page(source: str) -> None:
    on = outlined.FLAT[source]()
    many = replace(outlined.findings(on), worth_opening=tuple(range(len(on))))

    assert page(Making(many, on, making.origin())).shape == (layout.HEIGHT, layout.WIDTH, 3)


def test_headers_without_numbers_or_direction_have_a_page(volume: Volume) -> None:
    headers = tuple(making.read_back(header) for header in volume.headers)
    for header in headers:
        for keyword in ("SeriesNumber", "InstanceNumber"):
            header.pop(keyword, None)

    shown = page(Making(making.findings(volume), replace(volume, headers=headers), making.origin()))

    assert shown.shape == (layout.HEIGHT, layout.WIDTH, 3)


@pytest.fixture(params=[False, True], ids=["Pillow's letters", "Debian's letters"])
def face(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(lettering, "TYPEFACE", lettering.TYPEFACE.with_name("nowhere.ttc"))
    elif not lettering.complete():
        pytest.skip("fonts-wqy-microhei is not installed")


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.usefixtures("face")
def test_a_notice_in_any_script_is_written_in_its_bar(notice: str) -> None:
    shown = page(replace(MAKING, origin=replace(making.origin(), notice=notice)))
    letters = shown[layout.HEIGHT - 58 : layout.HEIGHT - 20, layout.MARGIN + 10 : layout.RIGHT - 10].min(axis=2)

    assert letters.min() < 60 and (letters == min(DARK.amber)).mean() > 0.5
    assert (shown[:, : layout.MARGIN] == DARK.background).all()
