"""What the model was not made for: a kind and a seed in, whether the node cautions about such a study out."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from export.breast_cancer_mg.export import FOLDER
from export.breast_cancer_mg.trial import ask, read_images
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.dicom import write_examination
from export.phantoms.mammography.foreign import FOREIGN, foreign
from orthanc_plugin.imaging.image import Images

_HEADERS_MM = 4.0


def cautioned(kind: str, seed: int, folder: Path = FOLDER) -> bool:
    """Four images of the kind that pass for the four views by their headers; by the pixels alone."""
    return ask({"now": study(kind, seed)}, folder).strangeness > 1


def study(kind: str, seed: int) -> Images:
    named = next(each for each in FOREIGN if each == kind)
    with TemporaryDirectory() as scratch:
        files = write_examination(seed, Path(scratch), pixel_mm=_HEADERS_MM)
        whole = read_images(files)
    return replace(whole, pixels=tuple(foreign(seed * len(VIEWS) + number, named) for number in range(len(VIEWS))))
