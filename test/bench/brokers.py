"""Brokers to be measured: started, watched and stopped; and the programs that load them.

Shared by compare and curves. Python's standard library only.
"""

import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

MOSQUITTO_CONF = """\
# Loopback, no limits on queues, nothing on disk, no log. Nagle's algorithm stays on, as it is by
# default: mosquitto sends every message by itself, and Nagle makes up for that under load.
listener {port} 127.0.0.1
listener {tls_port} 127.0.0.1
certfile {cert}
keyfile {key}
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_keepalive 65535
persistence false
log_type none
"""

NANOMQ = ("{build}/bin/nanomq --conf-dir {dir} --plugin-dir {dir} --state-dir {dir}/state"
          " --control {dir}/control --url nmq-tcp://127.0.0.1:{port}"
          " --url tls+nmq-tcp://127.0.0.1:{tls_port} --set tls.certfile={cert}"
          " --set tls.keyfile={key}")
MOSQUITTO = "{mosquitto} -c {mosquitto_conf}"


class BrokerFailed(Exception):
    """A broker or a load did not do what it should: why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_mosquitto():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Certificate:
    """A self-signed one, made once for a run."""

    def __init__(self, folder):
        self.cert, self.key = str(folder / "cert.pem"), str(folder / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out",
                        self.cert, "-days", "2", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        os.chmod(self.key, 0o644)  # mosquitto gives up root before it reads it


class Broker:
    """A broker process with a folder of its own, from its start to its end."""

    def __init__(self, command, build, certificate, cpus=None):
        self.port, self.tls_port = free_port(), free_port()
        # mosquitto gives up root, and then must be able to read its folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nmqb"))
        os.chmod(self.folder, 0o755)
        values = {"port": self.port, "tls_port": self.tls_port, "dir": self.folder,
                  "build": build, "cert": certificate.cert, "key": certificate.key,
                  "mosquitto": find_mosquitto(), "root": ROOT}
        conf = self.folder / "mosquitto.cfg"  # not .conf: that would be a plugin of ours
        conf.write_text(MOSQUITTO_CONF.format(**values), encoding="utf-8")
        values["mosquitto_conf"] = conf
        self.has_tls = "{tls_port}" in command or "{mosquitto_conf}" in command
        words = [re.sub(r"\{(\w+)\}", lambda m: str(values[m.group(1)]), word)
                 for word in shlex.split(command)]
        self.log = open(self.folder / "log", "w+", encoding="utf-8", errors="replace")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.stop()
            raise
        self.start_ms = (time.monotonic() - begin) * 1000

    def _wait_until_it_listens(self):
        end = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise BrokerFailed("the broker does not start: " + self.said())
            time.sleep(0.002)

    def said(self):
        self.log.seek(0)
        return self.log.read()[-500:].strip()

    def status(self, name):
        """A line of /proc/PID/status, in KiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{name}:\s*(\d+)", text, re.M).group(1))

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def cpu_ticks():
    """Busy ticks of the whole machine, and all ticks."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def run_load(arguments, build, broker, tls=False):
    """Runs `bench KIND ...` of nanomqctl, or `broker_load QUESTION ...`: its report."""
    words = shlex.split(arguments)
    common = ["--port", str(broker.tls_port if tls else broker.port),
              "--broker-pid", str(broker.process.pid)]
    if words[0] == "bench":
        command = [f"{build}/bin/nanomqctl"] + words + common + ["--json"]
        command += ["--ssl"] if tls else []
    else:
        command = [f"{build}/test/broker_load"] + words + common
    before = cpu_ticks()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired as late:
        raise BrokerFailed("the load does not end: " + " ".join(command)) from late
    after = cpu_ticks()
    if broker.process.poll() is not None:
        raise BrokerFailed(f"the broker has ended, status {broker.process.returncode}")
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise BrokerFailed(done.stderr.strip()[-300:] or "no report") from None
    if done.returncode != 0:
        wrong = {key: report[key] for key in ("lost", "duplicates", "reordered", "strange",
                                              "refused", "failures", "last_failure")
                 if report.get(key)}
        raise BrokerFailed(done.stderr.strip()[-300:] or f"the load found: {wrong}")
    if report.get("bench") == "pair" and not (dig(report, "received_per_s") and
                                              dig(report, "broker.cpu_us_per_op")):
        raise BrokerFailed("the broker got no time to work in the measured seconds: a busy machine?")
    report["machine_cores"] = (after[0] - before[0]) / max(1, after[1] - before[1]) * os.cpu_count()
    return report


def dig(report, path):
    """report["a"]["b"] for "a.b"; None where there is none."""
    for key in path.split("."):
        report = report.get(key) if isinstance(report, dict) else None
    return report if isinstance(report, (int, float)) else None


def median(values):
    return statistics.median(values) if values else None


def human(value):
    """Three digits."""
    if value is None:
        return "–"
    for limit, unit in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / {'M': 1e6, 'k': 1e3}[unit]:.3g}{unit}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine():
    """One line about where this was measured."""
    name = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return f"{name}, {os.cpu_count()} cores, Linux {os.uname().release}, commit {commit or '?'}"
