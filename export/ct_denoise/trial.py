"""A phantom in, what the node makes of it by a model folder, and how good that is beside its source, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

from export.ct_denoise.baseline import non_local_means
from export.ct_denoise.export import FOLDER
from export.ct_denoise.train import TASK
from export.phantoms.lowdose.case import SPACING_MM, Case, Rod, draw_case, write_low
from export.restoring import lesions
from export.restoring.asking import Answer, asked
from export.restoring.edges import mtf10_per_mm
from export.restoring.lesions import Eye, Planted
from export.restoring.quality import psnr, ssim
from export.restoring.trial import Quality, Trial

SOURCE, USUAL, NON_LOCAL, OURS = "low dose", "usual dose", "non-local means", "ct-denoise"
WAYS = (SOURCE, USUAL, NON_LOCAL, OURS)
SLICES = 9
EYE = Eye(size_mm=5.0, contrast=15.0)
TISSUES: Mapping[str, tuple[float, float]] = {
    "lung": (-950, -600), "fat": (-140, -60), "soft tissue": (10, 110), "vessels and contrast": (140, 350),
    "bone": (400, 1200),
}  # fmt: skip
"""By HU without noise, away from edges."""
RODS_HU = (400.0, 60.0)
_ROD_MM, _ROD_REACH_MM = 6.0, 13.0
_EVEN_HU = 30.0
_ENOUGH = 200  # voxels of a tissue
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Slices of one scan in every way that is known without a network, and what is where."""

    case: Case
    pixel_mm: float
    clean: Floats
    usual: Floats
    low: Floats
    lesions: NDArray[np.uint8]


def draw(seed: int, shifted: bool, slices: int = SLICES, rows: int = 512) -> Drawn:
    """About a lesion, where there is one, with the rods in the most even places."""
    plain = draw_case(seed, shifted=shifted)
    middle = plain.lesions[0].z_mm if plain.lesions else float(np.median(plain.heights(60)))
    heights = [middle + (number - slices // 2) * SPACING_MM for number in range(slices)]
    pixel_mm = plain.anatomy.scan.field_of_view_mm / rows
    seen = [plain.without_noise(z, rows) for z in heights]
    case = plain.with_rods(rods_in(np.stack([each for each, _ in seen]), np.stack([n for _, n in seen]), pixel_mm))
    made = [case.render(z, rows) for z in heights]
    clean, usual, low = (np.stack([getattr(one, name) for one in made]).astype(np.float32)
                         for name in ("clean", "usual", "low"))  # fmt: skip
    return Drawn(case, pixel_mm, clean, usual, low, np.stack([one.lesions for one in made]))


def rods_in(clean: Floats, numbers: NDArray[np.uint8], pixel_mm: float) -> tuple[Rod, ...]:
    """Where all slices are even and hold no lesion, apart from one another; fewer where there is no such place."""
    reach = 2 * round(_ROD_REACH_MM / pixel_mm) + 1
    highest, lowest = maximum_filter(clean.max(axis=0), reach), minimum_filter(clean.min(axis=0), reach)
    free = maximum_filter(numbers.max(axis=0), reach) == 0
    uneven = np.where(free & (lowest > -150), highest - lowest, np.inf)
    found: list[Rod] = []
    rows, columns = uneven.shape
    y, x = np.mgrid[:rows, :columns]
    for contrast in RODS_HU:
        row, column = np.unravel_index(int(uneven.argmin()), uneven.shape)
        if uneven[row, column] > 4 * _EVEN_HU:
            break
        middle = (rows - 1) / 2
        found.append(Rod((column - middle) * pixel_mm, (row - middle) * pixel_mm, _ROD_MM, contrast))
        uneven[np.hypot(y - row, x - column) * pixel_mm < 3 * _ROD_REACH_MM] = np.inf
    return tuple(found)


def try_patient(seed: int, shifted: bool, folder: Path = FOLDER, slices: int = SLICES, rows: int = 512) -> Trial:
    drawn = draw(seed, shifted, slices, rows)
    ours, cautions = ask(drawn, folder)
    images = {SOURCE: drawn.low, USUAL: drawn.usual, NON_LOCAL: non_local_means(drawn.low, drawn.clean), OURS: ours}
    planted = planted_in(drawn)
    return Trial(
        seed=seed,
        shifted=shifted,
        slices=slices,
        planted=len(planted),
        by_way={way: quality(drawn, image, planted) for way, image in images.items()},
        cautions=cautions,
    )


def ask(drawn: Drawn, folder: Path = FOLDER) -> Answer:
    """What it gives as an image, from the feet up and in whole HU as it is stored, and what it cautions about."""
    low = drawn.low.astype(np.int16)
    image, cautions = asked(folder, lambda scratch: write_low(drawn.case, low, scratch, f"trial-{drawn.case.seed}"))
    return np.rint(image), cautions


def quality(drawn: Drawn, image: Floats, planted: Sequence[tuple[int, Planted]]) -> Quality:
    even = even_tissue(drawn.clean, drawn.pixel_mm)
    free = drawn.lesions == 0
    lost = sum(lesions.lost(image[index], each, drawn.pixel_mm, free[index]) for index, each in planted)
    invented = sum(
        EYE.invented(image[index], drawn.clean[index], even[index] & free[index], drawn.pixel_mm)
        for index in range(len(image))
    )
    return Quality(
        psnr=psnr(image, drawn.clean, TASK.peak),
        ssim=ssim(image, drawn.clean, TASK.peak),
        lost=lost,
        invented=invented,
        numbers={**_biases(drawn, image), **_edges(drawn, image)},
    )


def planted_in(drawn: Drawn) -> list[tuple[int, Planted]]:
    """Each lesion on the slice that shows most of it."""
    found = []
    for number, lesion in enumerate(drawn.case.lesions, start=1):
        sizes = (drawn.lesions == number).sum(axis=(1, 2))
        if sizes.max() > 0:
            index = int(sizes.argmax())
            found.append((index, Planted(drawn.lesions[index] == number, lesion.contrast_hu)))
    return found


def even_tissue(clean: Floats, pixel_mm: float) -> Mask:
    """Soft tissue without edges, vessels or what else may be taken for a lesion."""
    reach = (1, *(2 * round(3.0 / pixel_mm) + 1,) * 2)
    span = maximum_filter(clean, reach) - minimum_filter(clean, reach)
    return np.asarray((span < _EVEN_HU) & (clean > 0) & (clean < 250))


def _biases(drawn: Drawn, image: Floats) -> dict[str, float]:
    reach = (1, 5, 5)
    lowest, highest = minimum_filter(drawn.clean, reach), maximum_filter(drawn.clean, reach)
    found = {}
    for tissue, (least, most) in TISSUES.items():
        inside = (lowest > least) & (highest < most)
        enough = inside.sum() > _ENOUGH
        found[bias_in(tissue)] = float((image - drawn.clean)[inside].mean()) if enough else float("nan")
    return found


def bias_in(tissue: str) -> str:
    return f"mean difference in {tissue}, HU"


def edge_of(contrast_hu: float) -> str:
    return f"edge of {contrast_hu:g} HU: MTF at 10 %, share of the source's without noise"


def _edges(drawn: Drawn, image: Floats) -> dict[str, float]:
    """Not a number where there was no place for a rod."""
    found = {edge_of(contrast): float("nan") for contrast in RODS_HU}
    middle = (image.shape[1] - 1) / 2
    for rod in drawn.case.rods:
        place = (middle + rod.y_mm / drawn.pixel_mm, middle + rod.x_mm / drawn.pixel_mm)
        alone = replace(drawn.case, rods=(rod,)).rods_alone(image.shape[1])
        around = uniform_filter(drawn.clean - alone, (1, 9, 9))
        sharp, left = (
            mtf10_per_mm((slices - around).astype(np.float32), place, rod.radius_mm, drawn.pixel_mm)
            for slices in (drawn.clean, image)
        )
        found[edge_of(rod.contrast_hu)] = left / sharp
    return found
