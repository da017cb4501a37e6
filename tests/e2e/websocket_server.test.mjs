// The draft's WebSocket server, sentence by sentence: calls and events on one connection, credentials
// before the upgrade, echo, failures that leave the connection open.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket as UndiciWebSocket } from 'undici';
import { WebSocket } from 'ws';
import { BOT, Client, GROUP, Inbox, botConfig, call, request, serve, within } from './harness.mjs';
import { Raw, assertRefused, frame, handshake, post, rawWebSocket } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const OTHER = 10001001;
const text = (words) => [{ type: 'text', data: { text: words } }];
const say = (words) => ['send_group_message', { group_id: GROUP, message: text(words) }];
const said = (event) => event.data.data.segments[0].data.text;

async function connect(t, url, options) {
  const client = await Client.connect(url, options);
  t.after(() => client.socket.terminate());
  return client;
}

// The answer to a refused handshake.
async function refusal(url, options) {
  const socket = new WebSocket(url, options);
  socket.on('error', () => {});
  const [, response] = await within(once(socket, 'unexpected-response'), `the refusal of ${url}`);
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode, headers: response.headers, text, json: JSON.parse(text) };
}

test('the draft\'s examples', async (t) => {
  const self = 123456789;
  const milky = await serve(t, botConfig({ websocket_server: [{ listen: LISTEN, access_token: '123456' }] }, self));
  const client = await connect(t, `${milky.ws()}?access_token=123456`);

  await t.test('a call and its response', async () => {
    client.send(`{
  "action": "send_private_message",
  "params": {
    "user_id": 10003001,
    "message": [
      {
        "type": "text",
        "data": {
          "text": "Hello, world!"
        }
      }
    ]
  },
  "echo": "123456"
}`);
    const response = await client.responses.next();
    const { time } = response.data.data;
    assert.ok(Number.isInteger(time) && Math.abs(time - Date.now() / 1000) < 5);
    assert.deepEqual(response, {
      post_type: 'action_response',
      self_id: self,
      data: { status: 'ok', retcode: 0, data: { message_id: 'Private:10003001:1', time }, echo: '123456' },
    });
  });

  await t.test('a failure', async () => {
    const response = await client.call('send_private_message', { user_id: 987654321, message: text('hi') }, 'x');
    assert.deepEqual(Object.keys(response.data).sort(), ['echo', 'message', 'retcode', 'status']);
    assert.deepEqual({ ...response.data, message: '' }, { status: 'failed', retcode: -100, message: '', echo: 'x' });
    assert.match(response.data.message, /^\d+ is not a friend of \d+$/);
  });

  await t.test('an event', async () => {
    const { time } = await milky.say(10003001, { to: self }, 'Hello, world!');
    assert.deepEqual(await client.events.next(), {
      post_type: 'event',
      self_id: self,
      data: {
        time,
        event_type: 'message_receive',
        data: {
          message_type: 'private',
          message_id: 'Private:10003001:2',
          time,
          user_id: 10003001,
          segments: [{ type: 'text', data: { text: 'Hello, world!' } }],
        },
      },
    });
  });
});

test('credentials are checked before the upgrade', async (t) => {
  const milky = await serve(t, botConfig({ websocket_server: [{ listen: LISTEN, access_token: '123456' }] }));
  const url = milky.ws();
  const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

  for (const [what, where, options] of [
    ['nothing', url],
    ['a query without it', `${url}?token=123456&Access_Token=123456`],
    ['another scheme', url, { headers: { Authorization: 'Basic MTIzNDU2' } }],
    ['nothing, at another path', `${url}nothing`],
  ]) {
    await t.test(`401: ${what}`, async () => {
      const response = await refusal(where, options);
      assertRefused(response, 401);
      assert.equal(response.headers['www-authenticate'], 'Bearer');
    });
  }
  for (const [what, where, options] of [
    ['in the query', `${url}?access_token=654321`],
    ['empty', `${url}?access_token=`],
    ['a beginning', `${url}?access_token=12345`],
    ['longer', `${url}?access_token=1234567`],
    ['in the header', url, bearer('654321')],
    ['in the query, right in the header', `${url}?access_token=654321`, bearer('123456')],
    ['at another path', `${url}nothing?access_token=654321`],
  ]) {
    await t.test(`403: wrong ${what}`, async () => assertRefused(await refusal(where, options), 403));
  }
  for (const [what, where, options] of [
    ['in the query', `${url}?access_token=123456`],
    ['among others', `${url}?a=b&access_token=123456&c`],
    ['percent-encoded', `${url}?access_token=%3123%34%356`],
    ['its name encoded', `${url}?access%5Ftoken=123456`],
    ['in the header', url, bearer('123456')],
  ]) {
    await t.test(`101: right ${what}`, async (t) => {
      const client = await connect(t, where, options);
      assert.equal((await client.call('get_login_info')).data.data.uin, BOT);
    });
  }
  await t.test('no client gets events without them', async () => {
    // Bytes after a refused handshake are no frames.
    const connection = await Raw.connect(milky.address('websocket_server'));
    connection.write(handshake(), frame(1, '{"action":"get_login_info"}'));
    assertRefused(await connection.response(), 401);
    connection.destroy();
  });
  await t.test('the log does not show the token', () => assert.ok(!milky.stderr.includes('123456')));
});

test('tokens of all kinds of characters', async (t) => {
  const tokens = ['two words', 'a+b', '100%', 'a&b=c', '牛奶🥛', '%41', '#?/', '"'];
  const milky = await serve(t, {
    bots: tokens.map((access_token, i) => ({ self_id: BOT + i, websocket_server: [{ listen: LISTEN, access_token }] })),
  });
  for (const [i, token] of tokens.entries()) {
    await t.test(token, async (t) => {
      const url = milky.ws(i);
      const client = await connect(t, `${url}?access_token=${encodeURIComponent(token)}`);
      assert.equal((await client.call('get_login_info')).data.data.uin, BOT + i);
      // As forms encode it.
      await connect(t, `${url}?${new URLSearchParams({ access_token: token })}`);
      await connect(t, url, { headers: { Authorization: Buffer.from(`Bearer ${token}`).toString('latin1') } });
      assertRefused(await refusal(`${url}?access_token=${encodeURIComponent(`${token}.`)}`), 403);
      assertRefused(await refusal(`${url}?access_token=${encodeURIComponent(encodeURIComponent(`${token}%`))}`), 403);
    });
  }
});

test('the handshake', async (t) => {
  const milky = await serve(t, botConfig({ websocket_server: [{ listen: LISTEN }] }));
  const address = milky.address('websocket_server');
  const port = address.split(':')[1];
  const answer = async (bytes) => {
    const connection = await Raw.connect(address);
    const response = await connection.write(bytes).response();
    connection.destroy();
    return response;
  };

  await t.test('404 at other paths', async () => {
    for (const target of ['/ws', '//', '/%2f', '/nothing']) assertRefused(await answer(handshake({ target })), 404);
    assertRefused(await answer(post('/get_login_info', '{}')), 404);
  });
  await t.test('426 without one', async () => {
    const response = await answer('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assertRefused(response, 426);
    assert.equal(response.headers.upgrade, 'websocket');
    assertRefused(await answer(handshake({ without: ['Upgrade'] })), 426);
    assertRefused(await answer(handshake({ without: ['Connection'] })), 426);
    assertRefused(await answer(handshake({ version: '1.0' })), 426);
    assertRefused(await answer(post('/', '{}')), 426);
  });
  await t.test('426 for another version', async () => {
    for (const extra of [['Sec-WebSocket-Version: 8'], []]) {
      const response = await answer(handshake({ without: ['Sec-WebSocket-Version'], extra }));
      assertRefused(response, 426);
      assert.equal(response.headers['sec-websocket-version'], '13');
    }
  });
  await t.test('400 without a good key', async () => {
    for (const key of [null, '', 'c2hvcnQ=', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQ===', '!GhlIHNhbXBsZSBub25jZQ==']) {
      const extra = key === null ? [] : [`Sec-WebSocket-Key: ${key}`];
      assertRefused(await answer(handshake({ without: ['Sec-WebSocket-Key'], extra })), 400);
    }
  });
  await t.test('101 for every way to write it', async () => {
    for (const options of [
      { without: ['Connection'], extra: ['Connection: keep-alive, Upgrade'] },
      { without: ['Upgrade'], extra: ['Upgrade: WebSocket'] },
      { target: '/?a=b' },
      { extra: ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Extensions: x-webkit-deflate-frame'] },
    ]) {
      const response = await answer(handshake(options));
      assert.equal(response.status, 101);
      assert.equal(response.headers.upgrade, 'websocket');
      assert.equal(response.headers.connection.toLowerCase(), 'upgrade');
      // Nothing that was not negotiated.
      assert.equal(response.headers['sec-websocket-protocol'], undefined);
      assert.equal(response.headers['sec-websocket-extensions'], undefined);
      assert.equal(response.headers['content-length'], undefined);
    }
  });
  await t.test('a call right after it', async () => {
    const connection = await Raw.connect(address);
    connection.write(Buffer.concat([Buffer.from(handshake()), frame(1, '{"action":"get_login_info","echo":1}')]));
    assert.equal((await connection.response()).status, 101);
    assert.equal((await connection.message()).data.echo, 1);
    connection.destroy();
  });
  await t.test('web pages of other origins are refused', async () => {
    for (const [origin, host] of [
      ['https://evil.example', address], ['null', address], ['http://127.0.0.1:1', address],
      [`http://localhost:${port}`, address], [`http://evil.example:${port}`, `evil.example:${port}`],
    ]) assertRefused(await answer(handshake({ host, extra: [`Origin: ${origin}`] })), 403);
    for (const [origin, host] of [[`http://${address}`, address], [`http://localhost:${port}`, `localhost:${port}`]]) {
      assert.equal((await answer(handshake({ host, extra: [`Origin: ${origin}`] }))).status, 101);
    }
  });
});

test('calls', async (t) => {
  const milky = await serve(t, botConfig({ websocket_server: [{ listen: LISTEN }] }));
  const client = await connect(t, milky.ws());
  // The text of the response, since JSON.parse does not keep every detail.
  const raw = async (message) => {
    const next = once(client.socket, 'message');
    client.send(message);
    const [data] = await within(next, `the response to ${message}`);
    await client.responses.next();
    return data.toString();
  };

  await t.test('echo of any type comes back as it was given', async (t) => {
    for (const echo of [
      '"123456"', '""', '0', '-1', '1.50', '1e2', '12345678901234567890', '1e400', '0.1000000000000000055511151231257827',
      'true', 'false', 'null', '[]', '{}', '[1,[2,{"a":null}],"x"]', '{"b":1,"a":{"action":"nothing","echo":2}}',
      '"牛奶🥛"', '"\\u0000"', '"\\"\\\\/"', `"${'x'.repeat(100000)}"`,
    ]) {
      await t.test(echo.slice(0, 40), async () => {
        const response = await raw(`{"echo": ${echo}, "action": "get_login_info"}`);
        const [, given] = /,"echo":(.*)\}\}$/s.exec(response);
        assert.deepEqual(JSON.parse(given), JSON.parse(echo));
        if (/^[-\d]/.test(echo)) assert.equal(given, echo);
      });
    }
  });

  await t.test('echo is absent where none was given', async () => {
    const response = await client.call('get_login_info', {});
    assert.deepEqual(Object.keys(response.data).sort(), ['data', 'retcode', 'status']);
    assert.ok(!('echo' in (await client.call('no_such_api', {})).data));
  });

  await t.test('params may be absent or null', async () => {
    for (const message of ['{"action":"get_login_info"}', '{"action":"get_login_info","params":null}', '{"params":{},"action":"get_login_info"}']) {
      client.send(message);
      assert.equal((await client.responses.next()).data.data.uin, BOT);
    }
  });

  await t.test('data is {} where there is no output', async () => {
    const sent = await client.call(...say('oops'));
    const response = await client.call('recall_message', { message_id: sent.data.data.message_id }, 1);
    assert.deepEqual(response.data, { status: 'ok', retcode: 0, data: {}, echo: 1 });
    await client.events.next(); // bots of the group get the event, the sender included
  });

  await t.test('failures leave the connection open', async (t) => {
    for (const [what, message, retcode, echo] of [
      ['no JSON', 'hello', -400],
      ['nothing', '', -400],
      ['half of it', '{"action": "get_login_info", "echo": 1', -400],
      ['something behind it', '{"action":"get_login_info"} {}', -400],
      ['an array', '[{"action":"get_login_info"}]', -400],
      ['a string', '"get_login_info"', -400],
      ['null', 'null', -400],
      ['no action', '{"params": {}, "echo": 1}', -400, 1],
      ['an action of another type', '{"action": 1, "echo": [2]}', -400, [2]],
      ['params of another type', '{"action": "get_login_info", "params": [], "echo": 3}', -400, 3],
      ['params that are text', '{"action": "get_login_info", "params": "{}", "echo": 3}', -400, 3],
      ['a param missing', '{"action": "get_friend_info", "params": {}, "echo": "a"}', -400, 'a'],
      ['a param of another type', '{"action": "get_friend_info", "params": {"user_id": "10003001"}, "echo": "b"}', -400, 'b'],
      ['params absent where one is needed', '{"action": "get_friend_info", "echo": "c"}', -400, 'c'],
      ['an unknown action', '{"action": "no_such_api", "params": {}, "echo": "d"}', -404, 'd'],
      ['an empty action', '{"action": "", "echo": "e"}', -404, 'e'],
      ['an action with a slash', '{"action": "/get_login_info", "echo": "f"}', -404, 'f'],
      ['what the backend refuses', '{"action": "get_friend_info", "params": {"user_id": 99999999}, "echo": "g"}', -100, 'g'],
    ]) {
      await t.test(what, async () => {
        client.send(message);
        const response = await client.responses.next();
        assert.equal(response.post_type, 'action_response');
        assert.equal(response.self_id, BOT);
        assert.deepEqual({ ...response.data, message: '' },
          { status: 'failed', retcode, message: '', ...(echo === undefined ? {} : { echo }) });
        assert.ok(response.data.message.length > 0);
        assert.equal((await client.call('get_login_info', {}, 'still there')).data.echo, 'still there');
      });
    }
  });

  await t.test('many at once, each answered once', async () => {
    const expected = new Map();
    for (let i = 0; i < 500; i++) {
      const [action, params] = i % 3 === 0 ? say(`${i}`) : i % 3 === 1 ? ['get_friend_info', { user_id: 10003001 + (i % 5) }] : ['no_such_api', {}];
      expected.set(i, action);
      client.send({ action, params, echo: i });
    }
    const seqs = [];
    while (expected.size > 0) {
      const { data } = await client.responses.next();
      const action = expected.get(data.echo);
      assert.ok(expected.delete(data.echo), `${data.echo} came twice`);
      if (action === 'no_such_api') assert.equal(data.retcode, -404);
      else if (action === 'get_friend_info') assert.equal(data.data.user_id, 10003001 + (data.echo % 5));
      else seqs.push(Number(data.data.message_id.split(':')[2]));
    }
    // Calls that change the world are executed in the order in which they came.
    assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
    assert.equal(client.responses.size, 0);
  });

  await t.test('in fragments, with a ping between them', async () => {
    const connection = await rawWebSocket(milky.address('websocket_server'));
    const message = Buffer.from('{"action":"get_login_info","echo":"牛奶"}');
    connection.write(frame(1, message.subarray(0, 36), { fin: false }), frame(9, 'hello'));
    const pong = await connection.frame();
    assert.deepEqual([pong.opcode, `${pong.payload}`], [10, 'hello']);
    for (const byte of message.subarray(36)) connection.write(frame(0, Buffer.from([byte]), { fin: false }));
    connection.write(frame(0));
    assert.equal((await connection.message()).data.echo, '牛奶');
    connection.destroy();
  });

  await t.test('binary messages that are no JSON are refused', async () => {
    const other = await Client.connect(milky.ws());
    other.socket.send(Buffer.from([0x0a, 0x02, 0x7b, 0x7d]), { binary: true });
    assert.equal((await within(other.closed, 'the end')).code, 1003);
    assert.equal(other.responses.size, 0);
  });
});

test('events', async (t) => {
  const both = [{ listen: LISTEN }];
  const milky = await serve(t, {
    bots: [
      { self_id: BOT, http_server: both, websocket_server: both },
      { self_id: OTHER, http_server: both, websocket_server: [...both, { listen: LISTEN, dialect: '1.2' }] },
    ],
  });

  await t.test('go to every client, responses to the caller alone', async (t) => {
    const clients = await Promise.all(Array.from({ length: 60 }, () => connect(t, milky.ws(0))));
    await milky.say(10003002, { group: GROUP }, 'to all');
    const events = await Promise.all(clients.map((client) => client.events.next('the event')));
    for (const event of events) assert.deepEqual(event, events[0]);
    assert.equal(said(events[0]), 'to all');
    assert.equal(events[0].data.data.group_id, GROUP);
    await Promise.all(clients.map(async (client, i) =>
      assert.equal((await client.call('get_login_info', {}, i)).data.echo, i)));
    for (const client of clients) assert.equal(client.responses.size, 0);
  });

  await t.test('messages of one bot reach the others, not itself, in order', async (t) => {
    const [mine, theirs, modern] = await Promise.all([connect(t, milky.ws(0)), connect(t, milky.ws(1)), connect(t, milky.ws(2))]);
    for (let i = 0; i < 200; i++) mine.send({ action: say('')[0], params: say(`${i}`)[1], echo: i });
    for (let i = 0; i < 200; i++) {
      assert.equal((await mine.responses.next()).data.echo, i);
      const event = await theirs.events.next();
      assert.equal(event.self_id, OTHER);
      assert.equal(event.data.data.user_id, BOT);
      assert.equal(said(event), `${i}`);
      const other = await modern.events.next();
      assert.equal(other.data.self_id, OTHER);
      assert.equal(other.data.data.sender_id, BOT);
      assert.equal(said(other), `${i}`);
    }
    assert.equal(mine.events.size, 0);
    // In private, to one of them alone.
    await theirs.call('send_private_message', { user_id: BOT, message: text('psst') });
    const event = await mine.events.next();
    assert.deepEqual([event.self_id, event.data.data.message_type, event.data.data.user_id, said(event)], [BOT, 'private', OTHER, 'psst']);
    assert.equal(theirs.events.size, 0);
  });

  await t.test('calls and events share a connection', async (t) => {
    const [mine, theirs] = await Promise.all([connect(t, milky.ws(0)), connect(t, milky.ws(1))]);
    for (let i = 0; i < 100; i++) {
      mine.send({ action: 'send_group_message', params: say('ping')[1], echo: i });
      theirs.send({ action: 'send_group_message', params: say('pong')[1], echo: i });
    }
    for (let i = 0; i < 100; i++) {
      assert.equal((await mine.responses.next()).data.echo, i);
      assert.equal((await theirs.responses.next()).data.echo, i);
      assert.equal(said(await mine.events.next()), 'pong');
      assert.equal(said(await theirs.events.next()), 'ping');
    }
  });

  await t.test('a call over HTTP makes them too', async (t) => {
    const mine = await connect(t, milky.ws(0));
    await call(milky.http(1), ...say('by post'));
    assert.equal(said(await mine.events.next()), 'by post');
  });

  await t.test('a client gets none from before it connected or after it disconnected', async (t) => {
    const witness = await connect(t, milky.ws(0));
    await call(milky.http(1), ...say('before'));
    const client = await connect(t, milky.ws(0));
    await call(milky.http(1), ...say('during'));
    assert.equal(said(await client.events.next()), 'during');
    assert.equal((await client.close()).code, 1005);
    await call(milky.http(1), ...say('after'));
    for (const words of ['before', 'during', 'after']) assert.equal(said(await witness.events.next()), words);
  });
});

test('one port for HTTP and WebSocket', async (t) => {
  const milky = await serve(t, botConfig({
    http_server: [{ listen: LISTEN, access_token: 'http' }],
    websocket_server: [{ listen: LISTEN, access_token: 'ws' }],
  }));
  const address = milky.address('http_server');
  assert.equal(milky.address('websocket_server'), address);
  const authorized = (token) => ({ 'Content-Type': 'application/json', Authorization: `Bearer ${token}` });

  await t.test('each with its own token', async (t) => {
    const client = await connect(t, `ws://${address}/?access_token=ws`);
    assert.equal((await client.call('get_login_info')).data.data.uin, BOT);
    assert.equal((await call(`http://${address}`, 'get_login_info', {}, { token: 'http' })).body.data.uin, BOT);
    assert.equal((await call(`http://${address}`, 'get_login_info', {}, { token: 'ws' })).status, 403);
    assertRefused(await refusal(`ws://${address}/?access_token=http`), 403);
  });
  await t.test('calls first, then an upgrade, on one connection', async () => {
    const connection = await Raw.connect(address);
    const headers = ['Authorization: Bearer http'];
    connection.write(post('/get_login_info', '{}', { headers }), handshake({ target: '/?access_token=ws' }), frame(1, '{"action":"get_login_info"}'));
    assert.equal((await connection.response()).json.data.uin, BOT);
    assert.equal((await connection.response()).status, 101);
    assert.equal((await connection.message()).data.data.uin, BOT);
    connection.destroy();
  });
  await t.test('the WebSocket is at / and nowhere else', async () => {
    assertRefused(await refusal(`ws://${address}/get_login_info?access_token=ws`), 404);
    const response = await request(address, '/', { headers: authorized('ws'), body: '{}' });
    assertRefused({ ...response, json: response.body }, 426);
  });
});

test('where it listens', async (t) => {
  const milky = await serve(t, botConfig({
    websocket_server: [{ listen: LISTEN }, { listen: '[::1]:0' }, { listen: 'unix:events.sock' }],
  }));
  await t.test('IPv6', async (t) => {
    assert.match(milky.address('websocket_server', 1), /^\[::1\]:\d{4,5}$/);
    const client = await connect(t, milky.ws(1));
    assert.equal((await client.call('get_login_info')).data.data.uin, BOT);
  });
  await t.test('a Unix-domain socket', async (t) => {
    const path = `${milky.dir}/events.sock`;
    assert.match(milky.address('websocket_server', 2), /^unix:(.*\/)?events\.sock$/);
    const client = await connect(t, `ws+unix://${path}:/`);
    await milky.say(10003001, { to: BOT }, 'hello');
    assert.equal(said(await client.events.next()), 'hello');
  });
});

test('the WebSocket of undici', async (t) => {
  const milky = await serve(t, botConfig({ websocket_server: [{ listen: LISTEN, access_token: '牛奶 +' }] }));
  const socket = new UndiciWebSocket(`${milky.ws()}?access_token=${encodeURIComponent('牛奶 +')}`);
  const messages = new Inbox();
  socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(data)));
  await within(once(socket, 'open'), 'the connection');
  socket.send(JSON.stringify({ action: 'get_login_info', echo: 7 }));
  assert.equal((await messages.next()).data.echo, 7);
  await milky.say(10003001, { to: BOT }, 'hello');
  assert.equal(said(await messages.next()), 'hello');
  const closed = once(socket, 'close');
  socket.close(1000, 'bye');
  const [event] = await within(closed, 'the end');
  assert.deepEqual([event.code, event.wasClean], [1000, true]);
});
