"""What the report measured goes into the card and the README, and what the level graph can be asked into the card.

python -m export.abdominal_muscle_ct.card
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.abdominal_muscle_ct.series import FOLDER
from export.evaluation import shipped
from export.evaluation.readme import between_marks

_REPORT = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "report.json"
_NAME = "abdominal_muscle_ct"
_STRANGE = {
    "from": {"stage": "level", "output": "strangeness"},
    "between": {"most": 1.0},
    "of": "median",
    "otherwise": "caution",
    "says": "The slices are unlike those that the model has learned on; its outlines and its figures may be wrong.",
}
_HELD_OUT, _SHIFTED = "Held-out phantoms", "Shifted phantoms"
Json = Mapping[str, Any]


def asking(card: Json, answered: list[str]) -> dict[str, Any]:
    """The card whose stage of the level has the outputs `answered` and whose checks look at the strangeness."""
    stages = [{**stage, "outputs": answered} if stage["name"] == "level" else stage for stage in card["stages"]]
    checks = [check for check in card.get("checks", []) if check.get("from") != _STRANGE["from"]]
    return {**card, "stages": stages, "checks": [*checks, *([_STRANGE] if "strangeness" in answered else [])]}


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for of in (_HELD_OUT, _SHIFTED):
        told, data = report[of], of.lower()
        dice, near = told["tissues"]["muscle"]["dice"], told["level"]["share_within_10_mm"]
        figures.append(_figure("Dice of muscle", dice["value"], f"{told['patients']} {data}"))
        figures.append(_figure("Level within 10 mm", near["value"], f"{told['level']['series']} series of {data}"))
    foreign, seconds = report["foreign"], report["seconds_per_slice"]["end to end"]
    figures.append(_figure("Foreign series cautioned", foreign["cautioned"], f"{foreign['series']} series"))
    figures.append(_figure("Seconds a slice of a whole job", seconds, "512 rows, two cores"))
    return {**card, "figures": figures}


def _figure(name: str, value: float, data: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 4), "data": data}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[_HELD_OUT], report[_SHIFTED]]
    head = ("", "thesis (patients)", "held-out phantoms", "shifted phantoms")
    rows: list[tuple[str, ...]] = [head, ("---",) * len(head)]

    def add(name: str, thesis: object, *ours: object) -> None:
        rows.append((name, str(thesis), *map(str, ours)))

    muscles, levels = [told["tissues"]["muscle"] for told in both], [told["level"] for told in both]
    bars, thesis = [told["clinical_bar"] for told in both], report["thesis"]
    add("patients", thesis["test scans"], *(told["patients"] for told in both))
    add("accuracy (ours: of all three tissues together)", thesis["accuracy"], *(_range(t["accuracy"]) for t in both))
    add("patients with an accuracy of at least 95 %, the clinical bar", "", *(_range(bar["voxels"]) for bar in bars))
    add("patients whose muscle area at mid L3 is right within 5 %", "", *(_range(bar["muscle_area"]) for bar in bars))
    add("muscle: IoU at 0.5", thesis["IoU"], *(_range(muscle["iou"]) for muscle in muscles))
    add("muscle: Dice", thesis["Dice"], *(_range(muscle["dice"]) for muscle in muscles))
    add("muscle: Dice of the HU range alone", "", *(f"{m['dice_by_threshold_alone']:.3f}" for m in muscles))
    for fat in ("visceral fat", "subcutaneous fat"):
        add(f"{fat}: Dice", "", *(_range(told["tissues"][fat]["dice"]) for told in both))
    add("muscle area at L3, end to end: mean difference (95 % of patients), cm²", "",
        *(_agreement(muscle["area_at_found_level_cm2"]) for muscle in muscles))  # fmt: skip
    add("level in whole abdomens: series", "", *(level["series"] for level in levels))
    for name, key in (("median error", "median_error_mm"), ("95th percentile", "p95_error_mm")):
        add(f"level: {name}, mm", "", *(f"{level[key]['value']:.1f}" for level in levels))
    add("level: within 10 mm", "", *(_range(level["share_within_10_mm"]) for level in levels))
    for part in levels[0]["refused"]:
        add(f"series without L3 ({part}): said so", "", *(f"{level['refused'][part]['value']:.3f}" for level in levels))
    add("series cautioned as strange", "", *(_range(level["strange"]) for level in levels))
    foreign = report["foreign"]
    add(f"series of something else ({foreign['series']}): cautioned", "", f"{foreign['cautioned']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']['end to end']:.3f}", "")
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _range(figure: Json) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _agreement(limits: Json) -> str:
    return f"{limits['bias']:+.1f} ({limits['low']:+.1f} to {limits['high']:+.1f})".replace("-", "−")


def main() -> None:
    report = json.loads(_REPORT.read_text())
    digests = {path.name: shipped.sha256(path) for path in sorted(FOLDER.glob("*.onnx"))}
    if report["model"]["sha256"] != digests:
        raise SystemExit("The report is about other graphs; run python -m export.evaluate abdominal-muscle-ct first.")
    card, readme = FOLDER / "card.json", FOLDER / "README.md"
    written = with_figures(json.loads(card.read_text()), report)
    card.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    readme.write_text(between_marks(readme.read_text(), table(report), _NAME))


if __name__ == "__main__":
    main()
