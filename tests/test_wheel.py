"""What is published: a wheel that lives beside packages called jobs and pipeline, and sources with their tests."""

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.repository import ROOT

_BUILD = "import sys\nfrom hatchling import build\nbuild.build_wheel(sys.argv[1])\nbuild.build_sdist(sys.argv[1])"
_USE_BOTH = """
import jobs, pipeline
from jobs import nightly
from readstate_jobs.cli.main import main
print(jobs.OWNER, pipeline.OWNER, nightly.OWNER)
sys.exit(main(["--version"]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run([sys.executable, "-c", _BUILD, folder], cwd=ROOT, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with packages of its own by the names of our folders."""
    for package in ("jobs", "pipeline"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("OWNER = 'theirs'\n")
    (tmp_path / "jobs" / "nightly.py").write_text("OWNER = 'theirs'\n")
    return tmp_path


def _python(*arguments: str, path: Sequence[Path], cwd: Path) -> str:
    """Run Python with the packages in *path*, and our dependencies without what is installed in order to develop."""
    # -S: no .pth file is read, so that the sources, which pip has installed as editable, are not found.
    dependencies = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    search = ":".join(map(str, [*path, *dict.fromkeys(dependencies)]))
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": search, "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_two_packages_for_every_platform(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}

    assert wheel.name.endswith("-py3-none-any.whl")
    assert {name for name in top if not name.endswith(".dist-info")} == {"readstate", "readstate_jobs"}


def test_it_holds_every_file_that_is_not_code(wheel: Path) -> None:
    kinds = {".html", ".md", ".typed", ".css", ".sql"}
    packages = [ROOT / "pipeline" / "readstate", ROOT / "jobs" / "readstate_jobs"]
    wanted = {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*")
        if path.suffix in kinds or path.name == "py.typed"
    }
    with zipfile.ZipFile(wheel) as archive:
        missing = wanted - set(archive.namelist())

    assert {"readstate/py.typed", "readstate_jobs/py.typed"} <= wanted
    assert missing == set()


def test_its_description_has_no_link_that_is_dead_on_an_index(metadata: str) -> None:
    targets = re.findall(r"\]\(([^)]*)\)", metadata)

    assert "## Exit codes" in metadata
    assert [target for target in targets if not target.startswith("https://")] == []


def test_it_names_its_license_and_the_versions_of_python(metadata: str) -> None:
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert re.findall(r"Python :: (3\.\d+)", metadata) == ["3.11", "3.12", "3.13", "3.14"]


def test_the_sources_hold_what_their_tests_need(built: Path) -> None:
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()

    assert "tests/test_wheel.py" in held
    assert set(tracked) - held == set()


def test_a_project_with_our_names_is_the_working_folder(site: Path, project: Path) -> None:
    version = _python("-m", "readstate_jobs", "--version", path=[site], cwd=project)
    both = _python("-c", f"import sys{_USE_BOTH}", path=[site], cwd=project)

    assert version.startswith("readstate, version ")
    assert both == f"theirs theirs theirs\n{version}"


def test_a_project_with_our_names_is_on_the_python_path(site: Path, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    both = _python("-c", f"import sys{_USE_BOTH}", path=[project, site], cwd=elsewhere)

    assert both.startswith("theirs theirs theirs\nreadstate, version ")


def test_a_folder_of_dags_with_our_names_is_appended_as_airflow_does(site: Path, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    both = _python("-c", f"import sys; sys.path.append({str(project)!r}){_USE_BOTH}", path=[site], cwd=elsewhere)

    assert both.startswith("theirs theirs theirs\nreadstate, version ")
