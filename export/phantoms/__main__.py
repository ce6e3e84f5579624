"""Command line of the phantoms: a seed goes in, a folder with a DICOM series comes out."""

import argparse
from collections.abc import Callable
from pathlib import Path

from export.phantoms import abdomen
from export.phantoms.ageing import dicom as ageing
from export.phantoms.ageing.case import draw_case as draw_head
from export.phantoms.brain import SERIES
from export.phantoms.brain import dicom as brain
from export.phantoms.brain.case import draw_case as draw_brain
from export.phantoms.chest import FINDINGS
from export.phantoms.chest.dicom import write_study
from export.phantoms.chest.radiograph import radiograph
from export.phantoms.dicom import write_series
from export.phantoms.heart import ARTERIES
from export.phantoms.heart import case as heart
from export.phantoms.liver import case
from export.phantoms.mammography.acquisition import Intent
from export.phantoms.mammography.dicom import COARSE_MM, write_examination
from export.phantoms.mammography.dicom import write_study as write_mammograms
from export.phantoms.mammography.history import TIMES, history
from export.phantoms.metabolism import dicom as metabolism
from export.phantoms.metabolism.case import draw_case as draw_metabolism
from export.phantoms.stroke import case as stroke
from export.phantoms.ultrasound.dicom import KINDS
from export.phantoms.ultrasound.dicom import write_study as write_ultrasound
from export.phantoms.ultrasound.liver import GRADES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m export.phantoms", description=__doc__)
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--seed", type=int, required=True)
    shared.add_argument("--shifted", action="store_true", help="from the generator that nothing is trained on")
    shared.add_argument("--out", type=Path, required=True)

    def kind(name: str, make: Callable[[argparse.Namespace], None], of: str) -> argparse.ArgumentParser:
        made = kinds.add_parser(name, parents=[shared], help=of)
        made.set_defaults(make=make)
        return made

    ct = kind("abdomen", _abdomen, "CT of the abdomen, about T11 to S1")
    ct.add_argument("--slices", type=int, default=60)
    ct.add_argument("--whole", action="store_true", help="from the diaphragm to the pelvis, with as many as that takes")
    ct.add_argument("--rows", type=int, default=512, help="matrix; the field of view stays (default 512)")
    ct.add_argument("--spacing", type=float, default=5.0, help="distance of slices in mm (default 5)")
    head = kind("head", _head, "T1-weighted MR of an old head, with Alzheimer's disease or without")
    head.add_argument("--voxel", type=float, help="edge in mm of cubes, drawn sooner than the scanner's voxels")
    calcium = kind("heart", _heart, "CT of the heart without contrast, with calcium or without")
    calcium.add_argument("--rows", type=int, default=512, help="matrix; the field of view stays (default 512)")
    calcium.add_argument("--not-gated", action="store_true", help="the heart moves while it is scanned")
    tumour = kind("tumour", _tumour, "four series of MR of the head, with a tumour or without")
    tumour.add_argument("--apart", choices=SERIES, help="a series that shares no frame of reference with the others")
    angiography = kind("stroke", _stroke, "CT angiography of the head, with an acute infarct or without")
    angiography.add_argument("--rows", type=int, default=256, help="matrix; the field of view stays (default 256)")
    pet = kind("pet", _pet, "FDG PET of an old head, with Alzheimer's disease in some degree or without")
    pet.add_argument("--voxel", type=float, help="edge in mm of cubes, drawn sooner than the scanner's voxels")
    liver = kind("liver", _liver, "CT of the upper abdomen, with a liver that is cirrhotic or not")
    liver.add_argument("--spacing", type=float, default=5.0, help="distance of slices in mm (default 5)")
    radiographs = kind("chest", _chest, "radiograph of the chest, CR or DX")
    radiographs.add_argument("--finding", choices=FINDINGS, help="one that is surely there")
    radiographs.add_argument("--lateral", action="store_true", help="seen from the side")
    mg = kind("mammography", _mammography, "both breasts, each from above and obliquely")
    mg.add_argument("--full", action="store_true", help="pixels as small as the detector's own (default: 0.2 mm)")
    mg.add_argument("--processing", action="store_true", help="raw images, for processing")
    mg.add_argument("--history", action="store_true", help="lesions benign or malignant, and the study before")
    us = kind("ultrasound", _ultrasound, "ultrasound of the liver; seeds run through the grades of steatosis")
    us.add_argument("--colours", choices=KINDS, help="how the pixels are stored (default: by the seed)")
    us.add_argument("--frames", type=int, help="default: one, now and then four")
    given = parser.parse_args()
    given.make(given)


def _abdomen(given: argparse.Namespace) -> None:
    chosen = {"rows": given.rows, "spacing_z_mm": given.spacing, "shifted": given.shifted}
    if given.whole:
        made = abdomen.whole_phantom(given.seed, **chosen)
    else:
        made = abdomen.phantom(given.seed, slices=given.slices, **chosen)
    paths = write_series(made, given.out)
    l3 = paths[len(paths) - 1 - made.l3_index]
    print(f"{len(paths)} slices in {given.out}; mid L3 is {l3.name}")


def _head(given: argparse.Namespace) -> None:
    paths = ageing.write_study(given.seed, given.out, shifted=given.shifted, voxel_mm=given.voxel)
    ill = draw_head(given.seed, shifted=given.shifted).ill
    print(f"{len(paths)} slices in {given.out}; Alzheimer's disease: {'yes' if ill else 'no'}")


def _heart(given: argparse.Namespace) -> None:
    drawn = heart.draw_case(given.seed, shifted=given.shifted, gated=not given.not_gated)
    made = heart.phantom(drawn, rows=given.rows)
    paths = write_series(made, given.out, uid_seed=f"heart-{given.seed}", region="Heart")
    found = [name for number, name in enumerate(ARTERIES, start=1) if (made.labels_zyx == number).any()]
    print(f"{len(paths)} slices in {given.out}; calcium: {', '.join(found) or 'none'}")


def _tumour(given: argparse.Namespace) -> None:
    paths = brain.write_study(given.seed, given.out, shifted=given.shifted, apart=given.apart)
    ill = draw_brain(given.seed, shifted=given.shifted).ill
    print(f"{len(paths)} slices in {given.out}; tumour: {'yes' if ill else 'no'}")


def _stroke(given: argparse.Namespace) -> None:
    paths = stroke.write_study(given.seed, given.out, shifted=given.shifted, rows=given.rows)
    drawn = stroke.draw_case(given.seed, shifted=given.shifted)
    infarct = "none" if drawn.territory is None else f"{drawn.territory}, {drawn.side}"
    print(f"{len(paths)} slices in {given.out}; infarct: {infarct}")


def _pet(given: argparse.Namespace) -> None:
    paths = metabolism.write_study(given.seed, given.out, shifted=given.shifted, voxel_mm=given.voxel)
    print(f"{len(paths)} slices in {given.out}; group: {draw_metabolism(given.seed, shifted=given.shifted).group}")


def _liver(given: argparse.Namespace) -> None:
    paths = case.write_study(given.seed, given.out, shifted=given.shifted, spacing_mm=given.spacing)
    drawn = case.draw_case(given.seed, shifted=given.shifted)
    values = ", ".join(f"{name} {value:g}" for name, value in drawn.clinical().items())
    label = "cirrhotic" if drawn.disease.cirrhosis else "not cirrhotic"
    print(f"{len(paths)} slices in {given.out}; the liver is {label}; {values}")


def _chest(given: argparse.Namespace) -> None:
    wanted = {"shifted": given.shifted, "wanted": given.finding, "lateral": given.lateral}
    [path] = write_study(given.seed, given.out, **wanted)
    shown = radiograph(given.seed, **wanted).places
    print(f"{path}: {', '.join(shown) or 'no finding'}")


def _mammography(given: argparse.Namespace) -> None:
    if given.history:
        for when in TIMES:
            write_examination(given.seed, given.out / when, when, shifted=given.shifted)
        found = history(given.seed, shifted=given.shifted).suspects
        lesions = ", ".join(f"{each.side}: {'malignant' if each.malignant else 'benign'}" for each in found)
        print(f"two studies in {given.out}; lesions: {lesions or 'none'}")
        return
    pixel_mm = None if given.full else COARSE_MM
    intent: Intent | None = "FOR PROCESSING" if given.processing else None
    paths = write_mammograms(given.seed, given.out, shifted=given.shifted, pixel_mm=pixel_mm, intent=intent)
    print(f"{len(paths)} views in {given.out}")


def _ultrasound(given: argparse.Namespace) -> None:
    (path,) = write_ultrasound(given.seed, given.out, shifted=given.shifted, kind=given.colours, frames=given.frames)
    print(f"{path}; the liver is of the grade {GRADES[given.seed % len(GRADES)]}")


if __name__ == "__main__":
    main()
