#!/usr/bin/env python3
"""Paho against the broker: paho_round_trip.py PORT 3.1.1|5 [tcp|websockets [CAFILE]]

Publishes 50 messages with each QoS from one client to another, and checks that all come, once and
in order; then a retained message, a will, and (5) user properties. Exits with 0 if all is well.
"""

import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT = int(sys.argv[1])
VERSION = mqtt.MQTTv5 if sys.argv[2] == "5" else mqtt.MQTTv311
TRANSPORT = sys.argv[3] if len(sys.argv) > 3 else "tcp"
CAFILE = sys.argv[4] if len(sys.argv) > 4 else None  # with it: TLS
PATIENCE = 30  # seconds


class Peer:
    """A Paho client with its loop in a thread, and its callbacks in queues."""

    def __init__(self, name, will=None):
        options = {} if VERSION == mqtt.MQTTv5 else {"clean_session": True}
        self.client = mqtt.Client(name, protocol=VERSION, transport=TRANSPORT, **options)
        if CAFILE:
            self.client.tls_set(CAFILE)
        self.connected, self.subscribed, self.messages = queue.Queue(), queue.Queue(), queue.Queue()
        self.client.on_connect = lambda client, data, flags, code, *rest: self.connected.put(code)
        self.client.on_subscribe = lambda client, data, mid, *rest: self.subscribed.put(mid)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        if will:
            self.client.will_set(*will)
        self.client.connect("localhost", PORT)
        self.client.loop_start()
        code = self.connected.get(timeout=PATIENCE)
        assert code == 0, f"CONNACK says {code}"

    def subscribe(self, topic_filter, qos):
        self.client.subscribe(topic_filter, qos)
        self.subscribed.get(timeout=PATIENCE)

    def publish(self, topic, payload, **options):
        info = self.client.publish(topic, payload, **options)
        info.wait_for_publish(PATIENCE)
        assert info.is_published()

    def next(self):
        return self.messages.get(timeout=PATIENCE)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


subscriber, publisher = Peer("paho subscriber"), Peer("paho publisher")
subscriber.subscribe("paho/#", 2)
for qos in (0, 1, 2):
    for number in range(50):
        publisher.publish(f"paho/{qos}", f"{qos}:{number}", qos=qos)
    for number in range(50):
        message = subscriber.next()
        assert message.payload.decode() == f"{qos}:{number}", message.payload
        assert message.qos == qos and message.topic == f"paho/{qos}", message.topic

publisher.publish("kept", "still here", qos=1, retain=True)
subscriber.subscribe("kept", 1)
message = subscriber.next()
assert message.retain and message.payload == b"still here"

subscriber.subscribe("will", 1)
mortal = Peer("paho mortal", will=("will", "gone", 1))
mortal.client._sock_close()  # as a network that fails: no DISCONNECT
assert subscriber.next().payload == b"gone"
mortal.stop()

if VERSION == mqtt.MQTTv5:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("first", "1"), ("second", "2")]
    properties.ContentType = "text/plain"
    publisher.publish("paho/properties", "x", qos=1, properties=properties)
    message = subscriber.next()
    assert message.properties.UserProperty == [("first", "1"), ("second", "2")]
    assert message.properties.ContentType == "text/plain"

assert subscriber.messages.empty()
subscriber.stop()
publisher.stop()
print("all came")
