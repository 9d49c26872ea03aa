// A js-libp2p peer as the TypeScript aikyo makes it, told what to say and telling what it hears.
//
// Usage: peer.mjs --id ID --key FILE [--mesh NAME] [--listen IP] [--passive]
//
// Passive, it dials nobody, and waits to be found.
// A JSON object a line. On stdin what to publish: {"topic", "body"}, the topic without the mesh's name.
// On stdout, each with "at" (seconds since the epoch):
//   {"event": "joined", "peer", "id"}
//   {"event": "found", "peer"}                      it announced itself by mDNS
//   {"event": "connected" | "disconnected", "peer"} the first connection came, the last one went
//   {"event": "met", "peer", "metadata"}            it told its metadata
//   {"event": "heard", "peer", "topic", "body"}     gossip; peer is the signed author
//   {"event": "failed", "peer", "why"}              it could not be dialed, or asked who it is
// Ends when stdin does.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { gossipsub } from "@chainsafe/libp2p-gossipsub";
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import { mdns } from "@libp2p/mdns";
import { tcp } from "@libp2p/tcp";
import { createLibp2p } from "libp2p";

// Node 20 lacks it, and packages of libp2p use it.
Promise.withResolvers ??= function () {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const METADATA = "/aikyo/metadata/1.0.0";
const TOPICS = ["messages", "actions", "states", "queries", "query-results", "contexts", "presence"];

const { values: options } = parseArgs({
  options: {
    id: { type: "string" },
    key: { type: "string" },
    mesh: { type: "string", default: "" },
    listen: { type: "string", default: "0.0.0.0" },
    passive: { type: "boolean", default: false },
  },
});
const prefix = options.mesh ? `${options.mesh}/` : "";
const me = { id: options.id, name: "Jay", personality: "kind", story: "written in JavaScript", sample: "hi" };
const companions = new Map(); // metadata by peer id, of those who are connected

function tell(event, fields) {
  process.stdout.write(`${JSON.stringify({ event, at: Date.now() / 1000, ...fields })}\n`);
}

async function loadKey(file) {
  if (!existsSync(file)) writeFileSync(file, privateKeyToProtobuf(await generateKeyPair("Ed25519")));
  return privateKeyFromProtobuf(readFileSync(file));
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream.source) chunks.push(chunk.subarray());
  return Buffer.concat(chunks).toString();
}

function discovery(components) {
  const tag = options.mesh ? `_p2p-${options.mesh}._udp.local` : "_p2p._udp.local";
  const service = mdns({ serviceTag: tag })(components);
  service.addEventListener("peer", ({ detail }) => tell("found", { peer: detail.id.toString() }));
  return service;
}

const node = await createLibp2p({
  privateKey: await loadKey(options.key),
  addresses: { listen: [`/ip4/${options.listen}/tcp/0`] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  peerDiscovery: [discovery],
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  start: false,
});

// Whoever has told us who it is was told by us before: the original answers it with nothing.
await node.handle(METADATA, async ({ stream, connection }) => {
  const known = companions.has(connection.remotePeer.toString());
  await stream.sink(known ? [] : [Buffer.from(JSON.stringify(me))]);
  await stream.close();
});

// Once a peer, whether mDNS or a connection made it known; a connection tells no addresses.
node.addEventListener("peer:discovery", async ({ detail: { id, multiaddrs } }) => {
  if (options.passive || multiaddrs.length === 0) return;
  await node.dial(multiaddrs).catch((error) => tell("failed", { peer: id.toString(), why: error.message }));
});
node.addEventListener("peer:connect", ({ detail }) => tell("connected", { peer: detail.toString() }));
node.addEventListener("peer:disconnect", ({ detail }) => {
  companions.delete(detail.toString());
  tell("disconnected", { peer: detail.toString() });
});
node.addEventListener("peer:identify", async ({ detail: { peerId, protocols } }) => {
  const peer = peerId.toString();
  if (!protocols.includes(METADATA) || companions.has(peer)) return;
  try {
    const stream = await node.dialProtocol(peerId, METADATA, { signal: AbortSignal.timeout(5000) });
    const text = await readAll(stream);
    await stream.close();
    if (text === "" || companions.has(peer)) return;
    companions.set(peer, JSON.parse(text));
    tell("met", { peer, metadata: companions.get(peer) });
  } catch (error) {
    tell("failed", { peer, why: error.message });
  }
});
node.services.pubsub.addEventListener("message", ({ detail: { topic, from, data } }) => {
  const body = JSON.parse(new TextDecoder().decode(data));
  tell("heard", { peer: from?.toString(), topic: topic.slice(prefix.length), body });
});

await node.start();
for (const topic of TOPICS) node.services.pubsub.subscribe(prefix + topic);
tell("joined", { peer: node.peerId.toString(), id: me.id });

for await (const line of createInterface({ input: process.stdin })) {
  const { topic, body } = JSON.parse(line);
  await node.services.pubsub.publish(prefix + topic, Buffer.from(JSON.stringify(body)));
}
await Promise.race([node.stop(), new Promise((resolve) => setTimeout(resolve, 1000))]);
process.exit(0);
