// MQTT.js, the client of browsers, against the broker: mqttjs_round_trip.js URL 4|5 [CAFILE]
//
// Publishes 50 messages with each QoS from one client to another over WebSocket, and checks that
// all come, once and in order; then a retained message, and a payload that does not fit into one
// frame. Exits with 0 if all is well.

"use strict";
const assert = require("assert");
const fs = require("fs");
const mqtt = require("mqtt");

const [url, version, caFile] = process.argv.slice(2);
const options = {
    protocolVersion: Number(version),
    reconnectPeriod: 0,
    connectTimeout: 30000,
    ca: caFile ? fs.readFileSync(caFile) : undefined,
};

function connect(clientId) {
    return new Promise((resolve, reject) => {
        const client = mqtt.connect(url, { ...options, clientId });
        client.once("connect", () => resolve(client));
        client.once("error", reject);
        client.once("close", () => reject(new Error("closed before CONNACK")));
    });
}

function done(client, call, ...args) {
    return new Promise((resolve, reject) =>
        client[call](...args, (error) => (error ? reject(error) : resolve())));
}

// What comes to a client, one after the other.
function inbox(client) {
    const waiting = [], come = [];
    client.on("message", (topic, payload, packet) => {
        const message = { topic, payload, retain: packet.retain };
        if (waiting.length > 0) waiting.shift()(message);
        else come.push(message);
    });
    return () => new Promise((resolve) => {
        if (come.length > 0) resolve(come.shift());
        else waiting.push(resolve);
    });
}

async function main() {
    const subscriber = await connect("mqttjs-subscriber");
    const publisher = await connect("mqttjs-publisher");
    const next = inbox(subscriber);
    await done(subscriber, "subscribe", "js/#", { qos: 2 });
    for (const qos of [0, 1, 2]) {
        for (let i = 0; i < 50; ++i) await done(publisher, "publish", "js/" + qos, String(i), { qos });
        for (let i = 0; i < 50; ++i) {
            const message = await next();
            assert.strictEqual(message.topic, "js/" + qos);
            assert.strictEqual(message.payload.toString(), String(i));
        }
    }

    const large = Buffer.alloc(300000, "x");
    await done(publisher, "publish", "js/large", large, { qos: 1 });
    assert(large.equals((await next()).payload));

    await done(publisher, "publish", "kept", "still here", { qos: 1, retain: true });
    await done(subscriber, "subscribe", "kept", { qos: 1 });
    const kept = await next();
    assert.strictEqual(kept.payload.toString(), "still here");
    assert.strictEqual(kept.retain, true);

    await done(subscriber, "end", false);
    await done(publisher, "end", false);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
