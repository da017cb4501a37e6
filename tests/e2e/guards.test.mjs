// Every port has the same guard: those of bots, the control address and the operations address. Refusals are
// counted in the status and the metrics.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { parse, valueOf } from './exposition.mjs';
import { certificate, serve } from './fixtures.mjs';
import { BOT, Client, call, request, within } from './harness.mjs';
import { Raw, assertRefused, handshake, post } from './raw.mjs';

const port = '127.0.0.1:0';
const behind = (milky, what) => milky.banner[milky.banner.indexOf(what) + 1].trim();
const json = { 'Content-Type': 'application/json' };

// The three kinds of ports, each with a request with a token.
const ports = (milky) => ({
  http_server: (token) => ask(milky.address('http_server'), 'POST', '/get_login_info', token),
  control: (token) => ask(behind(milky, 'control'), 'POST', '/endpoint/status', token),
  operations: (token) => ask(behind(milky, 'operations'), 'GET', '/metrics', token),
});
const ask = (address, method, path, token) => request(address, path, {
  method, ...(method === 'POST' ? { body: '{}' } : {}),
  headers: { ...json, ...(token ? { Authorization: `Bearer ${token}` } : {}) },
});

const config = (limits, more = {}) => ({
  limits,
  control: { listen: port, access_token: 'right' },
  operations: { listen: port, access_token: 'right' },
  bots: [{ self_id: BOT, http_server: [{ listen: port, access_token: 'right' }], ...more }],
});

async function metrics(milky, token = 'right') {
  const { status, text } = await ask(behind(milky, 'operations'), 'GET', '/metrics', token);
  assert.equal(status, 200);
  return parse(text);
}

// Repeats the request until a connection is free: one that was closed is gone a moment later.
const untilFree = (asked) => within((async () => {
  for (;;) {
    const answer = await asked().catch(() => undefined);
    if (answer?.status === 200) return answer;
  }
})(), 'a free connection');

// Repeats the request until its answer is as wanted: a refusal is counted a moment after the client sees it.
async function counted(milky, name, labels, value, token) {
  await within((async () => {
    while (valueOf(await metrics(milky, token), name, labels) !== value);
  })(), `${name} to be ${value}`);
}

// A connection that makes no room for others: it gets events.
async function listening(address, token) {
  const raw = await Raw.connect(address);
  const credentials = token ? `Authorization: Bearer ${token}\r\n` : '';
  raw.write(`GET /event HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${credentials}\r\n`);
  assert.equal((await raw.response()).status, 101);
  return raw;
}

describe('guards', { concurrency: 4 }, () => {
  for (const guessed of ['control', 'operations', 'http_server']) {
    it(`after wrong credentials at ${guessed} every port refuses further ones of that address, and no right ones`, async (t) => {
      const milky = await serve(t, config({ failed_credentials: 4 }));
      const all = ports(milky);
      assert.equal((await all[guessed]()).status, 401);
      for (let i = 0; i < 4; i++) assert.equal((await all[guessed](`wrong ${i}`)).status, 403);
      for (const [name, asked] of Object.entries(all)) {
        const { status, headers, body } = await asked('wrong');
        assert.equal(status, 429, name);
        assert.ok(headers['retry-after'] >= 1 && headers['retry-after'] <= 60);
        assert.deepEqual([headers.connection, body.retcode], ['close', -429]);
        assert.equal((await asked()).status, 401, name); // no guess
        assert.equal((await asked('right')).status, 200, name);
      }
      // Requests that need no credentials are answered: a load balancer may have the same address.
      assert.equal((await ask(behind(milky, 'operations'), 'GET', '/readyz')).status, 200);
      const other = connect({
        host: '127.0.0.1', port: Number(behind(milky, 'control').split(':')[1]), localAddress: '127.0.0.4',
      });
      other.end(post('/endpoint/status', '{}', { headers: ['Authorization: Bearer right', 'Connection: close'] }));
      assert.match(`${(await within(once(other, 'data'), 'an answer'))[0]}`, /^HTTP\/1\.1 200 /);
    });
  }

  it('after wrong credentials each further guess costs its connection, however it is made', async (t) => {
    const tokens = { listen: port, access_token: 'right' };
    const milky = await serve(t, {
      limits: { failed_credentials: 2 }, bots: [{ self_id: BOT, http_server: [tokens], websocket_server: [tokens] }],
    });
    const [http, websocket] = [milky.address('http_server'), milky.address('websocket_server')];
    const guess = (token, options = {}) => post('/get_login_info', '{}', { headers: [`Authorization: Bearer ${token}`], ...options });
    const upgrade = (target, ...extra) => handshake({ target, extra });
    const pipelined = await Raw.connect(http);
    pipelined.write(guess('a'), guess('b'), guess('c'), guess('right'));
    for (const status of [403, 403, 429]) assertRefused(await pipelined.response(), status);
    await pipelined.endedCleanly(); // the last one was not answered
    for (const [address, wrong, right, status] of [
      [http, guess('d'), guess('right'), 200],
      [http, upgrade('/event?access_token=d'), upgrade('/event?access_token=right'), 101],
      [http, upgrade('/event', 'Authorization: Bearer d'), upgrade('/event', 'Authorization: Bearer right'), 101],
      [http, 'GET /event?access_token=d HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /event?access_token=right HTTP/1.1\r\nHost: localhost\r\n\r\n', 200],
      [websocket, upgrade('/?access_token=d'), upgrade('/?access_token=right'), 101],
    ]) {
      const guesser = await Raw.connect(address);
      assertRefused(await guesser.write(wrong).response(), 429);
      await guesser.endedCleanly();
      const client = await Raw.connect(address);
      const head = `${await client.write(right).take(12)}`;
      assert.equal(head, `HTTP/1.1 ${status}`, right);
      client.destroy();
    }
  });

  it('connections of one address are counted over all ports', async (t) => {
    const milky = await serve(t, config({ connections_per_address: 3 }));
    const addresses = [milky.address('http_server'), behind(milky, 'control'), behind(milky, 'operations')];
    const sockets = await Promise.all(addresses.map((address) => Raw.connect(address)));
    for (const socket of sockets) { // answered, so accepted
      const { status } = await socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n').response();
      assert.ok(status >= 400 && status < 500, `${status}`);
    }
    for (const address of addresses) assert.equal(await (await Raw.connect(address)).ended(), '', address);
    sockets.forEach((socket) => socket.destroy());
    const now = parse((await untilFree(() => ports(milky).operations('right'))).text);
    assert.ok(valueOf(now, 'milky_connections_refused_total', { limit: 'connections_per_address' }) >= 3);
    assert.equal(valueOf(now, 'milky_connections_refused_total', { limit: 'connections' }), 0);
  });

  it('when all connections of bots are taken the operator has some more, but not without limit', async (t) => {
    const milky = await serve(t, config({ connections: 4 }));
    const sockets = await Promise.all([1, 2, 3, 4].map(() => listening(milky.address('http_server'), 'right')));
    assert.equal(await (await Raw.connect(milky.address('http_server'))).ended(), '');
    // 64 more, of which the oldest make room for those behind them.
    const many = [];
    for (let i = 0; i < 70; i++) many.push(await Raw.connect(behind(milky, i % 2 ? 'control' : 'operations')));
    await untilFree(() => ports(milky).control('right'));
    const now = parse((await untilFree(() => ports(milky).operations('right'))).text);
    assert.ok(valueOf(now, 'milky_connections_refused_total', { limit: 'connections' }) >= 1);
    assert.ok(valueOf(now, 'milky_connections_ended_for_others_total', { was: 'silent' }) >= 6);
    many.forEach((socket) => socket.destroy());
    sockets.forEach((socket) => socket.destroy());
  });

  it('the Unix socket of the control address accepts connections beyond the limit', async (t) => {
    const milky = await serve(t, {
      limits: { connections: 2, failed_credentials: 1 }, control: { listen: 'unix:c.sock', access_token: 'right' },
      bots: [{ self_id: BOT, http_server: [{ listen: port }] }],
    });
    const address = `unix:${milky.dir}/c.sock`;
    const sockets = await Promise.all([1, 2].map(() => listening(milky.address('http_server'))));
    assert.equal(await (await Raw.connect(milky.address('http_server'))).ended(), '');
    const many = await Promise.all(Array.from({ length: 100 }, () => Raw.connect(address)));
    for (let i = 0; i < 3; i++) assert.equal((await ask(address, 'POST', '/endpoint/status', 'wrong')).status, 403);
    assert.equal((await ask(address, 'POST', '/endpoint/status', 'right')).status, 200);
    [...sockets, ...many].forEach((socket) => socket.destroy());
  });

  it('slow requests end in time at every port', async (t) => {
    const milky = await serve(t, config({ header_seconds: 1, body_seconds: 1 }));
    const addresses = [milky.address('http_server'), behind(milky, 'control'), behind(milky, 'operations')];
    for (const address of addresses) {
      const slow = await Raw.connect(address);
      assert.equal((await slow.write('GET /metrics HTTP/1.1\r\nHost: ').response()).status, 408, address);
    }
    const body = await Raw.connect(behind(milky, 'control'));
    body.write(post('/endpoint/status', '{}'.padEnd(100), { headers: ['Authorization: Bearer right'] }).slice(0, -90));
    assert.equal((await body.response()).status, 408);
    // The previous request was a HEAD, whose answer has no body.
    const second = await Raw.connect(milky.address('http_server'));
    second.write('HEAD /nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\n\r\nPOST /get_login_info HTTP/1.1\r\nHost: ');
    assert.equal((await second.response({ head: true })).status, 404);
    assertRefused(await second.response(), 408);
    await second.endedCleanly();
    second.destroy();
    const now = await metrics(milky);
    assert.equal(valueOf(now, 'milky_timeouts_total', { waiting_for: 'head' }), 4);
    assert.equal(valueOf(now, 'milky_timeouts_total', { waiting_for: 'body' }), 1);
  });
});

// Requests that a page of another origin can cause without CORS, in the words of browsers.
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';
const uncalled = {
  'an image': { 'User-Agent': firefox, Accept: 'image/avif,image/webp,*/*', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
  'a page of another port': { 'User-Agent': firefox, 'Sec-Fetch-Site': 'same-site' },
  'an image, to an address without Sec-Fetch': { 'User-Agent': firefox, Accept: 'image/avif,image/webp,*/*', Referer: 'http://192.168.1.9/' },
  'a frame, without Referer': { 'User-Agent': firefox, Accept: 'text/html,application/xhtml+xml' },
  'an EventSource': { 'User-Agent': firefox, Accept: 'text/event-stream', Origin: 'http://192.168.1.9' },
};

it('without a token, no GET of another page is answered', async (t) => {
  const milky = await serve(t, {
    operations: port, control: port,
    bots: [{ self_id: BOT, http_server: [{ listen: port }], websocket_server: [{ listen: port }] }],
  });
  const [http, control, operations] = [milky.address('http_server'), behind(milky, 'control'), behind(milky, 'operations')];
  for (const [what, headers] of Object.entries(uncalled)) {
    for (const [address, path] of [
      [http, '/event'], [http, '/event/'], [http, '/get_login_info'], [http, '/api/get_login_info'], [http, '/'],
      [milky.address('websocket_server'), '/'], [control, '/endpoint/status'], [operations, '/metrics'],
    ]) {
      for (const method of ['GET', 'HEAD']) {
        assert.equal((await request(address, path, { method, headers })).status, 403, `${what}: ${method} ${path}`);
      }
    }
    const proved = headers.Origin ?? headers.Referer ?? headers['Sec-Fetch-Site'];
    for (const path of ['/healthz', '/readyz']) {
      assert.equal((await request(operations, path, { method: 'GET', headers })).status, proved ? 403 : 200, `${what}: ${path}`);
    }
  }
  for (const headers of [{}, { 'User-Agent': 'Prometheus/2.53.0', Accept: 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
    { 'User-Agent': firefox, 'Sec-Fetch-Site': 'none', Accept: 'text/html' }, { 'User-Agent': 'node', 'Sec-Fetch-Mode': 'cors', 'Accept-Language': '*' }]) {
    assert.equal((await request(operations, '/metrics', { method: 'GET', headers })).status, 200);
  }
});

describe('refusals are counted', { concurrency: 4 }, () => {
  it('wrong credentials, and 429', async (t) => {
    const milky = await serve(t, config({ failed_credentials: 2 }));
    const all = ports(milky);
    for (const token of [undefined, 'wrong', undefined, 'wrong']) await all.http_server(token);
    await all.control('wrong');
    const other = connect({
      host: '127.0.0.1', port: Number(behind(milky, 'operations').split(':')[1]), localAddress: '127.0.0.5',
    });
    other.end('GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\nConnection: close\r\n\r\n');
    let answer = '';
    for await (const chunk of other) answer += chunk;
    const now = parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    assert.equal(valueOf(now, 'milky_credentials_refused_total', { reason: 'missing' }), 2);
    assert.equal(valueOf(now, 'milky_credentials_refused_total', { reason: 'wrong' }), 2);
    assert.equal(valueOf(now, 'milky_requests_blocked_total'), 1);
    assert.equal(valueOf(now, 'milky_connections_refused_total', { limit: 'connections' }), 0);
  });

  it('requests of web pages, over every kind of connection', async (t) => {
    const milky = await serve(t, {
      operations: port, control: port,
      bots: [{ self_id: BOT, http_server: [{ listen: port }], websocket_server: [{ listen: port }] }],
    });
    const evil = { Origin: 'http://evil.example' };
    assert.equal((await call(milky.http(), 'get_login_info', {}, { headers: evil })).status, 403);
    assert.equal((await request(behind(milky, 'control'), '/endpoint/status', { body: '{}', headers: { ...json, ...evil } })).status, 403);
    await assert.rejects(Client.connect(milky.ws(), { headers: evil }), /403/);
    assert.equal((await request(milky.address('http_server'), '/event', { method: 'GET', headers: { Host: 'evil.example' } })).status, 403);
    assert.equal(valueOf(await metrics(milky, ''), 'milky_credentials_refused_total', { reason: 'foreign' }), 4);
  });

  it('a page beside a bot cannot use up its guesses, where its browser marks no request', async (t) => {
    const tokens = { listen: port, access_token: 'right' };
    const milky = await serve(t, {
      limits: { failed_credentials: 3 }, bots: [{ self_id: BOT, http_server: [tokens], websocket_server: [tokens] }],
    });
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';
    const image = (headers) => request(milky.address('http_server'), '/event?access_token=x', { method: 'GET', headers });
    const images = [
      { 'User-Agent': agent, Accept: 'image/avif,image/webp,*/*', Referer: 'http://192.168.1.9/' },
      { 'User-Agent': agent, Accept: 'image/avif,image/webp,*/*' }, { 'User-Agent': agent, Accept: '*/*' },
    ];
    for (const headers of images) assert.equal((await image(headers)).status, 401);
    for (const headers of images) assert.equal((await image(headers)).status, 429);
    for (let i = 0; i < 3; i++) assert.equal((await image({ 'User-Agent': 'curl/8.0' })).status, 401);
    assert.equal((await image({ 'User-Agent': 'curl/8.0' })).status, 429);
    assert.equal((await ask(milky.address('http_server'), 'POST', '/get_login_info', 'right')).status, 200);
  });

  it('TLS handshakes that fail, are abandoned, or never end', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const milky = await serve(t, {
      limits: { header_seconds: 1 }, operations: port, bots: [{ self_id: BOT, http_server: [{ listen: port, tls }] }],
    });
    const plain = await Raw.connect(milky.address('http_server'));
    await plain.write('GET / HTTP/1.1\r\n\r\n').ended();
    await counted(milky, 'milky_tls_handshakes_failed_total', {}, 1, '');
    const coward = await Raw.connect(milky.address('http_server'));
    coward.write(Buffer.from([0x16, 3, 1]));
    coward.destroy();
    await counted(milky, 'milky_tls_handshakes_failed_total', {}, 2, '');
    await (await Raw.connect(milky.address('http_server'))).ended();
    await counted(milky, 'milky_timeouts_total', { waiting_for: 'tls_handshake' }, 1, '');
    assert.equal(valueOf(await metrics(milky, ''), 'milky_tls_handshakes_failed_total'), 2);
  });

  it('and `milky status` shows them', async (t) => {
    const milky = await serve(t, {
      limits: { failed_credentials: 2 },
      bots: [{ self_id: BOT, http_server: [{ listen: port, access_token: 'right' }] }],
    });
    assert.doesNotMatch((await milky.run(['status'])).stdout, /turned away/);
    for (const token of [undefined, 'wrong', 'wrong', 'wrong', 'right']) {
      await ask(milky.address('http_server'), 'POST', '/get_login_info', token);
    }
    assert.match((await milky.run(['status'])).stdout,
      /^turned away: requests without credentials: 1, wrong credentials: 2, requests after too many wrong credentials \(429\): 1$/m);
    assert.match((await milky.run(['status'], { env: { LANG: 'zh_CN.UTF-8' } })).stdout, /^已拒绝：缺少凭据的请求：1，错误的凭据：2，错误凭据过多后的请求（429）：1$/m);
    const { turned_away } = JSON.parse((await milky.run(['status', '--json'])).stdout);
    assert.deepEqual([turned_away.missing_credentials, turned_away.wrong_credentials, turned_away.blocked, turned_away.connections], [1, 2, 1, 0]);
  });
});
