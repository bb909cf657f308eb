"""Sentences that several renderings share."""

from dataclasses import replace

import msgspec

from readstate.changes.render.html import render_html
from readstate.changes.render.markdown import render_markdown
from readstate.changes.render.summary import Summary
from readstate.changes.render.text import render_text
from readstate.changes.render.wording import cost


def test_every_rendering_says_what_cannot_be_taken_back(summary: Summary) -> None:
    for rendered in (render_text(summary), render_markdown(summary), render_html(summary)):
        assert "2 of 5 changes cannot be taken back, or only in part" in rendered


def test_the_cost_is_a_sentence(summary: Summary) -> None:
    estimate = msgspec.structs.replace(summary.manifest.request_estimate, apply_seconds=100_000)
    manifest = msgspec.structs.replace(summary.manifest, request_estimate=estimate)

    assert "about 27 h 46 min at 30 changes a second" in cost(
        replace(summary, plan=replace(summary.plan, manifest=manifest))
    )
