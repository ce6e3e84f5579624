"""The commands `models …` and `import …`: their arguments in, an exit code out."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orthanc_plugin import settings
from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.web.message import Wrong

if TYPE_CHECKING:
    from orthanc_plugin.inference.device import Device

DONE, FAILED = 0, 1
NEEDED = ("torch", "monai", "onnx")
"""By the importers alone; export/requirements.txt holds them."""
FORMATS = {
    "monai-bundle": ("DIR", "a MONAI bundle: configs/ with metadata.json and inference.json, models/"),
    "torchscript": ("FILE", "a TorchScript file"),
    "nnunet": ("DIR", "a trained nnU-Net v2: plans.json, dataset.json, fold_*/"),
}


def add_models(commands: Any) -> None:
    models = _group(commands, "models", "see, check, add and try models")
    listing = _command(models, "list", list_models, "list the models of this node")
    checking = _command(models, "check", check_model, "check a model's folder: its card, its files, a run on zeros")
    adding = _command(models, "add", add_model, "put a model in, from a folder or a tar of it, at once or not at all")
    trying = _command(models, "try", try_model, "run a model on files, without any server")
    back = _command(models, "rollback", roll_back, "put the version before the present one back")
    for each in (checking, trying):
        each.add_argument("folder", type=Path, metavar="DIR")
    adding.add_argument("source", type=Path, metavar="DIR-OR-TAR")
    trying.add_argument("files", nargs="+", metavar="FILES", help="DICOM files or folders; ROLE=PATH for several roles")
    trying.add_argument("--out", type=Path, default=Path("results"), help="where results go (default: ./results)")
    trying.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a clinical input")
    back.add_argument("name", metavar="NAME")
    for each in (listing, checking, adding, trying, back):
        each.add_argument("--json", action="store_true", help="print what was found as JSON")


def add_import(commands: Any) -> None:
    formats = _group(commands, "import", "make a model's folder of what was trained elsewhere")
    for name, (source, says) in FORMATS.items():
        each = _command(formats, name, bring, f"import {says}")
        each.set_defaults(format=name)
        each.add_argument("source", type=Path, metavar=source)
        each.add_argument("--out", type=Path, required=True, help="the folder to write; its name becomes the model's")
        each.add_argument("--card", type=Path, help="a JSON file with what the source does not say")
        if name == "torchscript":
            each.add_argument("--shape", help="CHANNELS,ROWS,COLUMNS or CHANNELS,DEPTH,ROWS,COLUMNS of the input")
        if name == "nnunet":
            each.add_argument("--configuration", default="3d_fullres", help="of plans.json (default: 3d_fullres)")


def _group(commands: Any, name: str, says: str) -> Any:
    made = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    return made.add_subparsers(required=True, metavar="COMMAND")


def _command(commands: Any, name: str, run: Callable[..., int], says: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
    made.set_defaults(command=run)
    return made


@contextmanager
def device(doing: str) -> Iterator[Device]:
    """Somebody at a terminal sees that it works; the seconds of a network can't be told beforehand."""
    from rich.console import Console

    from orthanc_plugin.inference.device import Device

    opened = Device(settings.from_environment().device)
    try:
        with Console(stderr=True).status(doing):
            yield opened
    finally:
        opened.close()


def list_models(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.routing.catalogue import Catalogue

    known = settings.from_environment()
    catalogue = Catalogue(known.models_folder, known.state_folder, keeps=False)
    cards = [(model.card, model.digest) for model in catalogue.models]
    if chosen.json:
        listed = [{"name": c.name, "version": c.version, "title": c.title, "digest": digest} for c, digest in cards]
        print(json.dumps({"models": listed, "problems": catalogue.problems}, indent=2))
    else:
        for card, digest in cards:
            print(f"{card.name:28} {card.version:12} {digest[:12]}  {card.title}")
        for problem in catalogue.problems:
            print(f"WRONG  {problem}")
    return FAILED if catalogue.problems else DONE


def check_model(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.models.check import check

    folder = _folder(chosen.folder)
    with device("Running the graphs on zeros") as opened:
        found = check(folder, opened)
    if chosen.json:
        print(json.dumps([{"well": finding.well, "sentence": finding.sentence} for finding in found], indent=2))
    else:
        for finding in found:
            print(f"{'ok  ' if finding.well else 'MEND'}  {finding.sentence}")
    return DONE if all(finding.well for finding in found) else FAILED


def add_model(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.models.add import add

    known = settings.from_environment()
    with device("Checking the model") as opened:
        model = add(chosen.source.resolve(), known.models_folder, known.state_folder, opened)
    said = f"{model.card.title} {model.card.version} is in; digest {model.digest}."
    _say(chosen, said, {"name": model.card.name, "version": model.card.version, "digest": model.digest})
    return DONE


def try_model(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.models.trial import attempt

    given = dict(_parameter(text) for text in chosen.parameter)
    with device("Running the model") as opened:
        written = attempt(_folder(chosen.folder), chosen.files, chosen.out, opened, given)
    _say(chosen, "\n".join(str(path) for path in written), [str(path) for path in written])
    return DONE


def bring(chosen: argparse.Namespace) -> int:
    """The importers need torch, which the node does without: they run in a process of their own."""
    project = settings.PROJECT
    if not (project / "export" / "importers").is_dir():
        raise ConfigurationError(f"Importing needs the folder export/, which {project} lacks; use a whole checkout.")
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise ConfigurationError(
            f"Importing needs {', '.join(missing)}, which the node does without; install them by "
            f"{sys.executable} -m pip install -r {project / 'export' / 'requirements.txt'}"
        )
    arguments = [chosen.format, str(chosen.source.resolve()), "--out", str(chosen.out.resolve())]
    for option in ("card", "shape", "configuration"):
        value = getattr(chosen, option, None)
        if value is not None:
            arguments += [f"--{option}", str(value.resolve() if isinstance(value, Path) else value)]
    command: Sequence[str] = [sys.executable, "-m", "export.importers", *arguments]
    return DONE if subprocess.run(command, cwd=project, check=False).returncode == 0 else FAILED


def roll_back(chosen: argparse.Namespace) -> int:
    from orthanc_plugin.routing.versions import rollback

    known = settings.from_environment()
    model = rollback(chosen.name, known.models_folder, known.state_folder)
    said = f"{model.card.title} {model.card.version} is back; digest {model.digest}."
    _say(chosen, said, {"name": model.card.name, "version": model.card.version, "digest": model.digest})
    return DONE


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ConfigurationError(f"{path} is no folder; name the folder of a model.")
    return path.resolve()


def _parameter(text: str) -> tuple[str, str | float]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Wrong(f"{text} is no parameter; write NAME=VALUE.")
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _say(chosen: argparse.Namespace, said: str, data: object) -> None:
    print(json.dumps(data, indent=2) if chosen.json else said)
