"""Which indexes are used when uv, pip, both or neither are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfbootstrap.edges.index_configuration import IndexConfiguration, read_index_configuration
from tfbootstrap.errors import InputError

PRIVATE = "https://user:secret@private.test/simple"
OTHER = "https://other.test/simple"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    # A file of uv's own ends its search for the project's configuration; what lies above is not ours.
    return folder


def read(home: Path, project: Path, **variables: str) -> IndexConfiguration:
    return read_index_configuration(
        {"HOME": str(home), "PIP_CONFIG_FILE": str(home / "pip.conf"), **variables}, project
    )


def urls(configuration: IndexConfiguration) -> tuple[str | None, tuple[str, ...]]:
    return configuration.default, configuration.extra


def test_without_any_configuration_uv_uses_its_own_default(home: Path, project: Path) -> None:
    configuration = read(home, project)
    assert configuration.default is None
    assert "UV_DEFAULT_INDEX" not in configuration.environment()


def test_uv_s_variables_are_handed_on(home: Path, project: Path) -> None:
    configuration = read(home, project, UV_DEFAULT_INDEX=PRIVATE, UV_INDEX=OTHER, UV_INDEX_STRATEGY="first-index")
    assert urls(configuration) == (PRIVATE, (OTHER,))
    assert configuration.environment() == {
        "UV_DEFAULT_INDEX": PRIVATE,
        "UV_INDEX": OTHER,
        "UV_INDEX_STRATEGY": "first-index",
    }


def test_uv_s_older_variables_count_too(home: Path, project: Path) -> None:
    assert urls(read(home, project, UV_INDEX_URL=PRIVATE, UV_EXTRA_INDEX_URL=OTHER)) == (PRIVATE, (OTHER,))


def test_the_project_s_table_counts_and_its_explicit_indexes_don_t(home: Path, project: Path) -> None:
    (project / "pyproject.toml").write_text(
        f'[[tool.uv.index]]\nurl = "{PRIVATE}"\ndefault = true\n[[tool.uv.index]]\nurl = "{OTHER}"\n'
        '[[tool.uv.index]]\nname = "torch"\nurl = "https://torch.test"\nexplicit = true\n'
        '[tool.uv]\nindex-strategy = "unsafe-best-match"\nexclude-newer = "2026-01-01T00:00:00Z"\n'
    )
    configuration = read(home, project)
    assert urls(configuration) == (PRIVATE, (OTHER,))
    assert configuration.strategy == "unsafe-best-match"
    assert configuration.environment()["UV_EXCLUDE_NEWER"] == "2026-01-01T00:00:00Z"
    assert configuration.sources == (str(project / "pyproject.toml"),)


def test_the_user_s_uv_configuration_is_added_to_the_project_s(home: Path, project: Path) -> None:
    (project / "uv.toml").write_text(f'extra-index-url = ["{OTHER}"]\nfind-links = ["wheels"]\n')
    (home / ".config" / "uv").mkdir(parents=True)
    (home / ".config" / "uv" / "uv.toml").write_text(f'index-url = "{PRIVATE}"\n')
    configuration = read(home, project)
    assert urls(configuration) == (PRIVATE, (OTHER,))
    assert configuration.environment()["UV_FIND_LINKS"] == "wheels"


def test_uv_no_config_leaves_files_of_uv_out(home: Path, project: Path) -> None:
    (project / "uv.toml").write_text(f'index-url = "{PRIVATE}"\n')
    assert read(home, project, UV_NO_CONFIG="1").default is None


def test_pip_s_index_is_the_default_where_uv_has_none(home: Path, project: Path) -> None:
    (home / "pip.conf").write_text(f"[global]\nindex-url = {PRIVATE}\n")
    assert urls(read(home, project)) == (PRIVATE, ())
    assert urls(read(home, project, UV_DEFAULT_INDEX=OTHER)) == (OTHER, ())


def test_pip_s_variables_win_over_its_files(home: Path, project: Path) -> None:
    (home / "pip.conf").write_text(f"[global]\nindex-url = {PRIVATE}\n")
    assert read(home, project, PIP_INDEX_URL=OTHER).default == OTHER


def test_pip_s_extra_indexes_are_equal_to_its_default_and_come_after_it(home: Path, project: Path) -> None:
    (home / "pip.conf").write_text(f"[install]\nindex-url = {PRIVATE}\nextra-index-url =\n    {OTHER}\n")
    configuration = read(home, project)
    assert urls(configuration) == (PRIVATE, (PRIVATE, OTHER))
    assert configuration.environment()["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_pip_s_extra_index_alone_leaves_the_public_default_which_is_taken_from_pip(home: Path, project: Path) -> None:
    configuration = read(home, project, PIP_EXTRA_INDEX_URL=OTHER)
    assert configuration.default is not None
    assert configuration.default.startswith("https://")
    assert configuration.extra == (configuration.default, OTHER)


@pytest.mark.parametrize("name", [".pip/pip.conf", ".config/pip/pip.conf"])
def test_pip_s_files_are_found_where_pip_looks(home: Path, project: Path, name: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True)
    path.write_text(f"[global]\nindex-url = {PRIVATE}\n")
    assert read_index_configuration({"HOME": str(home)}, project).default == PRIVATE


@pytest.mark.parametrize(
    ("name", "text"), [("uv.toml", "index-url = ["), ("pyproject.toml", "[tool.uv\n"), ("uv.toml", "\xff\xfe")]
)
def test_a_broken_file_is_named(home: Path, project: Path, name: str, text: str) -> None:
    (project / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=name) as caught:
        read(home, project)
    assert caught.value.hint


def test_a_broken_file_of_pip_s_is_named(home: Path, project: Path) -> None:
    (home / "pip.conf").write_text("index-url = x\n")
    with pytest.raises(InputError, match=r"pip\.conf"):
        read(home, project)
