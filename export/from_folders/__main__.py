"""Command line: a folder with a folder of images for each label goes in, a classifier for the node comes out.

python -m export.from_folders images --out onnx_models/lungs --modality CR --body-part chest
"""

import argparse
import sys
from pathlib import Path

import torch
from tqdm import tqdm

from export.from_folders import Unusable
from export.from_folders.folder import Wishes, write
from export.from_folders.images import collect
from export.from_folders.network import Classifier, transferred
from export.from_folders.train import train
from orthanc_plugin.routing.network import Percentile, Stage

_MODELS = Path(__file__).parents[2] / "onnx_models"


def main() -> int:
    given = _parser().parse_args()
    try:
        run(given)
    except Unusable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(given: argparse.Namespace) -> None:
    stage, codes = stage_of(given.size), dict(_code(text) for text in given.code)
    collection = collect(given.folder, stage)
    for sentence in collection.passed_over:
        print(f"passed over: {sentence}")
    unknown = set(codes) - set(collection.labels)
    if unknown:
        raise Unusable(f"There is no folder {unknown.pop()} that a code could be for.")
    torch.manual_seed(0)
    classes = len(collection.labels)
    network = Classifier(classes) if given.transfer is None else _begun(given.transfer, classes, given.size)
    learn, judge = collection.split()
    trained = train(network, learn, judge, tqdm(range(1, given.epochs + 1), unit="epoch"), given.batch)
    title = given.title or given.out.name
    begun_with = Path(given.transfer).name if given.transfer else None
    wishes = Wishes(title, given.licence, given.modality, given.body_part, codes, begun_with)
    difference = write(trained, collection, stage, wishes, given.out)
    told = f"balanced accuracy {trained.accuracy:.2f} on {trained.judged_on} images held out"
    print(f"{given.out}: {told}, best at epoch {trained.epochs}; differs from torch by {difference:.1e} at most")


def _begun(transfer: str, classes: int, size: int) -> Classifier:
    """With what a model of the catalogue has learned; what of it is left behind is named."""
    begun = transferred(_graph(transfer), classes, size)
    print(f"taken over from {transfer}: {', '.join(begun.taken)}")
    print(f"not taken over: {', '.join(begun.left) or 'nothing'}")
    return begun.network


def stage_of(size: int) -> Stage:
    return Stage(
        name="classify",
        files=("model.onnx",),
        kind="image",
        input="image",
        outputs=("scores", "heat"),
        rows=size,
        columns=size,
        intensity=Percentile(kind="percentile", lowest=1, highest=99),
        batch=8,
    )


def _graph(transfer: str) -> Path:
    """Of a model by its name among the project's, or of any folder: model.onnx, else its first, as of several folds."""
    folder = Path(transfer) if Path(transfer).is_dir() else _MODELS / transfer
    graphs = sorted(folder.glob("*.onnx"), key=lambda path: (path.name != "model.onnx", path.name))
    if not graphs:
        raise Unusable(f"There is no model {transfer} with a graph; name one of the catalogue or its folder.")
    return graphs[0]


def _code(text: str) -> tuple[str, dict[str, str]]:
    label, _, code = text.partition("=")
    parts = code.split(",", 2)
    if len(parts) != 3:
        raise Unusable(f'{text} is no code; write "LABEL=VALUE,SCHEME,MEANING".')
    return label, dict(zip(("value", "scheme", "meaning"), parts, strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with a folder of images for each label, named as the label")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write; its name becomes the model's")
    parser.add_argument("--transfer", metavar="MODEL", help="begin with the features of another model")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--size", type=int, default=256, help="rows and columns of the network (default 256)")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--title", default="", help="how results are called (default: the model's name)")
    parser.add_argument("--licence", default="None granted; ask who trained it.")
    parser.add_argument("--modality", help="CR, DX, CT, …; without, what the DICOM headers say")
    parser.add_argument("--body-part", help="chest, abdomen, …: which series the model is for")
    parser.add_argument("--code", action="append", default=[], metavar="LABEL=VALUE,SCHEME,MEANING")
    return parser


if __name__ == "__main__":
    sys.exit(main())
