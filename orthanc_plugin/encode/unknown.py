"""Headers of the source in; highdicom can write about them afterwards, also where their class is retired."""

from __future__ import annotations

from collections.abc import Iterable

from highdicom._standard_utils import get_sop_class_iod_map
from pydicom.dataset import Dataset
from pydicom.uid import UID

from orthanc_plugin.errors import Unsuitable

# It copies patient and study by the modules of the source's class, which all classes of images share, and knows only
# those in force. Old ultrasound is still in archives (1.2.840.10008.5.1.4.1.1.6 and .3, retired long ago).
ANY_IMAGE = "secondary-capture-image"


def make_known(headers: Iterable[Dataset]) -> None:
    known = get_sop_class_iod_map()
    for uid in {str(header.SOPClassUID) for header in headers} - known.keys():
        if not UID(uid).is_retired:
            raise Unsuitable(
                f"The images are of the class {uid}, which is not one of the standard's, so results can't "
                "refer to them: readers would refuse reports. Have them sent as objects of a standard class.",
                stage="encode",
            )
        known[uid] = ANY_IMAGE
