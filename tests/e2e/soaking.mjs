// Very many clients that connect and disconnect while events and calls flow, a webhook and a WebSocket server that
// fail now and then; and milky's use of memory meanwhile. tests/tools/soak is the clients.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from './exposition.mjs';
import { hook, reverse, serve, textOf } from './fixtures.mjs';
import { BOT, Inbox, memory, request, within } from './harness.mjs';
import { Ledger, numberOf } from './ledger.mjs';

const PROGRAM = join(dirname(process.env.TESTEE), 'soak');
const OTHER = 10002000;
const ANY = '127.0.0.1:0';
// Some are longer, to be compressed.
const wordOf = (message) => textOf(message).trimEnd();
const portOf = (address) => address.split(':')[1];

// The program with the clients: its report each second, and the wait that it was asked for.
class Clients {
  constructor(t, options) {
    this.said = new Inbox(); // a line each second
    this.settled = new Inbox();
    this.last = { open: 0 };
    this.child = spawn(PROGRAM, Object.entries(options).map(([name, value]) => `${name}=${value}`));
    this.stderr = '';
    this.child.stderr.on('data', (data) => (this.stderr += data));
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => resolve(code ?? signal)));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.settled) return this.settled.push(message.settled);
      this.last = message;
      this.said.push(message);
    });
    t.after(() => this.child.kill('SIGKILL'));
  }

  // Fails at once when the program does.
  with(promise) {
    const gone = this.ended.then((code) => { throw new Error(`the clients ended with ${code}: ${this.stderr}`); });
    gone.catch(() => {});
    return Promise.race([promise, gone]);
  }

  command(word) {
    this.child.stdin.write(`${word}\n`);
  }
}

// The receiver of a webhook that refuses some posts, aborts some, and answers others late.
async function failingHook(t, ledger, errors) {
  const receiver = await hook(t);
  receiver.failures = 0;
  let broken = false;
  receiver.server.prependListener('request', (request) => {
    broken = Math.random() < 0.01;
    if (broken) request.socket.destroy();
  });
  receiver.answer = async ({ headers, text }) => {
    const chance = Math.random();
    if (broken || chance < 0.02) {
      receiver.failures++;
      return { status: 503 };
    }
    if (chance < 0.04) await new Promise((resolve) => setTimeout(resolve, 200));
    try {
      ledger.add(Number(headers['x-milky-delivery']), wordOf(JSON.parse(text).data));
    } catch (error) {
      errors.push(error);
    }
    return { status: 204 };
  };
  return receiver;
}

// A WebSocket server whose connections do not last.
async function failingPeer(t, ledger, errors) {
  const peer = await reverse(t);
  peer.connected = 0;
  peer.wss.on('connection', (socket) => {
    const end = 20 + Math.random() * 200;
    let seen = 0;
    peer.connected++;
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      try {
        if (message.post_type === 'event' && socket.readyState === socket.OPEN) ledger.add(numberOf(message), wordOf(message.data.data));
      } catch (error) {
        errors.push(error);
      }
      if (++seen > end) socket.terminate();
    });
  });
  return peer;
}

// MiB of the world's database, whose pages milky keeps in memory, up to 64 MiB of them.
async function pages(milky) {
  return Math.min(64, (await stat(join(milky.dir, 'data', 'sandbox', 'sandbox.db'))).size / (1 << 20));
}

async function descriptors(milky) {
  return (await readdir(`/proc/${milky.child.pid}/fd`)).length;
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

// Milky's use of memory while so many clients are connected: one sample with each report of theirs.
class Samples {
  constructor(milky, wanted) {
    this.milky = milky;
    this.wanted = wanted;
    this.full = []; // {memory, pages} in MiB, in order, while nearly all clients were connected
  }

  async take({ open }) {
    const families = parse((await request(this.operations, '/metrics', { method: 'GET', patience: 120000 })).text);
    const sum = (name) => families.get(name).samples.reduce((all, { value }) => all + value, 0);
    const one = {
      open, connections: sum('milky_connections'), turns: sum('milky_loop_turns_total'),
      fds: await descriptors(this.milky), memory: await memory(this.milky, 'RssAnon'), pages: await pages(this.milky),
    };
    if (open > this.wanted) this.full.push(one);
    return one;
  }

  get operations() {
    const { banner } = this.milky;
    return banner[banner.indexOf('operations') + 1].trim();
  }

  // The middle values of the second fifth of the time (caches are warm) and of the last one.
  get growth() {
    const fifth = Math.ceil(this.full.length / 5);
    const middle = (samples) => ({ memory: median(samples.map((one) => one.memory)), pages: median(samples.map((one) => one.pages)) });
    return { early: middle(this.full.slice(fifth, 2 * fifth)), late: middle(this.full.slice(-fifth)) };
  }
}

// The descriptors of clients that have gone are closed, some turns of the loop later: each sample is one or more.
async function allGone(samples, baseline) {
  const wait = async () => {
    for (;;) {
      const { fds } = await samples.take({ open: 0 });
      if (fds <= baseline) return fds;
    }
  };
  return within(wait(), `descriptors back to ${baseline}`, 30000);
}

export async function soak(t, { clients: count, seconds, rate, churn, progress }) {
  const errors = [];
  const [posted, pushed] = [new Ledger('webhook'), new Ledger('websocket_client')];
  const receiver = await failingHook(t, posted, errors);
  const peer = await failingPeer(t, pushed, errors);
  const milky = await serve(t, {
    operations: ANY,
    limits: { connections: Math.ceil(count * 1.1) + 100 },
    bots: [
      {
        self_id: BOT, http_server: [{ listen: ANY }], websocket_server: [{ listen: ANY }],
        webhook: [{ url: receiver.url }],
        websocket_client: [{ url: `ws://127.0.0.1:${peer.port}/`, replay: true }],
      },
      { self_id: OTHER, websocket_server: [{ listen: ANY }] },
    ],
  });
  await peer.next();
  const samples = new Samples(milky, count * (1 - 0.03 * churn));
  const baseline = (await samples.take({ open: 0 })).fds + 4; // the webhook's, and those of a request for metrics
  const clients = new Clients(t, {
    http_port: portOf(milky.address('http_server')), websocket_port: portOf(milky.address('websocket_server')),
    speaker_port: portOf(milky.address('websocket_server', 1)), clients: count, rate, churn, life: seconds + 300,
  });
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    const said = await clients.with(clients.said.next('the clients to say how it goes', 60000));
    assert.deepEqual(errors, []);
    progress?.(said, await samples.take(said));
  }
  clients.command('quiet');
  const said = await clients.with(clients.settled.next('all clients to have all events', 120000));
  const everything = Array.from({ length: said }, (_, i) => `soak ${i + 1};`);
  for (const ledger of [posted, pushed]) await ledger.has(everything);
  assert.deepEqual(errors, []);
  const { connections } = await samples.take(clients.last);
  assert.ok(connections >= count, `${connections} connections of ${count}`);
  clients.command('leave');
  const fds = await clients.with(allGone(samples, baseline));
  const left = await samples.take({ open: 0 });
  clients.child.stdin.end();
  assert.equal(await within(clients.ended, 'the clients to end'), 0, clients.stderr);
  return {
    ...clients.last, said, ...samples.growth, baseline, fds, left: left.memory,
    posted: posted.numbers.size, failures: receiver.failures, again: posted.again, peers: peer.connected,
  };
}
