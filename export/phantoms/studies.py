"""For each model of the catalogue a phantom study that it is for: a seed goes in, DICOM files come out."""

from collections.abc import Callable, Mapping
from pathlib import Path

from export.phantoms import abdomen
from export.phantoms.dicom import write_series
from export.phantoms.ultrasound import dicom as ultrasound

Writer = Callable[[int, Path, str], list[Path]]


def _abdomen(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return write_series(abdomen.phantom(seed, slices=20, rows=256), folder, uid_seed=uid_seed)


def _ultrasound(seed: int, folder: Path, uid_seed: str) -> list[Path]:
    return ultrasound.write_study(seed, folder, uid_seed=uid_seed)


STUDIES: Mapping[str, Writer] = {
    "abdominal-muscle-ct": _abdomen,
    "liver-steatosis-us": _ultrasound,
}
"""`uid_seed` makes the study another one than that of the same seed before; the seed alone says what is in it."""
