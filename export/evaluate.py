"""Evaluates a shipped model with its ONNX files and writes its report (HTML, JSON, pictures) under docs/models/.

python -m export.evaluate abdominal-muscle-ct
"""

import argparse
import os
from importlib import import_module
from pathlib import Path

_EXPORT = Path(__file__).parent
_MODELS = _EXPORT.parent / "onnx_models"
_REPORTS = _EXPORT.parent / "docs" / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=models())
    parser.add_argument("--held-out", type=int, metavar="N", help="patients of the test part (default: all of them)")
    parser.add_argument("--shifted", type=int, metavar="N", help="patients of the shifted generator (default: all)")
    parser.add_argument("--out", type=Path, help="default: docs/models/MODEL")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    report = import_module(f"export.{given.model.replace('-', '_')}.report")
    report.evaluate(given.held_out, given.shifted, given.out or _REPORTS / given.model, given.processes)


def models() -> list[str]:
    """Those of the catalogue that have a report here."""
    reported = {path.parent.name.replace("_", "-") for path in _EXPORT.glob("*/report.py")}
    return sorted(reported & {path.parent.name for path in _MODELS.glob("*/card.json")})


if __name__ == "__main__":
    main()
