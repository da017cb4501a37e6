// HTTP as RFC 9110 and RFC 9112 have it, the same at every port: methods that nothing implements, forms of the request
// target, bytes that a target may not have, chunk extensions, the headers of a 426 and of an event stream.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serve } from './fixtures.mjs';
import { BOT } from './harness.mjs';
import { Raw, assertRefused, handshake, post } from './raw.mjs';

const port = '127.0.0.1:0';
const behind = (milky, what) => milky.banner[milky.banner.indexOf(what) + 1].trim();
const get = (target, method = 'GET', more = '') => `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const TOKEN = 'right';

// Each kind of port, with a request that it answers with 200 or, a WebSocket's, with 426.
async function start(t) {
  const milky = await serve(t, {
    control: { listen: port, access_token: TOKEN },
    operations: { listen: port, access_token: TOKEN },
    bots: [{ self_id: BOT, http_server: [{ listen: port, access_token: TOKEN }], websocket_server: [{ listen: port, access_token: TOKEN }] }],
  });
  const token = [`Authorization: Bearer ${TOKEN}`];
  return {
    http_server: [milky.address('http_server'), post('/get_login_info', '{}', { headers: token }), 200],
    websocket_server: [milky.address('websocket_server'), get('/', 'GET', `${token}\r\n`), 426],
    control: [behind(milky, 'control'), post('/endpoint/status', '{}', { headers: token }), 200],
    operations: [behind(milky, 'operations'), get('/healthz'), 200],
  };
}
const TCHARS = "!#$%&'*+-.^_`|~09AZaz";

describe('HTTP', { concurrency: 4 }, () => {
  it('a ping, at every port, is answered without credentials, and the connection stays', async (t) => {
    for (const [name, [address, usual, status]] of Object.entries(await start(t))) {
      const raw = await Raw.connect(address);
      for (const ping of ['*', 'http://localhost', 'HTTPS://[::1]:80']) {
        const response = await raw.write(get(ping, 'OPTIONS')).response();
        assert.deepEqual([response.status, response.text], [200, ''], name);
      }
      const body = await raw.write(`${get('*', 'OPTIONS', 'Content-Length: 5\r\n')}GET /${usual}`).response();
      assert.equal(body.status, 200);
      assert.equal((await raw.response()).status, status);
      raw.destroy();
      for (const wrong of [get('*'), get('*', 'BREW'), get('**', 'OPTIONS'), get('*?a', 'OPTIONS'), get('localhost:1', 'OPTIONS')]) {
        const refused = await Raw.connect(address);
        assertRefused(await refused.write(wrong).response(), 400);
        await refused.endedCleanly();
      }
    }
  });

  it('an unknown method of any length gets 501, at every port, and the connection stays', async (t) => {
    for (const [name, [address, usual, status]] of Object.entries(await start(t))) {
      const raw = await Raw.connect(address);
      for (const method of ['G', 'GETS', 'BREW', 'PRI', TCHARS, 'X'.repeat(64), 'X'.repeat(5000), 'UPDATEREDIRECTREFS']) {
        for (const target of ['/get_login_info', '/', '/nothing/at/all', 'http://localhost/x?y']) {
          const response = await raw.write(get(target, method)).response();
          assertRefused(response, 501);
          assert.equal(response.headers.allow, undefined);
          assert.equal(response.headers.connection, undefined, name);
        }
      }
      const response = await raw.write(`${get('/', 'BREW', 'Content-Length: 5\r\n')}GET /${usual}`).response();
      assertRefused(response, 501);
      assert.equal((await raw.response()).status, status);
      raw.destroy();
      for (const endless of ['X'.repeat(20000), `${'X'.repeat(20000)} / HTTP/1.1\r\n\r\n`, `${TCHARS.repeat(500)} / HTTP/1.1\r\n\r\n`]) {
        const ended = await Raw.connect(address);
        assertRefused(await ended.write(endless).response(), 501);
        ended.destroy();
      }
    }
  });

  it('a method that is no token gets 400', async (t) => {
    const { http_server: [address] } = await start(t);
    for (const method of ['G\0T', 'GET\x7f', 'G(T', 'G"T', 'G/T', 'G:T', 'G[T', 'G{T', 'GÉT', 'G\tT']) {
      const raw = await Raw.connect(address);
      assertRefused(await raw.write(get('/', method)).response(), 400);
      await raw.endedCleanly();
    }
  });

  it('CONNECT gets 501 and the end of the connection, so that nothing behind it is a request', async (t) => {
    for (const [address, usual] of Object.values(await start(t))) {
      const raw = await Raw.connect(address);
      const response = await raw.write(get('example.org:443', 'CONNECT') + usual).response();
      assertRefused(response, 501);
      assert.equal(response.headers.connection, 'close');
      assert.equal(response.headers.allow, undefined);
      await raw.endedCleanly();
    }
  });

  it('a known method that does not fit gets 405 with Allow', async (t) => {
    const ports = await start(t);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      for (const [name, allow, target] of [['http_server', 'POST', '/get_login_info'], ['control', 'POST', '/endpoint/status'], ['operations', 'GET, HEAD', '/healthz']]) {
        const raw = await Raw.connect(ports[name][0]);
        const response = await raw.write(get(target, method, `Authorization: Bearer ${TOKEN}\r\n`)).response();
        assertRefused(response, 405);
        assert.equal(response.headers.allow, allow);
        raw.destroy();
      }
    }
  });

  it('a target with a byte that RFC 3986 forbids gets 400, which names it', async (t) => {
    for (const [address] of Object.values(await start(t))) {
      const bytes = [...'"<>\\^`{|}[]#\x01\x7f\0\t'].map((c) => Buffer.from(c)).concat([Buffer.from([0x80]), Buffer.from('牛'), Buffer.from([0xff])]);
      for (const byte of bytes) {
        for (const before of ['/a', '/a?b=', 'http://localhost/a', '/?access_token=']) {
          const raw = await Raw.connect(address);
          const response = await raw.write(Buffer.concat([Buffer.from(`GET ${before}`), byte, Buffer.from('c HTTP/1.1\r\nHost: localhost\r\n\r\n')])).response();
          assertRefused(response, 400);
          const shown = byte[0] > 0x20 && byte[0] < 0x7f ? `'${byte}'` : `byte 0x${byte[0].toString(16).padStart(2, '0')}`;
          assert.ok(response.json.message.endsWith(`: ${shown} at position ${before.length + 1}`), response.json.message);
          await raw.endedCleanly();
        }
      }
      for (const escape of ['%', '%4', '%4g', '%g4', '%%41', '%u0041', '% 1']) {
        const raw = await Raw.connect(address);
        assertRefused(await raw.write(get(`/a${escape}`)).response(), 400);
        await raw.endedCleanly();
      }
    }
  });

  it('a NUL in a name is part of it, and of its error', async (t) => {
    const { http_server: [address], websocket_server: [sockets], control: [control] } = await start(t);
    const headers = [`Authorization: Bearer ${TOKEN}`];
    const raw = await Raw.connect(address);
    for (const target of ['/get_login_info%00x', '/get_login_info%00', '/api/get_login_info%00x', '/%00get_login_info']) {
      const response = await raw.write(post(target, '{}', { headers })).response();
      assertRefused(response, 404);
      assert.equal(response.json.message, `unknown API "${decodeURIComponent(target.replace(/^\/(api\/)?/, ''))}"`);
      assert.ok(response.text.includes('\\u0000'));
    }
    for (const wrong of [`${TOKEN}%00`, `${TOKEN}%00x`, '%00']) {
      const response = await raw.write(get(`/event?access_token=${wrong}`)).response();
      assertRefused(response, 401);
    }
    raw.destroy();
    const asked = await Raw.connect(control);
    assertRefused(await asked.write(post('/endpoint%00/status', '{}', { headers })).response(), 404);
    assert.notEqual((await asked.write(post('/endpoint/status%00x', '{}', { headers })).response()).json.status, 'ok');
    asked.destroy();
    const socket = await Raw.connect(sockets);
    for (const target of ['/%00', '/%00x']) assertRefused(await socket.write(handshake({ target, headers, extra: headers })).response(), 404);
    socket.destroy();
    const header = await Raw.connect(address);
    assertRefused(await header.write(post('/get_login_info', '{}', { headers: [`${headers}\0`] })).response(), 400);
    header.destroy();
  });

  it('chunk extensions follow their grammar', async (t) => {
    const { http_server: [address] } = await start(t);
    const head = `POST /get_login_info HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const good = await Raw.connect(address);
    for (const extension of ['', ';a', ';a;b', ' ; a', '\t;\ta', ';a=b', ';a = b', ';a="b"', ';a="b c"', ';a="\\""', ';a=""', ';a="é"', ';a=b ;c="d;\\e"']) {
      const response = await good.write(`${head}2${extension}\r\n{}\r\n0${extension}\r\n\r\n`).response();
      assert.equal(response.status, 200, JSON.stringify(extension));
    }
    good.destroy();
    for (const extension of [
      ';', ';;a', ';a;', ' ', ';a ', ';a b', ';=', ';a=', ';a==b', ';a=b c', ';"a"', ';a="', ';a="b', ';a="b\\"', ';a="b"c', ';a=b"c"',
      ';a=\0', ';a="\0"', ';a="\x7f"', ';é', ';a=é', ',a', '=a', ';a,b', ';a=(', `;${'a'.repeat(40000)}`,
    ]) {
      for (const body of [`2${extension}\r\n{}\r\n0\r\n\r\n`, `2\r\n{}\r\n0${extension}\r\n\r\n`]) {
        const raw = await Raw.connect(address);
        const response = await raw.write(head + body).response();
        assertRefused(response, extension.length > 1000 ? 431 : 400);
        assert.equal(response.headers.connection, 'close');
        raw.destroy();
      }
    }
  });

  it('a 426 names Upgrade in Connection', async (t) => {
    const { websocket_server: [address], http_server: [both] } = await start(t);
    const headers = [`Authorization: Bearer ${TOKEN}`];
    const bad = { without: ['Sec-WebSocket-Version'], extra: ['Sec-WebSocket-Version: 8', ...headers] };
    for (const [where, bytes, version, connection] of [
      [address, get('/', 'GET', `${headers}\r\n`), undefined, 'Upgrade'],
      [address, post('/', '{}', { headers }), undefined, 'Upgrade'],
      [address, get('/', 'GET', `${headers}\r\nConnection: close\r\n`), undefined, 'close, Upgrade'],
      [address, get('/', 'GET', `${headers}\r\nConnection: keep-alive\r\n`).replace('HTTP/1.1', 'HTTP/1.0'), undefined, 'close, Upgrade'],
      [address, handshake(bad), '13', 'Upgrade'],
      [both, handshake({ target: '/event', ...bad }), '13', 'Upgrade'],
    ]) {
      const raw = await Raw.connect(where);
      const response = await raw.write(bytes).response();
      assertRefused(response, 426);
      assert.equal(response.headers.upgrade, 'websocket');
      assert.equal(response.headers.connection, connection);
      assert.equal(response.headers['sec-websocket-version'], version);
      raw.destroy();
    }
  });

  it('an event stream asks proxies not to hold it back', async (t) => {
    const { http_server: [address] } = await start(t);
    const response = await fetch(`http://${address}/event?access_token=${TOKEN}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    await response.body.cancel();
  });
});
