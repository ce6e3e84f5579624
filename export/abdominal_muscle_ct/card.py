"""What the report measured goes into the card and the README, and what the level graph can be asked into the card.

python -m export.abdominal_muscle_ct.card
"""

from typing import Any

from export.abdominal_muscle_ct.series import FOLDER
from export.evaluation.carded import Json, figure, limits, markdown, spread, write
from export.evaluation.trials import PARTS

_STRANGE = {
    "from": {"stage": "level", "output": "strangeness"},
    "between": {"most": 1.0},
    "of": "median",
    "otherwise": "caution",
    "says": "The slices are unlike those that the model has learned on; its outlines and its figures may be wrong.",
}


def asking(card: Json, answered: list[str]) -> dict[str, Any]:
    """The card whose stage of the level has the outputs `answered` and whose checks look at the strangeness."""
    stages = [{**stage, "outputs": answered} if stage["name"] == "level" else stage for stage in card["stages"]]
    checks = [check for check in card.get("checks", []) if check.get("from") != _STRANGE["from"]]
    return {**card, "stages": stages, "checks": [*checks, *([_STRANGE] if "strangeness" in answered else [])]}


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for of in PARTS:
        told, data = report[of], of.lower()
        dice, near = told["tissues"]["muscle"]["dice"], told["level"]["share_within_10_mm"]
        figures.append(figure("Dice of muscle", dice["value"], f"{told['patients']} {data}"))
        figures.append(figure("Level within 10 mm", near["value"], f"{told['level']['series']} series of {data}"))
    foreign, seconds = report["foreign"], report["seconds_per_slice"]["end to end"]
    figures.append(figure("Foreign series cautioned", foreign["cautioned"], f"{foreign['series']} series"))
    figures.append(figure("Seconds a slice of a whole job", seconds, "512 rows, two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[of] for of in PARTS]
    head = ("", "thesis (patients)", "held-out phantoms", "shifted phantoms")
    rows: list[tuple[str, ...]] = [head]

    def add(name: str, thesis: object, *ours: object) -> None:
        rows.append((name, str(thesis), *map(str, ours)))

    muscles, levels = [told["tissues"]["muscle"] for told in both], [told["level"] for told in both]
    bars, thesis = [told["clinical_bar"] for told in both], report["thesis"]
    add("patients", thesis["test scans"], *(told["patients"] for told in both))
    add("accuracy (ours: of all three tissues together)", thesis["accuracy"], *(spread(t["accuracy"]) for t in both))
    add("patients with an accuracy of at least 95 %, the clinical bar", "", *(spread(bar["voxels"]) for bar in bars))
    add("patients whose muscle area at mid L3 is right within 5 %", "", *(spread(bar["muscle_area"]) for bar in bars))
    add("muscle: IoU at 0.5", thesis["IoU"], *(spread(muscle["iou"]) for muscle in muscles))
    add("muscle: Dice", thesis["Dice"], *(spread(muscle["dice"]) for muscle in muscles))
    add("muscle: Dice of the HU range alone", "", *(f"{m['dice_by_threshold_alone']:.3f}" for m in muscles))
    for fat in ("visceral fat", "subcutaneous fat"):
        add(f"{fat}: Dice", "", *(spread(told["tissues"][fat]["dice"]) for told in both))
    add("muscle area at L3, end to end: mean difference (95 % of patients), cm²", "",
        *(limits(muscle["area_at_found_level_cm2"]) for muscle in muscles))  # fmt: skip
    add("level in whole abdomens: series", "", *(level["series"] for level in levels))
    for name, key in (("median error", "median_error_mm"), ("95th percentile", "p95_error_mm")):
        add(f"level: {name}, mm", "", *(f"{level[key]['value']:.1f}" for level in levels))
    add("level: within 10 mm", "", *(spread(level["share_within_10_mm"]) for level in levels))
    for part in levels[0]["refused"]:
        add(f"series without L3 ({part}): said so", "", *(f"{level['refused'][part]['value']:.3f}" for level in levels))
    add("series cautioned as strange", "", *(spread(level["strange"]) for level in levels))
    foreign = report["foreign"]
    add(f"series of something else ({foreign['series']}): cautioned", "", f"{foreign['cautioned']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']['end to end']:.3f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (FOLDER / "card.json",), with_figures, table)


if __name__ == "__main__":
    main()
