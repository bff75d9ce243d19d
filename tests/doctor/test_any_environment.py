"""Whatever is installed, and however odd its versions and requirements are: doctor answers, and always the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doctor.support import DRIVER, examined, healthy_inventory, library_folder, proven, tables
from tfbootstrap.facts import Distribution, DriverFacts, Gpu
from tfbootstrap.inventory import SharedFile

NAMES = sorted(
    {"tensorflow", "tensorflow-cpu", "tf-nightly", "keras", "tf-keras", "numpy", "protobuf", "setuptools", "pip"}
    | {row.name for row in tables().companions.rows}
    | {name for row in tables().known_bad.rows for name in row.packages}
)
VERSIONS = st.one_of(
    st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,2})?(rc[0-9]|\.dev[0-9]|\.post[0-9]|\+cu12)?", fullmatch=True),
    st.sampled_from(
        ["2.20.0", "2.21.0", "2.16.2", "2.10.1", "3.5.0", "9.12.0.46", "", "unknown", "1!2.0", "v2", "2.x"]
    ),
)
REQUIREMENTS = st.one_of(
    st.builds(lambda name, version: f"{name}>={version}", st.sampled_from(NAMES), st.sampled_from(["1", "2.0", "3"])),
    st.builds(lambda name, version: f"{name}=={version}", st.sampled_from(NAMES), VERSIONS),
    st.text(max_size=20),
    st.sampled_from(["x @ https://index.test/x", "numpy===1.0", "tensorflow; python_version<'3'", "a[b]~=1.0"]),
)
DISTRIBUTIONS = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(Distribution, version=VERSIONS, requires=st.lists(REQUIREMENTS, max_size=4).map(tuple)),
    max_size=12,
)
GPUS = st.lists(
    st.builds(
        Gpu,
        name=st.sampled_from(["Tesla T4", "NVIDIA H100", "x"]),
        compute_capability=st.sampled_from(["3.5", "6.0", "7.5", "9.0", "12.0", None]),
    ),
    max_size=3,
)
DRIVERS = st.sampled_from([None, DRIVER, DriverFacts(version="390"), DriverFacts(version="999.1")])
ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "CUDA_VISIBLE_DEVICES": st.text(max_size=4),
        "LD_LIBRARY_PATH": st.text(max_size=9),
        "KERAS_BACKEND": st.sampled_from(["jax", "", "odd"]),
        "TF_USE_LEGACY_KERAS": st.sampled_from(["0", "1", ""]),
        "PYTHONPATH": st.text(max_size=9),
    },
)


@settings(max_examples=100)
@given(
    DISTRIBUTIONS, GPUS, DRIVERS, ENVIRONMENTS, st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True)
)
def test_doctor_answers(
    distributions: dict[str, Distribution],
    gpus: list[Gpu],
    driver: DriverFacts | None,
    environment: dict[str, str],
    pair: list[str],
) -> None:
    facts = replace(
        proven("2.20.0-cp312-linux-cpu"),
        distributions=distributions,
        gpus=tuple(gpus),
        driver=driver,
        gpu_status="present" if gpus else "absent",
        environment=environment,
    )
    folder = library_folder(
        "/x", "LD_LIBRARY_PATH", "libcudnn.so.9", "libcudart.so.11.0", **{"libcudnn.so.8": "odd.so.x"}
    )
    inventory = healthy_inventory(
        facts,
        rivals=(tuple(sorted(pair)),) if set(pair) <= distributions.keys() else (),
        shared=(SharedFile(folder="/x", path="x", owners=tuple(sorted(pair))),),
        libraries=(folder,),
    )
    once, again = examined(facts, inventory), examined(facts, inventory)
    assert once == again
    assert all(finding.summary for finding in once.findings)
