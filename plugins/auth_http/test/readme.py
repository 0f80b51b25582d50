#!/usr/bin/env python3
"""What README.md says can be tried: readme.py ROOT BUILD

Takes server and configuration from plugins/auth_http/README.md, starts the server, the broker, and
checks who gets in and what `nanomqctl auth_http test` says. Exits with 0 if all is well.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT, BUILD = sys.argv[1:3]
sys.path.insert(0, ROOT + "/test/bench")
from auth_http_storm import Broker, PATIENCE, packet, text  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connack(port, user, password):
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as peer:
        peer.sendall(packet(0x10, text("MQTT") + b"\x04\xc2\0\0" + text("c1") + text(user)
                            + text(password)))
        return peer.recv(4)[3]


def main():
    with open(ROOT + "/plugins/auth_http/README.md") as file:
        blocks = re.findall(r"```(?:python)?\n(.*?)```", file.read(), re.S)
    port = free_port()
    script, conf = (block.replace("8080", str(port)) for block in blocks[:2])
    assert script.startswith("# server.py") and conf.startswith("# conf.d/auth_http.conf")
    server = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="readme") as folder:
        broker = Broker(BUILD, folder, conf)
        try:
            end = time.monotonic() + PATIENCE
            while True:  # until it listens
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert server.poll() is None and time.monotonic() < end, "no server"
                    time.sleep(0.02)

            def asked(*words):
                out = subprocess.run(broker.ctl + ["auth_http", "test", "--client=c1",
                                                   "--username=alice", *words, "--json",
                                                   "--control", broker.control],
                                     capture_output=True, text=True, timeout=PATIENCE, check=True)
                return json.loads(out.stdout)["verdict"]

            found = [asked("--password=secret"), asked("--password=wrong"),
                     asked("--topic=bob/door", "--access=publish"), asked("--topic=alice/door"),
                     connack(broker.port, "alice", "secret"), connack(broker.port, "alice", "no"),
                     connack(broker.port, "bob", "secret")]
            wanted = ["allow", "deny", "deny", "allow", 0, 5, 5]
            assert found == wanted, f"{found}, not {wanted}"
            assert broker.end() == 0, broker.said()
        finally:
            server.kill()
            broker.process.kill()


main()
