"""Answers are the same however their bytes were cut, and nothing but two errors comes of garbage."""

import gzip
import zlib
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readstate.twilio.http.lean_answer import AnswerParser, Garbled, TooLarge
from readstate.twilio.http.response import Response
from tests.helpers.raw_server import chunked, http

MEGABYTE = 1 << 20
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nTwilio-Request-Id: RQ1\r\n\r\n{}"


def fed(pieces: Iterable[bytes], parser: AnswerParser | None = None) -> Response | None:
    """What comes of *pieces* and then the end of the connection."""
    parser = parser or AnswerParser(MEGABYTE)
    for piece in pieces:
        if (answer := parser.feed(piece)) is not None:
            return answer
    return parser.end()


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A valid answer: framed in any way, after any number of early hints."""
    body = draw(st.binary(max_size=300))
    values = st.text("abcXYZ09 ;,=/:\u00e9", max_size=20)
    headers = draw(st.dictionaries(st.sampled_from(["Date", "X-A", "Twilio-Request-Id", "Retry-After"]), values))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
    early = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * draw(st.integers(0, 2))
    match draw(st.sampled_from(["length", "chunks", "end", "none", "gzip"])):
        case "length":
            rest = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        case "gzip":
            body = gzip.compress(body)
            rest = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        case "chunks":
            size = draw(st.integers(1, 100))
            pieces = [body[start : start + size] for start in range(0, len(body), size)]
            chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            trailer = draw(st.sampled_from([b"", b"X-Sum: 1\r\n"]))
            rest = b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"
        case "end":
            rest = b"\r\n" + body
        case _:
            return early + b"HTTP/1.1 204 No Content\r\n" + head + b"\r\n"
    return early + b"HTTP/1.1 %d X\r\n" % draw(st.sampled_from([200, 400, 404, 429, 500])) + head + rest


def cut(whole: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[begin:end] for begin, end in pairwise(edges)]


class TestPieces:
    @given(answers(), st.lists(st.integers(0, 2000), max_size=12))
    def test_an_answer_is_the_same_however_its_bytes_were_cut(self, whole: bytes, places: list[int]) -> None:
        answer = fed([whole])

        assert answer is not None
        assert fed(cut(whole, places)) == answer
        assert fed(whole[place : place + 1] for place in range(len(whole))) == answer

    @given(st.lists(answers(), min_size=2, max_size=4))
    def test_one_answer_leaves_nothing_behind_for_the_next(self, wholes: list[bytes]) -> None:
        parser = AnswerParser(MEGABYTE)
        for whole in wholes:
            assert fed([whole], parser) == fed([whole])
            if not parser.keep_alive:
                return

    @given(answers(), st.integers(0, 2000))
    def test_an_answer_that_is_cut_off_is_not_taken_for_a_whole_one(self, whole: bytes, place: int) -> None:
        begun = whole[: place % len(whole)]
        try:
            answer = fed([begun])
        except Garbled:
            return

        head = begun.rpartition(b"HTTP/1.1 ")[2].lower()
        assert answer is None or not (b"content-length" in head or b"chunked" in head)

    @pytest.mark.parametrize("before", [http(), http(204, b""), b"HTTP/1.1 304 X\r\n\r\n", chunked(b"{}")])
    @pytest.mark.parametrize("early", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
    def test_a_connection_that_ends_too_early_does_not_give_the_answer_before_it_again(
        self, before: bytes, early: bytes
    ) -> None:
        parser = AnswerParser(MEGABYTE)
        assert fed([before], parser) is not None

        assert fed([early], parser) is None


class TestGarbage:
    @given(st.lists(st.binary(max_size=200) | answers() | st.sampled_from([b"HTTP/1.1 ", b"200 OK\r\n", b"\r\n\r\n"])))
    @example([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"])
    @example([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"])
    @example([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"])
    @example([b"HTTP/1.1 103 Early Hints\r\n\r\n"])
    @example([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
    def test_whatever_comes_ends_as_an_answer_or_one_of_two_errors(self, pieces: list[bytes]) -> None:
        try:
            answer = fed(pieces)
        except (Garbled, TooLarge):
            return

        assert answer is None or answer.status >= 200

    @pytest.mark.parametrize(
        "whole",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            b"<html>",
        ],
    )
    def test_what_could_be_read_in_two_ways_is_garbled(self, whole: bytes) -> None:
        with pytest.raises(Garbled):
            fed([whole])

    @pytest.mark.parametrize("endless", [b"X-A: a\r\n" * 500, b"a" * 4000])
    @pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX-A: ", chunked(b"{}").removesuffix(b"\r\n") + b"X-A: "])
    def test_a_head_or_trailer_without_end_is_not_collected(self, begun: bytes, endless: bytes) -> None:
        with pytest.raises(Garbled, match="without end"):
            fed([begun, *[endless] * 20])


class TestBodies:
    @given(st.integers(0, 3))
    def test_no_more_than_allowed_is_taken(self, excess: int) -> None:
        body = b"x" * (100 + excess)
        for whole in (http(body=body), chunked(body), UNTIL_THE_END[:-2] + body):
            parser = AnswerParser(100)
            if excess:
                with pytest.raises(TooLarge):
                    fed([whole], parser)
            else:
                answer = fed([whole], parser)
                assert answer is not None
                assert answer.body == body

    @pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
    def test_what_came_compressed_unasked_is_unpacked_up_to_the_bound(self, pack: object) -> None:
        assert callable(pack)
        encoding = "gzip" if pack is gzip.compress else "deflate"
        answer = fed([http(body=pack(b"{}"), Content_Encoding=encoding)])
        bomb = http(body=pack(b"0" * (2 * MEGABYTE)), Content_Encoding=encoding)

        assert answer is not None
        assert answer.body == b"{}"
        with pytest.raises(TooLarge):
            fed([bomb])

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", b"{}"),
            ("gzip", gzip.compress(b"{}" * 50, mtime=0)[:-9]),
            ("br", b"{}"),
            ("gzip, gzip", b"{}"),
        ],
    )
    def test_what_cannot_be_unpacked_is_garbled(self, encoding: str, body: bytes) -> None:
        with pytest.raises(Garbled):
            fed([http(body=body, Content_Encoding=encoding)])

    def test_a_body_in_plain_may_say_so(self) -> None:
        answer = fed([http(Content_Encoding="identity")])

        assert answer is not None
        assert answer.body == b"{}"


class TestKeepAlive:
    @pytest.mark.parametrize(
        ("whole", "kept"),
        [
            (http(), True),
            (chunked(b"{}"), True),
            (http(Connection="close"), False),
            (http().replace(b"HTTP/1.1", b"HTTP/1.0"), False),
            (UNTIL_THE_END, False),
            (http() + b"HTTP/1.1 200 OK\r\n", False),
            (http() + http(body=b"[]"), False),
            (http() + b"x", False),
            (http(Connection="close") + b"x", False),
        ],
    )
    def test_a_connection_serves_again_only_after_one_clean_answer(self, whole: bytes, kept: bool) -> None:
        parser = AnswerParser(MEGABYTE)

        answer = fed([whole], parser)

        assert answer is not None
        assert (answer.body, parser.keep_alive) == (b"{}", kept)

    def test_the_first_of_several_headers_counts_and_a_trailer_does_not(self) -> None:
        whole = chunked(b"{}").replace(b"OK\r\n", b"OK\r\nX-A: 1\r\nX-A: 2\r\n")

        answer = fed([whole.removesuffix(b"\r\n") + b"X-A: 3\r\nX-B: 4\r\n\r\n"])

        assert answer is not None
        assert answer.headers == {"x-a": "1", "transfer-encoding": "chunked"}
