"""Findings in, the checked objects that go to the archive out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from orthanc_plugin.encode import check
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.seg import segmentation
from orthanc_plugin.encode.sr import report
from orthanc_plugin.errors import Broken, NodeError
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Findings


@dataclass(frozen=True, eq=False)
class Result:
    """An object of ours before it is stored; `kind` is SEG, SR or SC."""

    kind: str
    dataset: Dataset


def encode(findings: Findings, imaged: Imaged, origin: Origin, beside: Sequence[Dataset] = ()) -> tuple[Result, ...]:
    """SEG, SR and SC in the order in which they refer to one another; no SEG where nothing was outlined.

    `beside` are headers of images that were used, too, but on which nothing lies.
    """
    try:
        outlined = None
        if findings.segments and isinstance(imaged, Volume):
            outlined = segmentation(findings, imaged, origin)
        said = report(findings, imaged, outlined, origin, beside)
        shown = capture(findings, imaged, origin)
    except NodeError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError) as error:
        raise Broken(
            f"The results can't be written as DICOM ({type(error).__name__}); "
            "the source's header lacks or garbles what they need. See the log.",
            stage="encode",
        ) from error
    if outlined is not None and isinstance(imaged, Volume):
        check.segmentation(outlined, findings, imaged)
    check.report(said, outlined, imaged)
    check.capture(shown, imaged)
    outlines = (Result("SEG", outlined),) if outlined is not None else ()
    return (*outlines, Result("SR", said), Result("SC", shown))
