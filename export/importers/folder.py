"""What an importer made in, a model's folder out: graphs, card, parity.json; whole or not at all."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from export.importers import Refused
from export.importers.draft import Entries, completed
from export.importers.graph import TOLERANCE, write_graph
from orthanc_plugin.models.card_file import wrongs


@dataclass(frozen=True)
class Imported:
    """Networks (several are folds), the shape of their input without the batch, the card, and what is left behind."""

    networks: tuple[nn.Module, ...]
    shape: tuple[int, ...]
    card: Entries
    not_translated: tuple[str, ...] = ()


def write(imported: Imported, out: Path, known: Entries) -> tuple[str, ...]:
    """Gives the sentences about what the card still leaves open; the node refuses the folder until that is stated."""
    if out.exists():
        raise Refused(f"{out.name} is there already; remove it or name another folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".importing-", dir=out.parent) as scratch:
        folder = Path(scratch) / out.name
        folder.mkdir()
        files = _file_names(len(imported.networks))
        differences = {
            file: write_graph(network, imported.shape, folder / file)
            for file, network in zip(files, imported.networks, strict=True)
        }
        card = completed(imported.card, known)
        card["stages"][0]["files"] = files
        _write_json(folder / "card.json", card)
        open_entries = wrongs(folder)
        parity = {
            "tolerance": TOLERANCE,
            "largest_difference": differences,
            "not_stated": open_entries,
            "not_translated": imported.not_translated,
        }
        _write_json(folder / "parity.json", parity)
        shutil.move(folder, out)
    return open_entries


def _file_names(count: int) -> list[str]:
    return ["model.onnx"] if count == 1 else [f"fold_{number}.onnx" for number in range(count)]


def _write_json(path: Path, entries: Entries) -> None:
    path.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", "utf-8")
