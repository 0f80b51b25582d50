#!/usr/bin/env python3
"""What does the webhook cost, and how fast is it?

Three questions, each against a broker of its own with plugins/webhook, on loopback:
  1. Events per second to a local HTTP server with 1, 8 and 32 senders, single and in batches, and
     the broker's CPU time for one event, publishing included; "no rule" is publishing alone.
  2. Latency of messages from publisher to subscriber while each of them is also an event, and the
     endpoint is fast, slow (2 s an answer) or dead (nobody listens); "no rule" is the yardstick.
  3. Whether accepted = delivered + in flight + queued + spooled + dead + dropped at the end.

    test/bench/webhook_bench.py [--build build] [--events 20000] [--messages 2000]

One line a result, with units. Compare within one run: the server is one Python process, and takes
about as much of the machine as the broker.
"""
import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import platform
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time


kWindow = 1500  # events published and not yet at the endpoint


# --- an HTTP server that does little ------------------------------------------------------------

class Hook(asyncio.Protocol):
    def __init__(self, delay, taken):
        self.delay, self.taken, self.data = delay, taken, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        while True:
            head = self.data.find(b"\r\n\r\n")
            if head < 0:
                return
            start = self.data.lower().find(b"content-length:", 0, head) + 15
            end = head + 4 + int(self.data[start:self.data.find(b"\r\n", start)])
            if len(self.data) < end:
                return
            body, self.data = self.data[head + 4:end], self.data[end:]
            self.taken.value += body.count(b'"action"')
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.answer)
            else:
                self.answer()

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def serve(delay, port, taken):
    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Hook(delay, taken), "127.0.0.1", 0, backlog=512)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()
    asyncio.run(main())


class Endpoint:
    def __init__(self, delay=0.0):
        self.taken, port = multiprocessing.Value("L", 0, lock=False), multiprocessing.Value("i", 0)
        self.process = multiprocessing.Process(target=serve, args=(delay, port, self.taken),
                                               daemon=True)
        self.process.start()
        while port.value == 0:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port.value}/hook"

    def close(self):
        self.process.terminate()
        self.process.join()


# --- the broker ---------------------------------------------------------------------------------

class Broker:
    def __init__(self, build, url, more=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nmqb"))
        conf = self.folder / "conf.d"
        conf.mkdir()
        (conf / "nanomq.conf").write_text("")
        (conf / "webhook.conf").write_text(
            f"web.hook.enable = true\nweb.hook.url = {url}\n{more}")
        self.control = str(self.folder / "s")
        self.build = build
        self.process = subprocess.Popen(
            [build / "bin/nanomq", "--conf-dir", conf, "--plugin-dir", build / "plugins",
             "--url", "nmq-tcp://127.0.0.1:0", "--control", self.control,
             "--state-dir", self.folder / "state", "--set", "log.to=file"],
            stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        self.port = int(ready.rsplit(":", 1)[1])

    def cpu(self):
        """Seconds of user and system time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self):
        out = subprocess.run([self.build / "bin/nanomqctl", "--control", self.control, "webhook",
                              "status", "--json"], capture_output=True, text=True)
        return json.loads(out.stdout)["endpoints"][0]

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind, body):
    length, out = len(body), b""
    while True:
        out += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return bytes([kind]) + out + body


def connect(port, client):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(client)))
    assert s.recv(4) == b"\x20\x02\x00\x00"
    return s


# --- the questions ------------------------------------------------------------------------------

def throughput(build, name, events, more, rule=True):
    endpoint = Endpoint()
    rules = "web.hook.rule.message.publish.1 = {}\n" if rule else ""
    broker = Broker(build, endpoint.url, rules + more)
    clients = [connect(broker.port, f"device{i}") for i in range(64)]
    publish = packet(0x30, text("plant/line/sensor") + b"x" * 100)
    each = events // len(clients)
    cpu, begin = broker.cpu(), time.monotonic()
    total, sent = each // 5 * 5 * len(clients), 0
    limit = begin + 60
    for _ in range(each // 5):
        for s in clients:
            s.sendall(publish * 5)
            sent += 5
        # No faster than events are taken: a burst beyond the plugin's ring would be dropped there.
        while rule and sent - endpoint.taken.value > kWindow and time.monotonic() < limit:
            time.sleep(0.0005)
    if rule:
        while endpoint.taken.value < total and time.monotonic() < limit:
            time.sleep(0.001)
    else:
        clients[0].sendall(b"\xc0\x00")  # PINGREQ: it has read all before it
        clients[0].recv(2)
        time.sleep(0.2)
    took = time.monotonic() - begin
    used = broker.cpu() - cpu
    status = broker.status()
    whole = status["accepted"] == sum(status[k] for k in (
        "delivered", "in_flight", "queued", "spooled", "dead", "dropped"))
    rate = f"{endpoint.taken.value / took:8.0f} events/s" if rule else "       -         "
    print(f"throughput {name:24} {rate}  {used / total * 1e6:6.1f} us CPU/event  "
          f"taken {endpoint.taken.value} of {total}, dropped {status['dropped']}, "
          f"sum {'holds' if whole else 'DOES NOT HOLD'}", flush=True)
    for s in clients:
        s.close()
    broker.close()
    endpoint.close()


def latency(build, name, messages, url, rule=True):
    rules = "web.hook.rule.message.publish.1 = {}\n" if rule else ""
    broker = Broker(build, url, rules)
    subscriber, publisher = connect(broker.port, "subscriber"), connect(broker.port, "publisher")
    subscriber.sendall(packet(0x82, b"\x00\x01" + text("t") + b"\x00"))
    assert subscriber.recv(5)[0] == 0x90
    times = []

    def receive():
        data = b""
        while len(times) < messages:
            data += subscriber.recv(65536)
            while len(data) >= 13:  # fixed header 2, topic 3, payload 8
                times.append(time.monotonic_ns() - struct.unpack(">Q", data[5:13])[0])
                data = data[13:]
    receiver = threading.Thread(target=receive)
    receiver.start()
    for _ in range(messages):
        publisher.sendall(packet(0x30, text("t") + struct.pack(">Q", time.monotonic_ns())))
        time.sleep(0.001)
    receiver.join(30)
    status = broker.status()
    times.sort()
    p = [times[int(len(times) * q)] / 1e3 for q in (0.5, 0.99)]
    print(f"latency    {name:24} p50 {p[0]:7.1f} us  p99 {p[1]:8.1f} us  "
          f"({len(times)} messages; events accepted {status['accepted']}, "
          f"waiting {status['queued'] + status['spooled']})", flush=True)
    broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=2_000)
    a = parser.parse_args()
    build = a.build.resolve()
    print(f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
          f"{a.events} events of 100 bytes from 64 clients, {a.messages} messages")
    many = "web.hook.queue.max_events = 1000000\nweb.hook.queue.max_bytes = 1GB\n"
    throughput(build, "no rule", a.events, "", rule=False)
    for pool in (1, 8, 32):
        throughput(build, f"pool {pool}", a.events, many + f"web.hook.pool_size = {pool}\n")
    throughput(build, "pool 8, batches of 100", a.events,
               many + "web.hook.pool_size = 8\nweb.hook.batch.max_events = 100\n")
    throughput(build, "pool 8, through the disk", a.events,
               "web.hook.pool_size = 8\nweb.hook.queue.max_events = 100\n")
    fast, slow = Endpoint(), Endpoint(2.0)
    latency(build, "no rule", a.messages, fast.url, rule=False)
    latency(build, "endpoint fast", a.messages, fast.url)
    latency(build, "endpoint slow (2 s)", a.messages, slow.url)
    latency(build, "endpoint dead", a.messages, "http://127.0.0.1:1/")
    fast.close()
    slow.close()


if __name__ == "__main__":
    main()
