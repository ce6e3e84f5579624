"""Series of several roles in other spaces than the first: registered, once a space."""

import numpy as np
import pytest

from orthanc_plugin import inputs
from orthanc_plugin.imaging.registration import Registered
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inputs import in_one_space
from tests.imaging.test_registration import T1, as_seen, head, volume


def test_series_that_share_a_space_are_laid_alike_by_what_the_first_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(fixed: Volume, moving: Volume) -> Registered:
        asked.append(moving)
        matrix = np.eye(4)
        matrix[0, 3] = 7.0
        return Registered(matrix, 1.0, 0.1)

    monkeypatch.setattr(inputs, "registered", watched)
    first = volume(as_seen(head(), T1))
    second, third = (volume(as_seen(head(), T1), space="1.2.4") for _ in range(2))

    found = in_one_space({"t1": first, "t2": second, "flair": third}, "t1")

    assert asked == [second]
    assert [imaged.geometry.affine[0, 3] - second.geometry.affine[0, 3] for imaged in found.beside] == [7.0, 7.0]
    assert len(found.laid) == len(found.said) == 2
    assert found.said[1] == (
        "The series of the role flair lay in another frame of reference; by what the images show it was laid on that "
        "of the role t1 (moved by 7 mm, turned by 0 degrees)."
    )


def test_series_of_one_space_are_left_as_they_are() -> None:
    first, second = (volume(as_seen(head(), T1)) for _ in range(2))
    found = in_one_space({"t1": first, "t2": second}, "t1")
    assert found.by_role == {"t1": first, "t2": second}
    assert (found.laid, found.said) == ((), ())
