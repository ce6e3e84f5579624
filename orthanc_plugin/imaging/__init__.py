"""Instances in, checked series and volumes with their geometry out."""

import pydicom.config

# Archives hold what scanners wrote, valid or not. pydicom's warnings about such values would quote them into the log,
# and a log holds no patient data; what matters of a header is checked here.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
