"""Where the viewer lies on the disk and below which address; all that the serving side needs to know of its fitting."""

from pathlib import Path

PREFIX = "/ohif"
FOLDER = Path(__file__).resolve().parents[2] / ".ohif"
STAMP = "installed"
# A client that stalls in a longer answer of Python than the sockets' buffers hold keeps all of Orthanc's HTTP waiting.
LARGEST_FILE_BYTES = 1_500_000
