"""A model's README and a table in, the README with that table between its marks out."""

BEGIN, END = "<!-- figures: written by export.{name}.card -->", "<!-- end of the figures -->"


def between_marks(text: str, within: str, name: str) -> str:
    """`name` is the folder of the training, whose `card` writes them."""
    begin = BEGIN.format(name=name)
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(END)
    return f"{before}{begin}\n\n{within}\n\n{END}{after}"
