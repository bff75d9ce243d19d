"""What users write, and what becomes of it."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from tfbootstrap.errors import InputError, Location, UsageError
from tfbootstrap.request import (
    Request,
    TensorflowWish,
    lock_command,
    masked,
    parse_driver,
    parse_python,
    parse_requirement,
    parse_requirements,
    parse_tensorflow,
    split_tensorflow,
    without_credentials,
)

HERE = Location("the command line")


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("2.20", "==2.20.*"),
        ("2", "==2.*"),
        ("2.20.0", "==2.20.0"),
        (" 2.15.0.post1 ", "==2.15.0.post1"),
        ("2.22.0rc0", "==2.22.0rc0"),
        (">=2.16,<2.21", ">=2.16,<2.21"),
        ("~=2.16.1", "~=2.16.1"),
    ],
)
def test_a_tensorflow_wish_is_a_version_or_a_specifier(text: str, specifier: str) -> None:
    assert parse_tensorflow(text) == SpecifierSet(specifier)


@pytest.mark.parametrize("text", ["newest", "2.x", ">2.16<2.18", "2.20;python_version>'3'"])
def test_what_is_no_tensorflow_version_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError, match="is no TensorFlow version") as caught:
        parse_tensorflow(text)
    assert caught.value.hint


@pytest.mark.parametrize(("text", "minor"), [("3.12", "3.12"), ("3.12.1", "3.12")])
def test_a_python_is_taken_by_its_minor(text: str, minor: str) -> None:
    assert parse_python(text) == minor


@pytest.mark.parametrize("text", ["3", "python3.12", "3.12.1.2", ""])
def test_what_is_no_python_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no Python version"):
        parse_python(text)


@pytest.mark.parametrize("text", ["535", "535.104.05", "550.54.15"])
def test_a_driver_version_is_taken_as_printed(text: str) -> None:
    assert parse_driver(text) == text


@pytest.mark.parametrize("text", ["newest", "R535", "535.", "1"])
def test_what_is_no_driver_version_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no NVIDIA driver version"):
        parse_driver(text)


def test_a_requirements_file_is_read_as_pip_reads_it() -> None:
    text = (
        "\ufeff# a comment\n"
        "numpy>=1.26 # why\n"
        "\n"
        "pandas \\\n"
        "    >=2,<3\n"
        "-r more.txt\n"
        "--constraint=bounds.txt\n"
        "-cother.txt\n"
        "six==1.16.0 --hash=sha256:" + "0" * 64 + "\n"
        'colorama; sys_platform == "win32"'
    )
    wanted, includes = parse_requirements(text, "requirements.in")
    assert [(str(one.requirement), str(one.location)) for one in wanted] == [
        ("numpy>=1.26", "requirements.in:2"),
        ("pandas<3,>=2", "requirements.in:4"),
        ("six==1.16.0", "requirements.in:9"),
        ('colorama; sys_platform == "win32"', "requirements.in:10"),
    ]
    assert [(one.path, one.constraint, one.location.line) for one in includes] == [
        ("more.txt", False, 6),
        ("bounds.txt", True, 7),
        ("other.txt", True, 8),
    ]


@pytest.mark.parametrize("text", ["numpy \\\n    >=2 \\", "numpy>=2 \\\n"])
def test_a_line_that_goes_on_beyond_the_end_of_the_file_ends_there(text: str) -> None:
    (only,), _ = parse_requirements(text, "requirements.in")
    assert (str(only.requirement), only.location.line) == ("numpy>=2", 1)


def test_a_file_named_as_constraints_includes_constraints_only() -> None:
    _, includes = parse_requirements("-r more.txt\n", "bounds.txt", constraint=True)
    assert includes[0].constraint


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("-e .", "an editable requirement"),
        ("--editable=git+https://index.test/x", "an editable requirement"),
        ("--index-url https://user:secret@index.test/simple", "the option --index-url"),
        ("--extra-index-url=https://index.test", "the option --extra-index-url"),
        ("--pre", "the option --pre can't take part"),
        ("https://user:secret@index.test/x.whl", "is an address or a path"),
        ("git+ssh://git@index.test/x", "is an address or a path"),
        ("./wheels/x.whl", "is an address or a path"),
        (".", "is an address or a path"),
        ("six-1.17.0-py2.py3-none-any.whl", "is an address or a path"),
        ("C:\\wheels\\six-1.17.0.tar.gz", "is an address or a path"),
        ("x @ https://user:secret@index.test/x.whl", "x is required from an address"),
    ],
)
def test_what_can_t_take_part_in_a_lock_is_refused_without_showing_secrets(line: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        parse_requirements(f"six\n{line}\n", "requirements.in")
    assert str(caught.value).startswith("requirements.in:2: ")
    assert "secret" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "column"), [("numpy>>1", 6), ("numpy >= 1 2", 12), ("foo[bar", 8), ("a b", 3), ("!", 1)]
)
def test_a_malformed_requirement_is_named_with_line_and_column(line: str, column: int) -> None:
    with pytest.raises(InputError, match="is no requirement") as caught:
        parse_requirements(f"six\n{line}\n", "requirements.in")
    assert (caught.value.location.line, caught.value.location.column) == (2, column)


def test_wishes_about_tensorflow_are_parted_from_the_rest() -> None:
    wanted, _ = parse_requirements("tensorflow[and-cuda]>=2.15\nnumpy\ntensorflow\n", "requirements.in")
    wishes, extras, rest = split_tensorflow("2.20", wanted)
    assert [(str(wish.specifier), wish.said_by) for wish in wishes] == [
        ("==2.20.*", "--tensorflow"),
        (">=2.15", "requirements.in:1"),
    ]
    assert extras == {"and-cuda"}
    assert [one.name for one in rest] == ["numpy"]


def test_the_digest_depends_on_what_is_asked_and_not_on_its_order() -> None:
    numpy, pandas = parse_requirement("numpy>=1", HERE), parse_requirement("pandas", Location("a.in", 3))
    plain = Request(packages=(numpy, pandas))
    assert plain.digest() == Request(packages=(pandas, numpy), arguments=("numpy>=1",), files=("a.in",)).digest()
    others = [
        Request(packages=(numpy,)),
        Request(packages=(numpy, pandas), gpu="none"),
        Request(packages=(numpy, pandas), python="3.12"),
        Request(packages=(numpy, pandas), runtime="linux-cpu"),
        Request(packages=(numpy, pandas), tensorflow=(TensorflowWish(specifier=SpecifierSet("<3"), said_by="x"),)),
    ]
    digests = {plain.digest(), plain.digest("facts:1"), *(other.digest() for other in others)}
    assert len(digests) == 2 + len(others)


def test_the_command_is_spelled_with_long_names_and_quoted_for_the_shell() -> None:
    request = Request(
        tensorflow=(
            TensorflowWish(specifier=SpecifierSet("==2.20.*"), said_by="--tensorflow"),
            TensorflowWish(specifier=SpecifierSet("<3"), said_by="requirements.in:1"),
        ),
        gpu="Tesla T4",
        driver="535.104.05",
        cuda="wheels",
        python="3.12",
        runtime="linux-gpu",
        slim=True,
        arguments=("numpy>=1.26",),
        files=("requirements.in",),
    )
    assert lock_command(request, output="locks/gpu.txt") == (
        "tfbootstrap lock 'numpy>=1.26' --tensorflow=2.20 --requirement=requirements.in --runtime=linux-gpu "
        "--python=3.12 --driver=535.104.05 '--gpu=Tesla T4' --cuda=wheels --output-file=locks/gpu.txt --slim"
    )


@pytest.mark.parametrize(
    ("specifier", "spelled"),
    [
        ("==2.15.0.post1", "2.15.0.post1"),
        ("==2.22.0rc0", "2.22.0rc0"),
        ("==2.20.0", "2.20.0"),
        (">=2.16", "'--tensorflow=>=2.16'"),
    ],
)
def test_a_version_is_spelled_as_a_person_writes_it(specifier: str, spelled: str) -> None:
    wish = TensorflowWish(specifier=SpecifierSet(specifier), said_by="--tensorflow")
    assert lock_command(Request(tensorflow=(wish,))).endswith(spelled)


@pytest.mark.parametrize("secret", ["user:secret", "secret", "user:se@cret"])
def test_credentials_within_a_text_are_masked(secret: str) -> None:
    text = f"can't read https://{secret}@index.test/simple, nor git+ssh://{secret}@other.test (see a@b.test)"
    assert masked(text) == ("can't read https://***@index.test/simple, nor git+ssh://***@other.test (see a@b.test)")


def test_credentials_are_removed_from_addresses() -> None:
    assert (
        without_credentials("https://user:secret@index.test:8080/simple?token=1#x") == "https://index.test:8080/simple"
    )
