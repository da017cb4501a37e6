// Each allocation and each system call on the way of a call and of an event fails once: milky keeps running,
// every call has one answer or a closed connection, acknowledged messages are stored, every event arrives in
// order, nothing leaks. SOAK=1 tries nearly all of them; FAULT_SEED repeats a run.
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { Faults, MEMORY, SYSTEM, isSanitized } from './faults.mjs';
import { certificate, folder, hook, reverse, start, text, textOf } from './fixtures.mjs';
import { BOT, Client, GROUP, Milky, request, within } from './harness.mjs';
import { Ledger, numberOf } from './ledger.mjs';

const OTHER = 10001001;
const SECONDS = process.env.SOAK ? 240 : 6; // for the faults of one kind
// Where libuv gets no pipe for its signals, or that pipe fails, it ends the process itself.
const LIBUV_ABORTS = /^(?:pipe|read|write) failed with errno \d+\s+(?:libfault\S+\s+)*libuv/;
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 100000);
const JSON_TYPE = { 'Content-Type': 'application/json' };
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

// The result of a call: its body, or undefined where the connection ended instead.
async function ask(address, action, params) {
  const answer = await request(address, `/api/${action}`, { headers: JSON_TYPE, body: JSON.stringify(params) })
    .catch((error) => {
      if (!error.code) throw error; // the wait timed out
    });
  if (answer) assert.ok(answer.body && [200, 500, 503].includes(answer.status), `${answer.status} ${answer.text}`);
  return answer?.body;
}

// A WebSocket, and the events on it. `ended` is set when it has ended.
function listen(url) {
  const client = new Client().attach(new WebSocket(url, { rejectUnauthorized: false }));
  client.words = new Set();
  client.ended = false;
  client.opened = new Promise((resolve) => {
    client.socket.on('open', () => resolve(true));
    client.socket.on('close', () => resolve(false));
  });
  client.closed.then(() => (client.ended = true));
  return client;
}

// Server-sent events, in the same way.
function listenSse(base) {
  const client = { text: '', ended: false, changed: () => {} };
  const over = () => { client.ended = true; client.changed(); };
  client.opened = new Promise((resolve) => {
    client.request = httpRequest(`${base}/event`, { agent: false }, (response) => {
      response.on('data', (data) => { client.text += data; client.changed(); });
      response.on('close', over);
      response.on('error', over);
      resolve(true);
    });
    client.request.on('error', () => { over(); resolve(false); });
    client.request.end();
  });
  client.hears = (word) => within((async () => {
    while (!client.ended && !client.text.includes(`"${word}"`)) await new Promise((resolve) => (client.changed = resolve));
  })(), `SSE to hear ${word}, or to end`);
  client.terminate = () => client.request.destroy();
  return client;
}

const isOf = (word) => (message) => textOf(message.data.data ?? message.data) === word;

class World {
  // `own`: a certificate, with which WebSockets and the webhook are TLS, and WebSockets compressed.
  static async make(t, { hasWebhook = true, own } = {}) {
    const world = new World();
    world.t = t;
    world.faults = await Faults.make(t);
    world.posted = new Map(); // number -> word, at the webhook
    world.hook = await hook(t, {
      tls: own,
      answer: ({ headers, text: body }) => {
        const number = Number(headers['x-milky-delivery']);
        const word = textOf(JSON.parse(body).data);
        if (world.posted.has(number)) assert.equal(world.posted.get(number), word);
        else world.posted.set(number, word);
        world.changed?.();
        return { status: 204 };
      },
    });
    world.dir = await folder(t);
    await writeFile(join(world.dir, 'one.png'), PNG);
    const listener = (more) => [{ listen: '127.0.0.1:0', dialect: '1.2', ...more }];
    const [serverTls, clientTls] = own ? [{ tls: { certificate: own.file, key: own.keyFile } }, { ca: own.file }] : [];
    const config = {
      backend: { media: { roots: ['.'] } },
      compression_threshold: 1,
      bots: [
        {
          self_id: BOT,
          http_server: listener(),
          websocket_server: listener(serverTls),
          webhook: hasWebhook ? [{ url: world.hook.url, dialect: '1.2', tls: clientTls }] : [],
          websocket_client: own ? [await world.connectsTo(own, clientTls)] : [],
        },
        { self_id: OTHER, http_server: listener() },
      ],
    };
    await writeFile(join(world.dir, 'milky.jsonc'), JSON.stringify(config));
    world.acknowledged = [];
    return world;
  }

  // A server that milky connects to, again and again. Returns its part of the configuration.
  async connectsTo(own, tls) {
    const peer = await reverse(this.t, { tls: own, perMessageDeflate: { threshold: 1 } });
    this.pushed = new Ledger('websocket_client');
    peer.wss.on('connection', (socket) => socket.on('message', (data) => {
      const message = JSON.parse(data);
      try {
        this.pushed.add(numberOf(message), textOf(message.data.data));
      } catch (error) {
        this.pushedWrong ??= error;
      }
    }));
    return { url: `wss://127.0.0.1:${peer.port}/`, dialect: '1.2', replay: true, tls };
  }

  async serve() {
    this.faults.reset();
    this.milky = await start(this.t, { dir: this.dir, env: this.faults.env });
    this.bot = this.milky.address('http_server', 0);
    this.other = this.milky.address('http_server', 1);
  }

  // Everything that a bot does, once. It reports what went wrong, whatever fails meanwhile.
  async round(word) {
    const url = this.milky.ws().replace('ws', this.pushed ? 'wss' : 'ws');
    const socket = listen(url);
    const sse = listenSse(this.milky.http());
    const others = [listen(url), listenSse(this.milky.http())]; // an event is sent to many at once
    try {
      const [isOpen] = await within(Promise.all([socket, sse, ...others].map(({ opened }) => opened)), 'all to connect or fail');
      const answers = [];
      const call = async (action, params, echo) => {
        if (socket.ended) return undefined;
        socket.send({ action, params, echo });
        const answer = await Promise.race([socket.responses.next(`the answer to ${action}`).then(({ data }) => data), socket.closed.then(() => undefined)]);
        // Without memory for the message, not even its echo is known.
        if (answer && !(answer.retcode !== 0 && answer.echo === undefined)) assert.equal(answer.echo, echo, JSON.stringify(answer));
        return answer;
      };
      if (isOpen) await call('get_login_info', {}, word);
      else assert.ok(this.faults.fired > 0, 'a WebSocket cannot be opened');
      // Without memory for the client's window there is no compression.
      if (isOpen && this.pushed && this.faults.fired === 0) assert.match(socket.socket.extensions, /permessage-deflate/);
      const message = [...text(word), { type: 'image', data: { uri: `file://${this.dir}/one.png` } }];
      const sent = await ask(this.other, 'send_group_message', { group_id: GROUP, message });
      if (sent?.status === 'ok') {
        this.acknowledged.push([word, sent.data.message_seq]);
        await sse.hears(word);
        await Promise.race([socket.events.find(isOf(word), `the WebSocket to hear ${word}, or to end`), socket.closed]);
      }
      if (isOpen) {
        const own = await call('send_group_message', { group_id: GROUP, message: text(`own ${word}`) }, `own ${word}`);
        if (own?.status === 'ok') this.acknowledged.push([`own ${word}`, own.data.message_seq]);
      }
      await ask(this.bot, 'get_group_member_list', { group_id: GROUP });
    } finally {
      others[0].socket.terminate();
      others[1].terminate();
      socket.socket.terminate();
      sse.terminate();
      await socket.closed;
    }
  }

  async checkMessages() {
    for (const [word, seq] of this.acknowledged.splice(0)) {
      const reply = await ask(this.bot, 'get_message', { message_scene: 'group', peer_id: GROUP, message_seq: seq });
      assert.equal(reply?.status, 'ok', `${word} was acknowledged: ${JSON.stringify(reply)}`);
      assert.equal(textOf(reply.data.message), word);
    }
  }

  // A reply is not sent while the journal cannot store an event of the same turn: so the call is repeated.
  async lives() {
    await within((async () => {
      for (;;) {
        assert.equal(this.milky.child.exitCode ?? this.milky.child.signalCode, null, 'milky has ended');
        const alive = await ask(this.bot, 'get_login_info', {});
        if (alive) return assert.equal(alive.status, 'ok');
      }
    })(), 'milky to answer');
  }

  // Repeats a message until it is accepted: the journal may wait a moment after it has failed.
  async say(word) {
    return within((async () => {
      for (;;) {
        const sent = await ask(this.other, 'send_group_message', { group_id: GROUP, message: text(word) });
        if (sent?.status === 'ok') return sent.data.message_seq;
      }
    })(), 'a message to be taken');
  }

  async delivered(word) {
    await within((async () => {
      while (![...this.posted.values()].includes(word)) await new Promise((resolve) => (this.changed = resolve));
    })(), 'the webhook to have everything', 30000).catch((error) => {
      const log = this.milky.stderr.split('\n').filter((line) => !/connected|listener/.test(line)).slice(-12);
      throw new Error(`${error.message}\n${log.join('\n')}`);
    });
  }

  // All messages of others in the group, from the world, and as the webhook got them.
  async checkDelivery() {
    const last = `last ${this.lasts = (this.lasts ?? 0) + 1}`;
    const end = await this.say(last);
    await this.delivered(last);
    await this.pushed?.has([last]);
    assert.equal(this.pushedWrong, undefined);
    const words = [];
    for (let seq = end; seq > 0;) {
      const { data } = await ask(this.bot, 'get_history_messages', { message_scene: 'group', peer_id: GROUP, start_message_seq: seq, limit: 30 });
      words.unshift(...data.messages.filter((m) => m.sender_id === OTHER).map(textOf));
      seq = data.messages.length > 0 ? data.messages[0].message_seq - 1 : 0;
    }
    const got = [...this.posted.keys()].sort((a, b) => a - b).map((number) => this.posted.get(number));
    assert.deepEqual(got, words);
    assert.deepEqual([...this.posted.values()], words, 'in order');
    if (this.pushed) assert.deepEqual([...this.pushed.numbers].sort(([a], [b]) => a - b).map(([, word]) => word), words);
  }

  // The open descriptors when all clients have disconnected.
  async descriptors(most = Infinity) {
    for (;;) {
      const { length } = await readdir(`/proc/${this.milky.child.pid}/fd`);
      if (length <= most) return length;
    }
  }
}

// The n-th of these calls fails, with each error, in a shuffled order.
async function tryEach(t, world, calls, variants) {
  world.faults.arm({ calls, at: Number.MAX_SAFE_INTEGER });
  await world.round('count');
  const { seen } = world.faults.disarm();
  const most = Math.ceil(seen * 1.2);
  const total = most * variants;
  const [began, stride] = [Date.now(), 619];
  let fired = 0;
  let i = 0;
  for (; i < total && Date.now() - began < SECONDS * 1000; i++) {
    const n = (SEED + i * stride) % total;
    const [at, variant] = [n % most + 1, Math.floor(n / most)];
    const word = `${at}.${variant}`;
    try {
      // One allocation, or five in turn.
      world.faults.arm({ calls, at, variant, times: calls === MEMORY && variant === 1 ? 5 : 1 });
      await world.round(word);
      fired += world.faults.disarm().fired;
      await world.lives();
      await world.checkMessages();
      if (process.env.SOAK) await world.delivered(await world.say(`${word}!`).then(() => `${word}!`));
    } catch (error) {
      world.faults.disarm();
      error.message = `fault ${word}: ${error.message}\n${world.faults.describe()}\n${world.milky.stderr.slice(-3000)}`;
      throw error;
    }
  }
  t.diagnostic(`FAULT_SEED=${SEED}: ${fired} faults, ${i} of ${total} calls and errors, in ${Date.now() - began} ms`);
}

describe('faults', () => {
  for (const [name, calls, variants, over] of [
    ['memory', MEMORY, 2, 'plain'], ['system', SYSTEM, 6, 'plain'],
    ['memory', MEMORY, 2, 'TLS, compressed'], ['system', SYSTEM, 6, 'TLS, compressed'],
  ]) {
    it(`survives the failure of each call: ${name}, ${over}`, async (t) => {
      const world = await World.make(t, { own: over === 'plain' ? undefined : await certificate(t) });
      await world.serve();
      await world.round('clean');
      await world.checkDelivery();
      assert.equal(await world.milky.stop(), 0, world.milky.stderr.slice(-5000));
      const clean = world.faults.live;
      await world.serve();
      for (let i = 0; i < 3; i++) await world.round(`warm ${i}`);
      await world.checkDelivery();
      const open = await world.descriptors();
      await tryEach(t, world, calls, variants);
      await world.checkDelivery();
      await within(world.descriptors(open), 'descriptors to be closed');
      assert.equal(await world.milky.stop(), 0, world.milky.stderr.slice(-5000));
      // Libraries keep a few pieces for the errors that they have had; AddressSanitizer counts exactly.
      const kept = world.faults.live - clean;
      assert.ok(isSanitized() || kept <= 16, `${kept} pieces of memory were not freed`);
      await world.serve(); // acknowledged messages outlive the process
      await world.checkDelivery();
      assert.equal(await world.milky.stop(), 0, world.milky.stderr.slice(-5000));
    });
  }

  for (const [name, calls, variants] of [['memory', MEMORY, 1], ['system', SYSTEM, 4]]) {
    it(`starts, or gives the reason, when a call fails during the start: ${name}`, async (t) => {
      const world = await World.make(t, { hasWebhook: false }); // libcurl would take most of the time
      const tried = { ready: 0, ended: 0 };
      const begin = async (at, variant) => {
        await rm(join(world.dir, 'data'), { recursive: true, force: true });
        world.faults.reset();
        world.faults.arm({ calls, at, variant });
        const milky = await Milky.start({ dir: world.dir, env: world.faults.env }).catch((error) => error);
        const { seen, fired } = world.faults.disarm();
        if (milky instanceof Error && LIBUV_ABORTS.test(world.faults.describe())) {
          tried.ended++;
        } else if (milky instanceof Error) {
          assert.match(milky.message, /ended with 1 before/, world.faults.describe());
          assert.match(milky.message, /error|cannot|could not|memory/i, world.faults.describe());
          tried.ended++;
        } else {
          const reply = await ask(milky.address('http_server'), 'get_login_info', {});
          assert.equal(await milky.stop(), 0);
          assert.equal(reply?.status, 'ok', world.faults.describe());
          tried.ready += fired;
        }
        return seen;
      };
      const most = await begin(Number.MAX_SAFE_INTEGER, 0);
      const total = most * variants;
      const began = Date.now();
      for (let i = 0; i < total && Date.now() - began < SECONDS * 500; i++) {
        const n = (SEED + i * 619) % total;
        await begin(n % most + 1, Math.floor(n / most));
      }
      t.diagnostic(`FAULT_SEED=${SEED}: of ${total} calls and errors, ${tried.ready} did no harm, ${tried.ended} kept it from starting`);
    });
  }
});
