// WebSocket client: its connections, its messages, and its reaction to failures.
// communication-draft.md, "WebSocket 客户端"; RFC 6455.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { bundleOf, certificate, freePort, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, botConfig } from './harness.mjs';
import { frame } from './raw.mjs';
import { RawServer, switching } from './raw_server.mjs';

const OTHER = 10002000;
const MING = 10003001;

const client = (...urls) => botConfig({ websocket_client: urls.map((url) => ({ url })) });
const call = (action, params, echo) => JSON.stringify({ action, params, echo });

describe('websocket_client', { concurrency: 6 }, () => {
  it('connects as in the specification', async (t) => {
    const server = await RawServer.start(t);
    await serve(t, botConfig({ websocket_client: [{ url: `${server.url}/`, access_token: '123456' }] }));
    const connection = await server.next();
    const [request, ...lines] = connection.head.split('\r\n');
    assert.equal(request, 'GET /?access_token=123456 HTTP/1.1');
    const headers = new Map(lines.map((line) => line.split(': ')).map(([name, value]) => [name.toLowerCase(), value]));
    const key = headers.get('sec-websocket-key');
    assert.equal(Buffer.from(key, 'base64').length, 16);
    assert.deepEqual(Object.fromEntries(headers), {
      host: `127.0.0.1:${server.port}`,
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      'x-self-id': `${BOT}`,
      'sec-websocket-extensions': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
    });
    connection.socket.destroy();
    assert.notEqual((await server.next()).key, key);
  });

  it('merges the access_token with the query of the URL', async (t) => {
    const server = await RawServer.start(t);
    const token = "a&b=c%?#+/'\"";
    const coded = encodeURIComponent(token);
    const expected = [
      ['', undefined, '/'],
      ['/', undefined, '/'],
      ['?x=1', undefined, '/?x=1'],
      ['/a%2Fb/c;d', undefined, '/a%2Fb/c;d'],
      ['', token, `/?access_token=${coded}`],
      ['/p', token, `/p?access_token=${coded}`],
      ['/p?', token, `/p?access_token=${coded}`],
      ['/p?x=%20&y', token, `/p?x=%20&y&access_token=${coded}`],
      ['/q?access_token=old&x=1', token, `/q?access_token=${coded}&x=1`],
      ['/q?access_token=own', undefined, '/q?access_token=own'],
    ];
    await serve(t, botConfig({
      websocket_client: expected.map(([rest, access_token]) => ({ url: `${server.url}${rest}`, access_token })),
    }));
    const targets = [];
    for (const _ of expected) targets.push((await server.next()).target);
    assert.deepEqual(targets.sort(), expected.map(([, , target]) => target).sort());
  });

  it('answers calls', async (t) => {
    const server = await reverse(t);
    await serve(t, client(`ws://127.0.0.1:${server.port}/`));
    const bot = await server.next();
    const { data, ...envelope } = await bot.call('send_private_message', { user_id: MING, message: text('你好') }, '123456');
    assert.deepEqual(envelope, { post_type: 'action_response', self_id: BOT });
    const { message_id, time } = data.data;
    assert.match(message_id, new RegExp(`^Private:${MING}:\\d+$`));
    assert.deepEqual(data, { status: 'ok', retcode: 0, data: { message_id, time }, echo: '123456' });
    for (const echo of [0, 12345678901234567890n, null, false, '', [1, { a: '\u{1F95B}' }], {}]) {
      const json = typeof echo === 'bigint' ? `${echo}` : JSON.stringify(echo);
      const answer = once(bot.socket, 'message');
      bot.send(`{"action":"get_message","params":{"message_id":"${message_id}"},"echo":${json}}`);
      const raw = `${(await answer)[0]}`;
      assert.ok(raw.endsWith(`,"echo":${json}}}`), raw);
      const response = await bot.responses.next();
      assert.equal(textOf(response.data.data.message), '你好');
    }
    const silent = await bot.call('get_friend_list', {});
    assert.equal(silent.data.status, 'ok');
    assert.equal('echo' in silent.data, false);
  });

  it('answers a malformed call with a failure, and stays connected', async (t) => {
    const server = await reverse(t);
    await serve(t, client(`ws://127.0.0.1:${server.port}/`));
    const bot = await server.next();
    const wrong = [
      ['{"action":"no_such_api","params":{},"echo":1}', -404, 1],
      ['{"action":"send_private_message","params":{"user_id":"x","message":[]},"echo":2}', -400, 2],
      ['{"action":"get_friend_list","params":[],"echo":3}', -400, 3],
      ['{"action":7,"echo":4}', -400, 4],
      ['{"echo":5}', -400, 5],
      ['{"action":"get_friend_list"', -400, undefined],
      ['', -400, undefined],
      ['[]', -400, undefined],
      ['null', -400, undefined],
    ];
    for (const [message, retcode, echo] of wrong) {
      bot.send(message);
      const { data, ...envelope } = await bot.responses.next(`an answer to ${message}`);
      assert.deepEqual(envelope, { post_type: 'action_response', self_id: BOT });
      assert.equal(data.status, 'failed');
      assert.equal(data.retcode, retcode, message);
      assert.equal(typeof data.message, 'string');
      assert.equal(data.echo, echo);
      assert.equal('data' in data, false);
    }
    assert.equal((await bot.call('get_friend_list')).data.status, 'ok');
  });

  it('pushes events', async (t) => {
    const server = await reverse(t);
    const milky = await serve(t, client(`ws://127.0.0.1:${server.port}/`));
    const bot = await server.next();
    const { message_seq } = await milky.say(MING, { to: BOT }, 'Hello, \u{1F95B}!');
    const event = await bot.events.next();
    const { time } = event.data;
    assert.deepEqual(event, {
      post_type: 'event',
      self_id: BOT,
      data: {
        time,
        event_type: 'message_receive',
        data: {
          message_type: 'private',
          message_id: `Private:${MING}:${message_seq}`,
          time,
          user_id: MING,
          segments: text('Hello, \u{1F95B}!'),
        },
      },
    });
  });

  it('speaks Milky 1.2 where that is configured', async (t) => {
    const server = await reverse(t);
    const milky = await serve(t, botConfig({
      websocket_client: [{ url: `ws://127.0.0.1:${server.port}/`, dialect: '1.2' }],
    }));
    const bot = await server.next();
    await milky.say(MING, { group: GROUP }, 'hello');
    const { data } = await bot.events.next();
    assert.equal(data.data.message_scene, 'group');
    const { data: reply } = await bot.call('get_message', {
      message_scene: 'group', peer_id: GROUP, message_seq: data.data.message_seq,
    });
    assert.equal(reply.data.message.sender_id, MING);
  });

  it('keeps exactly one connection per entry, each for its bot', async (t) => {
    const server = await reverse(t);
    const url = `ws://127.0.0.1:${server.port}`;
    const milky = await serve(t, {
      bots: [
        { self_id: BOT, websocket_client: [{ url: `${url}/1` }, { url: `${url}/2` }] },
        { self_id: OTHER, websocket_client: [{ url: `${url}/3` }] },
      ],
    });
    const clients = new Map();
    for (let i = 0; i < 3; i++) {
      const one = await server.next();
      clients.set(one.request.url, one);
    }
    assert.deepEqual([...clients.keys()].sort(), ['/1', '/2', '/3']);
    for (const [path, one] of clients) {
      const self = path === '/3' ? OTHER : BOT;
      assert.equal(one.request.headers['x-self-id'], `${self}`);
      assert.equal((await one.call('get_login_info')).self_id, self);
    }
    await milky.say(MING, { group: GROUP }, 'hello');
    for (const one of clients.values()) assert.equal(textOf((await one.events.next()).data.data), 'hello');
    clients.get('/2').socket.close(1000);
    const again = await server.next();
    assert.equal(again.request.url, '/2');
    assert.equal(server.wss.clients.size, 3);
    await milky.say(MING, { group: GROUP }, 'again');
    for (const one of [clients.get('/1'), again, clients.get('/3')]) {
      assert.equal(textOf((await one.events.next()).data.data), 'again');
      assert.equal(one.events.size, 0);
    }
    assert.equal(server.connections.size, 0);
  });

  it('reconnects after any loss of the connection', async (t) => {
    const losses = [
      (one) => one.send(8, Buffer.from([0x03, 0xe8])), // 1000
      (one) => one.send(8, Buffer.from([0x03, 0xf4])), // 1012
      (one) => one.send(8),
      (one) => one.socket.end(),
      (one) => one.socket.destroy(),
      (one) => one.socket.resetAndDestroy(),
      (one) => one.send(3, 'what?'),
      (one) => one.write(frame(1, '{}')), // masked, by a server
      (one) => one.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ];
    const servers = [];
    for (const _ of losses) servers.push(await RawServer.start(t));
    const milky = await serve(t, client(...servers.map(({ url }) => url)));
    for (const [i, server] of servers.entries()) losses[i](await server.accept());
    for (const server of servers) {
      const again = await server.accept();
      again.send(1, call('get_login_info'));
      assert.equal((await again.message()).data.status, 'ok');
      assert.ok(milky.stderr.includes(`${server.url}: disconnected; next try in 0.`), milky.stderr);
    }
  });

  it('connects once the server is up', async (t) => {
    const port = await freePort();
    const milky = await serve(t, client(`ws://127.0.0.1:${port}/`));
    const line = await milky.log.find((l) => l.includes('next try'), 'a refusal');
    assert.match(line, new RegExp(`warn  websocket_client: ws://127\\.0\\.0\\.1:${port}/: connection refused; next try in 0\\.\\d s`));
    const server = await reverse(t, { port });
    await server.next();
  });

  it('waits longer with each try, with random differences', async (t) => {
    const urls = [];
    for (let i = 0; i < 10; i++) urls.push(`ws://127.0.0.1:${await freePort()}/${i}`);
    const brief = await RawServer.start(t); // accepts every connection and closes it immediately
    urls.push(`${brief.url}/`);
    const milky = await serve(t, client(...urls));
    const drops = (async () => {
      for (let i = 0; i < 3; i++) (await brief.accept()).socket.end();
    })();
    const waits = new Map(urls.map((url) => [url, []]));
    while ([...waits.values()].some((list) => list.length < 3)) {
      const line = await milky.log.find((l) => l.includes('next try'), 'another try');
      const [, url, wait] = /websocket_client: (\S+): .*next try in (\d+\.\d) s/.exec(line);
      waits.get(url).push(Number(wait));
    }
    await drops;
    for (const list of waits.values()) {
      assert.ok(list[0] >= 0.2 && list[0] <= 0.5, `${list}`);
      assert.ok(list[1] >= 0.5 && list[1] <= 1, `${list}`);
      assert.ok(list[2] >= 1 && list[2] <= 2, `${list}`);
    }
    for (const n of [0, 1, 2]) {
      assert.ok(new Set([...waits.values()].map((list) => list[n])).size > 1, 'all waits are the same');
    }
  });

  it('logs why a handshake failed, and tries again', async (t) => {
    const elsewhere = await RawServer.start(t);
    const answer = (status, ...lines) => `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: 0\r\n\r\n`;
    const refusals = [
      [() => answer('401 Unauthorized'), /it answered 401: it wants an access_token/],
      [() => answer('403 Forbidden'), /it answered 403, and no access_token is configured/],
      [() => answer('404 Not Found'), /it answered 404: there is no WebSocket at this path/],
      [() => answer('302 Found', `Location: ${elsewhere.url}/`), /it answered 302.*redirect.*not followed/],
      [() => answer('200 OK'), /it answered 200/],
      [() => answer('503 Service Unavailable'), /it answered 503/],
      [() => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /its answer is not HTTP\/1\.1/],
      [() => '\x16\x03\x01\x00\xff\r\n\r\n', /its answer is not HTTP\/1\.1/],
      [() => `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(20000)}`, /its answer is too long/],
      [() => 'HTTP/1.1 101 Swi', /it closed the connection before it answered/, true],
      [() => '', /it closed the connection before it answered/, true],
      [(key) => switching(`x${key}`), /Sec-WebSocket-Accept does not answer the key/],
      [(key) => switching(key).replace(/Sec-WebSocket-Accept.*\r\n/, ''), /Sec-WebSocket-Accept does not answer the key/],
      [(key) => switching(key).replace('Upgrade: websocket', 'Upgrade: h2c'), /Upgrade is not websocket/],
      [(key) => switching(key).replace('Connection: Upgrade', 'Connection: close'), /Connection has no upgrade/],
      [(key) => switching(key, 'Sec-WebSocket-Extensions: x-webkit-deflate-frame'), /an extension .* not offered/],
      [(key) => switching(key, 'Sec-WebSocket-Extensions: permessage-deflate'), /without server_no_context_takeover/],
      [(key) => switching(key, 'Sec-WebSocket-Protocol: chat'), /a subprotocol .* not offered/],
    ];
    const servers = [];
    for (const _ of refusals) servers.push(await RawServer.start(t));
    const milky = await serve(t, client(...servers.map(({ url }) => `${url}/bot`)));
    for (const [i, server] of servers.entries()) {
      const connection = await server.next();
      connection.write(refusals[i][0](connection.key));
      if (refusals[i][2]) connection.socket.end();
    }
    for (const [i, server] of servers.entries()) {
      const again = await server.accept();
      again.send(1, call('get_login_info'));
      assert.equal((await again.message()).data.status, 'ok');
      const lines = milky.stderr.split('\n').filter((l) => l.includes(`${server.url}/bot: `));
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0], /warn  websocket_client: .*; next try in 0\.\d s$/);
      assert.match(lines[0], refusals[i][1]);
    }
    assert.equal(elsewhere.connections.size, 0);
  });

  it('reads a handshake in pieces, and frames right after it', async (t) => {
    const [pieces, glued] = [await RawServer.start(t), await RawServer.start(t)];
    await serve(t, client(pieces.url, glued.url));
    const one = await pieces.next();
    one.socket.setNoDelay(true);
    for (const byte of switching(one.key).replace('websocket', 'WebSocket').replace(': Upgrade', ': keep-alive, upgrade')) {
      one.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    one.send(1, call('get_login_info', {}, 1));
    assert.equal((await one.message()).data.echo, 1);
    const two = await glued.next();
    two.write(Buffer.concat([
      Buffer.from(switching(two.key)),
      frame(1, call('get_login_info', {}, 2), { mask: false }),
      frame(1, call('get_login_info', {}, 'x'.repeat(50000)), { mask: false }), // longer than any head
      frame(1, call('get_login_info', {}, 3).slice(0, 10), { mask: false, fin: false }),
    ]));
    assert.equal((await two.message()).data.echo, 2);
    assert.equal((await two.message()).data.echo.length, 50000);
    two.send(9, 'still there?'); // between the pieces of a message
    two.send(0, call('get_login_info', {}, 3).slice(10));
    const pong = await two.frames.next('a pong');
    assert.equal(pong.opcode, 10);
    assert.equal(`${pong.payload}`, 'still there?');
    assert.equal((await two.message()).data.echo, 3);
  });

  it('masks each frame with a new key', async (t) => {
    const server = await RawServer.start(t);
    const milky = await serve(t, client(server.url));
    const one = await server.accept();
    const keys = new Set();
    const echoes = ['', 'x'.repeat(200), '好'.repeat(30000)]; // lengths of 7, 16 and 64 bits
    for (const echo of echoes) one.send(1, call('get_login_info', {}, echo));
    const check = async () => {
      const { masked, key, rsv, fin, payload } = await one.frames.next('a frame');
      assert.ok(masked && fin && rsv === 0);
      keys.add(key.toString('hex'));
      return JSON.parse(payload);
    };
    for (const echo of echoes) assert.equal((await check()).data.echo, echo);
    for (const text of ['x'.repeat(200), '好'.repeat(5000)]) {
      await milky.say(MING, { group: GROUP }, text);
      assert.equal((await check()).post_type, 'event');
    }
    assert.ok(keys.size > 1);
  });

  it('closes with the codes of RFC 6455 after invalid messages', async (t) => {
    const wrong = [
      [(one) => one.send(2, Buffer.from([0x0a, 0x02, 0x7b, 0x7d])), 1003], // binary, and no JSON
      [(one) => one.send(1, Buffer.from([0x7b, 0xff, 0x7d])), 1007], // no UTF-8
      [(one) => one.send(1, Buffer.from([0xed, 0xa0, 0x80])), 1007], // a surrogate
      [(one) => one.write(frame(1, call('get_login_info'))), 1002], // masked
      [(one) => one.send(1, '{}', { rsv: 4 }), 1002], // compressed
      [(one) => one.send(0, 'x'), 1002], // continues nothing
      [(one) => one.send(11, ''), 1002],
      [(one) => one.send(9, 'x'.repeat(126)), 1002],
      [(one) => one.send(8, Buffer.from([0x03, 0xee])), 1002], // 1006 is never sent
      [(one) => one.send(1, '', { length: 2 ** 40 }), 1009],
    ];
    const servers = [];
    for (const _ of wrong) servers.push(await RawServer.start(t));
    await serve(t, client(...servers.map(({ url }) => url)));
    for (const [i, server] of servers.entries()) {
      const one = await server.accept();
      wrong[i][0](one);
      const close = await one.frames.next(`a close frame, ${wrong[i][1]}`);
      assert.equal(close.opcode, 8);
      assert.equal(close.masked, true);
      assert.equal(close.payload.readUInt16BE(0), wrong[i][1], `case ${i}`);
      one.socket.end();
      await one.ended();
    }
  });

  it('answers a close frame with its code', async (t) => {
    const server = await RawServer.start(t);
    await serve(t, client(server.url));
    const one = await server.accept();
    one.send(8, Buffer.from([0x0f, 0xa0, 0x62, 0x79, 0x65])); // 4000 bye
    const close = await one.frames.next('a close frame');
    assert.equal(close.opcode, 8);
    assert.equal(close.payload.readUInt16BE(0), 4000);
    await one.ended();
  });

  it('connects over TLS only to servers that the system trusts', async (t) => {
    const [trusted, stranger, otherName] = [
      await certificate(t), await certificate(t), await certificate(t, 'DNS:example.org')];
    const servers = [];
    for (const tls of [trusted, stranger, otherName]) servers.push(await reverse(t, { tls }));
    const [good, ...bad] = servers;
    const milky = await serve(t, botConfig({
      websocket_client: [
        { url: `wss://127.0.0.1:${good.port}/address`, access_token: 's3cret' },
        { url: `wss://localhost:${good.port}/name`, access_token: 's3cret' },
        ...bad.map(({ port }) => ({ url: `wss://localhost:${port}/`, access_token: 's3cret' })),
      ],
    }), { env: { SSL_CERT_FILE: await bundleOf(t, [trusted, otherName]) } });
    const bots = [await good.next(), await good.next()];
    const targets = bots.map((bot) => bot.request.url);
    await milky.say(MING, { group: GROUP }, 'hello');
    for (const bot of bots) {
      assert.equal(textOf((await bot.events.next()).data.data), 'hello');
      const long = '好'.repeat(30000);
      assert.equal((await bot.call('get_login_info', {}, long)).data.echo, long);
    }
    assert.deepEqual(targets.sort(), ['/address?access_token=s3cret', '/name?access_token=s3cret']);
    for (const server of bad) {
      assert.match(milky.stderr, new RegExp(`wss://localhost:${server.port}/: .*certificate.*; next try`, 'i'));
      assert.equal(server.connections.size, 0);
    }
  });

  it('closes with 1001 when milky stops, and does not reconnect', async (t) => {
    const [open, handshaking] = [await RawServer.start(t), await RawServer.start(t)];
    const milky = await serve(t, client(open.url, handshaking.url, `ws://127.0.0.1:${await freePort()}`));
    const one = await open.accept();
    one.send(1, call('get_login_info', {}, 1));
    assert.equal((await one.message()).data.echo, 1);
    const two = await handshaking.next();
    const stopped = milky.stop();
    const close = await one.frames.next('a close frame');
    assert.equal(close.opcode, 8);
    assert.equal(close.payload.readUInt16BE(0), 1001);
    one.send(8, close.payload);
    await one.ended();
    await two.ended();
    assert.equal(await stopped, 0);
    assert.equal(open.connections.size + handshaking.connections.size, 0);
  });
});
