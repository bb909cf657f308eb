from pathlib import Path

import jinja2
import pytest

from readstate.html import render as render_module
from readstate.html.render import escape_markdown_cell, format_share, render_template


def test_text_in_html_is_escaped_and_a_missing_fact_is_an_error(tmp_path: Path) -> None:
    (template := tmp_path / "page.html").write_text("<p>{{ name }}</p>")

    assert render_template(template, name="<b>&") == "<p>&lt;b&gt;&amp;</p>"
    with pytest.raises(jinja2.UndefinedError, match="name"):
        render_template(template)


def test_a_page_may_extend_the_shared_one_and_runs_no_script(tmp_path: Path) -> None:
    (template := tmp_path / "page.html").write_text('{% extends "base.html" %}{% block title %}A page{% endblock %}')

    page = render_template(template)

    assert "<title>A page</title>" in page
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_text_in_a_markdown_table_forms_neither_markup_nor_a_column() -> None:
    assert escape_markdown_cell("a|b *c* <d> [e](f) @g\n") == r"a\|b \*c\* \<d\> \[e\](f) \@g\\n"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (1, 3, "33 %"),
        (1, 1000, "< 1 %"),
        (999, 1000, "> 99 %"),
    ],
)
def test_a_share_is_neither_nothing_nor_all_unless_it_is(part: int, whole: int, text: str) -> None:
    assert format_share(part, whole) == text


def test_what_is_folded_on_the_screen_is_printed() -> None:
    style = (Path(render_module.__file__).parent / "style.css").read_text(encoding="utf-8")

    screen = style.index("@media screen { details:not([open]) + .behind { display: none; } }")
    assert ".behind" not in style[:screen] + style[style.index("@media print") :]
