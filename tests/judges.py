"""Programs that no one here wrote, asked about what we write; each answer is the list of what they hold against it.

How each of them fools the unwary is told at its function: several end with success on errors.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SECONDS_MOST = 120
# Without these the validator's style sheets hit Java's limits, and it ends quietly having checked nothing.
PIXELMED = (
    "java",
    "-Xss64m",
    *(f"-Djdk.xml.xpath{limit}=0" for limit in ("ExprGrpLimit", "ExprOpLimit", "TotalOpLimit")),
    *("-cp", "/usr/share/java/pixelmed.jar"),
)

# Its tables of these extensible groups (procedures, regions of the body) are older than the codes; docs/conformance.md.
OLD_GROUPS = ("not found in context group 100", "not found in context group 4031")


def dciodvfy(path: Path) -> list[str]:
    """Errors against the IOD's modules; the exit status says nothing, the lines do."""
    return [line for line in _said("dciodvfy", "-new", str(path)) if line.startswith(("Error", "Abort"))]


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
    said = _said(*PIXELMED, "com.pixelmed.validate.DicomSRValidator", str(path))
    assert any(f"Found Root Template {root}" in line for line in said), said
    return [line for line in said if line.startswith("Error") and not line.endswith(OLD_GROUPS)]


def pixelmed_instance(path: Path) -> list[str]:
    """Errors against the IOD, from other tables than dciodvfy's."""
    said = _said(*PIXELMED, "com.pixelmed.validate.DicomInstanceValidator", str(path))
    assert any("IOD validation complete" in line for line in said), said
    return [line for line in said if line.startswith("Error")]


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


def _dcmqi(name: str) -> str:
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else name


def _said(*command: str) -> list[str]:
    answer = _run(*command)
    return (answer.stdout + answer.stderr).splitlines()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which(command[0]), f"{command[0]} is not installed; run script/test, which installs it"
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS_MOST, check=False)
