"""The colours of a page: dark among dark images, light where it is printed."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_plugin.encode.lettering import Colour


@dataclass(frozen=True)
class Theme:
    background: Colour
    ink: Colour
    quiet: Colour
    line: Colour
    caution: Colour
    amber: Colour = (255, 193, 79)
    on_amber: Colour = (30, 22, 0)


DARK = Theme(
    background=(14, 17, 22), ink=(240, 242, 245), quiet=(160, 168, 180), line=(52, 58, 68), caution=(255, 193, 79)
)
LIGHT = Theme(
    background=(255, 255, 255), ink=(22, 26, 33), quiet=(92, 99, 110), line=(212, 216, 222), caution=(150, 92, 0)
)
