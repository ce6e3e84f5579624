"""Command line of the phantoms: a seed goes in, a folder with a DICOM series comes out."""

import argparse
from pathlib import Path

from export.phantoms import abdomen
from export.phantoms.dicom import write_series


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m export.phantoms", description=__doc__)
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    ct = kinds.add_parser("abdomen", help="CT of the abdomen, about T11 to S1")
    ct.add_argument("--seed", type=int, required=True)
    ct.add_argument("--slices", type=int, default=60)
    ct.add_argument("--whole", action="store_true", help="from the diaphragm to the pelvis, with as many as that takes")
    ct.add_argument("--rows", type=int, default=512, help="matrix; the field of view stays (default 512)")
    ct.add_argument("--spacing", type=float, default=5.0, help="distance of slices in mm (default 5)")
    ct.add_argument("--shifted", action="store_true", help="from the generator that nothing is trained on")
    ct.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    chosen = {"rows": given.rows, "spacing_z_mm": given.spacing, "shifted": given.shifted}
    if given.whole:
        made = abdomen.whole_phantom(given.seed, **chosen)
    else:
        made = abdomen.phantom(given.seed, slices=given.slices, **chosen)
    paths = write_series(made, given.out)
    l3 = paths[len(paths) - 1 - made.l3_index]
    print(f"{len(paths)} slices in {given.out}; mid L3 is {l3.name}")


if __name__ == "__main__":
    main()
