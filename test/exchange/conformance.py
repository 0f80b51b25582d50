#!/usr/bin/env python3
"""Checks that every statement of MQTT that binds a server has a test, numbered or not.

    conformance.py REPOSITORY

Reads statements.txt (the numbers), CONFORMANCE.md (the tests of each) and the test sources. Exit
status 0, or 1 with one line for each thing that is wrong.
"""

import pathlib
import re
import sys

LIST_LINE = re.compile(r"(\S+)\s+(MQTT-[\d.]+-\d+)\s+(server|both|client|non-testable)\s+(\S.*)")
TABLE_LINE = re.compile(r"\| (MQTT-[\d.]+-\d+) \| (\S+) \| (.*?) \| (.*) \|$")
ROW = re.compile(r"\| (?!versions|section|---)(.*) \|$")  # of the sections below
TEST = re.compile(r"`(\w+)::(\w+)`")
NUMBERS = {"5.0": 251, "3.1.1": 141}  # as the two standards count them
ROWS = {"Without a number": 85, "MQTT 3.1": 18}  # nobody else counts these


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


def read_rows(path, wrong):
    """[(what, [(suite, test)])] by section, of those without numbers."""
    rows = {section: [] for section in ROWS}
    section = None
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if section not in rows or not (match := ROW.fullmatch(line)):
            continue
        cells = match[1].split(" | ")
        rows[section].append((f"{section}: {cells[-2]}", TEST.findall(cells[-1])))
    for section, count in ROWS.items():
        if len(rows[section]) != count:
            wrong.append(f"{section}: {len(rows[section])} rows instead of {count}")
    return rows


def speaks_3_1(text, test):
    """Whether a test names version 3.1, itself or among kVersions."""
    body = re.search(rf"void\s+{test}\(\).*?\n    }}\n", text, re.DOTALL)
    return bool(body and re.search(r"kVersions|v3_1\b|MQIsdp", body[0]))


def read_tests(root):
    """Of each (suite, test) that is registered in a source file that CMake knows, whether it is
    held in version 3.1."""
    tests = {}
    for folder in ("test", "plugins"):
        for source in (root / folder).rglob("*Test.cpp"):
            listed = source.parent / "CMakeLists.txt"
            if not listed.exists() or source.name not in listed.read_text():
                continue
            text = source.read_text()
            suite = None
            for line in text.splitlines():
                if match := re.search(r"CPPUNIT_TEST_SUITE\((\w+)\)", line):
                    suite = match[1]
                elif match := re.search(r"CPPUNIT_TEST\((\w+)\)", line):
                    tests[suite, match[1]] = "3_1" in suite or speaks_3_1(text, match[1])
    return tests


def check_tests(where, named, tests, wrong):
    if not named:
        wrong.append(f"{where}: no test")
    for test in named:
        if test not in tests:
            wrong.append(f"{where}: there is no test {test[0]}::{test[1]}")


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
        check_tests(where, named, tests, wrong)
    rows = read_rows(folder / "CONFORMANCE.md", wrong)
    for where, named in (row for section in rows.values() for row in section):
        check_tests(where, named, tests, wrong)
    for where, named in rows["MQTT 3.1"]:
        for test in named:
            if not tests.get(test, True):
                wrong.append(f"{where}: {test[0]}::{test[1]} is not held in 3.1")
    named = {test for _, named in table.values() for test in named}
    named.update(test for section in rows.values() for _, tests in section for test in tests)
    return wrong, len(needed) + sum(ROWS.values()), len(named)


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
