"""What was trained elsewhere goes in, a folder that the node serves comes out. What can't be translated is named."""


class Refused(Exception):
    """The source can't be translated; the sentence says what stands in the way and what to do."""
