// Milky 1.x beside the draft, on the same port: calls under /api/ with the status codes of 1.x, and the
// events at /event, as a WebSocket or as Server-Sent Events.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { BOT, Client, GROUP, Inbox, botConfig, call, request, serve, within } from './harness.mjs';
import { Raw, assertRefused, handshake, post } from './raw.mjs';
import { checkEvent } from './schema.mjs';

const LISTEN = '127.0.0.1:0';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const servers = (more = {}) => ({ http_server: [{ listen: LISTEN, ...more }], websocket_server: [{ listen: LISTEN, ...more }] });
const refused = (response, status) => assertRefused({ ...response, json: response.body }, status);

// A stream of Server-Sent Events: each message as its fields, comments left out.
async function stream(t, url, headers = {}) {
  const aborter = new AbortController();
  t.after(() => aborter.abort());
  const response = await fetch(url, { headers, signal: aborter.signal });
  const messages = new Inbox();
  const closed = (async () => {
    let text = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const blocks = text.split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        const lines = block.split('\n').filter((line) => !line.startsWith(':'));
        const fields = lines.map((line) => /^(event|data|id): (.*)$/s.exec(line).slice(1));
        if (fields.length > 0) messages.push(Object.fromEntries(fields));
      }
    }
    return text;
  })();
  closed.catch(() => {});
  return { response, messages, closed };
}

// A WebSocket at /event: its messages, parsed.
async function listen(t, url, options) {
  const socket = new WebSocket(url, options);
  const messages = new Inbox();
  t.after(() => socket.terminate());
  socket.on('message', (data, binary) => messages.push(binary ? null : JSON.parse(data)));
  const closed = once(socket, 'close').then(([code]) => code);
  await within(once(socket, 'open'), 'a connection');
  return { socket, messages, closed };
}

test('calls of 1.x', async (t) => {
  const milky = await serve(t, botConfig({ http_server: [{ listen: LISTEN, access_token: 'x' }] }));
  const address = milky.address('http_server');
  const ask = (path, headers = {}, body = '{}', method = 'POST') =>
    request(address, path, { method, headers: { ...JSON_TYPE, Authorization: 'Bearer x', ...headers }, body });

  await t.test('401 without a token and with a wrong one', async () => {
    for (const Authorization of ['', 'Bearer y', 'Bearer xx', 'Basic eDp4']) {
      const response = await ask('/api/get_login_info', { Authorization });
      refused(response, 401);
      assert.equal(response.headers['www-authenticate'], 'Bearer');
    }
  });
  await t.test('415 for another Content-Type', async () => {
    refused(await ask('/api/get_login_info', { 'Content-Type': 'text/plain' }), 415);
    assert.equal((await ask('/api/get_login_info', { 'Content-Type': 'application/json; charset=utf-8' })).status, 200);
  });
  await t.test('404 for an unknown API, and for those of the draft alone', async () => {
    for (const path of ['/api/no_such_api', '/api/', '/api', '/api/recall_message', '/api/api/get_login_info']) refused(await ask(path), 404);
  });
  await t.test('405 for another method', async () => {
    const response = await ask('/api/get_login_info', {}, undefined, 'GET');
    refused(response, 405);
    assert.equal(response.headers.allow, 'POST');
  });
  await t.test('200 and -400 for malformed params', async () => {
    for (const [action, body] of [['get_friend_info', '{}'], ['get_login_info', ''], ['get_login_info', '[]'], ['get_login_info', '{']]) {
      const response = await ask(`/api/${action}`, {}, body);
      assert.equal(response.status, 200);
      assert.deepEqual({ ...response.body, message: '' }, { status: 'failed', retcode: -400, message: '' });
    }
  });
  await t.test('200 for the rest, with or without a trailing slash', async () => {
    for (const path of ['/api/get_login_info', '/api/get_login_info/']) {
      assert.deepEqual((await ask(path)).body, { status: 'ok', retcode: 0, data: { uin: BOT, nickname: `Milky ${BOT}` } });
    }
    const sent = await ask('/api/send_group_message', {}, JSON.stringify({ group_id: GROUP, message: [{ type: 'mention_all', data: {} }] }));
    const { message_seq } = sent.body.data;
    const recalled = await ask('/api/recall_group_message', {}, JSON.stringify({ group_id: GROUP, message_seq }));
    assert.deepEqual(recalled.body, { status: 'ok', retcode: 0, data: {} });
  });
  await t.test('the draft is served beside it', async () => {
    refused(await ask('/get_friend_info', {}, '{}'), 400);
    refused(await ask('/get_friend_info', { Authorization: 'Bearer y' }), 403);
  });
});

test('events of 1.x', async (t) => {
  const milky = await serve(t, botConfig(servers({ access_token: 'a b&' })));
  const base = milky.http();
  const url = `ws://${milky.address('http_server')}/event`;
  const query = '?access_token=a%20b%26';
  const bearer = { Authorization: 'Bearer a b&' };

  await t.test('401 without a token and with a wrong one', async () => {
    const address = milky.address('http_server');
    for (const [path, Authorization] of [['/event', ''], ['/event?access_token=y', ''], ['/event', 'Bearer y']]) {
      refused(await request(address, path, { method: 'GET', headers: { Authorization } }), 401);
      const raw = await Raw.connect(address);
      raw.write(handshake({ target: path, extra: Authorization ? [`Authorization: ${Authorization}`] : [] }));
      assertRefused(await raw.response(), 401);
      raw.destroy();
    }
  });
  await t.test('405 for what is not GET', async () => {
    const response = await request(milky.address('http_server'), '/event', { headers: { ...bearer, ...JSON_TYPE }, body: '{}' });
    refused(response, 405);
    assert.equal(response.headers.allow, 'GET');
  });

  await t.test('Server-Sent Events and WebSockets carry the same bare events', async (t) => {
    const streams = [await stream(t, `${base}/event${query}`), await stream(t, `${base}/event`, bearer), await stream(t, `${base}/event/${query}`)];
    for (const { response } of streams) {
      assert.match(response.headers.get('date'), /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
      assert.equal(response.headers.get('cache-control'), 'no-store');
    }
    const sockets = [await listen(t, `${url}${query}`), await listen(t, url, { headers: bearer })];
    const drafted = await Client.connect(`${milky.ws()}${query}`);
    t.after(() => drafted.socket.terminate());
    for (const { response } of streams) {
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      assert.equal(response.headers.get('cache-control'), 'no-store');
    }
    for (const words of ['hello', '一\n二\r\n三\r四\u2028', ': x\n\ndata: y']) {
      const { message_seq, time } = await milky.say(10003001, { group: GROUP }, words);
      const event = await sockets[0].messages.next('the event');
      checkEvent('1.2', event);
      assert.deepEqual([event.time, event.self_id, event.event_type, event.data.message_seq, event.data.segments[0].data.text],
        [time, BOT, 'message_receive', message_seq, words]);
      assert.deepEqual(await sockets[1].messages.next('the event'), event);
      for (const { messages } of streams) {
        const message = await messages.next('the event');
        assert.equal(message.event, 'milky_event');
        assert.deepEqual(JSON.parse(message.data), event);
      }
      assert.equal((await drafted.events.next()).data.data.message_id, `Group:${GROUP}:${message_seq}`);
    }
  });

  await t.test('many clients of each get all events in order while one does not read', async (t) => {
    const deaf = await Raw.connect(milky.address('http_server'));
    deaf.write(`GET /event${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await deaf.take(1);
    deaf.socket.pause();
    const { messages } = await stream(t, `${base}/event${query}`);
    const socket = await listen(t, `${url}${query}`);
    const drafted = await Client.connect(`${milky.ws()}${query}`);
    t.after(() => drafted.socket.terminate());
    // The recall of its own message is an event for the bot itself.
    for (let i = 0; i < 200; i++) {
      drafted.send({ action: 'send_group_message', params: { group_id: GROUP, message: [{ type: 'text', data: { text: `${i}` } }] } });
      const { data: { data: { message_id } } } = await drafted.responses.next();
      drafted.send({ action: 'recall_message', params: { message_id } });
      const event = await socket.messages.next('the recall');
      checkEvent('1.2', event);
      assert.deepEqual([event.event_type, event.data.message_seq], ['message_recall', Number(message_id.split(':')[2])]);
      assert.deepEqual(JSON.parse((await messages.next('the recall')).data), event);
      await drafted.responses.next();
    }
    deaf.destroy();
  });

  await t.test('calls sent on event connections are not answered', async (t) => {
    const socket = await listen(t, `${url}${query}`);
    socket.socket.send('{"action":"get_login_info","echo":1}');
    const pong = once(socket.socket, 'pong');
    socket.socket.ping();
    await within(pong, 'a pong');
    await milky.say(10003001, { group: GROUP }, 'still there');
    assert.equal((await socket.messages.next()).data.segments[0].data.text, 'still there');
    socket.socket.close(1000);
    assert.equal(await within(socket.closed, 'the end'), 1000);
  });

  await t.test('a stream ends when its client disconnects', async () => {
    for (let i = 0; i < 20; i++) {
      const raw = await Raw.connect(milky.address('http_server'));
      raw.write(`GET /event${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await raw.take(1);
      if (i % 2) raw.socket.resetAndDestroy();
      else raw.end();
    }
    await milky.say(10003001, { group: GROUP }, 'hello?');
    const { body } = await call(base, 'get_login_info', {}, { headers: { Authorization: 'Bearer a b&' } });
    assert.equal(body.data.uin, BOT);
  });
});

test('without a token, web pages of other origins get no events', async (t) => {
  const milky = await serve(t, botConfig(servers()));
  const address = milky.address('http_server');
  for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }]) {
    refused(await request(address, '/event', { method: 'GET', headers }), 403);
    const raw = await Raw.connect(address);
    assertRefused(await raw.write(handshake({ target: '/event', extra: [`Origin: ${headers.Origin}`] })).response(), 403);
    raw.destroy();
  }
  // A page whose name was made to resolve to this machine (DNS rebinding) sends no Origin with a GET.
  refused(await request(address, '/event', { method: 'GET', headers: { Host: 'evil.example:3000' } }), 403);
  for (const headers of [{}, { Host: `localhost:${address.split(':')[1]}` }, { Origin: `http://${address}` }]) {
    assert.equal((await stream(t, `http://${address}/event`, headers)).response.status, 200);
  }
  // Pipelined after a call, on one connection.
  const raw = await Raw.connect(address);
  raw.write(post('/api/get_login_info', '{}'), 'GET /event HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.equal((await raw.response()).json.data.uin, BOT);
  assert.ok(`${await raw.take(15)}`.startsWith('HTTP/1.1 200 OK'));
  raw.destroy();
});

test('streams end when milky stops', async (t) => {
  const milky = await serve(t, botConfig(servers()));
  const { closed } = await stream(t, `${milky.http()}/event`);
  const socket = await listen(t, `ws://${milky.address('http_server')}/event`);
  assert.equal(await milky.stop(), 0);
  assert.equal(await within(closed, 'the end of the stream'), '');
  assert.equal(await within(socket.closed, 'the end of the WebSocket'), 1001);
});
