"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.mr_super_resolution.train --config export/mr_super_resolution/configs/standard.json
"""

from export.mr_super_resolution.sources import list_entries
from export.restoring.network import Range
from export.restoring.training import Task, main

TASK = Task(entries=list_entries, within=Range(0.0, 6.0, 1.0), peak=2.0, own_scale=True)
"""In parts of how bright the series is; the peak is about what fat is."""

if __name__ == "__main__":
    main(__doc__, "nifti:FOLDER", TASK)
