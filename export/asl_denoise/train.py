"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.asl_denoise.train --config export/asl_denoise/configs/standard.json
"""

from export.asl_denoise.sources import list_entries
from export.restoring.network import Range
from export.restoring.training import Task, main

TASK = Task(entries=list_entries, within=Range(-3.0, 6.0, 1.0), peak=2.0, own_scale=True)
"""In parts of how bright the series is; what is subtracted may be negative. The peak is about what the cortex has."""

if __name__ == "__main__":
    main(__doc__, "nifti:FOLDER", TASK)
