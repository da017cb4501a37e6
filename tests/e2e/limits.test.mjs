// Limits of clients: connections, TLS handshakes, wrong credentials, sizes. Slow clients: slow.test.mjs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { certificate, reverse, serve } from './fixtures.mjs';
import { BOT, botConfig, call, Client, memory, request, within } from './harness.mjs';
import { Raw, post } from './raw.mjs';

const port = '127.0.0.1:0';
const OTHER = 10002000;

// Many sockets that send this and nothing more.
async function connectMany(t, address, count, bytes) {
  const [host, number] = address.split(':');
  const sockets = Array.from({ length: count }, () => connect({ host, port: Number(number) }));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await within(Promise.all(sockets.map(async (socket) => {
    socket.on('error', () => {});
    await once(socket, 'connect');
    if (bytes) socket.write(bytes);
  })), `${count} connections`);
  return sockets;
}

describe('limits', { concurrency: 1 }, () => {
  it('accepts connections up to the limit, and more when some have ended', async (t) => {
    const milky = await serve(t, { limits: { connections: 5 }, ...botConfig({ http_server: [{ listen: port }], websocket_server: [{ listen: port }] }) });
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => Client.connect(milky.ws())));
    const refused = await Raw.connect(milky.address('http_server'));
    assert.equal(await refused.ended(), '');
    await milky.log.find((line) => /5 connections are open: no more are accepted \(limits\.connections\)/.test(line));
    await clients[0].close();
    assert.equal((await call(milky.http(), 'get_login_info')).status, 200);
    await Promise.all(clients.slice(1).map((client) => client.close()));
  });

  it('accepts connections of one address up to the limit; those of others and on Unix sockets are accepted', async (t) => {
    const milky = await serve(t, {
      limits: { connections_per_address: 3 },
      ...botConfig({
        http_server: [{ listen: '127.0.0.1:0' }, { listen: 'unix:a.sock' }],
        websocket_server: [{ listen: '127.0.0.1:0' }],
      }),
    });
    const address = milky.address('http_server');
    const clients = await Promise.all([1, 2, 3].map(() => Client.connect(milky.ws())));
    assert.equal(await (await Raw.connect(address)).ended(), '');
    const other = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]), localAddress: '127.0.0.2' });
    other.end(post('/get_login_info', '{}', { headers: ['Connection: close'] }));
    const [answer] = await within(once(other, 'data'), 'an answer for another address');
    assert.match(`${answer}`, /^HTTP\/1\.1 200 /);
    const unix = await Promise.all([1, 2, 3, 4].map(() => Raw.connect(`unix:${milky.dir}/a.sock`)));
    assert.equal((await unix[3].write(post('/get_login_info', '{}')).response()).status, 200);
    unix.forEach((socket) => socket.destroy());
    await Promise.all(clients.map((client) => client.close()));
  });

  it('wrong credentials of an address that has sent many are refused for a while, and the right ones are not', async (t) => {
    const tokens = { listen: port, access_token: 'right' };
    const milky = await serve(t, {
      limits: { failed_credentials: 5 },
      ...botConfig({ http_server: [tokens], websocket_server: [tokens] }),
    });
    const address = milky.address('http_server');
    const ask = (token) => request(address, '/get_login_info', {
      body: '{}', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    });
    assert.equal((await ask('right')).status, 200);
    for (let i = 0; i < 5; i++) assert.equal((await ask(`wrong ${i}`)).status, 403);
    const { status, headers, body } = await ask('wrong');
    assert.equal(status, 429);
    assert.ok(headers['retry-after'] >= 1 && headers['retry-after'] <= 60, headers['retry-after']);
    assert.deepEqual([headers.connection, body.status, body.retcode], ['close', 'failed', -429]);
    await assert.rejects(Client.connect(`${milky.ws()}?access_token=wrong`), /429/);
    assert.equal((await ask('right')).status, 200);
    await (await Client.connect(`${milky.ws()}?access_token=right`)).close();
    // Requests without credentials are no guesses, and other addresses are not refused.
    const other = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]), localAddress: '127.0.0.3' });
    other.end(post('/get_login_info', '{}', { headers: ['Authorization: Bearer right', 'Connection: close'] }));
    assert.match(`${(await within(once(other, 'data'), 'an answer'))[0]}`, /^HTTP\/1\.1 200 /);
  });

  it('wrong credentials of a web page are counted apart from those of programs on the same address', async (t) => {
    const tokens = { listen: port, access_token: 'right' };
    const milky = await serve(t, {
      limits: { failed_credentials: 5 },
      ...botConfig({ http_server: [tokens], websocket_server: [tokens] }),
    });
    const image = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };
    const page = (token) => Client.connect(`${milky.ws()}?access_token=${token}`, { headers: { Origin: 'https://evil.example' } });
    const asked = async (headers) => (await request(milky.address('http_server'), '/event?access_token=wrong', { method: 'GET', headers })).status;
    for (let i = 0; i < 3; i++) await assert.rejects(page('wrong'), /403/);
    for (let i = 0; i < 2; i++) assert.equal(await asked(image), 401);
    await assert.rejects(page('wrong'), /429/);
    await (await page('right')).close();
    assert.equal(await asked(image), 429);
    assert.equal((await call(milky.http(), 'get_login_info', {}, { token: 'right' })).status, 200);
    await (await Client.connect(`${milky.ws()}?access_token=right`)).close();
    // Programs are counted apart, with the same limit.
    for (let i = 0; i < 5; i++) assert.equal(await asked({}), 401);
    assert.equal(await asked({}), 429);
  });

  it('bounds the size of requests and messages', async (t) => {
    const milky = await serve(t, {
      limits: { header_bytes: 1024, body_bytes: 2048, message_bytes: 4096 },
      ...botConfig({ http_server: [{ listen: port }], websocket_server: [{ listen: port }] }),
    });
    const ask = (headers, body) => request(milky.address('http_server'), '/get_login_info', {
      body, headers: { 'Content-Type': 'application/json', ...headers },
    });
    assert.equal((await ask({ 'X-Long': 'x'.repeat(1100) }, '{}')).status, 431);
    assert.equal((await ask({}, `{"a":"${'x'.repeat(2048)}"}`)).status, 413);
    assert.equal((await ask({}, `{}${' '.repeat(2000)}`)).status, 200);
    const client = await Client.connect(milky.ws());
    client.send(`{"action":"get_login_info","params":{}}${' '.repeat(4000)}`);
    assert.equal((await client.responses.next()).data.status, 'ok');
    client.send(' '.repeat(4097));
    assert.equal((await within(client.closed, 'the connection to be closed')).code, 1009);
  });

  it('keeps no body of a request without credentials', async (t) => {
    const milky = await serve(t, { operations: port, ...botConfig({ http_server: [{ listen: port, access_token: 'right' }] }) });
    const operations = milky.banner[milky.banner.indexOf('operations') + 1].trim();
    const size = 16 * 1024 * 1024;
    const before = await memory(milky, 'VmHWM');
    const asked = [
      [milky.address('http_server'), 'GET /resource/x', 404], [milky.address('http_server'), 'HEAD /resource/x', 404],
      [operations, 'GET /healthz', 200], [operations, 'GET /readyz', 200],
    ];
    const held = await Promise.all(asked.map(async ([address, what, status]) => {
      const raw = await Raw.connect(address);
      raw.write(`${what} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`, Buffer.alloc(size - 1));
      await raw.flush();
      return { raw, head: what.startsWith('HEAD'), status };
    }));
    for (const { raw, head, status } of held) {
      assert.equal((await raw.write('x').response({ head })).status, status);
      assert.equal((await raw.write('GET /resource/x HTTP/1.1\r\nHost: localhost\r\n\r\n').response()).status, 404);
      raw.destroy();
    }
    const grown = (await memory(milky, 'VmHWM')) - before;
    assert.ok(grown < 12, `${grown} MiB`);
  });

  it('bounds the size of messages to a websocket_client', async (t) => {
    const peer = await reverse(t);
    await serve(t, {
      limits: { message_bytes: 4096 },
      ...botConfig({ websocket_client: [{ url: `ws://127.0.0.1:${peer.port}/` }] }),
    });
    const client = await peer.next();
    client.send(`{"action":"get_login_info","params":{}}${' '.repeat(4000)}`);
    assert.equal((await client.responses.next()).data.status, 'ok');
    client.send(' '.repeat(4097));
    assert.equal((await within(client.closed, 'the connection to be closed')).code, 1009);
  });

  it('runs TLS handshakes up to the limit at once; the oldest is ended for a new one', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const milky = await serve(t, {
      limits: { tls_handshakes: 50 },
      bots: [BOT, OTHER].map((self_id) => ({ self_id, http_server: [{ listen: port, tls }] })),
    });
    const record = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    const addresses = [0, 1].map((index) => milky.address('http_server', index));
    const connectTo = (address) => connectTls({ host: '127.0.0.1', port: address.split(':')[1], ca: own.cert });
    const honest = connectTo(addresses[0]);
    t.after(() => honest.destroy());
    // An answer proves that the handshake is done for milky too; it is done a little earlier for the client.
    const asked = async (socket) => {
      socket.write(post('/get_login_info', '{}'));
      assert.match(`${(await within(once(socket, 'data'), 'an answer'))[0]}`, /^HTTP\/1\.1 200 /);
    };
    await within(once(honest, 'secureConnect'), 'a handshake');
    await asked(honest);
    // Connections whose handshake is done do not count, and all servers count together.
    const older = await connectMany(t, addresses[0], 25, record);
    const behind = connectTo(addresses[0]);
    await within(once(behind, 'secureConnect'), 'a handshake after those'); // they have been accepted
    await asked(behind);
    behind.destroy();
    const newer = await connectMany(t, addresses[1], 25, record);
    const closed = [...older, ...newer].map((socket) => socket.resume() && once(socket, 'close'));
    const next = connectTo(addresses[1]);
    t.after(() => next.destroy());
    await within(once(next, 'secureConnect'), 'one more handshake');
    await within(Promise.any(closed), 'one to make room');
    assert.deepEqual([older, newer].map((sockets) => sockets.filter((socket) => socket.destroyed).length), [1, 0]);
    await milky.log.find((line) => /50 TLS handshakes are under way: the oldest ends for a new one, 1 so far \(limits\.tls_handshakes\)/.test(line));
    await asked(next);
    await asked(honest);
    const gone = new Promise((resolve) => older.forEach((socket) => socket.on('close', () =>
      older.filter(({ destroyed }) => destroyed).length === 24 && resolve())));
    await connectMany(t, addresses[1], 24, record); // the first of them makes fifty
    await within(gone, 'older ones to make room');
    await asked(honest);
    assert.ok(newer.every((socket) => !socket.destroyed));
  });
});
