"""Entries of a data set in, each drawn or read once and kept on disk in a folder of its own out."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from tqdm import tqdm


class Named(Protocol):
    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


def kept_in(root: Path, entries: Sequence[Entry], make: Callable[[Entry, Path], None], last: str) -> list[Path]:
    """Their folders; `make` fills those that lack the file `last`, which it writes last, on all processors."""
    folders = [root / hashlib.sha256(entry.name.encode()).hexdigest()[:16] for entry in entries]
    missing = [(entry, folder) for entry, folder in zip(entries, folders, strict=True) if not (folder / last).exists()]
    if missing:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            made = pool.map(make, *zip(*missing, strict=True))
            for _ in tqdm(made, total=len(missing), desc="scans", unit="scan", mininterval=5):
                pass
    return folders
