"""What the guest's steps have said on the console."""

import re

_STEP = re.compile(r"\bSTEP (\S+) (ok|FAIL:?)(.*)")


def failed(text, names):
    """The first step that is not ok as often as it is named, with what it said; None if all are."""
    said = [found.groups() for found in _STEP.finditer(text)]
    for name, result, words in said:
        if result != "ok":
            return f"{name} failed:{words}"
    missing = list(names)
    for name, _, _ in said:
        if name in missing:
            missing.remove(name)
    return f"{missing[0]} never came to its end" if missing else None


def words(text, name):
    """What was said each time when the step was ok."""
    return [said.strip() for step, result, said in _STEP.findall(text)
            if step == name and result == "ok"]  # fmt: skip
