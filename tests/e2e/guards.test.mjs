// Every port has the same guard: those of bots, the control address and the operations address. Refusals are
// counted in the status and the metrics.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { parse, valueOf } from './exposition.mjs';
import { certificate, serve } from './fixtures.mjs';
import { BOT, Client, call, request, within } from './harness.mjs';
import { Raw, assertRefused, post } from './raw.mjs';

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

describe('guards', { concurrency: 4 }, () => {
  for (const guessed of ['control', 'operations', 'http_server']) {
    it(`after wrong credentials at ${guessed} every port refuses that address`, async (t) => {
      const milky = await serve(t, config({ failed_credentials: 4 }));
      const all = ports(milky);
      assert.equal((await all[guessed]()).status, 401);
      for (let i = 0; i < 4; i++) assert.equal((await all[guessed](`wrong ${i}`)).status, 403);
      for (const [name, asked] of Object.entries(all)) {
        for (const token of ['wrong', 'right']) {
          const { status, headers, body } = await asked(token);
          assert.equal(status, 429, name);
          assert.ok(headers['retry-after'] >= 1 && headers['retry-after'] <= 60);
          assert.equal(body.retcode, -429);
        }
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
    const sockets = await Promise.all([1, 2, 3, 4].map(() => Raw.connect(milky.address('http_server'))));
    assert.equal(await (await Raw.connect(milky.address('http_server'))).ended(), '');
    const many = await Promise.all(Array.from({ length: 64 }, () => Raw.connect(behind(milky, 'operations'))));
    for (const name of ['control', 'operations']) assert.equal(await (await Raw.connect(behind(milky, name))).ended(), '');
    many.forEach((socket) => socket.destroy());
    await untilFree(() => ports(milky).control('right'));
    const now = parse((await untilFree(() => ports(milky).operations('right'))).text);
    assert.ok(valueOf(now, 'milky_connections_refused_total', { limit: 'connections' }) >= 3);
    assert.equal(await (await Raw.connect(milky.address('http_server'))).ended(), '');
    sockets.forEach((socket) => socket.destroy());
  });

  it('the Unix socket of the control address accepts connections beyond the limit', async (t) => {
    const milky = await serve(t, {
      limits: { connections: 2, failed_credentials: 1 }, control: { listen: 'unix:c.sock', access_token: 'right' },
      bots: [{ self_id: BOT, http_server: [{ listen: port }] }],
    });
    const address = `unix:${milky.dir}/c.sock`;
    const sockets = await Promise.all([1, 2].map(() => Raw.connect(milky.address('http_server'))));
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

describe('refusals are counted', { concurrency: 4 }, () => {
  it('wrong credentials, and 429', async (t) => {
    const milky = await serve(t, config({ failed_credentials: 2 }));
    const all = ports(milky);
    for (const token of [undefined, 'wrong', undefined, 'wrong']) await all.http_server(token);
    await all.control('right');
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
    for (const token of [undefined, 'wrong', 'wrong', 'right']) {
      await ask(milky.address('http_server'), 'POST', '/get_login_info', token);
    }
    assert.match((await milky.run(['status'])).stdout,
      /^turned away: requests without credentials: 1, wrong credentials: 2, requests after too many wrong credentials \(429\): 1$/m);
    assert.match((await milky.run(['status'], { env: { LANG: 'zh_CN.UTF-8' } })).stdout, /^已拒绝：缺少凭据的请求：1，错误的凭据：2，错误凭据过多后的请求（429）：1$/m);
    const { turned_away } = JSON.parse((await milky.run(['status', '--json'])).stdout);
    assert.deepEqual([turned_away.missing_credentials, turned_away.wrong_credentials, turned_away.blocked, turned_away.connections], [1, 2, 1, 0]);
  });
});
