"""The errors that cross the rooms: each says what happened, to what, and what to do, and never who the patient is."""


class NodeError(Exception):
    """A failure whose sentence a person reads; `stage` and `series_uid` say where it happened."""

    def __init__(self, sentence: str, *, stage: str = "", series_uid: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.stage = stage
        self.series_uid = series_uid


class Unsuitable(NodeError):
    """The job ends as skipped: no model fits, the series is incomplete, its geometry is not supported."""


class SourceGone(Unsuitable):
    """The source is no longer what the job was made for; the job lives again should it come back as it was."""


class Temporary(NodeError):
    """The job is tried again: the archive is away, the device is busy, memory ran out."""


class Broken(NodeError):
    """The job fails: the model breaks its card, or its result can't be encoded or was refused."""


class ConfigurationError(NodeError):
    """The node refuses to start: a key or a value is wrong."""
