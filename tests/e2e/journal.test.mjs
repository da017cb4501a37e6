// No event is lost over crashes (kill -9), dead receivers and a full disk. SOAK=1 takes longer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { folder, freePort, hook, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Inbox, Milky, ReverseServer, call, within } from './harness.mjs';
import { Ledger, numberOf } from './ledger.mjs';
import { cutPower, powerEnv } from './power.mjs';

const OTHER = 10002000;
const MING = 10003001;
const [ROUNDS, CUTS] = process.env.SOAK ? [500, 200] : [30, 10];

// The texts of all messages of a group.
async function everything(base, group) {
  const words = [];
  for (let start; start !== null; ) {
    const params = { message_scene: 'group', peer_id: group, limit: 30, start_message_seq: start };
    const { body } = await call(`${base}/api`, 'get_history_messages', params);
    assert.equal(body.status, 'ok', body.message);
    words.push(...body.data.messages.map(textOf));
    start = body.data.next_message_seq ?? null;
  }
  return words;
}

// Bots send messages of at least that length, and milky is killed again and again: no client misses an event. `after`
// gets the files that a crash left.
async function crash(t, rounds, { length = 0, most = 120, env, after = async () => {}, durable = true } = {}) {
  let milky;
  t.after(() => milky?.child.kill('SIGKILL')); // before the other cleanups, which wait for its connections to end
  const errors = [];
  const guard = (run) => (...args) => { try { run(...args); } catch (error) { errors.push(error); } };
  const [posted, pushed, asked] = ['webhook', 'websocket_client', 'since'].map((name) => new Ledger(name));
  const ledgers = durable ? [posted, pushed, asked] : [asked];
  const receiver = await hook(t);
  receiver.answer = guard(({ headers, text: body }) => {
    posted.add(Number(headers['x-milky-delivery']), textOf(JSON.parse(body).data));
    return { status: 204 };
  });
  const peer = await reverse(t);
  // Messages in the buffers of the previous connection come too late to count.
  const watch = (socket, ledger) => {
    ledger.socket = socket;
    socket.on('message', guard((data) => {
      if (ledger.socket !== socket) return;
      const message = JSON.parse(data);
      assert.notEqual(message.post_type, 'gap', `${ledger.name} got a gap`);
      if (message.post_type === 'event') ledger.add(numberOf(message), textOf(message.data.data));
    }));
  };
  peer.wss.on('connection', (socket) => watch(socket, pushed));

  const port = await freePort();
  const dir = await folder(t);
  const config = {
    bots: [
      {
        self_id: BOT,
        websocket_server: [{ listen: `127.0.0.1:${port}` }],
        ...(durable && {
          webhook: [{ url: receiver.url }],
          websocket_client: [{ url: `ws://127.0.0.1:${peer.port}/`, replay: true }],
        }),
      },
      { self_id: OTHER, http_server: [{ listen: '127.0.0.1:0' }] },
    ],
  };
  await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(config));
  const acknowledged = [];
  let unacknowledged;
  let next = 0;
  const speak = async (base, over) => {
    while (!over.now) {
      const word = `${next++}`.padEnd(length, '.');
      const reply = await call(base, 'send_group_message', { group_id: GROUP, message: text(word) }, { patience: 5000 }).catch(() => undefined);
      if (reply?.body.status !== 'ok') continue;
      acknowledged.push(word);
      over.replies.push(word);
    }
  };
  for (let round = 0; round <= rounds; round++) {
    milky = await Milky.start({ dir, env });
    const since = new WebSocket(`ws://127.0.0.1:${port}/?since=${asked.last}`);
    since.on('error', () => {});
    watch(since, asked);
    const over = { now: round === rounds, replies: new Inbox() };
    const speakers = [1, 2, 3].map(() => speak(milky.http(), over));
    if (round < rounds) {
      for (let i = Math.random() * most; i > 1; i--) await over.replies.next('a reply');
      over.now = true;
      milky.child.kill('SIGKILL');
      await milky.exit;
      await after(join(dir, 'data'));
    } else {
      for (const ledger of ledgers) await ledger.has(acknowledged);
      // A message whose sender never got a reply has an event too.
      const there = await everything(milky.http(), GROUP);
      for (const ledger of ledgers) await ledger.has(there);
      unacknowledged = there.length - acknowledged.length;
      since.terminate();
      assert.equal(await milky.stop(), 0);
    }
    await Promise.all(speakers);
    since.terminate();
    assert.deepEqual(errors, []);
  }
  assert.ok(acknowledged.length > rounds, `only ${acknowledged.length} messages were sent`);
  t.diagnostic(`${acknowledged.length} messages acknowledged and ${unacknowledged} not, ${rounds} crashes; came again: ` +
    ledgers.map(({ name, again }) => `${name} ${again}`).join(', '));
}

describe('journal', () => {
  it(`loses no event in ${ROUNDS} crashes`, (t) => crash(t, ROUNDS));
  // The texts are long, so that the world deletes the events that it keeps for the journal, and the journal is flushed.
  it(`loses no event when the power fails ${CUTS} times`, (t) =>
    crash(t, CUTS, { length: 2000, most: 20, env: powerEnv(), after: cutPower }));
  // No cursor is stored, so that the journal commits its events a second later, or never.
  it(`loses no event in ${ROUNDS} crashes without durable sinks`, (t) => crash(t, ROUNDS, { durable: false }));
  it(`loses no event when the power fails ${CUTS} times without durable sinks`, (t) =>
    crash(t, CUTS, { durable: false, length: 2000, most: 60, env: powerEnv(), after: cutPower }));

  it('a websocket_client with replay continues where its server stopped reading', async (t) => {
    const port = await freePort();
    const first = await ReverseServer.start({ port });
    const milky = await serve(t, {
      bots: [{ self_id: BOT, websocket_client: [{ url: `ws://127.0.0.1:${port}/`, replay: true }] }],
    });
    const one = await first.next();
    await milky.say(MING, { to: BOT }, 'one');
    const number = numberOf(await one.events.next());
    await one.call('get_login_info', {}, 1); // a message after the ping has been read
    await first.stop();
    await milky.say(MING, { to: BOT }, 'two');
    await milky.say(MING, { to: BOT }, 'three');
    const second = await ReverseServer.start({ port });
    t.after(() => second.stop());
    const again = await second.next();
    const event = await again.events.find((event) => numberOf(event) > number);
    assert.deepEqual([numberOf(event), textOf(event.data.data)], [number + 1, 'two']);
    assert.equal(textOf((await again.events.next()).data.data), 'three');
  });

  it('the position of a slow websocket_client is kept long before it has read everything', async (t) => {
    const port = await freePort();
    const stopped = await ReverseServer.start({ port });
    const milky = await serve(t, {
      bots: [
        { self_id: BOT, websocket_client: [{ url: `ws://127.0.0.1:${port}/`, replay: true }] },
        { self_id: OTHER, http_server: [{ listen: '127.0.0.1:0' }] },
      ],
    });
    let [server, client] = [stopped, await stopped.next()];
    t.after(() => server.stop());
    client.socket.pause();
    // More than the buffers of two sockets hold, and less than milky lets it lag.
    const MANY = 1300;
    const long = text('猫'.repeat(5000));
    for (let i = 0; i < MANY; i += 20) {
      const said = Array.from({ length: 20 }, () => call(milky.http(), 'send_group_message', { group_id: GROUP, message: long }));
      for (const { body } of await Promise.all(said)) assert.equal(body.status, 'ok', body.message);
    }
    client.socket.resume();
    // First from memory, then from the journal.
    for (let round = 0, before = 0; round < 2; round++) {
      const asked = new Inbox();
      let last = 0;
      client.socket.on('message', (data) => (last = numberOf(JSON.parse(data)) ?? last));
      client.socket.on('ping', (data) => asked.push(Number(data)));
      // `ws` answers pings by itself. The second ping proves that the answer to the first was read.
      const known = await asked.next('to be asked for a receipt');
      await asked.next('to be asked again');
      client.socket.pause();
      assert.ok(known > before && known < MANY, `round ${round}: ${known} of ${MANY}, after ${before}`);
      await server.stop();
      server = await ReverseServer.start({ port });
      client = await server.next();
      await milky.say(MING, { to: BOT }, 'there is one more in any case');
      const number = numberOf(await client.events.next());
      assert.ok(number > known, `round ${round}: ${number} came again, though ${known} was acknowledged`);
      assert.ok(number <= last + 1, `round ${round}: ${last + 1} to ${number - 1} are lost`);
      before = known;
    }
  });

  it('acknowledges no message that it cannot store', async (t) => {
    const dir = await folder(t);
    const port = await freePort();
    const config = {
      bots: [
        { self_id: BOT, websocket_server: [{ listen: `127.0.0.1:${port}` }] },
        { self_id: OTHER, http_server: [{ listen: '127.0.0.1:0' }] },
      ],
    };
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(config));
    // Files may not grow beyond this: the journal, the world, or both, are full at some point.
    for (const blocks of [400, 900, 1500]) {
      const milky = await Milky.start({ dir, fileBlocks: blocks });
      const acknowledged = [];
      let failures = 0;
      for (let i = 0; i < 3000 && failures < 5; i++) {
        const word = `${blocks} ${i} ${'x'.repeat(200)}`;
        const reply = await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text(word) }).catch(() => undefined);
        if (reply?.body.status === 'ok') acknowledged.push(word);
        else failures++;
      }
      assert.equal(failures, 5, 'the limit was never met');
      assert.match(milky.stderr, /error +(journal|sandbox)/);
      milky.child.kill('SIGKILL');
      await milky.exit;
      const restarted = await Milky.start({ dir });
      const ledger = new Ledger('since');
      const socket = new WebSocket(`ws://127.0.0.1:${port}/?since=0`);
      socket.on('message', (data) => {
        const message = JSON.parse(data);
        if (message.post_type === 'event') ledger.add(numberOf(message), textOf(message.data.data));
      });
      await once(socket, 'open');
      await ledger.has(acknowledged);
      socket.terminate();
      assert.equal(await restarted.stop(), 0);
    }
  });

  it('does not start, and gives the reason, where it may not write', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify({ data_dir: 'data', bots: [{ self_id: BOT }] }));
    await (await Milky.start({ dir })).stop();
    await writeFile(join(dir, 'data', 'journal.db'), 'this is no database, and long enough to be looked at'.repeat(100));
    const child = spawn(process.env.MILKY, ['serve'], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));
    const [code] = await within(once(child, 'close'), 'milky to end');
    assert.equal(code, 1);
    assert.match(stderr, /journal.*data\/journal\.db.*file is not a database/);
  });
});
