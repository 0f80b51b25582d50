#!/usr/bin/env python3
"""Does a listing of everything hold up messages?

One client subscribes to many Topic Filters; another sends itself a message at a time, and the time
of each there and back is taken: first alone, then while /api/v4/subscriptions is read whole again
and again, then with /api/v4/topic-tree. Compare the three lines of one run.

  listing_bench.py MQTT-PORT HTTP-PORT [FILTERS] [SECONDS]
"""

import base64
import http.client
import os
import platform
import socket
import struct
import sys
import threading
import time


def text(value):
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def packet(kind, body):
    size, length = len(body), b""
    while True:
        length += bytes([size % 128 | (128 if size > 127 else 0)])
        size //= 128
        if size == 0:
            return bytes([kind]) + length + body


def read_packet(stream):
    kind, size, shift = stream.read(1)[0], 0, 0
    while True:
        byte = stream.read(1)[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, stream.read(size)


class Client:
    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(packet(0x10, text("MQTT") + b"\x04\x02\x00\x00" + text(name)))
        assert read_packet(self.stream)[1][1] == 0, "refused"

    def subscribe(self, filters):
        body = b"\x00\x01" + b"".join(text(one) + b"\x00" for one in filters)
        self.socket.sendall(packet(0x82, body))
        read_packet(self.stream)

    def there_and_back(self, topic):
        start = time.perf_counter()
        self.socket.sendall(packet(0x30, text(topic) + b"x"))
        read_packet(self.stream)
        return time.perf_counter() - start


def measure(client, seconds):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(client.there_and_back("bench/pong") * 1e6)
    times.sort()
    return times


def report(what, times, more=""):
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    print(f"{what:14} {len(times):8} messages  p50 {at(.5):8.0f} us  p99 {at(.99):8.0f} us  "
          f"p99.9 {at(.999):8.0f} us  max {times[-1]:8.0f} us{more}")


def main():
    mqtt, web = int(sys.argv[1]), int(sys.argv[2])
    filters = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 5
    print(f"# {platform.node()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
          f"{filters} filters, {seconds:g} s each")
    many, pong = Client(mqtt, "bench many"), Client(mqtt, "bench pong")
    for first in range(0, filters, 1000):
        many.subscribe([f"bench/plant/{i % 97}/line/{i}" for i in range(first, min(first + 1000, filters))])
    pong.subscribe(["bench/pong"])
    measure(pong, 0.5)
    report("alone", measure(pong, seconds))

    for path in ("/api/v4/subscriptions", "/api/v4/topic-tree"):
        done, read = threading.Event(), [0, 0]

        def listing():
            login = base64.b64encode(b"admin:public").decode()
            while not done.is_set():
                connection = http.client.HTTPConnection("127.0.0.1", web)
                connection.request("GET", path, headers={"Authorization": "Basic " + login})
                answer = connection.getresponse()
                while piece := answer.read(65536):
                    read[1] += len(piece)
                read[0] += 1
                connection.close()

        reader = threading.Thread(target=listing)
        reader.start()
        times = measure(pong, seconds)
        done.set()
        reader.join()
        report(path.rsplit("/", 1)[1], times, f"  ({read[0]} lists, {read[1] / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
