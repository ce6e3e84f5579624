"""A seed in, the names of a phantom's patient and of what is kept of it out."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class PhantomPatient:
    """`drawing` are the modules that make it look as it does."""

    seed: int
    shifted: bool = False
    drawing: ClassVar[tuple[str, ...]]

    @property
    def name(self) -> str:
        """Names the generator's state too: what an older one made is never taken for this one's."""
        return f"{self.patient}-{_digest(self.drawing)}"

    @property
    def patient(self) -> str:
        return f"{'shifted' if self.shifted else 'phantom'}-{self.seed}"


@cache
def _digest(modules: tuple[str, ...]) -> str:
    files = [Path(str(import_module(f"export.phantoms.{name}").__file__)) for name in modules]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
