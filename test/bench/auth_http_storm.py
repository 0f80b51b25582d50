#!/usr/bin/env python3
"""Does an authentication server in trouble hurt those who are connected?

  auth_http_storm.py --build BUILD              the benchmark: 10,000 devices, a pool of 256
  auth_http_storm.py --build BUILD --small      the same as a test, in some seconds

Devices come back, all at once and with back-off as devices do, while the HTTP server of the plugin
auth_http first works, then takes 2 s for an answer, resets its connections, is gone, and recovers.
All the while one client publishes with QoS 1 to another. Printed for each phase: how many devices got
in, the most requests at a time, and p50, p99 and the longest time of a message from PUBLISH to its
recipient (which includes this program's own share of the processor: compare phases of one run).

Fails when more requests than pool_size were made at a time, when a message is lost, or when not all
devices are connected 3 minutes after the server has recovered.
"""

import argparse
import asyncio
import collections
import json
import multiprocessing
import os
import platform
import random
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 180  # seconds, for whatever must come


# --- the HTTP server, a process of its own ---------------------------------------------------------

class AuthServer:
    """Says yes to everybody, as its mode wants. Commands come by a pipe, one a line of words."""

    def __init__(self, pipe, tls):
        self.pipe, self.tls = pipe, tls
        self.mode, self.delay = "works", 0.0
        self.now = self.most = self.requests = 0
        self.writers = set()
        self.listener = None
        self.port = 0

    async def run(self):
        await self.listen()
        self.pipe.send(self.port)
        loop = asyncio.get_running_loop()
        while True:
            command, *words = await loop.run_in_executor(None, self.pipe.recv)
            if command == "end":
                return
            if command == "counts":
                self.pipe.send((self.most, self.requests))
                self.most = self.now
                continue
            self.mode, self.delay = words
            if self.mode == "gone":
                self.listener.close()
                for writer in list(self.writers):
                    writer.transport.abort()
            elif not self.listener.is_serving():
                await self.listen()
            self.pipe.send("done")

    async def listen(self):
        context = None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
        self.listener = await asyncio.start_server(
            self.serve, "127.0.0.1", self.port, backlog=1024, ssl=context)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                               if line.lower().startswith(b"content-length:")), 0)
                await reader.readexactly(length)
                self.requests += 1
                self.now += 1
                self.most = max(self.most, self.now)
                try:
                    if self.mode == "resets":
                        raw = writer.get_extra_info("socket")
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        writer.transport.abort()
                        return
                    await asyncio.sleep(self.delay)
                finally:
                    self.now -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()


def serve(pipe, tls):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(AuthServer(pipe, tls).run())


class Server:
    def __init__(self, tls):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(theirs, tls), daemon=True)
        self.process.start()
        self.port = self.pipe.recv()

    def become(self, mode, delay=0.0):
        self.pipe.send(("mode", mode, delay))
        self.pipe.recv()

    def counts(self):
        self.pipe.send(("counts",))
        return self.pipe.recv()

    def end(self):
        self.pipe.send(("end",))
        self.process.join(PATIENCE)


# --- MQTT ------------------------------------------------------------------------------------------

def text(value):
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def packet(kind, body):
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def connect(client):
    return packet(0x10, text("MQTT") + b"\x04\xc2\0\0" + text(client) + text("user-" + client)
                  + text("secret"))


class Device(asyncio.Protocol):
    """Comes back whenever it is not connected, later and later."""

    def __init__(self, all_devices, number):
        self.all, self.name = all_devices, f"d{number}"
        self.chance = random.Random(number)
        self.pause = 0.5
        self.transport = self.patience = None
        self.accepted = False

    async def attempt(self):
        self.all.attempts += 1
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self, "127.0.0.1", self.all.port)
        except OSError as failure:
            self.all.refusals[type(failure).__name__] += 1
            self.later()

    def connection_made(self, transport):
        self.transport = transport
        self.patience = asyncio.get_running_loop().call_later(20, self.give_up)
        transport.write(connect(self.name))

    def data_received(self, data):
        self.patience.cancel()
        if data[3] != 0:
            self.all.refusals[data[3]] += 1
            return
        self.accepted = True
        self.pause = 0.5
        self.all.count_in(1)

    def give_up(self):
        self.all.refusals["no CONNACK"] += 1
        self.transport.abort()

    def connection_lost(self, failure):
        self.patience.cancel()
        if self.accepted:
            self.all.count_in(-1)
        self.accepted = False
        self.later()

    def later(self):
        if self.all.ending:
            return
        wait = self.pause * self.chance.uniform(0.5, 1)
        self.pause = min(self.pause * 2, self.all.longest_pause)
        loop = asyncio.get_running_loop()
        loop.call_later(wait, lambda: loop.create_task(self.attempt()))


class Devices:
    """Clients that want to be connected."""

    def __init__(self, port, count, longest_pause):
        self.port, self.count, self.longest_pause = port, count, longest_pause
        self.connected, self.attempts = 0, 0
        self.refusals = collections.Counter()  # by CONNACK's code, or what went wrong
        self.ending = False
        self.complete = asyncio.Event()
        self.devices = [Device(self, number) for number in range(count)]
        self.first = [asyncio.create_task(device.attempt()) for device in self.devices]

    def count_in(self, by):
        self.connected += by
        if self.connected == self.count:
            self.complete.set()
        else:
            self.complete.clear()

    def drop(self):
        """All connections end, as when a network fails."""
        for device in self.devices:
            if device.transport:
                device.transport.abort()

    async def all_connected(self, patience):
        try:
            await asyncio.wait_for(self.complete.wait(), patience)
            return True
        except asyncio.TimeoutError:
            return False

    def end(self):
        self.ending = True
        self.drop()


def traffic(port, rate, pipe):
    """A publisher and a subscriber, connected before any trouble; another process, so that the
    devices' share of the processor is not in its times. Sends (when sent, how long) at the end."""

    def client(name):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(PATIENCE)
        peer.sendall(connect(name))
        answer = peer.recv(4)
        assert answer == b"\x20\x02\0\0", f"CONNACK of {name}: {answer!r}"
        return peer

    publisher, subscriber = client("publisher"), client("subscriber")
    subscriber.sendall(packet(0x82, struct.pack("!H", 1) + text("storm") + b"\1"))
    assert subscriber.recv(5) == b"\x90\x03\0\1\1"
    ending = threading.Event()
    results = []
    sent = 0
    acknowledged = [0]

    def receive():
        stream = subscriber.makefile("rb")
        while True:
            head = stream.read(2)
            body = stream.read(head[1])
            identifier = body[7:9]
            subscriber.sendall(b"\x40\x02" + identifier)
            number, begun = struct.unpack("!Qd", body[9:])
            if number == 0:
                return
            results.append((begun, time.monotonic() - begun))

    def acknowledgements():
        stream = publisher.makefile("rb")
        while True:
            assert stream.read(4)[:1] == b"\x40"
            acknowledged[0] += 1
            if ending.is_set() and acknowledged[0] == sent:
                return

    def publish(number):
        identifier = sent % 65535 + 1
        publisher.sendall(packet(0x32, text("storm") + struct.pack("!H", identifier)
                                 + struct.pack("!Qd", number, time.monotonic())))

    threads = [threading.Thread(target=t, daemon=True) for t in (receive, acknowledgements)]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    due = time.monotonic()
    while not pipe.poll(max(0.0, due - time.monotonic())):
        publish(sent + 1)
        sent += 1
        due += 1 / rate
    messages = sent
    sent += 1
    ending.set()
    publish(0)
    for thread in threads:
        thread.join(PATIENCE)
    pipe.send((messages, results, not any(thread.is_alive() for thread in threads)))


# --- the story -------------------------------------------------------------------------------------

class Broker:
    def __init__(self, build, folder, conf):
        os.makedirs(folder + "/conf.d")
        with open(folder + "/conf.d/auth_http.conf", "w") as file:
            file.write(conf)
        self.control = folder + "/s"
        self.log = open(folder + "/log", "w+")
        self.process = subprocess.Popen(
            [build + "/bin/nanomq", "--conf-dir", folder + "/conf.d", "--plugin-dir",
             build + "/plugins", "--url", "nmq-tcp://127.0.0.1:0", "--control", self.control,
             "--state-dir", folder + "/state"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.ctl = [build + "/bin/nanomqctl"]
        for line in self.process.stdout:
            if line.startswith("nanomq ready"):
                self.port = int(line.rsplit(":", 1)[1])
                break
        else:
            raise SystemExit("the broker did not start:\n" + self.said())
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-4000:]

    def status(self):
        out = subprocess.run(self.ctl + ["auth_http", "status", "--json", "--control", self.control],
                             capture_output=True, text=True, timeout=PATIENCE, check=True)
        return json.loads(out.stdout)

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return {line.split(":")[0]: line.split()[1] for line in file
                    if line.startswith(("VmRSS", "Threads"))}

    def end(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def certificate(folder):
    key, cert = folder + "/key.pem", folder + "/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


async def story(options, folder):
    tls = certificate(folder) if options.scheme == "https" else None
    server = Server(tls)
    scale = options.scale
    broker = Broker(options.build, folder, f"""
auth.http.enable = true
auth.http.auth_req.url = {options.scheme}://127.0.0.1:{server.port}/auth
auth.http.auth_req.params = clientid=%c,username=%u,password=%P
auth.http.pool_size = {options.pool}
auth.http.max_rate = {options.rate}
auth.http.breaker.pause = {int(1000 * scale)}ms
auth.http.breaker.max_pause = {int(10_000 * scale)}ms
{f'auth.http.ssl.cacertfile = {tls[0]}' if tls else ''}
""")
    ours, theirs = multiprocessing.Pipe()
    talker = multiprocessing.Process(target=traffic, args=(broker.port, options.messages, theirs),
                                     daemon=True)
    talker.start()
    assert ours.recv() == "ready"
    phases, failures = [], []

    async def phase(name, seconds=None, devices=None):
        begun = time.monotonic()
        server.counts()
        if seconds is None:
            if not await devices.all_connected(PATIENCE):
                failures.append(f"{name}: {devices.connected} of {devices.count} devices are "
                                f"connected after {PATIENCE} s")
        else:
            await asyncio.sleep(seconds)
        most, _ = server.counts()
        if most > options.pool:
            failures.append(f"{name}: {most} requests at a time")
        phases.append((name, begun, time.monotonic(), devices.connected if devices else 0, most,
                       devices.attempts if devices else 0, broker.memory(),
                       dict(devices.refusals) if devices else {}))
        if devices:
            devices.refusals.clear()

    await phase("quiet", 10 * scale)
    server.become("works", 0.005)
    devices = Devices(broker.port, options.devices, 30 * scale)
    await phase("works", None, devices)
    server.become("slow", 2.0 * options.slowness)
    devices.drop()
    await phase("slow", 30 * scale, devices)
    server.become("resets")
    await phase("resets", 20 * scale, devices)
    server.become("gone")
    await phase("gone", 20 * scale, devices)
    server.become("works", 0.005)
    await phase("recovers", None, devices)
    await phase("quiet again", 5 * scale, devices)

    status = broker.status()
    ours.send("end")
    messages, results, whole = await asyncio.get_running_loop().run_in_executor(None, ours.recv)
    if not whole or len(results) != messages:
        failures.append(f"{messages - len(results)} of {messages} messages are lost")
    if status["most_in_flight"] > options.pool:
        failures.append(f"{status['most_in_flight']} requests at a time, says the broker")
    devices.end()
    talker.join(PATIENCE)
    ended = broker.end()
    server.end()
    if ended != 0:
        failures.append(f"the broker ended with {ended}")
    report(phases, results, status)
    for failure in failures:
        print("FAILED", failure)
    if failures:
        print(broker.said())
    return 1 if failures else 0


def report(phases, results, status):
    print("phase        seconds  devices  attempts  requests at once  p50 ms  p99 ms  max ms  RSS MB  threads  not let in")
    for name, begun, ended, connected, most, attempts, memory, refusals in phases:
        times = [took for when, took in results if begun <= when < ended] or [0]
        print(f"{name:12} {ended - begun:7.1f} {connected:8} {attempts:9} {most:17} "
              f"{percentile(times, .5):7.2f} {percentile(times, .99):7.2f} {max(times) * 1000:7.2f} "
              f"{int(memory['VmRSS']) // 1024:7} {memory['Threads']:>8}  {refusals}")
    print("requests", json.dumps(status["requests"]))
    print("settled without one", json.dumps(status["settled_without_a_request"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build tree")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--devices", type=int)
    parser.add_argument("--pool", type=int)
    parser.add_argument("--scale", type=float, help="of the phases' length")
    parser.add_argument("--rate", type=int, default=1000, help="auth.http.max_rate")
    parser.add_argument("--messages", type=int, default=200, help="a second")
    parser.add_argument("--scheme", choices=["http", "https"], default="http")
    options = parser.parse_args()
    options.devices = options.devices or (150 if options.small else 10_000)
    options.pool = options.pool or (8 if options.small else 256)
    options.scale = options.scale or (0.05 if options.small else 1)
    options.slowness = 0.1 if options.small else 1
    options.build = os.path.abspath(options.build)
    wanted = 2 * options.devices + 1_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, "
          f"Python {platform.python_version()}; {options.devices} devices, pool {options.pool}")
    with tempfile.TemporaryDirectory(prefix="storm") as folder:
        sys.exit(asyncio.run(story(options, folder)))


if __name__ == "__main__":
    main()
