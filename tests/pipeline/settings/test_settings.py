"""Settings: flags over environment over a file over the defaults, and nothing that cannot work gets through."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import BadInput
from readstate.settings.settings import DEFAULT_BASE_URL, Settings, load_settings

FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}


def settings(environ: dict[str, str] | None = None, **flags: Any) -> Settings:
    return load_settings(flags=flags, environ=environ or {}).settings


class TestPrecedence:
    def test_each_source_overrides_the_one_below_and_is_named(self, tmp_path: Path) -> None:
        config = tmp_path / "readstate.toml"
        config.write_text("page_size = 10\nmax_in_flight = 10\nmax_attempts = 10\n")
        environ = {"READSTATE_MAX_IN_FLIGHT": "20", "READSTATE_MAX_ATTEMPTS": "20"}

        effective = load_settings(flags={"max_attempts": 30, "page_size": None}, environ=environ, config=config)

        found = effective.settings
        assert (found.page_size, found.max_in_flight, found.max_attempts, found.part_rows) == (10, 20, 30, 25_000)
        assert [effective.origins[name] for name in ("page_size", "max_in_flight", "max_attempts", "part_rows")] == [
            str(config),
            "environment READSTATE_MAX_IN_FLIGHT",
            "flag --max-attempts",
            "default",
        ]

    def test_without_anything_the_defaults_hold(self) -> None:
        expected = msgspec.structs.replace(
            Settings(), base_url=DEFAULT_BASE_URL, work_dir=str(Path.home() / ".local/state/readstate")
        )

        assert settings() == expected

    def test_the_process_environment_is_read_by_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("READSTATE_PAGE_SIZE", "7")

        assert load_settings().settings.page_size == 7

    def test_the_work_directory_follows_the_xdg_standard(self) -> None:
        assert settings({"XDG_STATE_HOME": "/var/state"}).work_dir == "/var/state/readstate"
        assert settings({"XDG_STATE_HOME": "/var/state"}, work_dir="/mine").work_dir == "/mine"

    @pytest.mark.parametrize("name", ["work_dir", "metrics_file", "shared_pace"])
    def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        config = tmp_path / "readstate.toml"
        config.write_text(f'{name} = "~/in the file"')

        assert getattr(settings({f"READSTATE_{name.upper()}": "~/x"}), name) == f"{tmp_path}/x"
        assert getattr(load_settings(environ={}, config=Path("~/readstate.toml")).settings, name) == (
            f"{tmp_path}/in the file"
        )

    def test_where_there_is_no_home_the_folder_to_name_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr(os, "getuid", lambda: 4_294_000_000)

        with pytest.raises(BadInput, match=r"home folder that ~.* is not known.*\n.*READSTATE_WORK_DIR"):
            settings()
        assert settings(work_dir="/given").work_dir == "/given"

    def test_variables_of_others_are_none_of_ours(self) -> None:
        assert settings({"PATH": "/bin", "TWILIO_SOMETHING": "1", "READSTATE": "x"}) == settings()


class TestTypes:
    @given(st.sampled_from(sorted(FIELDS)), st.text(max_size=8))
    def test_a_text_from_the_environment_gives_the_fields_type_or_an_error_that_names_its_source(
        self, name: str, text: str
    ) -> None:
        error = None
        try:
            value = getattr(settings({f"READSTATE_{name.upper()}": text}), name)
        except BadInput as refused:
            error = refused

        if error is None:
            msgspec.convert(value, FIELDS[name].type)
        else:
            assert f"READSTATE_{name.upper()}" in str(error)

    @pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)])
    def test_a_yes_or_no(self, text: str, value: bool) -> None:
        assert settings({"READSTATE_PRODUCTION_FIRST": text}).production_first is value

    @pytest.mark.parametrize(
        "line", ["page_size = true", "page_size = 1.5", "base_url = 5", "log_format = 'xml'", "[page_size]\na = 1"]
    )
    def test_a_wrong_type_in_the_file_is_told_with_the_file(self, tmp_path: Path, line: str) -> None:
        config = tmp_path / "readstate.toml"
        config.write_text(line)

        with pytest.raises(BadInput, match=r"readstate\.toml: .*is not valid"):
            load_settings(environ={}, config=config)

    @pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["a whole number for seconds", "a byte order mark"])
    def test_what_editors_and_people_write_is_good_enough(self, tmp_path: Path, start: bytes) -> None:
        config = tmp_path / "readstate.toml"
        config.write_bytes(start + b"read_timeout_seconds = 7\r\n")

        assert load_settings(environ={}, config=config).settings.read_timeout_seconds == 7

    def test_an_unknown_name_is_told_with_the_nearest_known_one(self) -> None:
        with pytest.raises(BadInput, match="did you mean 'page_size'"):
            settings(pagesize=5)
        with pytest.raises(BadInput, match="unknown setting 'zzz'\n"):
            settings(zzz=1)

    def test_a_file_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        for name, content in (("none.toml", None), ("bad.toml", b"= 5"), ("binary.toml", b"\xff")):
            if content is not None:
                (tmp_path / name).write_bytes(content)
            with pytest.raises(BadInput, match=name):
                load_settings(environ={}, config=tmp_path / name)


class TestBounds:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("page_size", 0),
            ("page_size", 51),
            ("max_in_flight", 0),
            ("max_attempts", 0),
            ("part_rows", 0),
            ("file_megabytes", 0),
            ("max_body_megabytes", 0),
            ("max_rate", -1.0),
            ("retry_share", -0.1),
            ("connect_timeout_seconds", 0.0),
            ("read_timeout_seconds", -1.0),
            ("request_timeout_seconds", 0.0),
            ("writes_per_second", 0.0),
            ("part_seconds", 0.0),
        ],
    )
    def test_what_cannot_work_is_refused_with_its_source(self, name: str, value: float) -> None:
        with pytest.raises(BadInput, match=f"flag --{name.replace('_', '-')}: {name} must be"):
            settings(**{name: value})

    @pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.type in {int, float}))
    def test_every_number_has_an_upper_bound(self, name: str) -> None:
        with pytest.raises(BadInput, match=f"{name} must be a number from"):
            settings({f"READSTATE_{name.upper()}": "1000000000"})

    @pytest.mark.parametrize("name", sorted(name for name, field in FIELDS.items() if field.type is float))
    @pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
    def test_what_is_no_number_is_refused(self, name: str, text: str) -> None:
        with pytest.raises(BadInput, match=name):
            settings({f"READSTATE_{name.upper()}": text})


class TestSharedPace:
    WITH_PASSWORD = "rediss://worker:sesame@redis.example.com:6379/0?password=sesame"

    def test_a_password_is_taken_from_the_environment_and_never_shown(self) -> None:
        given = settings({"READSTATE_SHARED_PACE": self.WITH_PASSWORD})

        assert given.shared_pace == self.WITH_PASSWORD
        assert "sesame" not in repr(given)
        assert "sesame" not in str(given.shown())
        assert "shared_pace='rediss://redis.example.com:6379/0'" in repr(given)

    @pytest.mark.parametrize("address", [WITH_PASSWORD, "redis://:sesame@localhost", "unix:///run/r?password=sesame"])
    def test_a_password_on_the_command_line_is_refused_without_repeating_it(self, address: str) -> None:
        with pytest.raises(BadInput, match="READSTATE_SHARED_PACE") as refused:
            settings(shared_pace=address)

        assert "sesame" not in str(refused.value)

    @pytest.mark.parametrize("place", ["/run/pace", "pace", "redis://localhost:6379/0", "unix:///run/redis.sock"])
    def test_files_and_addresses_without_a_password_may_be_flags(self, place: str) -> None:
        assert settings(shared_pace=place).shared_pace == place

    @pytest.mark.parametrize("source", ["environment", "file", "flag", "a list in the file"])
    @pytest.mark.parametrize("password", ["se/same", "se#same", "se?same", "se@same", "se[same", "se same", "se%same/"])
    def test_an_address_with_an_unescaped_password_is_refused_without_a_part_of_it(
        self, password: str, source: str, tmp_path: Path
    ) -> None:
        address = f"redis://:{password}@redis.example.com:6379/0"
        config = tmp_path / "readstate.toml"
        config.write_text(
            f"shared_pace = ['{address}']" if source == "a list in the file" else f"shared_pace = '{address}'"
        )

        with pytest.raises(BadInput) as refused:
            match source:
                case "environment":
                    settings({"READSTATE_SHARED_PACE": address})
                case "flag":
                    settings(shared_pace=address)
                case _:
                    load_settings(environ={}, config=config)

        assert "same" not in f"{refused.value!r} {refused.value}"

    def test_another_kind_of_address_is_refused(self) -> None:
        with pytest.raises(BadInput, match="must be a file, redis"):
            settings({"READSTATE_SHARED_PACE": "postgres://me:sesame@localhost"})


class TestBaseUrl:
    @pytest.mark.parametrize(
        "url",
        ["https://conversations.twilio.com", "https://a.example:8443/", "http://127.0.0.1:8080", "http://[::1]:1"],
    )
    def test_an_origin_is_taken(self, url: str) -> None:
        assert settings(base_url=url).base_url == url.rstrip("/")

    @pytest.mark.parametrize(
        "url",
        [
            "conversations.twilio.com",
            "ftp://a.example",
            "https://",
            "https://a.example/v1",
            "https://a.example?",
            "https://a.example#",
            "https://:hunter2@a.example",
            "https://user:hunter2@a.example",
            "https://a.example:99999",
            "https://a.example:port",
            "http://[::1",
            "https://a b.example",
            "https://a.example\n",
        ],
    )
    def test_anything_but_an_origin_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(BadInput, match="base_url must be a scheme and a host") as refused:
            settings(base_url=url)
        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize(
        "url", ["http://a.example", "http://127.0.0.1.a.example", "http://localhost.a.example", "http://10.0.0.1"]
    )
    def test_credentials_never_travel_in_clear_text_to_another_machine(self, url: str) -> None:
        with pytest.raises(BadInput, match="clear text"):
            settings(base_url=url)

    @pytest.mark.parametrize(
        ("environ", "host"),
        [
            ({}, "conversations.twilio.com"),
            ({"TWILIO_EDGE": "dublin", "TWILIO_REGION": "ie1"}, "conversations.dublin.ie1.twilio.com"),
            ({"TWILIO_EDGE": "sydney"}, "conversations.sydney.us1.twilio.com"),
        ],
    )
    def test_edge_and_region_make_the_host(self, environ: dict[str, str], host: str) -> None:
        effective = load_settings(environ=environ)

        assert effective.settings.base_url == f"https://{host}"
        assert ("TWILIO_EDGE" in effective.origins["base_url"]) == bool(environ)

    def test_a_region_without_an_edge_is_refused_with_the_reason(self) -> None:
        with pytest.raises(BadInput, match=r"US1 instead\n.*TWILIO_EDGE=dublin"):
            settings({"TWILIO_REGION": "ie1"})
        with pytest.raises(BadInput, match="TWILIO_EDGE=ashburn"):
            settings({"TWILIO_REGION": "us1"})

    @pytest.mark.parametrize("edge", ["evil.example/", "a.b", "é", "a@b", "#"])
    def test_an_edge_cannot_bend_the_host(self, edge: str) -> None:
        with pytest.raises(BadInput, match="TWILIO_EDGE"):
            settings({"TWILIO_EDGE": edge})

    def test_an_explicit_address_goes_before_edge_and_region(self) -> None:
        environ = {"READSTATE_BASE_URL": "http://127.0.0.1:1", "TWILIO_REGION": "ie1"}

        assert settings(environ).base_url == "http://127.0.0.1:1"
