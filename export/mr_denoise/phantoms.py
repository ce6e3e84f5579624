"""A seed in, a noisy T1 of the head as DICOM out, as the model is for."""

from pathlib import Path

from export.mr_denoise.sources import noise_of
from export.phantoms.ageing.again import scanned
from export.phantoms.ageing.dicom import write_values
from export.restoring import heads

SAID = "T1 MPRAGE fast"


def write_study(seed: int, folder: Path, *, slices: int = 40, uid_seed: str | int | None = None) -> list[Path]:
    head = heads.draw(seed, slices)
    noisy = scanned(head.case, head.grid, noise_of(seed, shifted=False))
    key = uid_seed if uid_seed is not None else f"noisy-{seed}"
    return write_values(heads.of_slab(head), noisy, folder, uid_seed=key, said=SAID, axial=True)
