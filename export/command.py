"""What a training's module says of itself in, the questions that its command line shares with all others out."""

import argparse
import os
from pathlib import Path

import torch


def training_parser(says: str | None, data: str, cache: Path) -> argparse.ArgumentParser:
    """`data` are the forms that `--data` may have beside phantoms."""
    parser = argparse.ArgumentParser(description=says, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", default="phantoms", help=f"phantoms or {data}")
    parser.add_argument("--out", type=Path, help="folder of the checkpoint; an unfinished one is resumed")
    parser.add_argument("--cache", type=Path, default=cache)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser
