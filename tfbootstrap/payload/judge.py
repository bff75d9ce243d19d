"""Whether a runtime is one that a lock serves: compares facts with the lock's ranges. Pure."""

import re
from typing import Any, Dict, Iterable, List, Tuple

Check = Dict[str, str]
"""One thing that was checked: `id`, `status` (pass, fail, warn, skip), `expected`, `found`, `hint`."""

_CODE = re.compile(r"(?:(sm|compute)_)?(\d+)\.?(\d)([a-z]?)$")


def make_check(name: str, status: str, found: str = "", expected: str = "", hint: str = "") -> Check:
    """Return one check; every key is always there."""
    return {"id": name, "status": status, "expected": expected, "found": found, "hint": hint}


def make_verdict(name: str, fits: bool, found: str, expected: str, hint: str, otherwise: str = "fail") -> Check:
    """Return a check that passes, or else fails (or warns) and hints."""
    return make_check(name, "pass", found, expected) if fits else make_check(name, otherwise, found, expected, hint)


def version_numbers(version: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version: `525.60.13` -> (525, 60, 13)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def version_at_least(version: str, floor: str) -> bool:
    """Say whether a version is not older than a floor, number by number: 2.10 is newer than 2.9."""
    have, need = version_numbers(version), version_numbers(floor)
    return have + (0,) * (len(need) - len(have)) >= need


def driver_serves(driver: str, floor: str) -> bool:
    """Say whether an NVIDIA driver is new enough."""
    return version_at_least(driver, floor)


def code_for(capability: str, codes: Iterable[str]) -> str:
    """Return what a build has for a GPU: `binary`, `ptx` (compiled by the driver at first use) or `none`.

    `sm_XY` is binary code for that major from that minor up; `compute_XY` is that and PTX for everything from X.Y up.
    A letter at the end (`sm_90a`) means that very capability only.
    """
    wanted = tuple(int(part) for part in capability.split("."))
    best = "none"
    for code in codes:
        match = _CODE.match(code)
        if not match:
            continue
        kind, major, minor, exact = match.groups()
        built = (int(major), int(minor))
        if wanted == built or (not exact and wanted[0] == built[0] and wanted >= built):
            return "binary"
        if kind == "compute" and not exact and wanted >= built:
            best = "ptx"
    return best


def judge_runtime(lock: Dict[str, Any], facts: Dict[str, Any]) -> List[Check]:
    """Compare the facts of a runtime with what a lock was made for; any `fail` means: do not install here."""
    checks = [_judge_python(lock, facts), _judge_platform(lock, facts)]
    if lock["libc"]:
        checks.append(_judge_libc(lock["libc"], facts["platform"].get("libc")))
    if lock["host"]:
        checks.append(_judge_image(name_image(lock["host"]), name_image(facts["host"])))
    if lock["cuda"]["provider"] == "none":
        return checks + _judge_unused_gpu(facts)
    checks.append(_judge_hardware(lock, facts))
    if lock["cuda"]["driver_floor"] and facts["gpu_status"] == "present":
        checks.append(_judge_driver(lock["cuda"], facts.get("driver")))
    return checks


def _judge_python(lock: Dict[str, Any], facts: Dict[str, Any]) -> Check:
    expected, found = lock["python"], facts["python"]["version"]
    hint = (
        "run this with Python {0}; or make a lock for this one: tfbootstrap lock --python {1}.{2}; or let a notebook "
    )
    hint = (hint + "have both: tfbootstrap cell --isolate").format(expected, *version_numbers(found))
    return make_verdict("python", version_numbers(found)[:2] == version_numbers(expected)[:2], found, expected, hint)


def _judge_platform(lock: Dict[str, Any], facts: Dict[str, Any]) -> Check:
    expected, found = ("{system} {machine}".format(**one) for one in (lock, facts["platform"]))
    return make_verdict("platform", found == expected, found, expected, "make a lock on this machine: tfbootstrap lock")


def _judge_libc(expected: str, found: str) -> Check:
    if not found:
        hint = "if the installation fails, the system's C library is too old for these wheels"
        return make_check("libc", "warn", "unknown", expected, hint)
    (family, floor), (own_family, own) = expected.split(" "), found.split(" ")
    fits = family == own_family and version_at_least(own, floor)
    hint = "use a newer system or image, or make a lock for this one: tfbootstrap lock"
    return make_verdict("libc", fits, found, expected + " or newer", hint)


def _judge_image(expected: str, found: str) -> Check:
    hint = f"locked on {expected}, and this is another runtime; if the rest passes, it serves, too"
    if found.split(" ", maxsplit=1)[0] == expected.split(" ", maxsplit=1)[0]:
        age = "newer" if found > expected else "older"
        hint = f"locked on {expected}, and this is {age}; if the rest passes, it serves, too; for another version see "
        hint += "Runtime > Change runtime type"
    return make_verdict("image", found == expected, found, expected, hint, "warn")


def name_image(host: Dict[str, Any]) -> str:
    """Return `colab 2026.07`, from that version or from the day in `release-colab_20260714-060047_RC00`."""
    month = re.search(r"(20\d\d)\.?(\d\d)", host["release"] or "")
    return "{} {}.{}".format(host["kind"], *month.groups()) if month else host["kind"]


def _judge_unused_gpu(facts: Dict[str, Any]) -> List[Check]:
    if facts["gpu_status"] != "present":
        return []
    hint = "this lock leaves the GPU unused; for one that uses it: tfbootstrap lock --gpu auto"
    return [make_check("hardware", "warn", _gpu_names(facts["gpus"]), "no GPU", hint)]


def _judge_hardware(lock: Dict[str, Any], facts: Dict[str, Any]) -> Check:
    expected, status = _gpu_names(lock["gpus"]) or "a GPU", facts["gpu_status"]
    if status == "unknown":
        found = "could not ask: " + facts.get("unknown", {}).get("gpus", "no source answered")
        return make_check("hardware", "warn", found, expected, "run nvidia-smi to see what is there")
    if status == "broken":
        found = "the driver does not answer: " + facts.get("unknown", {}).get("gpus", "no reason given")
        return make_check(
            "hardware", "fail", found, expected, "reboot or reinstall the driver until nvidia-smi answers"
        )
    if status != "present":
        hint = "choose a machine or runtime type with a GPU, or make a CPU lock: tfbootstrap lock --gpu none"
        return make_check("hardware", "fail", "no GPU", expected, hint)
    return _judge_gpus(lock, facts["gpus"], expected)


def _judge_gpus(lock: Dict[str, Any], gpus: List[Dict[str, Any]], expected: str) -> Check:
    found, codes = _gpu_names(gpus), lock["cuda"]["capabilities"]
    known = [gpu for gpu in gpus if gpu.get("compute_capability") and codes]
    verdicts = {gpu["name"]: code_for(gpu["compute_capability"], codes) for gpu in known}
    without, slow = (sorted(name for name in verdicts if verdicts[name] == code) for code in ("none", "ptx"))
    status, hint = "warn", "the lock was made for another GPU; this one serves, too"
    if without:
        status = "fail" if len(without) == len({gpu["name"] for gpu in gpus}) else "warn"
        hint = "TensorFlow {} has no code for {}; find one that has: tfbootstrap explain".format(
            lock["tensorflow"], ", ".join(without)
        )
    elif slow:
        hint = "kernels for {} are compiled at first use, which can take half an hour".format(", ".join(slow))
    fits = not (without or slow) and (not lock["gpus"] or found == expected)
    return make_verdict("hardware", fits, found, expected, hint, status)


def _judge_driver(cuda: Dict[str, Any], driver: Any) -> Check:
    expected, version = cuda["driver_floor"] + " or newer", (driver or {}).get("version")
    if not version:
        return make_check("driver", "warn", "unknown", expected, "run nvidia-smi to see the driver's version")
    hint = "update the NVIDIA driver, or make a lock for this one: tfbootstrap lock --driver " + version
    # A forward-compatibility package serves a CUDA that is newer than the kernel driver's own.
    served, built = (version_numbers(text or "")[:2] for text in (driver.get("cuda_version"), cuda["version"]))
    fits = (built and served >= built) or driver_serves(version, cuda["driver_floor"])
    return make_verdict("driver", bool(fits), version, expected, hint)


def _gpu_names(gpus: Iterable[Dict[str, Any]]) -> str:
    names = [gpu["name"] for gpu in gpus]
    counted = sorted((name, names.count(name)) for name in set(names))
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counted)
