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
    assert configuration.environment()["UV_FIND_LINKS"] == (project / "wheels").as_uri()


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


@pytest.mark.parametrize("text", [f'index-url = "{PRIVATE}"\n', f'[pip]\nindex-url = "{PRIVATE}"\n'])
def test_the_file_that_uv_config_file_names_is_the_only_one(home: Path, project: Path, text: str) -> None:
    (project / "uv.toml").write_text(f'index-url = "{OTHER}"\n')
    (project / "mine.toml").write_text(text)
    configuration = read(home, project, UV_CONFIG_FILE="mine.toml")
    assert urls(configuration) == (PRIVATE, ())
    assert configuration.sources == (str(project / "mine.toml"),)


def test_a_file_that_uv_config_file_names_in_vain_is_named(home: Path, project: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml: there is no such configuration of uv"):
        read(home, project, UV_CONFIG_FILE="nowhere.toml")


def test_the_table_for_pip_goes_before_the_rest_of_a_file_of_uv_s(home: Path, project: Path) -> None:
    (project / "pyproject.toml").write_text(
        f'[tool.uv]\nindex-url = "{OTHER}"\n[tool.uv.pip]\nindex-url = "{PRIVATE}"\nindex-strategy = "first-index"\n'
    )
    configuration = read(home, project)
    assert urls(configuration) == (PRIVATE, ())
    assert configuration.strategy == "first-index"


def test_the_system_s_configuration_of_uv_counts_last(home: Path, project: Path, tmp_path: Path) -> None:
    (tmp_path / "etc" / "uv").mkdir(parents=True)
    (tmp_path / "etc" / "uv" / "uv.toml").write_text(f'index-url = "{PRIVATE}"\n')
    folders = {"XDG_CONFIG_DIRS": str(tmp_path / "etc")}
    assert read(home, project, **folders).default == PRIVATE
    assert read(home, project, UV_DEFAULT_INDEX=OTHER, **folders).default == OTHER


def test_an_index_keeps_the_name_that_its_credentials_go_by(home: Path, project: Path) -> None:
    (project / "uv.toml").write_text(
        f'[[index]]\nname = "corp"\nurl = "{OTHER}"\ndefault = true\n[[index]]\nname = "lab"\nurl = "{PRIVATE}"\n'
    )
    configuration = read(home, project)
    assert urls(configuration) == (OTHER, (PRIVATE,))
    assert configuration.environment() == {"UV_DEFAULT_INDEX": f"corp={OTHER}", "UV_INDEX": f"lab={PRIVATE}"}


def test_an_index_named_in_a_variable_shows_no_password(home: Path, project: Path) -> None:
    configuration = read(home, project, UV_DEFAULT_INDEX=f"corp={PRIVATE}")
    assert configuration.default == PRIVATE
    assert configuration.shown == "https://private.test/simple"
    assert configuration.pip_environment() == {"PIP_INDEX_URL": PRIVATE}


def test_a_flat_index_is_a_page_of_links(home: Path, project: Path) -> None:
    (project / "uv.toml").write_text(f'[[index]]\nurl = "{PRIVATE}"\nformat = "flat"\n')
    configuration = read(home, project)
    assert urls(configuration) == (None, ())
    assert configuration.find_links == (PRIVATE,)


@pytest.mark.parametrize("said", ["uv", "pip", "PIP_NO_INDEX"])
def test_where_no_index_is_wanted_none_is_asked(home: Path, project: Path, said: str) -> None:
    (project / "uv.toml").write_text(f"no-index = {str(said == 'uv').lower()}\n")
    (home / "pip.conf").write_text(
        f"[global]\nextra_index_url = {OTHER}\nno_index = {'yes' if said == 'pip' else 'no'}\n"
    )
    configuration = read(home, project, **({said: "1"} if said.startswith("PIP") else {}))
    assert configuration.no_index
    assert configuration.replaces_public
    assert urls(configuration) == (None, ())
    assert configuration.environment() == {}
    assert configuration.pip_environment() == {"PIP_NO_INDEX": "1"}
    assert "no index" in configuration.shown


def test_uv_s_index_goes_before_pip_s_wish_for_none(home: Path, project: Path) -> None:
    configuration = read(home, project, PIP_NO_INDEX="1", UV_DEFAULT_INDEX=OTHER)
    assert (configuration.no_index, configuration.default) == (False, OTHER)


def test_a_limit_in_time_hides_a_part_of_the_public_index(home: Path, project: Path) -> None:
    assert not read(home, project).replaces_public
    assert read(home, project, UV_EXCLUDE_NEWER="2026-01-01").replaces_public


def test_paths_count_from_where_they_are_written(home: Path, project: Path) -> None:
    folder = project / "below"
    folder.mkdir()
    (project / "uv.toml").write_text('find-links = ["wheels of uv"]\n')
    (folder / "wheels").mkdir()
    configuration = read(home, folder, UV_INDEX="./simple", PIP_FIND_LINKS=f"wheels {folder}/missing {OTHER}")
    assert configuration.extra == ((folder / "simple").as_uri(),)
    assert configuration.find_links == ((project / "wheels of uv").as_uri(), (folder / "wheels").as_uri(), OTHER)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:secret/word@private.test/simple",
        "https://user:secret#word@private.test/simple",
        "htps://user:secret@private.test/simple",
        "://user:secret@private.test/simple",
        "https:///secret",
    ],
)
@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS"])
def test_what_is_no_address_is_refused_unseen(home: Path, project: Path, variable: str, address: str) -> None:
    with pytest.raises(InputError, match=variable) as caught:
        read(home, project, **{variable: address})
    assert "secret" not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'index-url = ["{PRIVATE}"]', "index-url: must be a string"),
        (f'extra-index-url = "{PRIVATE}"', "extra-index-url: must be a list of strings"),
        (f'find-links = "{PRIVATE}"', "find-links: must be a list of strings"),
        (f'index = "{PRIVATE}"', "index: must be a list of tables"),
        ("[[index]]\ndefault = true", "index: must be a list of tables, each with a url"),
        (f'pip = "{PRIVATE}"', "pip: must be a table"),
    ],
)
def test_what_uv_would_refuse_is_refused_unseen(home: Path, project: Path, text: str, problem: str) -> None:
    (project / "uv.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        read(home, project)
    assert str(caught.value) == f"{project / 'uv.toml'}: {problem}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"index-url = {PRIVATE}\n", 1),
        ("[global]\nsecret\n", 2),
        (f"[global]\nindex-url = {PRIVATE}\nindex-url = {PRIVATE}\n", 3),
    ],
)
def test_a_broken_file_of_pip_s_is_refused_unseen(home: Path, project: Path, text: str, line: int) -> None:
    (home / "pip.conf").write_text(text)
    with pytest.raises(InputError, match=rf"pip\.conf:{line}: ") as caught:
        read(home, project)
    assert "secret" not in str(caught.value)
