"""Settings of trainings of images, so small that they are over in seconds."""

from export.restoring.settings import Settings, Split


def tiny(**changes: object) -> Settings:
    usual = Settings(
        name="tiny",
        seed=3,
        split=Split(train=2, validation=1, test=1),
        groups=1,
        depth=3,
        rows=32,
        channels=6,
        dilations=(1, 2),
        batch=2,
        iterations=4,
        learning_rate=0.01,
        every=2,
    )
    return usual.model_copy(update=changes)
