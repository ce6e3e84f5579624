"""Prints what the network does on validation patients at several thresholds: from it the card's own is chosen.

python -m export.breast_cancer_mg.operating
"""

import argparse
from pathlib import Path

import torch

from export.breast_cancer_mg import SLOTS
from export.breast_cancer_mg.data import cache_of, kept, parts_of
from export.breast_cancer_mg.export import load_trained
from export.breast_cancer_mg.fitting import auc, logits_of, look, replaced
from export.breast_cancer_mg.train import CACHE
from export.breast_mass_mg.train import RUNS

_THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=RUNS / "breast-cancer-mg" / "checkpoint.pt")
    parser.add_argument("--data", default="phantoms", help="what it was trained on, as it was named then")
    parser.add_argument("--cache", type=Path, default=CACHE)
    given = parser.parse_args()
    trained = load_trained(given.checkpoint)
    held = parts_of(given.data, trained.settings).validation
    scans = kept(held, trained.settings, cache_of(given.cache, given.data), whole=True)
    seen = look(trained.network, scans, torch.device("cpu"))
    alone = seen.there.clone()
    alone[:, len(SLOTS) :] = 0
    for way, there in (("with the study before", seen.there), ("without it", alone)):
        logits, malignant = logits_of(trained.network, replaced(seen, there))
        print(f"{way}: {len(malignant)} breasts, {int(malignant.sum())} malignant, AUC {auc(logits, malignant):.3f}")
        for threshold in _THRESHOLDS:
            called = torch.sigmoid(logits) > threshold
            found, spared = called[malignant].float().mean(), (~called[~malignant]).float().mean()
            print(f"{threshold:.2f}: sensitivity {found:.3f}, specificity {spared:.3f}")


if __name__ == "__main__":
    main()
