import re
from pathlib import Path

from markdown_it import MarkdownIt

from readstate.changes.render.markdown import MOST_ROWS, render_markdown
from readstate.changes.render.summary import Summary, sample, summarize
from tests.helpers.plans import plan_row, written_plan


def test_markdown_shows_text_from_outside_as_text(summary: Summary) -> None:
    markdown = render_markdown(summary)
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)

    assert "<script>" not in html
    assert "<a " not in html
    assert "&lt;script&gt;" in html
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {row.count("<td") for row in rows if "<td" in row} == {4}
    assert "@here" not in markdown


def test_markdown_is_short_enough_for_a_comment(tmp_path: Path) -> None:
    plan = written_plan(tmp_path, *map(plan_row, range(200)))

    markdown = render_markdown(summarize(plan, sample(plan)))

    assert f"{MOST_ROWS} of 200 rows" in markdown
    assert len(markdown) < 20_000
