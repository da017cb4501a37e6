// What one client sends at once is done in shares, between which others are served; what its calls hold while they
// wait is bounded; and an echo that could not be sent is found before its call is executed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { parse, valueOf } from './exposition.mjs';
import { connect, hook, serve, text } from './fixtures.mjs';
import { BOT, GROUP, call, memory, request, within } from './harness.mjs';
import { Raw, frame, post, rawWebSocket } from './raw.mjs';

const MIB = 1 << 20;
const OTHER = 10002000;
const LISTEN = '127.0.0.1:0';
const MANY = 400;
const config = (more = {}, first = {}) => ({
  operations: LISTEN,
  bots: [
    { self_id: BOT, http_server: [{ listen: LISTEN }], websocket_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }], ...first },
    { self_id: OTHER, http_server: [{ listen: LISTEN }] },
  ],
  ...more,
});
const say = (words) => ({ group_id: GROUP, message: text(words) });

async function act(milky, action, params) {
  const { code, stderr } = await milky.run(['do', action, JSON.stringify(params)]);
  assert.equal(code, 0, stderr);
}

async function inFlight(milky, count) {
  const address = milky.banner[milky.banner.indexOf('operations') + 1].trim();
  const now = async () => valueOf(parse((await request(address, '/metrics', { method: 'GET' })).text), 'milky_calls_in_flight', { bot: `${BOT}` });
  await within((async () => { while ((await now()) !== count); })(), `${count} calls to be in flight`);
}

// The number of the group's message of another bot, whose call follows while the many are being executed.
async function seqOfOther(milky, attack) {
  const other = await Raw.connect(milky.address('http_server', 1));
  const asked = post('/api/send_group_message', JSON.stringify(say('other')));
  await attack(() => other.write(asked));
  const { body } = await other.response();
  other.destroy();
  return JSON.parse(body).data.message_seq;
}

describe('many calls at once', { concurrency: 1 }, () => {
  it('of a WebSocket', async (t) => {
    const milky = await serve(t, config());
    const raw = await rawWebSocket(milky.address('websocket_server', 1));
    t.after(() => raw.destroy());
    const many = Array.from({ length: MANY }, (_, i) => frame(1, JSON.stringify({ action: 'send_group_message', params: say(`${i}`) })));
    const seq = await seqOfOther(milky, (next) => {
      raw.write(Buffer.concat(many));
      next();
    });
    assert.ok(seq <= MANY / 2, `${seq}`);
  });

  it('of a pipeline of HTTP', async (t) => {
    const milky = await serve(t, config());
    const raw = await Raw.connect(milky.address('http_server'));
    t.after(() => raw.destroy());
    const many = Array.from({ length: MANY }, (_, i) => post('/api/send_group_message', JSON.stringify(say(`${i}`))));
    const seq = await seqOfOther(milky, (next) => {
      raw.write(many.join(''));
      next();
    });
    assert.ok(seq <= MANY / 2, `${seq}`);
  });

  it("of a webhook's answer", async (t) => {
    const calls = Array.from({ length: MANY }, (_, i) => ({ action: 'send_group_message', params: say(`${i}`) }));
    const receiver = await hook(t, { answer: ({ text: event }) => (event.includes('start it') ? { body: calls } : { status: 204 }) });
    const milky = await serve(t, config({}, { webhook: [{ url: receiver.url, dialect: '1.2' }] }));
    const seq = await seqOfOther(milky, async (next) => {
      const { body } = await call(`${milky.http(1)}/api`, 'send_group_message', say('start it'));
      assert.equal(body.retcode, 0);
      while (!(await receiver.next()).text.includes('start it')); // an event is noted once it has been answered
      next();
    });
    assert.ok(seq <= MANY, `${seq}`); // after the first share of them
    const last = async () => (await call(`${milky.http(0)}/api`, 'get_history_messages', { message_scene: 'group', peer_id: GROUP, limit: 1 })).body.data.messages[0].message_seq;
    await within((async () => { while ((await last()) < MANY + 2); })(), 'all calls to be executed');
  });
});

describe('calls that wait', { concurrency: 1 }, () => {
  const limits = { pending_bytes_per_connection: 2 * MIB, pending_bytes_per_bot: 8 * MIB };

  it('hold no text that was read', async (t) => {
    const milky = await serve(t, config());
    await act(milky, 'fault', { bot: BOT, latency: 600000 });
    const raw = await rawWebSocket(milky.address('websocket_server', 1));
    t.after(() => raw.destroy());
    const before = await memory(milky, 'RssAnon');
    const padded = frame(1, JSON.stringify({ action: 'get_login_info', params: { x: 'y'.repeat(2 * MIB), z: Array(10000).fill(1) } }));
    for (let i = 0; i < 40; i++) raw.write(padded);
    await inFlight(milky, 40);
    const grown = (await memory(milky, 'RssAnon')) - before;
    assert.ok(grown < 12, `${grown} MiB`);
  });

  it('stop the reading of their connection, and no other', async (t) => {
    const milky = await serve(t, config({ limits }));
    await act(milky, 'fault', { bot: BOT, action: 'send_group_message', latency: 3000 });
    const [raw, other] = [await rawWebSocket(milky.address('websocket_server', 1)), await connect(t, milky.ws(1))];
    t.after(() => raw.destroy());
    const large = frame(1, JSON.stringify({ action: 'send_group_message', params: { group_id: GROUP, message: text('好'.repeat(300000)) }, echo: 1 }));
    for (let i = 0; i < 8; i++) raw.write(large);
    await inFlight(milky, 2);
    assert.equal((await other.call('get_login_info', {}, 'x')).data.retcode, 0);
    for (let i = 0; i < 8; i++) assert.equal((await raw.message()).data.echo, 1); // and all are answered at last
  });

  it('are refused beyond the bound of their bot, and only of that one', async (t) => {
    const milky = await serve(t, config({ limits }));
    await act(milky, 'fault', { bot: BOT, action: 'send_group_message', latency: 4000 });
    const body = JSON.stringify(say('好'.repeat(900000)));
    const answers = Promise.all(Array.from({ length: 6 }, () => call(milky.http(0), 'send_group_message', undefined, { body })));
    const got = (await answers).map(({ status, body: { retcode } }) => [status, retcode]);
    assert.equal(got.filter(([status, retcode]) => status === 503 && retcode === -503).length, 3, JSON.stringify(got));
    assert.equal((await call(milky.http(1), 'send_group_message', say('x'))).body.retcode, 0);
    assert.equal((await call(milky.http(0), 'get_login_info')).body.retcode, 0);
  });
});

describe('one message', { concurrency: 1 }, () => {
  it('that becomes a thousand times longer is refused before that, and its connection stays', async (t) => {
    const milky = await serve(t, config());
    for (const index of [0, 1]) {
      const client = await connect(t, milky.ws(index));
      assert.equal(client.socket.extensions, 'permessage-deflate');
      const before = await memory(milky, 'VmHWM');
      for (const piece of ['x', '好', ' ', '\\u0001']) {
        const answer = once(client.socket, 'message');
        client.socket.send(`{"action":"set_nickname","params":{"new_nickname":"bomb","x":"${piece.repeat(40 * MIB / Buffer.byteLength(piece))}"}}`);
        const { data } = JSON.parse((await within(answer, 'the reply'))[0]);
        assert.deepEqual([data.retcode, /5 MiB/.test(data.message)], [-400, true]);
      }
      const grown = (await memory(milky, 'VmHWM')) - before;
      assert.ok(grown < 16, `${grown} MiB`);
      assert.notEqual((await call(milky.http(0), 'get_login_info')).body.data.nickname, 'bomb');
      assert.equal(client.socket.readyState, 1);
    }
  });

  it('has a bounded number of segments, and of values', async (t) => {
    const milky = await serve(t, config());
    const segments = (count) => ({ group_id: GROUP, message: Array.from({ length: count }, (_, i) => ({ type: 'text', data: { text: `${i % 10}` } })) });
    const { body } = await call(milky.http(0), 'send_group_message', segments(4096));
    assert.equal(body.retcode, 0, body.message);
    const refused = await call(milky.http(0), 'send_group_message', segments(4097));
    assert.deepEqual([refused.status, refused.body.retcode], [200, -501]);
    assert.match(refused.body.message, /4096 elements/);
    const values = await call(milky.http(0), 'get_login_info', { x: Array(400000).fill(1) });
    assert.match(values.body.message, /too many values/);
  });
});

describe('an echo', { concurrency: 1 }, () => {
  it('of the largest size is returned, and a longer one refused before its call is executed', async (t) => {
    const milky = await serve(t, config());
    for (const [index, perMessageDeflate] of [[0, false], [0, true], [1, false], [1, true]]) {
      const client = await connect(t, milky.ws(index), { perMessageDeflate });
      for (const more of [-1, 0, 1]) {
        const echo = 'e'.repeat(4 * MIB - 2 + more);
        const answer = once(client.socket, 'message');
        client.socket.send(JSON.stringify({ action: 'set_nickname', params: { new_nickname: `n${index}${more}` }, echo }));
        const reply = JSON.parse((await within(answer, 'the reply'))[0]);
        const data = reply.data.status ? reply.data : reply;
        assert.equal(data.echo === echo, more <= 0);
        assert.equal(data.retcode, more > 0 ? -400 : 0, data.message);
        const { body } = await call(`${milky.http(1)}/api`, 'get_user_profile', { user_id: BOT });
        assert.equal(body.data.nickname === `n${index}${more}`, more <= 0, body.data.nickname);
      }
    }
  });
});
