"""Command line of the importers: a trained model goes in, a folder for the node comes out.

python -m export.importers torchscript model.pt --shape 1,64,64 --out my-model
"""

import argparse
import sys
from pathlib import Path

from export.importers import Refused, draft, monai_bundle, nnunet, torchscript
from export.importers.folder import Imported, write


def main() -> int:
    given = _parser().parse_args()
    try:
        imported = _bring(given)
        known = draft.read_json(given.card) if given.card is not None else {}
        left_open = write(imported, given.out, known)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{given.out}: {len(imported.networks)} graph(s), card.json, parity.json")
    for sentence in imported.not_translated:
        print(f"not translated: {sentence}")
    for sentence in left_open:
        print(f"not stated: {sentence}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=["monai-bundle", "nnunet", "torchscript"])
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, help="a JSON file with what the source does not say")
    parser.add_argument("--shape", help="CHANNELS,ROWS,COLUMNS or CHANNELS,DEPTH,ROWS,COLUMNS (torchscript)")
    parser.add_argument("--configuration", default="3d_fullres", help="of plans.json (nnunet)")
    return parser


def _bring(given: argparse.Namespace) -> Imported:
    if given.format == "torchscript":
        return torchscript.bring(given.source, given.out.name, given.shape)
    if given.format == "nnunet":
        return nnunet.bring(given.source, given.out.name, given.configuration)
    return monai_bundle.bring(given.source, given.out.name)


if __name__ == "__main__":
    sys.exit(main())
