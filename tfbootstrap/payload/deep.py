"""Compares every installed file with its recorded hash."""

from typing import Dict, List

from tfbootstrap.payload.distributions import installed_distributions, read_record
from tfbootstrap.payload.hashes import has_hash
from tfbootstrap.payload.judge import Check
from tfbootstrap.payload.verify import own_and_others


def check_records(pins: Dict[str, str]) -> List[Check]:
    """Check that distributions list their files, and that each file has its recorded hash."""
    changed: Dict[bool, List[str]] = {True: [], False: []}
    for distribution in installed_distributions():
        record = read_record(distribution)
        bad = [path for path, digest in record or [] if not has_hash(distribution.folder, path, digest)]
        bad += [distribution.info + "/RECORD is missing"] * (record is None)
        changed[distribution.name in pins] += bad
    hint = "remove what is named and run the bootstrap again: it reinstalls what is missing"
    return own_and_others("record", changed[True], changed[False], "files as recorded", hint)
