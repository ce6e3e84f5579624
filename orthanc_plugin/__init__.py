"""An inference node inside Orthanc: series come in, SEG, SR and secondary captures go out."""

__version__ = "0.1.0"
