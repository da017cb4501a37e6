// A backend that answers wrongly, twice, late, never, from within turn_end, and with invalid JSON
// (tests/tools/unruly_backend.c), over all four communication methods: each mistake affects its own call, and
// not the backend beside it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { connect, hook, reverse } from './fixtures.mjs';
import { Inbox, call, request, within } from './harness.mjs';

const UNRULY = 10001;
const STEADY = 10002;
const API = 'get_resource_temp_url';

// The reply after each way to answer: the tag, or the retcode and message of a failure.
const shape = [-500, 'the backend made a result that is not of the API\'s shape'];
const noJson = [-500, 'the backend made a result that is no JSON'];
const ways = {
  'ok:a': 'a',
  'later:b': 'b',
  'turn_end:c': 'c',
  'twice:d': 'd',
  'never:e': [-500, 'timed out'],
  'late:f': [-500, 'timed out'],
  'foreign:g': 'g',
  'borrow:h': 'h',
  'misshapen:0': noJson,
  'misshapen:1': noJson,
  'misshapen:2': shape,
  'misshapen:3': shape,
  'misshapen:4': shape,
  'misshapen:5': shape,
  'misshapen:6': shape,
  'misshapen:7': noJson,
  'deep:i': noJson,
  'nothing:j': shape,
  'fail:k': [-7, '\ufffd\ufffd no UTF-8 "\n'],
  'fail_with_0:l': [-500, ''],
  'post:m': 'm',
  'unheard:n': [-501, 'it knows no unheard'],
};

function check(how, { status, retcode, data, message }) {
  const expected = ways[how];
  if (typeof expected === 'string') assert.deepEqual([status, retcode, data], ['ok', 0, { url: expected }], how);
  else assert.deepEqual([status, retcode, message], ['failed', ...expected], how);
}

class Unruly {
  static async start(t) {
    const one = new Unruly();
    one.servers = await reverse(t);
    one.hooks = await hook(t, { answer: ({ url, text }) => one.answer(url, text) });
    one.child = spawn(join(dirname(process.env.TESTEE), 'unruly_backend'),
      [`ws://127.0.0.1:${one.servers.port}`, `http://${one.hooks.address}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    one.exit = once(one.child, 'exit');
    one.stderr = '';
    one.child.stderr.on('data', (data) => (one.stderr += data));
    one.ports = {};
    one.posted = new Inbox();
    const lines = new Inbox();
    createInterface({ input: one.child.stdout }).on('line', (line) => lines.push(line));
    for (let line = await lines.next('a port'); line !== 'ready'; line = await lines.next('a port')) {
      const [bot, transport, address] = line.split(' ');
      one.ports[`${bot} ${transport}`] = address;
    }
    one.clients = {};
    for (let i = 0; i < 2; i++) {
      const client = await one.servers.next();
      one.clients[client.request.url.slice(1)] = client;
    }
    t.after(() => one.stop());
    return one;
  }

  http = (bot) => `http://${this.ports[`${bot} http_server`]}`;
  ws = (bot) => `ws://${this.ports[`${bot} websocket_server`]}/`;

  // Each webhook is answered with calls, once, where there are some for it.
  calls = {};
  answer(url, text) {
    const bot = url.slice(1);
    const body = this.calls[bot];
    delete this.calls[bot];
    this.posted.push({ bot, event: JSON.parse(text) });
    return body ? { status: 200, headers: { 'Content-Type': 'application/json' }, body } : { status: 204 };
  }

  emit = (bot, tag) => call(this.http(bot), API, { resource_id: `events:${tag}` });

  // The endpoint's log about the unruly backend.
  async status() {
    const { body } = await request(this.ports['0 control'], '/endpoint/status', { headers: { 'Content-Type': 'application/json' }, body: '{}' });
    return body.data.backends[0];
  }

  async inFlight(count) {
    await within((async () => { while ((await this.status()).calls_in_flight !== count); })(), `${count} calls to be in flight`);
  }

  fds = async () => (await readdir(`/proc/${this.child.pid}/fd`)).length;

  terminate() {
    if (!this.terminated) this.child.kill('SIGTERM');
    this.terminated = true;
  }

  // It has exited with 0, and the library has done nothing that its headers do not promise.
  async stop() {
    this.terminate();
    const [code, signal] = await within(this.exit, 'it to end');
    assert.deepEqual([code, signal], [0, null], this.stderr);
    assert.doesNotMatch(this.stderr, /SURPRISE/);
  }
}

// Calls the steady backend on every connection, one call after the other, until it is stopped: each answer is
// its own, and none waits for the unruly one, which keeps calls open until they time out, for 3 s.
function watch(one, sockets) {
  let going = true;
  let slowest = 0;
  let count = 0;
  const ask = async (asked) => {
    for (let i = 0; going; i++) {
      const before = performance.now();
      const how = i % 2 ? `later:${i}` : `ok:${i}`;
      const { retcode, data } = await asked(how);
      slowest = Math.max(slowest, performance.now() - before);
      assert.deepEqual([retcode, data], [0, { url: `${i}` }], how);
      count++;
    }
  };
  const overHttp = async (how) => (await call(one.http(STEADY), API, { resource_id: how })).body;
  const over = (socket) => async (how) => {
    const { data } = await socket.call(API, { resource_id: how }, how);
    assert.equal(data.echo, how);
    return data;
  };
  const asking = Promise.all([ask(overHttp), ...sockets.map((socket) => ask(over(socket)))]);
  return async () => {
    going = false;
    await asking;
    assert.ok(count > 20, `only ${count} calls of the steady bot`);
    assert.ok(slowest < 2500, `a call of the steady bot took ${slowest} ms`);
  };
}

describe('an unruly backend', { concurrency: 4 }, () => {
  it('affects only its own calls, over all four methods', async (t) => {
    const one = await Unruly.start(t);
    const steady = [await connect(t, one.ws(STEADY)), one.clients[STEADY]];
    const done = watch(one, steady);
    const overHttp = Object.keys(ways).map(async (how) => {
      const { status, body } = await call(one.http(UNRULY), API, { resource_id: how });
      assert.equal(status, 200);
      check(how, body);
    });
    const overSocket = async (socket) => {
      const hows = Object.keys(ways);
      for (const how of hows) socket.send({ action: API, params: { resource_id: how }, echo: how });
      const answered = [];
      while (answered.length < hows.length) {
        const { self_id, data } = await socket.responses.next('an answer');
        assert.equal(self_id, UNRULY);
        check(data.echo, data);
        answered.push(data.echo);
      }
      assert.deepEqual(answered.sort(), hows.sort()); // each once
    };
    const sockets = [await connect(t, one.ws(UNRULY)), one.clients[UNRULY]];
    await Promise.all([...overHttp, ...sockets.map(overSocket)]);

    // A webhook's calls are executed one after the other, whether they succeed or fail.
    one.calls[UNRULY] = [...Object.keys(ways), 'events:all done'].map((how) => ({ action: API, params: { resource_id: how } }));
    await one.emit(UNRULY, 'begin');
    for (const reason of ['begin', 'all done']) {
      const { event } = await one.posted.find(({ bot }) => bot === `${UNRULY}`, reason);
      assert.deepEqual(event.data, { reason });
    }
    for (const socket of sockets) {
      for (const reason of ['begin', 'all done']) assert.equal((await socket.events.next()).data.data.reason, reason);
      assert.equal(socket.responses.size, 0); // no call got a second answer
    }
    await done();
    for (const socket of steady) assert.equal(socket.events.size + socket.responses.size, 0);
  });

  it('may set its bot offline, and disconnect all of its clients', async (t) => {
    const one = await Unruly.start(t);
    const steady = [await connect(t, one.ws(STEADY)), one.clients[STEADY]];
    const done = watch(one, steady);
    const socket = await connect(t, one.ws(UNRULY));
    for (const how of ['never:1', 'never:2', 'offline:3', 'ok:4']) {
      socket.send({ action: API, params: { resource_id: how }, echo: how });
    }
    const answers = {};
    for (let i = 0; i < 4; i++) {
      const { data } = await socket.responses.next();
      answers[data.echo] = data.retcode;
    }
    assert.deepEqual(answers, { 'never:1': -403, 'never:2': -403, 'offline:3': -403, 'ok:4': 0 });
    assert.equal((await socket.events.next()).data.event_type, 'bot_offline');

    const held = call(one.http(UNRULY), API, { resource_id: 'never:5' });
    held.catch(() => {}); // it may be reset at once
    await one.inFlight(1);
    socket.send({ action: API, params: { resource_id: 'drop:6' }, echo: 6 });
    await within(socket.closed, 'it to hang up');
    await assert.rejects(held);
    const again = await one.servers.next(); // the websocket_client has reconnected
    assert.equal(again.request.url, `/${UNRULY}`);
    check('ok:a', (await again.call(API, { resource_id: 'ok:a' }, 1)).data);
    check('ok:a', (await call(one.http(UNRULY), API, { resource_id: 'ok:a' })).body);
    await done();
  });

  it('leaks nothing for calls that it never answers', async (t) => {
    const one = await Unruly.start(t);
    check('ok:a', (await call(one.http(UNRULY), API, { resource_id: 'ok:a' })).body);
    const before = await one.fds();
    const sockets = await Promise.all(Array.from({ length: 50 }, () => connect(t, one.ws(UNRULY))));
    for (const socket of sockets) {
      for (let i = 0; i < 20; i++) socket.send({ action: API, params: { resource_id: i % 2 ? 'never:0' : 'late:0' }, echo: i });
    }
    const timedOut = await Promise.all(sockets.slice(0, 25).map(async (socket) => {
      const echoes = [];
      for (let i = 0; i < 20; i++) {
        const { data } = await socket.responses.next('a call to time out');
        check('never:e', data);
        echoes.push(data.echo);
      }
      return new Set(echoes).size;
    }));
    assert.deepEqual(timedOut, Array(25).fill(20));
    const { late_calls: late, calls_in_flight: open } = await one.status();
    assert.equal(late + open, 1000);
    for (const socket of sockets.slice(0, 25)) socket.socket.close();
    for (const socket of sockets.slice(25)) socket.socket.terminate();
    await within((async () => { while (await one.fds() > before) await one.status(); })(),
      'their descriptors to be closed', 30000);
    await one.inFlight(0);
    check('ok:a', (await call(one.http(UNRULY), API, { resource_id: 'ok:a' })).body);
  });

  it('does not keep its endpoint from stopping', async (t) => {
    const one = await Unruly.start(t);
    const socket = await connect(t, one.ws(UNRULY));
    const asked = ['never:1', 'late:2'].map((how) => call(one.http(UNRULY), API, { resource_id: how }));
    for (const how of ['never:3', 'late:4', 'turn_end:5']) socket.send({ action: API, params: { resource_id: how }, echo: how });
    assert.equal((await socket.responses.next()).data.echo, 'turn_end:5');
    await one.inFlight(4);
    one.terminate();
    for (const { body } of await Promise.all(asked)) assert.equal(body.retcode, -500);
    assert.deepEqual([(await socket.responses.next()).data.retcode, (await socket.responses.next()).data.retcode], [-500, -500]);
    assert.equal((await within(socket.closed, 'it to close')).code, 1001);
    await one.stop();
  });
});
