"""One folder of images (DICOM or PNG) a label goes in, a classifier that the node serves comes out."""


class Unusable(Exception):
    """The folders can't be learned from; the sentence says why and what to do."""
