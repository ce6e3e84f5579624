"""Settings of trainings that are over in seconds."""

from dataclasses import replace

from export.abdominal_muscle_ct.settings import Augmentation, Network, Settings, Split, Stage
from export.abdominal_muscle_ct.sources import Kept

ROWS = 64
KEPT = Kept(2, ROWS, -120, 150)
_CHANNELS: dict[Network, tuple[int, ...]] = {
    "tissue": (4, 8, 8), "tissue-densenet": (4, 4, 4, 8, 8), "level": (4, 8, 8),
}  # fmt: skip


def tiny(network: Network = "tissue", *, epochs: int = 2) -> Settings:
    return Settings(
        name="tiny",
        network=network,
        channels=_CHANNELS[network],
        units_per_level=1,
        seed=5,
        cached_rows=ROWS,
        split=Split(train=3, validation=1, test=1, train_slices=2, validation_slices=1, lowest_mm=-120, highest_mm=150),
        augmentation=Augmentation(turn_degrees=8, shift_share=0.05, scale_share=0.1, mirror=True, noise_hu=5),
        stages=(Stage(epochs=epochs, rows=ROWS, seen=ROWS, slices=2, batch=2, learning_rate=0.01),),
        bfloat16=False,
    )


def with_seed(settings: Settings, seed: int) -> Settings:
    return replace(settings, seed=seed)
