"""Findings in, the checked objects that go to the archive out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydicom.dataset import Dataset

from orthanc_plugin.encode import check
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.seg import segmentation
from orthanc_plugin.encode.sr import report
from orthanc_plugin.errors import Broken, NodeError
from orthanc_plugin.imaging.volume import Volume


@dataclass(frozen=True, eq=False)
class Result:
    """An object of ours before it is stored; `kind` is as profiles name it."""

    kind: str
    dataset: Dataset


def encode(making: Making) -> tuple[Result, ...]:
    """What the destination takes, in the order in which the objects refer to one another."""
    try:
        results = tuple(_results(making))
    except NodeError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError) as error:
        raise Broken(
            f"The results can't be written as DICOM ({type(error).__name__}); "
            "the source's header lacks or garbles what they need. See the log.",
            stage="encode",
        ) from error
    _check(making, {result.kind: result.dataset for result in results})
    return tuple(result for result in results if result.kind in making.profile.objects)


def _results(making: Making) -> Iterator[Result]:
    """No SEG where nothing was outlined."""
    imaged, outlined = making.imaged, None
    if making.findings.segments and isinstance(imaged, Volume):
        outlined = segmentation(making, imaged)
        yield Result("SEG", outlined)
    yield Result("SR", report(making, outlined))
    yield Result("SC", capture(making))


def _check(making: Making, made: Mapping[str, Dataset]) -> None:
    imaged, outlined = making.imaged, made.get("SEG")
    if outlined is not None and isinstance(imaged, Volume):
        check.segmentation(outlined, making.findings, imaged)
    check.report(made["SR"], outlined, imaged)
    check.capture(made["SC"], imaged)
