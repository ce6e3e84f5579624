"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.ct_denoise.train --config export/ct_denoise/configs/standard.json
"""

from export.ct_denoise.sources import list_entries
from export.restoring.network import Range
from export.restoring.training import Task, main

TASK = Task(entries=list_entries, within=Range(-1024.0, 1500.0, 500.0), peak=2000.0)
"""In HU; the peak goes from air to dense bone."""

if __name__ == "__main__":
    main(__doc__, "ldct:FOLDER or nifti:FOLDER", TASK)
