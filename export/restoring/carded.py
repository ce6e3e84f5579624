"""What a report measured, in the card and in the README."""

from collections.abc import Sequence
from typing import Any

from export.evaluation.carded import Json, figure, markdown, spread
from export.evaluation.trials import PARTS


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['scans']} {part.lower()}"
        *others, ours = told["psnr"]
        figures.append(figure(f"Decibels over {others[-1]}", told["over"][others[-1]]["value"], data))
        figures.append(figure("Lesions lost of 1,000", told["lost"][ours]["value"], data))
        figures.append(figure("Lesions invented in 1,000 slices", told["invented"][ours]["value"], data))
    foreign = report["foreign series cautioned"]
    kinds = f"phantoms of {len(foreign) - 1} kinds"
    figures.append(figure("Series of something else cautioned", foreign["all"], kinds))
    figures.append(figure("Seconds a slice of a whole job", report["seconds_per_slice"], "two cores"))
    outputs = card["outputs"]
    return {**card, "outputs": {**outputs, "images": _with_faults(outputs["images"], report)}, "figures": figures}


def _with_faults(images: Sequence[Json], report: Json) -> list[Json]:
    """What held-out phantoms tell, which stands in each report and in a caution."""
    told = report[PARTS[0]]
    *_, ours = told["psnr"]
    lost, invented = (round(told[name][ours]["value"], 1) for name in ("lost", "invented"))
    faults = {"lost": lost, "invented": invented, "data": f"{told['scans']} {PARTS[0].lower()}"}
    return [{**image, "faults": faults} for image in images]


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in PARTS]
    rows: list[tuple[str, ...]] = [("", "to reach", *(part.lower() for part in PARTS))]

    def add(name: str, *ours: str, bar: str = "") -> None:
        rows.append((name, bar, *ours))

    ways = list(both[0]["psnr"])
    add("scans, planted lesions", *(f"{told['scans']}, {told['planted']}" for told in both))
    for name, (bar, _) in both[0]["bars"].items():
        add(name, *(told["bars"][name][1] for told in both), bar=bar)
    for way in ways:
        add(f"PSNR, dB: {way}", *(spread(told["psnr"][way]) for told in both))
    for way in ways:
        add(f"lesions lost of 1,000: {way}", *(spread(told["lost"][way]) for told in both))
        add(f"lesions invented in 1,000 slices: {way}", *(spread(told["invented"][way]) for told in both))
    add("cautioned as strange", *(spread(told["strange"]) for told in both))
    add("series of something else: cautioned", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", f"{report['seconds_per_slice']:.3f}", "")
    return markdown(rows)
