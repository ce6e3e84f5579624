"""The tests of training and export need torch and MONAI, which the node itself does without."""

from importlib.util import find_spec

collect_ignore = [
    "test_body_region.py",
    "test_breast_mass_mg.py",
    "test_chest_findings.py",
    "test_compare.py",
    "test_data.py",
    "test_export.py",
    "test_evaluate.py",
    "test_features.py",
    "test_from_folders.py",
    "test_graph.py",
    "test_importers.py",
    "test_level_in_series.py",
    "test_liver_cirrhosis.py",
    "test_liver_report.py",
    "test_muscle_report.py",
    "test_train.py",
]
if find_spec("torch") and find_spec("monai"):
    collect_ignore = []
    import torch

    torch.set_num_threads(1)  # the networks of these tests are so small that threads only wait for each other
