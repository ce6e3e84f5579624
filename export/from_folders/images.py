"""A folder with a folder of images for each label in, labelled pixels out, as the node itself reads them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from export.from_folders import Unusable
from orthanc_plugin.errors import NodeError
from orthanc_plugin.imaging.header import text
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.items import of_images
from orthanc_plugin.routing.network import Stage

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
_HELD_OUT = 0.2
# Fewer say nothing of how the classifier does on others.
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class Sample:
    """One image as the network takes it, (1, rows, columns); those with the same `source` stay on one side."""

    label: int
    pixels: NDArray[np.float32]
    source: str


@dataclass(frozen=True, eq=False)
class Collection:
    """`modalities` and `body_parts` are what the headers say, nothing where the images have none."""

    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    passed_over: tuple[str, ...]

    def split(self) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
        """To learn from and to judge by: whole patients, the same ones every time, a fifth of each label's."""
        held: set[str] = set()
        for label in range(len(self.labels)):
            sources = {sample.source for sample in self.samples if sample.label == label}
            drawn = sorted(sources, key=lambda source: hashlib.sha256(source.encode()).hexdigest())
            held |= set(drawn[: max(1, round(_HELD_OUT * len(drawn)))])
        learn = tuple(sample for sample in self.samples if sample.source not in held)
        judge = tuple(sample for sample in self.samples if sample.source in held)
        missing = set(range(len(self.labels))) - {sample.label for sample in learn}
        if missing:
            raise Unusable(f"All images of {self.labels[missing.pop()]} are of patients that are held out; add others.")
        return learn, judge


def collect(folder: Path, stage: Stage) -> Collection:
    """Each subfolder is a label; files that can't be read are named and passed over."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(folders) < 2:
        raise Unusable(
            f"{folder} holds {len(folders)} folders; put the images of each label into a folder named as it."
        )
    samples: list[Sample] = []
    modalities, body_parts, passed_over = set(), set(), []
    for label, of_label in enumerate(folders):
        for path in sorted(path for path in of_label.rglob("*") if path.is_file() and not path.name.startswith(".")):
            try:
                read = picture(path) if path.suffix.lower() in _PICTURES else dicom(path)
            except NodeError as error:
                passed_over.append(f"{path.relative_to(folder)}: {error.sentence}")
                continue
            fitted = of_images(stage, {"series": read})
            header = read.headers[0] if read.headers else None
            source = f"patient {text(header, 'PatientID')}" if header is not None else f"{label}/{path.name}"
            samples += [Sample(label, pixels, source) for pixels in fitted.take(0, len(fitted))]
            if header is not None:
                modalities.add(text(header, "Modality"))
                body_parts.add(text(header, "BodyPartExamined"))
        count = sum(sample.label == label for sample in samples)
        if count < _FEWEST:
            raise Unusable(
                f"The folder {of_label.name} has {count} images that can be read; at least {_FEWEST} are needed."
            )
    return Collection(
        tuple(path.name for path in folders),
        tuple(samples),
        tuple(sorted(modalities - {""})),
        tuple(sorted(body_parts - {""})),
        tuple(passed_over),
    )


def dicom(path: Path) -> Images:
    return images(assemble([decode(path.read_bytes())]))


def picture(path: Path) -> Images:
    """Grey or colour, without anything that a DICOM header would say."""
    try:
        with Image.open(path) as opened:
            grey = opened.mode in ("1", "L", "I", "F") or opened.mode.startswith("I;")
            pixels = np.asarray(opened if grey else opened.convert("RGB"), np.float32)
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise NodeError(f"it can't be read as a picture ({type(error).__name__}).") from error
    return Images((pixels,), (None,), (), (), (), ())
