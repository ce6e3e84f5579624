"""Settings of trainings that are over in seconds."""

from dataclasses import replace
from typing import Literal

from export.abdominal_muscle_ct.settings import Augmentation, Settings, Split, Stage

ROWS = 64


def tiny(network: Literal["tissue", "level"] = "tissue", *, epochs: int = 2) -> Settings:
    return Settings(
        name="tiny",
        network=network,
        channels=(4, 8, 8),
        units_per_level=1,
        seed=5,
        cached_rows=ROWS,
        split=Split(train=3, validation=1, test=1, train_slices=2, validation_slices=1),
        augmentation=Augmentation(turn_degrees=8, shift_share=0.05, scale_share=0.1, mirror=True, noise_hu=5),
        stages=(Stage(epochs=epochs, rows=ROWS, batch=2, learning_rate=0.01),),
        bfloat16=False,
    )


def with_seed(settings: Settings, seed: int) -> Settings:
    return replace(settings, seed=seed)
