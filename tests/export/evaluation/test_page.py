from export.evaluation.page import Pictures, Rows, Section, render


def test_the_first_line_says_what_the_data_was_and_everything_is_escaped() -> None:
    page = render("A <title>", "Data: phantoms.", "Not for clinical use.", [])
    body = page[page.index("<body>") :]
    assert body.startswith("<body>\n<p>Data: phantoms.</p>")
    assert "A &lt;title&gt;" in page
    assert '<p class="notice">Not for clinical use.</p>' in page


def test_sections_hold_sentences_tables_and_pictures() -> None:
    page = render(
        "t", "d", "n", [Section("Level", ["Words.", Rows([("a", "b"), ("1", "2")]), Pictures(["p.png"], "c")])]
    )
    assert "<h2>Level</h2>\n<p>Words.</p>" in page
    assert "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>" in page
    assert '<img src="p.png" alt="c"><br>c' in page
