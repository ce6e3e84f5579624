"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.ct_denoise.card
"""

from typing import Any

from export.ct_denoise.export import CARD, FOLDER
from export.ct_denoise.trial import NON_LOCAL, OURS, SOURCE
from export.evaluation.carded import Json, figure, markdown, spread, write
from export.evaluation.trials import PARTS


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['scans']} {part.lower()}"
        figures.append(figure("Decibels over non-local means", told["over_non_local"]["value"], data))
        figures.append(figure("Lesions lost of 1,000", told["lost"][OURS]["value"], data))
        figures.append(figure("Lesions invented in 1,000 slices", told["invented"][OURS]["value"], data))
    foreign = report["foreign series cautioned"]
    figures.append(
        figure("Series of something else cautioned", foreign["all"], f"phantoms of {len(foreign) - 1} kinds")
    )
    figures.append(figure("Seconds a slice of a whole job", report["seconds_per_slice"], "512 rows, two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in PARTS]
    rows: list[tuple[str, ...]] = [("", "to reach", *(part.lower() for part in PARTS))]

    def add(name: str, bar: str, *ours: str) -> None:
        rows.append((name, bar, *ours))

    add("scans of nine slices, planted lesions", "", *(f"{told['scans']}, {told['planted']}" for told in both))
    for way in (SOURCE, NON_LOCAL, OURS):
        add(f"PSNR of {way}, dB", "", *(spread(told["psnr"][way]) for told in both))
    add("decibels over non-local means", "≥ 1", *(spread(told["over_non_local"]) for told in both))
    for tissue in both[0]["bias"]:
        add(f"mean difference in {tissue}, HU", "< 2", *(spread(told["bias"][tissue][OURS]) for told in both))
    for contrast in both[0]["edges"]:
        add(f"edge of {contrast}: MTF at 10 %, share of the source's", "≥ 1",
            *(spread(told["edges"][contrast][OURS]) for told in both))  # fmt: skip
    for way in (SOURCE, NON_LOCAL, OURS):
        add(f"lesions lost of 1,000, {way}", "", *(spread(told["lost"][way]) for told in both))
        add(f"lesions invented in 1,000 slices, {way}", "", *(spread(told["invented"][way]) for told in both))
    add("cautioned as strange", "", *(spread(told["strange"]) for told in both))
    add("series of something else: cautioned", "", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']:.3f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
