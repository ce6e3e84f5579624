"""The parts of the report on abdominal-muscle-ct that need no graph."""

import json
from typing import Any

import numpy as np
import pytest

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.beside import encoder_section, foreign_figures, foreign_section
from export.abdominal_muscle_ct.card import asking, table, with_figures
from export.abdominal_muscle_ct.foreign import KINDS, Verdicts
from export.abdominal_muscle_ct.levels import figures_of_series
from export.abdominal_muscle_ct.sections import THESIS
from export.abdominal_muscle_ct.series import FOLDER, PARTS, WITHOUT_L3, SeriesTrial
from export.dense import DenseUNet
from export.evaluation.page import Rows
from export.evaluation.readme import between_marks
from orthanc_plugin.routing.card import Card


def tried(found_mm: float, *, strangeness: float = 0.5, part_mm: float = 4.0, without: float = np.nan) -> SeriesTrial:
    parts = dict.fromkeys(PARTS, part_mm) | dict.fromkeys(WITHOUT_L3, without)
    return SeriesTrial(87, found_mm, False, strangeness, parts)


def test_what_is_not_found_counts_as_far_off_and_what_is_rightly_not_there_as_right() -> None:
    figures = figures_of_series([tried(2.0), tried(np.nan, strangeness=1.2), tried(-11.0), tried(4.0, without=30.0)])
    assert figures.missed == 1
    assert figures.share_within_10_mm.value == 0.5
    assert figures.median_error_mm.value == 4.0
    assert figures.strange.value == 0.25
    assert set(figures.within_10_mm) == set(PARTS)
    assert {share.value for share in figures.within_10_mm.values()} == {1.0}
    assert {share.value for share in figures.refused.values()} == {0.75}


def test_a_series_is_cautioned_by_any_of_three_ways() -> None:
    foreign = {"head": [Verdicts(True, False, False), Verdicts(False, False, False)],
               "hips": [Verdicts(False, False, True), Verdicts(False, True, False)]}  # fmt: skip
    told = foreign_figures(foreign)
    assert (told["series"], told["cautioned"]) == (4, 0.75)
    assert told["by kind"]["hips"] == {"any": 1.0, "strange": 0.0, "header": 0.5, "level": 0.5}
    rows = next(part for part in foreign_section(foreign).parts if isinstance(part, Rows)).rows
    assert rows[1] == ("head", "0.50", "0.50", "0.00", "0.00")


@pytest.mark.parametrize("kind", KINDS)
def test_foreign_series_have_the_matrix_of_others_and_a_header(kind: str) -> None:
    made = KINDS[kind](3)
    assert made.slices.shape == (12, 256, 256)
    assert made.header.Modality == "CT"
    assert np.isfinite(made.slices).all()


def test_both_encoders_stand_side_by_side() -> None:
    dice = {part: {"muscle": 0.9, "visceral fat": 0.8, "subcutaneous fat": 0.7} for part in ("validation", "shifted")}
    each = {"parameters": 1000, "size_mb": 1.25, "seconds_a_slice": 0.0312, "dice": dice}
    rows = next(part for part in encoder_section({"one": each, "other": each}).parts if isinstance(part, Rows)).rows
    assert rows[1][:4] == ("one", "1,000", "1.2", "31")
    assert rows[1][4] == "0.900 / 0.800 / 0.700"


def test_an_encoder_that_halves_more_often_than_it_has_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^The DenseNet halves 5 times; 3 channels were given\.$"):
        DenseUNet(2, 8, (4, 8, 8), 1)


def test_a_level_graph_that_knows_strange_slices_is_asked_for_them_and_another_is_not() -> None:
    card = json.loads((FOLDER / "card.json").read_text())
    told = asking(card, ["offset_mm", "sigma_mm", "strangeness"])
    checked = Card.model_validate(told)
    assert checked.stage("level").outputs == ("offset_mm", "sigma_mm", "strangeness")
    assert [check.source.output for check in checked.output_checks] == ["strangeness"]
    assert asking(told, ["offset_mm", "sigma_mm", "strangeness"]) == told
    plain = Card.model_validate(asking(told, ["offset_mm", "sigma_mm"]))
    assert plain.output_checks == ()


def test_figures_of_the_report_go_into_the_card_and_into_the_table() -> None:
    report, share = made_up_report(), "0.900 (0.800 to 0.950)"
    card = Card.model_validate(with_figures(json.loads((FOLDER / "card.json").read_text()), report))
    assert [(figure.name, figure.value, figure.data) for figure in card.figures][:2] == [
        ("Dice of muscle", 0.9, "260 held-out phantoms"),
        ("Level within 10 mm", 0.9, "130 series of held-out phantoms"),
    ]
    rows = table(report).splitlines()
    assert f"| muscle: Dice | 0.87 | {share} | {share} |" in rows
    assert "| series without L3 (hips): said so |  | 0.900 | 0.900 |" in rows
    cm2 = "| muscle area at L3, end to end: mean difference (95 % of patients), cm² |  | −1.0 (−5.0 to +3.0) |"
    assert any(row.startswith(cm2) for row in rows)


def test_the_table_of_the_readme_is_replaced_and_nothing_else() -> None:
    readme = (FOLDER / "README.md").read_text()
    written = between_marks(readme, "| new |", "abdominal_muscle_ct")
    assert "| new |" in written
    assert "muscle: Dice of the HU range alone" not in written
    assert written.startswith(readme[:500])
    assert written.endswith(readme[-500:])


def made_up_report() -> dict[str, Any]:
    share = {"value": 0.9, "low": 0.8, "high": 0.95}
    tissue = {"dice": share, "iou": share, "dice_by_threshold_alone": 0.5,
              "area_at_found_level_cm2": {"bias": -1.0, "low": -5.0, "high": 3.0}}  # fmt: skip
    level = {"series": 130, "median_error_mm": share, "p95_error_mm": share, "share_within_10_mm": share,
             "refused": {"hips": share}, "strange": share}  # fmt: skip
    told = {"patients": 260, "accuracy": share, "clinical_bar": {"voxels": share, "muscle_area": share},
            "tissues": dict.fromkeys(TISSUES, tissue), "level": level}  # fmt: skip
    return {
        "thesis": THESIS,
        "foreign": {"cautioned": 0.97, "series": 204},
        "seconds_per_slice": {"end to end": 0.05},
        "Held-out phantoms": told,
        "Shifted phantoms": told,
    }
