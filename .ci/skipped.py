"""Fails when a test was skipped in every run that has it: such a test checks nothing. Arguments: JUnit reports."""

import sys
import xml.etree.ElementTree as ElementTree

ran, skipped = set(), {}
for report in sys.argv[1:]:
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        reason = case.find("skipped")
        if reason is None:
            ran.add(name)
        else:
            skipped[name] = reason.get("message")
nowhere = {name: reason for name, reason in skipped.items() if name not in ran}
for name, reason in sorted(nowhere.items()):
    print(f"skipped everywhere: {name}: {reason}")
print(f"{len(ran)} passed, {len(nowhere)} failed")
sys.exit(bool(nowhere))
