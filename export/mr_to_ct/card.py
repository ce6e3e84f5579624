"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.mr_to_ct.card
"""

from export.evaluation.carded import write
from export.mr_to_ct.export import CARD, FOLDER
from export.restoring.carded import table, with_figures


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
