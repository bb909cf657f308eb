from readstate.changes.render.html import render_html
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.summary import Summary
from readstate.changes.render.text import render_text


def test_every_rendering_says_what_cannot_be_taken_back(summary: Summary) -> None:
    for rendered in (render_text(summary), render_markdown(summary), render_html(summary)):
        assert "2 of 5 changes cannot be undone, or only in part" in rendered
