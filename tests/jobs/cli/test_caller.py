import pytest

from readstate_jobs.cli.caller import caller, ci_url, os_user


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 3_999_999_999)

    assert os_user() == "3999999999"


def test_the_environment_cannot_change_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os_user()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "bob")

    assert os_user() == before != "bob"


def test_the_log_of_a_build_can_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL",
                 "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    assert ci_url() is None

    monkeypatch.setenv("BUILD_URL", "https://ci.example/7")
    assert ci_url() == "https://ci.example/7"
    for name, value in (("SERVER_URL", "https://git.example"), ("REPOSITORY", "a/b"), ("RUN_ID", "9")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert ci_url() == "https://git.example/a/b/actions/runs/9"


def test_a_schedule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "scheduled__2026-11-23")

    assert caller()["airflow_run_id"] == "scheduled__2026-11-23"
