#!/usr/bin/env python3
"""Fails on an #include that points the wrong way.

  layers.py includes ROOT                reads every #include of the tree at ROOT
  layers.py self-check                   makes a small tree with wrong includes; each must be told
  layers.py roots ROOT COMPILER LIST     asks the compiler what it sees from each layer's include
                                         roots; LIST has lines "layer;root;root..."
  layers.py c-headers ROOT COMPILER      the SDK's C headers compile as C

The arrows, left to right "may include": README.md, "The house".
"""

import os
import re
import subprocess
import sys
import tempfile

# What each part may include besides itself.
ARROWS = {
    "base": [],
    "wire": ["base"],
    "topic": ["base", "wire"],
    "session": ["base", "wire", "topic"],
    "net": ["base"],
    "hook": ["base", "sdk"],
    "sandbox": ["base", "sdk", "hook"],
    "plugin": ["base", "sdk", "hook", "config", "sandbox"],
    "config": ["base"],
    "control": ["base"],
    "broker": ["base", "wire", "topic", "session", "net", "hook", "config", "sdk"],
    "nanomqctl": ["base", "wire", "control", "credentials"],
    "credentials": ["sdk"],  # the password file, for nanomqctl and the plugins that read it
    "http": [],  # an HTTP client for plugins
    "sdk": [],
}
LAYERS = [part for part in ARROWS if part not in ("nanomqctl", "sdk", "credentials", "http")]
ARROWS["app"] = LAYERS + ["sdk"]  # the pieces of main.cpp
ARROWS["main.cpp"] = LAYERS + ["app", "sdk"]  # builds every object

# No I/O in these: time and bytes come in as arguments.
WITHOUT_SOCKETS = ["base", "wire", "topic", "session", "hook"]
SOCKET_HEADER = re.compile(r"^(sys/(socket|epoll|un|select)\.h|poll\.h|sys/poll\.h|netdb\.h"
                           r"|(netinet|arpa)/.*|Poco/Net/.*)$")

SOURCE_NAME = re.compile(r"\.(h|hpp|c|cc|cpp|inl)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]*)"|<([^>]*)>|(\S.*))')


def part_of(path):
    """The part that a file belongs to, by its path from the root; None for tests and the like."""
    folders = path.split("/")
    if folders[0] == "kernel":
        return folders[1] if len(folders) > 2 else "main.cpp"
    if folders[0] == "plugins" and len(folders) > 2:
        return "plugins/" + folders[1]
    if folders[0] == "sdk" and len(folders) > 3 and folders[1] == "examples":
        return "sdk/examples/" + folders[2]
    if folders[0] == "sdk" and len(folders) > 2 and folders[1] == "template":
        return "sdk/template"
    if folders[0] in ("sdk", "nanomqctl", "credentials", "http"):
        return folders[0]
    return None


def allowed_for(part):
    """What a part may include besides itself. Plugins, examples and the template see the SDK."""
    ours = part.startswith("plugins/")
    return ARROWS.get(part, ["sdk", "credentials", "http"] if ours else ["sdk"])


def resolve(root, path, name, quoted):
    """The file of ours, by its path from the root, that an #include in `path` means; or None."""
    folder = os.path.dirname(path)
    candidates = [os.path.join(folder, name)] if quoted else []
    own = part_of(path)
    if own and os.path.isdir(os.path.join(root, own)):
        candidates += [os.path.join(own, sub, name) for sub in ("", "src", "include")]
    roots = ("kernel", "sdk/include", "plugins", "test", "")
    candidates += [os.path.join(base, name) for base in roots]
    for candidate in candidates:
        candidate = os.path.normpath(candidate)
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def complaint(root, path, name, quoted):
    """Why `path` must not include `name`, or None."""
    part = part_of(path)
    if part in WITHOUT_SOCKETS and SOCKET_HEADER.match(name):
        return f"{part} does no I/O, but includes <{name}>"
    if ".." in name.split("/"):
        return f'"{name}" climbs out of its folder; include by layer or from the part\'s own root'
    target = resolve(root, path, name, quoted)
    other = part_of(target) if target else None
    if other is None or other == part or other in allowed_for(part):
        return None
    may = ", ".join(allowed_for(part)) or "nothing else of ours"
    return f'{part} includes "{name}", which is {other}\'s; {part} may include: {may}'


def sources(root):
    for top in ("credentials", "http", "kernel", "nanomqctl", "plugins", "sdk"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if SOURCE_NAME.search(name):
                    yield os.path.relpath(os.path.join(folder, name), root)


def wrong_includes(root):
    """Yields (file, line, why), and checks on the way what CMake says the layers use."""
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                quoted, angled, computed = match.groups()
                if computed:
                    yield path, number, f"#include {computed.strip()} cannot be checked"
                    continue
                why = complaint(root, path, quoted or angled, quoted is not None)
                if why:
                    yield path, number, why
    for layer in LAYERS + ["app"]:
        yield from wrong_uses(root, layer)


def wrong_uses(root, layer):
    """The USES of nanomq_add_layer() must not be wider than the arrows."""
    path = f"kernel/{layer}/CMakeLists.txt"
    if not os.path.isfile(os.path.join(root, path)):
        return
    with open(os.path.join(root, path), encoding="utf-8") as file:
        text = file.read()
    for call in re.finditer(r"nanomq_add_layer\(\s*(\w+)([^)]*)\)", text):
        words = call.group(2).split()
        words = words[words.index("USES") + 1:] if "USES" in words else []
        for word in words:
            if word in ("SOURCES", "LINKS"):
                break
            if word not in allowed_for(call.group(1)):
                line = text.count("\n", 0, call.start()) + 1
                yield path, line, f"{call.group(1)} USES {word}, against the arrows"


def report(root):
    found = list(wrong_includes(root))
    for path, line, why in found:
        print(f"{path}:{line}: {why}")
    return found


def check_includes(root):
    count = sum(1 for _ in sources(root))
    if count == 0:
        sys.exit(f"no source under {root}: this test would always pass")
    if report(root):
        sys.exit(1)
    print(f"{count} files, every arrow points the right way")


# The self-check's tree: headers, and sources that include them rightly and wrongly.
HEADERS = """
kernel/base/Bytes.h
kernel/wire/Packets.h
kernel/topic/TopicFilter.h
kernel/session/Session.h
kernel/net/EventLoop.h
kernel/hook/HookBus.h
kernel/plugin/PluginHost.h
kernel/config/Settings.h
kernel/control/Control.h
kernel/broker/Broker.h
sdk/include/nanomq/plugin.h
plugins/bridge/src/Bridge.h
plugins/webhook/src/Webhook.h
nanomqctl/Verbs.h
"""

RIGHT = """
kernel/wire/Right.cpp "base/Bytes.h"
kernel/topic/Right.cpp "wire/Packets.h"
kernel/session/Right.cpp "topic/TopicFilter.h"
kernel/net/Right.cpp <sys/socket.h>
kernel/hook/Right.cpp "nanomq/plugin.h"
kernel/plugin/Right.cpp "hook/HookBus.h"
kernel/plugin/Right2.cpp "config/Settings.h"
kernel/broker/Right.cpp "net/EventLoop.h"
kernel/control/Right.cpp <sys/un.h>
kernel/main.cpp "plugin/PluginHost.h"
nanomqctl/Right.cpp "Verbs.h"
nanomqctl/Right2.cpp "wire/Packets.h"
plugins/webhook/src/Right.cpp "Webhook.h"
plugins/webhook/src/Right2.cpp <nanomq/plugin.h>
plugins/webhook/test/Right.cpp "Webhook.h"
kernel/session/Right2.cpp <vector>
"""

WRONG = """
kernel/base/Wrong.cpp "wire/Packets.h"
kernel/wire/Wrong.cpp "topic/TopicFilter.h"
kernel/topic/Wrong.cpp "session/Session.h"
kernel/topic/Wrong2.cpp "net/EventLoop.h"
kernel/session/Wrong.cpp "broker/Broker.h"
kernel/net/Wrong.cpp "wire/Packets.h"
kernel/hook/Wrong.cpp "wire/Packets.h"
kernel/hook/Wrong2.cpp "plugin/PluginHost.h"
kernel/plugin/Wrong.cpp "broker/Broker.h"
kernel/broker/Wrong.cpp "plugin/PluginHost.h"
kernel/broker/Wrong2.cpp "control/Control.h"
kernel/control/Wrong.cpp "broker/Broker.h"
kernel/config/Wrong.cpp "net/EventLoop.h"
kernel/topic/Wrong3.cpp "../net/EventLoop.h"
kernel/base/Wrong2.cpp "kernel/net/EventLoop.h"
kernel/net/Wrong2.cpp "bridge/src/Bridge.h"
kernel/wire/Wrong2.cpp <sys/socket.h>
kernel/topic/Wrong4.cpp <sys/epoll.h>
kernel/session/Wrong2.cpp <netinet/tcp.h>
kernel/hook/Wrong3.cpp <arpa/inet.h>
kernel/session/Wrong3.cpp <Poco/Net/StreamSocket.h>
kernel/wire/Wrong3.cpp PACKETS_HEADER
nanomqctl/Wrong.cpp "config/Settings.h"
nanomqctl/Wrong2.cpp "nanomq/plugin.h"
plugins/webhook/src/Wrong.cpp "base/Bytes.h"
plugins/webhook/src/Wrong2.cpp "bridge/src/Bridge.h"
plugins/webhook/src/Wrong3.cpp "../../bridge/src/Bridge.h"
plugins/webhook/test/Wrong.cpp "session/Session.h"
sdk/include/nanomq/Wrong.h "base/Bytes.h"
sdk/examples/hello/Wrong.cpp "wire/Packets.h"
"""


def self_check():
    """Every line of WRONG must be told, none of RIGHT."""
    right = [line.split(" ") for line in RIGHT.split("\n") if line]
    wrong = [line.split(" ") for line in WRONG.split("\n") if line]
    with tempfile.TemporaryDirectory() as root:
        def write(path, text):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)

        for header in HEADERS.split():
            write(header, "#pragma once\n")
        for path, name in right + wrong:
            write(path, f"// a line before it\n#  include {name}\n")
        write("kernel/net/CMakeLists.txt", "nanomq_add_layer(net\n    USES base wire LINKS Poco::Net)")
        write("kernel/base/CMakeLists.txt", "nanomq_add_layer(base SOURCES a.cpp LINKS Poco::Util)")

        expected = {(path, 2) for path, _ in wrong} | {("kernel/net/CMakeLists.txt", 1)}
        found = {(path, line) for path, line, _ in report(root)}
    for path, line in sorted(expected - found):
        print(f"not told: {path}:{line}")
    for path, line in sorted(found - expected):
        print(f"told without reason: {path}:{line}")
    if found != expected:
        sys.exit(1)
    print(f"all {len(expected)} wrong ones were told, and none of the {len(right)} right ones")


def sees(compiler, roots, header):
    """Whether the compiler finds `header` from these include roots."""
    text = f'#if !__has_include("{header}")\n#error not found\n#endif\n'
    done = subprocess.run([compiler, "-std=c++20", "-x", "c++", "-E", "-o", "/dev/null", "-"]
                          + ["-I" + root for root in roots],
                          input=text, text=True, capture_output=True, check=False, timeout=60)
    if done.returncode != 0 and "#error not found" not in done.stderr:
        sys.exit(f"{compiler} failed:\n{done.stderr}")
    return done.returncode == 0


def check_roots(root, compiler, list_file):
    """From each layer's include roots, the compiler finds the headers of the layers that it may
    use, and those of no other."""
    def some_header(part):
        folder = os.path.join(root, "sdk/include/nanomq" if part == "sdk" else f"kernel/{part}")
        names = sorted(name for name in os.listdir(folder) if name.endswith(".h"))
        return f"{'nanomq' if part == 'sdk' else part}/{names[0]}" if names else None

    headers = {part: some_header(part) for part in LAYERS + ["app", "sdk"]}
    headers = {part: header for part, header in headers.items() if header}
    checked = failures = 0
    with open(list_file, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    for line in lines:
        layer, *roots = line.split(";")
        for part, header in headers.items():
            found = sees(compiler, roots, header)
            wanted = part == layer or part in allowed_for(layer)
            checked += 1
            if found == wanted:
                continue
            failures += 1
            print(f'{layer}: "{header}" {"can" if found else "cannot"} be included from its roots')
    if checked == 0 or not lines:
        sys.exit("no layer to check: this test would always pass")
    if failures:
        sys.exit(1)
    print(f"{checked} pairs of layers: the compiler sees what the arrows allow, and no more")


def check_c_headers(root, compiler):
    folder = os.path.join(root, "sdk/include/nanomq")
    headers = [name for name in ("abi.h", "c.h") if os.path.isfile(os.path.join(folder, name))]
    if not headers:
        sys.exit(f"{folder} has no C header: this test would always pass")
    for header in headers:
        text = f'#include "nanomq/{header}"\n'
        subprocess.run([compiler, "-x", "c", "-std=c11", "-Wall", "-Wextra", "-Werror",
                        "-fsyntax-only", "-I" + os.path.join(root, "sdk/include"), "-"],
                       input=text, text=True, check=True, timeout=60)
    print(f"compile as C11: {', '.join(headers)}")


COMMANDS = {"includes": check_includes, "self-check": self_check, "roots": check_roots,
            "c-headers": check_c_headers}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
