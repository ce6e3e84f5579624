"""A TorchScript file in, its network and a card that says the shapes and nothing more out."""

import warnings
from pathlib import Path

import torch
from torch import nn

from export.importers import Refused, draft
from export.importers.draft import Entries
from export.importers.folder import Imported
from export.importers.graph import answer, first_line


def load(path: Path) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network: nn.Module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise Refused(f"{path.name} is not TorchScript ({first_line(error)}); save it by torch.jit.save.") from error
    return network.float().eval()


def bring(path: Path, name: str, shape: str | None) -> Imported:
    """The file says neither its input's size nor what its outputs mean: the first is asked for, the other left open."""
    network, sizes = load(path), parsed(shape)
    said = answer(network, torch.zeros(1, *sizes))
    return Imported((network,), sizes, card(name, sizes, tuple(said.shape[1:]), path.name))


def parsed(shape: str | None) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in (shape or "").split(","))
    except ValueError:
        sizes = ()
    if len(sizes) not in (3, 4) or min(sizes) < 1:
        raise Refused(
            "TorchScript does not say which size it takes; give --shape CHANNELS,ROWS,COLUMNS or "
            "CHANNELS,DEPTH,ROWS,COLUMNS."
        )
    return sizes


def card(name: str, shape: tuple[int, ...], answered: tuple[int, ...], file: str) -> Entries:
    """One value a class, or one map a segment of the input's size: the answer's shape says which."""
    stage = stage_of(shape)
    if len(answered) == 1:
        outputs = draft.classes([None] * answered[0], activation=None)
    elif answered[1:] == shape[1:]:
        # Maps of single images are not outlined, but of slices they are.
        stage["kind"] = "volume" if len(shape) == 4 else "slices"
        outputs = draft.segments([None] * answered[0], background=False, steps=[])
    else:
        raise Refused(
            f"The network answers {list(answered)} to {list(shape)}: neither a value a class nor maps of its size."
        )
    return draft.card(name, title=name, version=None, origin=file, stage=stage, outputs=outputs)


def stage_of(shape: tuple[int, ...]) -> Entries:
    """Several channels may be series, neighbouring slices or colours: only one is known for sure."""
    sizes = {"rows": shape[-2], "columns": shape[-1], "intensity": None}
    if shape[0] != 1:
        sizes |= {"roles": None}
    return sizes | ({"kind": "volume", "depth": shape[1]} if len(shape) == 4 else {"kind": None})
