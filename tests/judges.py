"""Programs that no one here wrote, asked about what we write; each answer is the list of what they hold against it.

How each of them fools the unwary is told at its function: several end with success on errors. What stays although a
judge minds it has a row among the exceptions of docs/conformance.md, and nothing else is passed over.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian

SECONDS_MOST = 120
JAVA = Path(__file__).with_name("java")
# Without the limits the validator's style sheets hit Java's own, and it ends quietly having checked nothing.
PIXELMED = (
    "java",
    *("-Xss64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),  # a run of seconds gains nothing from more compiling
    *(f"-Djdk.xml.xpath{limit}=0" for limit in ("ExprGrpLimit", "ExprOpLimit", "TotalOpLimit")),
    *("-cp", "/usr/share/java/pixelmed.jar"),
    str(JAVA / "Judge.java"),
)
DCIODVFY, PIXELMED_SR = "dciodvfy", "PixelMed DicomSRValidator"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "conformance.md"
EXCEPTIONS = "| judge | of | error | why it stays |"
JAVASCRIPT = Path(__file__).with_name("js")


@dataclass(frozen=True)
class Exempt:
    """An error that stays: the judge, the SOP class that it is said of (name or UID), words that its line holds."""

    judge: str
    sop_class: str
    words: str


def exceptions() -> list[Exempt]:
    """The rows of the document."""
    lines = DOCUMENT.read_text("utf-8").partition(EXCEPTIONS)[2].split("\n\n")[0].splitlines()[2:]
    rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return [Exempt(judge, sop_class, words.strip("`")) for judge, sop_class, words, _ in rows]


def dciodvfy(path: Path) -> list[str]:
    """Errors against the IOD's modules; the exit status says nothing, the lines do.

    Debian's can't inflate: a deflated file it sees as dcmtk has written it out.
    """
    with tempfile.TemporaryDirectory() as folder:
        shown = path
        if pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            shown = Path(folder) / path.name
            subprocess.run(["dcmconv", "+te", str(path), str(shown)], check=True, timeout=SECONDS_MOST)
        said = _said("dciodvfy", "-new", str(shown))
    return _beyond(DCIODVFY, path, [line for line in said if line.startswith(("Error", "Abort"))])


def dcentvfy(paths: Iterable[Path]) -> list[str]:
    """Contradictions about patient, study, series or frame of reference among files of one study."""
    said = _said("dcentvfy", *(str(path) for path in paths))
    return [line for line in said if line.startswith(("Error", "Abort"))]


def dsrdump(path: Path) -> str:
    """The document as text; AssertionError when the parser of content trees refuses it."""
    answer = _run("dsrdump", str(path))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def dcmpschk(path: Path) -> list[str]:
    """What a checker of presentation states finds; one that it did not recognise as such was not checked."""
    said = _said("dcmpschk", str(path))
    assert any("Testing" in line for line in said), said
    return [line for line in said if "Testing" not in line and "Test passed" not in line and line.strip()]


def dcmp2pgm(image: Path, presentation_state: Path, into: Path) -> Path:
    """The image as it is shown under the presentation state, without its graphics."""
    answer = _run("dcmp2pgm", "-p", str(presentation_state), str(image), str(into))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return into


def dcm2pdf(path: Path, into: Path) -> bytes:
    """The document that is encapsulated."""
    answer = _run("dcm2pdf", str(path), str(into))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return into.read_bytes()


def pixelmed_sr(path: Path, root: str = "TID_1500") -> list[str]:
    """Errors against the templates; a document whose root template it did not recognise was not checked at all.

    Planar and volumetric groups in one document make it hold each against the other's template: ask it about
    documents of one group.
    """
    said = _asked(_pixelmed(), str(path))
    assert any(f"Found Root Template {root}" in line for line in said), said
    return _beyond(PIXELMED_SR, path, [line for line in said if line.startswith("Error")])


def strict(path: Path) -> list[str]:
    """What pydicom holds against values, when asked to raise at each, in any sequence."""
    before = pydicom.config.settings.reading_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
    try:
        for _ in pydicom.dcmread(path).iterall():
            pass
    except ValueError as error:
        return [str(error)]
    finally:
        pydicom.config.settings.reading_validation_mode = before
    return []


def dcmjs(path: Path) -> dict[str, Any]:
    """The data set as dcmjs has it, without pixels; AssertionError when writing it and reading it again changes it."""
    answer = _javascript({"ask": "read", "path": str(path)})
    assert answer["same"], f"{path.name} is another one after dcmjs wrote it"
    dataset: dict[str, Any] = answer["dataset"]
    return dataset


def adapters_segmentation(path: Path, images: Sequence[Mapping[str, Any]]) -> tuple[list[NDArray[np.int64]], list[str]]:
    """Label maps as OHIF's adapter lays them over these images (a list of layers, each by image and pixel), and labels.

    The labels are by number; that of nothing is empty.
    """
    answer = _javascript({"ask": "segmentation", "path": str(path), "images": list(images)})
    layers = [
        np.array([np.repeat(*np.transpose(runs)) for runs in layer], np.int64).reshape(len(images), -1)
        for layer in answer["layers"]
    ]
    return layers, [(segment or {}).get("SegmentLabel", "") for segment in answer["segments"]]


def adapters_map(path: Path, images: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """A parametric map's values as OHIF's adapter lays them over these images, by image and pixel."""
    answer = _javascript({"ask": "map", "path": str(path), "images": list(images)})
    return np.array(answer["values"], np.float32).reshape(len(images), -1)


def segimage2itkimage(path: Path, into: Path) -> list[Path]:
    """The SEG's segments as NRRD files, in the order of their numbers."""
    into.mkdir(parents=True, exist_ok=True)
    answer = _run(
        _dcmqi("segimage2itkimage"),
        *("--inputDICOM", str(path), "--outputDirectory", str(into), "--outputType", "nrrd", "--prefix", "s"),
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return sorted(into.glob("s-*.nrrd"), key=lambda file: int(file.stem.removeprefix("s-")))


def tid1500reader(path: Path, into: Path) -> dict[str, Any]:
    """The measurement groups of a report as dcmqi understands them."""
    into.mkdir(parents=True, exist_ok=True)
    metadata = into / "report.json"
    answer = _run(_dcmqi("tid1500reader"), "--inputDICOM", str(path), "--outputMetadata", str(metadata))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    understood: dict[str, Any] = json.loads(metadata.read_text())
    return understood


def _beyond(judge: str, path: Path, lines: Sequence[str]) -> list[str]:
    """The errors that no row of the document exempts."""
    sop_class = pydicom.dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID.name
    spared = [row.words for row in exceptions() if row.judge == judge and sop_class in row.sop_class]
    return [line for line in lines if not any(words in line for words in spared)]


def _javascript(question: Mapping[str, Any]) -> dict[str, Any]:
    said = json.loads(_asked(_javascript_judge(), json.dumps(question))[-1].removeprefix("> "))
    assert "error" not in said, said["error"]
    answer: dict[str, Any] = said["answer"]
    return answer


def _asked(judge: subprocess.Popen[str], question: str) -> list[str]:
    """One process answers all questions of a run: it takes longer to start than to answer. Its last line has a mark."""
    assert judge.stdin is not None and judge.stdout is not None
    judge.stdin.write(question + "\n")
    judge.stdin.flush()
    said = []
    for line in judge.stdout:
        said.append(line.rstrip("\n"))
        if line.startswith("> "):
            return said
    raise AssertionError(f"the judge {judge.args} has ended, and said {said}")


@functools.cache
def _javascript_judge() -> subprocess.Popen[str]:
    assert (JAVASCRIPT / "node_modules").is_dir(), "dcmjs is not installed; run script/test, which installs it"
    return _kept("node", str(JAVASCRIPT / "judge.mjs"))


@functools.cache
def _pixelmed() -> subprocess.Popen[str]:
    return _kept(*PIXELMED)


def _kept(*command: str) -> subprocess.Popen[str]:
    assert shutil.which(command[0]), f"{command[0]} is not installed; run script/test, which installs it"
    judge = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(judge.communicate)  # without a further question it ends
    return judge


def _dcmqi(name: str) -> str:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else name


def _said(*command: str) -> list[str]:
    answer = _run(*command)
    return (answer.stdout + answer.stderr).splitlines()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which(command[0]), f"{command[0]} is not installed; run script/test, which installs it"
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS_MOST, check=False)
