// Deadlines of calls (limits.call_seconds), and calls whose client has disconnected.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { parse, valueOf } from './exposition.mjs';
import { connect, serve, text } from './fixtures.mjs';
import { BOT, GROUP, call, request, within } from './harness.mjs';
import { Raw, post } from './raw.mjs';

const OTHER = 10002000;
const port = '127.0.0.1:0';

const config = (more = {}) => ({
  operations: port,
  bots: [
    {
      self_id: BOT,
      http_server: [{ listen: port }, { listen: port, dialect: '1.2', prefix: '/m' }],
      websocket_server: [{ listen: port }, { listen: port, dialect: '1.2', prefix: '/m' }],
    },
    { self_id: OTHER, http_server: [{ listen: port }], websocket_server: [{ listen: port }] },
  ],
  ...more,
});

async function act(milky, action, params) {
  const { code, stderr } = await milky.run(['do', action, JSON.stringify(params)]);
  assert.equal(code, 0, stderr);
}

async function metric(milky, name, labels) {
  const address = milky.banner[milky.banner.indexOf('operations') + 1].trim();
  const response = await request(address, '/metrics', { method: 'GET' });
  return valueOf(parse(response.text), name, labels);
}

// Repeats the request until its answer is as wanted.
const until = (milky, name, labels, value) =>
  within((async () => { while (await metric(milky, name, labels) !== value); })(), `${name} to be ${value}`);

const timedOut = { status: 'failed', retcode: -500, message: 'timed out' };

describe('a call that is not answered in time', { concurrency: 4 }, () => {
  it('fails in both dialects, and its late answer is dropped', async (t) => {
    const milky = await serve(t, config({ limits: { call_seconds: 1 } }));
    await act(milky, 'fault', { bot: BOT, action: 'get_login_info', latency: 1500 });
    const clients = [await connect(t, milky.ws(0)), await connect(t, `${milky.ws(1)}m`)];
    const before = performance.now();
    const answers = await Promise.all([
      call(milky.http(0), 'get_login_info'),
      call(`${milky.http(1)}/m/api`, 'get_login_info'),
      ...clients.map((client, echo) => client.call('get_login_info', {}, echo)),
    ]);
    assert.ok(performance.now() - before >= 995, 'too early');
    assert.deepEqual(answers.slice(0, 2).map(({ status, body }) => [status, body]), [[200, timedOut], [200, timedOut]]);
    assert.deepEqual(answers.slice(2).map(({ data }) => data), [{ ...timedOut, echo: 0 }, { ...timedOut, echo: 1 }]);
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 0);
    const sandbox = { backend: 'sandbox', type: 'sandbox' };
    assert.equal(await metric(milky, 'milky_backend_late_calls_total', sandbox), 4);
    assert.equal(await metric(milky, 'milky_backend_calls_in_flight', sandbox), 0);
    assert.equal(await metric(milky, 'milky_backend_bots', sandbox), 2);
    // After the late answers the connections are as they were.
    await act(milky, 'clear_faults', {});
    await act(milky, 'fault', { bot: BOT, action: 'get_friend_list', latency: 700 });
    for (const client of clients) {
      const { data } = await client.call('get_friend_list', {}, 'next');
      assert.deepEqual([data.retcode, data.echo], [0, 'next']);
    }
    await milky.log.find((line) => /get_login_info was not answered within 1 s/.test(line));
  });

  it('ends its connection when the client has disconnected', async (t) => {
    const milky = await serve(t, config({ limits: { call_seconds: 1 } }));
    await act(milky, 'fault', { bot: BOT, latency: 600000 });
    const sockets = await Promise.all([1, 2, 3].map(() => Raw.connect(milky.address('http_server'))));
    for (const socket of sockets) socket.write(post('/get_login_info', '{}'));
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 3);
    for (const socket of sockets) socket.end();
    const where = { bot: `${BOT}`, transport: 'http_server', index: '0' };
    await until(milky, 'milky_connections', where, 0);
    assert.equal(await metric(milky, 'milky_calls_in_flight', { bot: `${BOT}` }), 0);
  });
});

describe('a call whose client has disconnected', { concurrency: 4 }, () => {
  it('ends immediately', async (t) => {
    const milky = await serve(t, config());
    await act(milky, 'fault', { bot: BOT, latency: 600000 });
    const client = await connect(t, milky.ws(0));
    for (let i = 0; i < 20; i++) client.send({ action: 'get_login_info', echo: i });
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 20);
    assert.equal(await metric(milky, 'milky_backend_calls_in_flight', { backend: 'sandbox', type: 'sandbox' }), 20);
    client.socket.terminate();
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 0);
    const counted = { bot: `${BOT}`, action: 'get_login_info', retcode: '-499' };
    assert.equal(await metric(milky, 'milky_calls_total', counted), 20);
  });

  it('keeps its effect and its event where it has been executed', async (t) => {
    const milky = await serve(t, config());
    const other = await connect(t, milky.ws(2));
    await act(milky, 'fault', { bot: BOT, latency: 600000 });
    const client = await connect(t, milky.ws(0));
    client.send({ action: 'send_group_message', params: { group_id: GROUP, message: text('done') } });
    client.socket.terminate();
    assert.equal((await other.events.next()).data.data.segments[0].data.text, 'done');
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 0);
    await act(milky, 'clear_faults', {});
    const { body } = await call(`${milky.http(1)}/m/api`, 'get_history_messages',
      { message_scene: 'group', peer_id: GROUP });
    assert.equal(body.data.messages.at(-1).segments[0].data.text, 'done');
  });

  it('cancels the download that it waited for', async (t) => {
    let ask;
    const asked = new Promise((resolve) => (ask = resolve));
    const files = createServer((_, response) => ask(response)).listen(0, '127.0.0.1');
    await once(files, 'listening');
    t.after(() => files.closeAllConnections() ?? files.close());
    const milky = await serve(t, config({ backend: { media: { allow_private_addresses: true } } }));
    const other = await connect(t, milky.ws(2));
    const client = await connect(t, milky.ws(0));
    const uri = `http://127.0.0.1:${files.address().port}/never.png`;
    client.send({ action: 'send_group_message', params: { group_id: GROUP, message: [{ type: 'image', data: { uri } }] } });
    const response = await within(asked, 'the download');
    client.socket.terminate();
    await within(once(response, 'close'), 'the download to be given up');
    await until(milky, 'milky_calls_in_flight', { bot: `${BOT}` }, 0);
    await call(milky.http(0), 'send_group_message', { group_id: GROUP, message: text('the next') });
    assert.equal((await other.events.next()).data.data.segments[0].data.text, 'the next');
  });
});
