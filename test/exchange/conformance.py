#!/usr/bin/env python3
"""Checks that every numbered statement of MQTT that binds a server has a test.

    conformance.py REPOSITORY

Reads statements.txt (the numbers), CONFORMANCE.md (the tests of each) and the test sources. Exit
status 0, or 1 with one line for each thing that is wrong.
"""

import pathlib
import re
import sys

LIST_LINE = re.compile(r"(\S+)\s+(MQTT-[\d.]+-\d+)\s+(server|both|client|non-testable)\s+(\S.*)")
TABLE_LINE = re.compile(r"\| (MQTT-[\d.]+-\d+) \| (\S+) \| (.*?) \| (.*) \|$")
TEST = re.compile(r"`(\w+)::(\w+)`")
NUMBERS = {"5.0": 251, "3.1.1": 141}  # as the two standards count them


def read_statements(path, wrong):
    """Whom each statement binds, by (version, number)."""
    statements = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        match = LIST_LINE.fullmatch(line)
        if not match:
            wrong.append(f"{path.name}: not understood: {line}")
        elif match[1] not in NUMBERS:
            wrong.append(f"{path.name}: unknown version: {line}")
        elif (match[1], match[2]) in statements:
            wrong.append(f"{path.name}: {match[1]} {match[2]} twice")
        else:
            statements[match[1], match[2]] = match[3]
    for version, count in NUMBERS.items():
        found = sum(1 for key in statements if key[0] == version)
        if found != count:
            wrong.append(f"{path.name}: {found} statements of {version} instead of {count}")
    return statements


def read_table(path, wrong):
    """(whom it binds, [(suite, test)]) by (version, number)."""
    table = {}
    version = None
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            version = line.removeprefix("## MQTT ")
        if not line.startswith("| MQTT-"):
            continue
        match = TABLE_LINE.fullmatch(line)
        if not match:
            wrong.append(f"{path.name}: not understood: {line}")
        elif (version, match[1]) in table:
            wrong.append(f"{path.name}: {version} {match[1]} twice")
        else:
            table[version, match[1]] = match[2], TEST.findall(match[4])
    return table


def read_tests(root):
    """Every (suite, test) that is registered in a source file that CMake knows."""
    tests = set()
    for folder in ("test", "plugins"):
        for source in (root / folder).rglob("*Test.cpp"):
            listed = source.parent / "CMakeLists.txt"
            if not listed.exists() or source.name not in listed.read_text():
                continue
            suite = None
            for line in source.read_text().splitlines():
                if match := re.search(r"CPPUNIT_TEST_SUITE\((\w+)\)", line):
                    suite = match[1]
                elif match := re.search(r"CPPUNIT_TEST\((\w+)\)", line):
                    tests.add((suite, match[1]))
    return tests


def check(root):
    wrong = []
    folder = root / "test" / "exchange"
    statements = read_statements(folder / "statements.txt", wrong)
    table = read_table(folder / "CONFORMANCE.md", wrong)
    tests = read_tests(root)
    needed = {key: binds for key, binds in statements.items() if binds in ("server", "both")}
    for version, number in sorted(needed.keys() - table.keys()):
        wrong.append(f"{version} {number}: no line in CONFORMANCE.md")
    for version, number in sorted(table.keys() - needed.keys()):
        wrong.append(f"{version} {number}: in CONFORMANCE.md, but no statement that binds a server")
    for key in sorted(table.keys() & needed.keys()):
        binds, named = table[key]
        where = f"{key[0]} {key[1]}"
        if binds != needed[key]:
            wrong.append(f"{where}: binds {needed[key]}, not {binds}")
        if not named:
            wrong.append(f"{where}: no test")
        for test in named:
            if test not in tests:
                wrong.append(f"{where}: there is no test {test[0]}::{test[1]}")
    return wrong, len(needed), len({test for _, named in table.values() for test in named})


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    wrong, statements, tests = check(pathlib.Path(sys.argv[1]))
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    print(f"{statements} statements are held up by {tests} tests")


if __name__ == "__main__":
    main()
