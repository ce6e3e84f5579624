"""Trains the network: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.pet_denoise.train --config export/pet_denoise/configs/standard.json
"""

from export.pet_denoise.sources import list_entries
from export.restoring.network import Range
from export.restoring.training import Task, main

TASK = Task(entries=list_entries, within=Range(-1.0, 8.0, 1.0), peak=2.0, own_scale=True)
"""In parts of how bright the series is, which the patient's weight and dose and sugar decide; the peak is about what
the brightest cortex has.
"""

if __name__ == "__main__":
    main(__doc__, "nifti:FOLDER", TASK)
