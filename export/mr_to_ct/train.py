"""Trains the network with pairs: a configuration goes in, checkpoints and TensorBoard curves come out.

python -m export.mr_to_ct.train --config export/mr_to_ct/configs/standard.json
"""

from export.mr_to_ct.sources import list_entries
from export.restoring.network import Range
from export.restoring.training import Task, main

T1, HOUNSFIELD = Range(0.0, 6.0, 1.0), Range(-1024.0, 3071.0, 500.0)
TASK = Task(entries=list_entries, within=T1, peak=2000.0, own_scale=True, into=HOUNSFIELD)
"""A T1 in parts of how bright it is, to HU; the peak goes from air to dense bone."""

if __name__ == "__main__":
    main(__doc__, "nifti:FOLDER", TASK)
