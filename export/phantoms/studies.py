"""For each model a phantom study that it is for: a seed goes in, DICOM files come out."""

from collections.abc import Callable, Mapping
from pathlib import Path

from export.phantoms import abdomen
from export.phantoms.ageing import dicom as ageing
from export.phantoms.ageing.again import write_noisy
from export.phantoms.ageing.perfusion import write_perfusion
from export.phantoms.ageing.thick import write_thick
from export.phantoms.brain import dicom as brain
from export.phantoms.chest import dicom as chest
from export.phantoms.dicom import write_series
from export.phantoms.heart import case as heart
from export.phantoms.liver import case
from export.phantoms.lowdose import case as lowdose
from export.phantoms.mammography.dicom import write_examination
from export.phantoms.mammography.dicom import write_study as write_mammograms
from export.phantoms.metabolism import dicom as metabolism
from export.phantoms.metabolism.again import write_few
from export.phantoms.stroke import case as stroke
from export.phantoms.ultrasound import dicom as ultrasound

Writer = Callable[[int, Path, str], list[Path]]


def _abdomen(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return write_series(abdomen.phantom(seed, slices=20, rows=256), folder, uid_seed=uid_seed)


def _tumour(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return brain.write_study(seed, folder, ill=True, voxel_mm=(4.0, 1.5), uid_seed=uid_seed)


def _head(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return ageing.write_study(seed, folder, voxel_mm=1.5, uid_seed=uid_seed)


def _heart(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return heart.write_study(seed, folder, rows=256, gated=True, uid_seed=uid_seed)


def _angiography(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return stroke.write_study(seed, folder, ill=True, rows=160, uid_seed=uid_seed)


def _low_dose(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return lowdose.write_study(seed, folder, slices=12, rows=256, uid_seed=uid_seed)


def _mammography(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return write_mammograms(seed, folder, uid_seed=uid_seed, intent="FOR PRESENTATION", with_mass=True)


def _examination(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return write_examination(seed, folder, ill="malignant", pixel_mm=0.3, uid_seed=uid_seed)


def _pet(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return metabolism.write_study(seed, folder, voxel_mm=3.0, uid_seed=uid_seed)


STUDIES: Mapping[str, Writer] = {
    "abdominal-muscle-ct": _abdomen,
    "alzheimer-mr": _head,
    "asl-denoise": lambda seed, folder, uid_seed: write_perfusion(seed, folder, slices=12, uid_seed=uid_seed),
    "brain-tumour-mr": _tumour,
    "breast-cancer-mg": _examination,
    "breast-mass-mg": _mammography,
    "chest-findings-cxr": lambda seed, folder, uid_seed: chest.write_study(seed, folder, uid_seed=uid_seed),
    "coronary-calcium-ct": _heart,
    "ct-denoise": _low_dose,
    "liver-cirrhosis-ct": lambda seed, folder, uid_seed: case.write_study(seed, folder, uid_seed=uid_seed),
    "liver-steatosis-us": lambda seed, folder, uid_seed: ultrasound.write_study(seed, folder, uid_seed=uid_seed),
    "mci-conversion-pet": _pet,
    "mr-denoise": lambda seed, folder, uid_seed: write_noisy(seed, folder, slices=12, uid_seed=uid_seed),
    "mr-super-resolution": lambda seed, folder, uid_seed: write_thick(seed, folder, slices=10, uid_seed=uid_seed),
    "mr-to-ct": _head,
    "pet-denoise": lambda seed, folder, uid_seed: write_few(seed, folder, slices=12, uid_seed=uid_seed),
    "stroke-cta": _angiography,
}
"""`uid_seed` makes the study another one than that of the same seed before; the seed alone says what is in it."""
