"""What else can be learned from the same regions: a forest and its like on four numbers, a CNN on the pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets import DenseNet
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn
from tqdm import tqdm

from export.liver_steatosis_us.data import Cases
from export.liver_steatosis_us.settings import USED, Settings
from export.phantoms.ultrasound.liver import GRADES

Learned = Callable[[Cases], NDArray[np.float64]]
"""Cases in, the probability of each grade out."""
_EPOCHS, _BATCH, _LEARNING_RATE = 14, 32, 0.003


def learned_on_numbers(train: Cases, seed: int) -> dict[str, Learned]:
    """With scikit-learn's own settings where a page of a paper would not ask for others."""
    learners = {
        "support vector machine": make_pipeline(StandardScaler(), SVC(C=10.0, random_state=seed)),
        "random forest": RandomForestClassifier(300, min_samples_leaf=5, random_state=seed),
        "gradient boosting": GradientBoostingClassifier(random_state=seed),
    }
    return {name: _on_numbers(learner, train) for name, learner in learners.items()}


def learned_on_grey(train: Cases) -> Learned:
    """How far the mean grey value of the region alone leads: a phantom that shows its grade there is none."""
    learner = make_pipeline(StandardScaler(), LogisticRegression()).fit(train.mean_grey[:, None], train.grades)
    return lambda cases: np.asarray(learner.predict_proba(cases.mean_grey[:, None]))


def _on_numbers(learner: "SVC", train: Cases) -> Learned:
    learner.fit(train.numbers[:, :USED], train.grades)

    def answer(cases: Cases) -> NDArray[np.float64]:
        """A machine that only decides is taken to be sure."""
        if hasattr(learner, "predict_proba"):
            return np.asarray(learner.predict_proba(cases.numbers[:, :USED]))
        return np.asarray(np.eye(len(GRADES))[learner.predict(cases.numbers[:, :USED])])

    return answer


def learned_on_pictures(train: Cases, settings: Settings, checkpoint: Path) -> Learned:
    """A small DenseNet on the region itself, each picture brought to mean 0 and deviation 1."""
    torch.manual_seed(settings.seed)
    network = DenseNet(2, 1, len(GRADES), init_features=16, growth_rate=8, block_config=(3, 3, 3))
    if checkpoint.exists():
        network.load_state_dict(torch.load(checkpoint, weights_only=True))
    else:
        _train(network, _pictures(train), torch.from_numpy(train.grades))
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save(network.state_dict(), checkpoint)
    network.eval()

    @torch.inference_mode()
    def answer(cases: Cases) -> NDArray[np.float64]:
        return torch.softmax(network(_pictures(cases)), dim=1).numpy().astype(np.float64)

    return answer


def _train(network: nn.Module, pictures: Tensor, grades: Tensor) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=0.01)
    steps = -(-len(grades) // _BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _EPOCHS * steps)
    network.train()
    for _ in tqdm(range(_EPOCHS), desc="CNN", unit="epoch"):
        for chosen in torch.split(torch.randperm(len(grades)), _BATCH):
            seen = pictures[chosen]
            if torch.rand(()) < 0.5:
                seen = seen.flip(3)
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(seen), grades[chosen])
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()


def _pictures(cases: Cases) -> Tensor:
    pictures = torch.from_numpy(cases.pictures.astype(np.float32))[:, None]
    spread = pictures.std(dim=(2, 3), keepdim=True).clamp_min(1.0)
    return (pictures - pictures.mean(dim=(2, 3), keepdim=True)) / spread
