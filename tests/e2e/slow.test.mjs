// Clients and receivers that are slow, by accident or with intent: half of a handshake, a byte now and then, never
// reading. For each, milky's memory is bounded, and others are not affected: they get their events meanwhile, and a
// call costs milky no more processor time. No wall clock decides.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { parse, valueOf } from './exposition.mjs';
import { certificate, hook, serve, text, textOf } from './fixtures.mjs';
import { BOT, Client, GROUP, call, memory, request, within } from './harness.mjs';
import { frame, handshake, post } from './raw.mjs';
import { base64, png } from './samples.mjs';

const ANY = '127.0.0.1:0';
const OTHER = 10002000;
const KIB = 1 / 1024; // in MiB, as memory() returns
const CACHES = 6; // MiB that databases and the allocator may keep in any case
// The memory of one connection: it is not read from while more than 256 KiB wait for it, and 64
// KiB are read at a time.
const WAITING = (256 + 64) * KIB;

// Many sockets that send this and nothing more, and read nothing.
async function connectMany(t, address, count, bytes) {
  const [host, port] = address.split(':');
  const sockets = Array.from({ length: count }, () => connect({ host, port: Number(port) }).pause());
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  await within(Promise.all(sockets.map(async (socket) => {
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.over = new Promise((resolve) => socket.on('close', resolve));
    if (bytes) socket.write(bytes);
  })), `${count} connections`);
  return sockets;
}

const ended = (sockets) => Promise.all(sockets.map((socket) => within(socket.resume().over, 'a connection to be closed', 30000)));

// Milliseconds of the processor so far.
async function processor(milky) {
  return Number((await readFile(`/proc/${milky.child.pid}/schedstat`, 'utf8')).split(' ')[0]) / 1e6;
}

// Other clients meanwhile: calls, one after the other, each of which makes an event that a client gets.
// Returns the processor time of one.
async function others(milky, { speaker = 1, listener, count = 100, words = '' }) {
  const before = await processor(milky);
  for (let i = 0; i < count; i++) {
    const { body } = await call(milky.http(speaker), 'send_group_message', { group_id: GROUP, message: text(`${i}${words}`) });
    assert.equal(body.status, 'ok', body.message);
    assert.equal(textOf((await listener.events.next()).data.data), `${i}${words}`);
  }
  return ((await processor(milky)) - before) / count;
}

// A bot with slow clients, and another one that makes the events.
async function world(t, { limits = {}, tls, more = {} } = {}) {
  const milky = await serve(t, {
    limits, operations: ANY,
    bots: [
      { self_id: BOT, http_server: [{ listen: ANY }, ...(tls ? [{ listen: ANY, tls }] : [])], websocket_server: [{ listen: ANY }], ...more },
      { self_id: OTHER, http_server: [{ listen: ANY }] },
    ],
  });
  const listener = await Client.connect(milky.ws());
  t.after(() => listener.socket.terminate());
  const alone = await others(milky, { speaker: tls ? 2 : 1, listener });
  return { milky, listener, alone, before: await memory(milky, 'RssAnon') };
}

async function metric(milky, name, labels) {
  const address = milky.banner[milky.banner.indexOf('operations') + 1].trim();
  return valueOf(parse((await request(address, '/metrics', { method: 'GET' })).text), name, labels);
}

async function grown(milky, before) {
  return (await memory(milky, 'RssAnon')) - before;
}

describe('slow', { concurrency: 3 }, () => {
  it('a thousand half-open handshakes of each kind', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const { milky, listener, alone, before } = await world(t, { tls, limits: { header_seconds: 600, idle_seconds: 600 } });
    const http = milky.address('http_server');
    const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    const sockets = [
      await connectMany(t, http, 1000),
      await connectMany(t, http, 1000, 'POST /get_lo'),
      await connectMany(t, milky.address('websocket_server'), 1000, handshake().slice(0, -30)),
      await connectMany(t, milky.address('http_server', 1), 1000, hello),
    ].flat();
    const meanwhile = await others(milky, { speaker: 2, listener });
    const more = await grown(milky, before);
    t.diagnostic(`${(alone * 1000).toFixed(0)} µs a call alone, ${(meanwhile * 1000).toFixed(0)} µs meanwhile; ${more.toFixed(1)} MiB more`);
    assert.ok(sockets.every((socket) => !socket.destroyed), 'it did not last');
    assert.ok(more < 1000 * 64 * KIB + 3000 * 4 * KIB + CACHES, `${more} MiB`);
    assert.ok(meanwhile < alone * 4 + 1, `${meanwhile} ms a call, ${alone} ms alone`);
  });

  it('more TLS handshakes than the limit', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const { milky, listener, before } = await world(t, { tls, limits: { tls_handshakes: 200, header_seconds: 600 } });
    const sockets = await connectMany(t, milky.address('http_server', 1), 2000, Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
    let over = 0; // in any order: the kernel need not hand them over in theirs
    await within(new Promise((resolve) => sockets.forEach((socket) =>
      socket.resume().over.then(() => ++over === 1800 && resolve()))), 'those that are too many to be closed', 60000);
    await others(milky, { speaker: 2, listener, count: 20 });
    const refused = await metric(milky, 'milky_connections_refused_total', { limit: 'tls_handshakes' });
    const more = await grown(milky, before);
    t.diagnostic(`${more.toFixed(1)} MiB more`);
    assert.equal(refused, 1800);
    assert.ok(more < (200 + 64) * 64 * KIB + CACHES, `${more} MiB`); // 64 are accepted at a time
  });

  it('heads and bodies that come a byte at a time are ended in time', async (t) => {
    const { milky, listener, before } = await world(t, { limits: { header_seconds: 3, body_seconds: 3 } });
    const http = milky.address('http_server');
    const heads = await connectMany(t, http, 1000, 'POST /get_login_info HTTP/1.1\r\nHost: h\r\nX-A: ');
    const bodies = await connectMany(t, http, 200, post('/get_login_info', '{}'.padEnd(900)).slice(0, -800));
    const chunks = await connectMany(t, http, 200,
      'POST /get_login_info HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = setInterval(() => {
      [...heads, ...bodies].forEach((socket) => socket.writable && socket.write('x'));
      chunks.forEach((socket) => socket.writable && socket.write('1\r\n \r\n'));
    }, 200);
    t.after(() => clearInterval(drip));
    await others(milky, { listener });
    const more = await grown(milky, before);
    t.diagnostic(`${more.toFixed(1)} MiB more`);
    assert.ok(more < 1400 * 8 * KIB + CACHES, `${more} MiB`);
    await ended([...heads, ...bodies, ...chunks]);
    await others(milky, { listener, count: 1 });
  });

  it('receivers that never read, or a byte at a time, while events flow', async (t) => {
    const LAG = 1 << 20;
    const ROUND = 50;
    const long = '🥛'.repeat(3000);
    const EVENT = 12.5 * KIB;
    const PAGES = 20 * KIB; // that the world's database keeps of each, in its cache
    const { milky, listener, before } = await world(t, { limits: { lag_bytes: LAG } });
    const readers = [
      ...await connectMany(t, milky.address('websocket_server'), 10, handshake()),
      ...await connectMany(t, milky.address('http_server'), 10, 'GET /event HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n'),
    ];
    const drip = setInterval(() => readers.forEach((socket, i) => i % 2 && socket.read(1)), 100);
    t.after(() => clearInterval(drip));
    const dropped = () => metric(milky, 'milky_connections_dropped_total', { bot: BOT });
    let said = 0;
    let most = 0; // without the memory of the database
    for (; await dropped() < readers.length; said += ROUND) {
      assert.ok(said < 5000, 'they are never closed');
      const calls = Array.from({ length: ROUND }, () => call(milky.http(1), 'send_group_message', { group_id: GROUP, message: text(long) }));
      for (const { body } of await Promise.all(calls)) assert.equal(body.status, 'ok', body.message);
      for (let i = 0; i < ROUND; i++) await listener.events.next();
      most = Math.max(most, await grown(milky, before) - said * PAGES);
    }
    t.diagnostic(`closed after ${said} events, ${most.toFixed(1)} MiB more at most`);
    // Events are kept in two forms, as long as a client may be behind; memory is measured each round.
    assert.ok(most < 2 * (LAG / (1 << 20) + ROUND * EVENT) + readers.length * 64 * KIB + CACHES, `${most} MiB`);
    await ended(readers);
    await others(milky, { listener, count: 200, words: long });
    const after = await grown(milky, before) - (said + 200) * PAGES;
    assert.ok(after < CACHES, `${after} MiB are left`);
  });

  it('clients that request much, and never read it, or a byte at a time', async (t) => {
    const IN_FLIGHT = 16;
    const { milky, listener, before } = await world(t, { limits: { calls_in_flight: IN_FLIGHT } });
    for (let i = 0; i < 30; i++) {
      await call(milky.http(1), 'send_group_message', { group_id: GROUP, message: text(`${i}`.padEnd(4000, '.')) });
      await listener.events.next();
    }
    const params = { message_scene: 'group', peer_id: GROUP, limit: 30 };
    const message = JSON.stringify({ action: 'get_history_messages', params });
    // Calls after this one wait for its transaction, together with the answers.
    const writing = JSON.stringify({ action: 'send_group_message', params: { group_id: GROUP, message: text('') } });
    const http = milky.address('http_server');
    const { text: answer } = await request(http, '/api/get_history_messages', { body: JSON.stringify(params), headers: { 'Content-Type': 'application/json' } });
    assert.ok(answer.length > 100000, `${answer.length} bytes: ${answer.slice(0, 200)}`);
    // As many as fill all buffers of the kernel, a hundred times the bound.
    const readers = [
      ...await connectMany(t, milky.address('websocket_server'), 15, handshake()),
      ...await connectMany(t, http, 15, ''),
    ];
    const framed = Buffer.concat([frame(1, writing), ...Array.from({ length: 20 }, () => frame(1, message))]);
    const asked = [Buffer.concat(Array.from({ length: 25 }, () => framed)), post('/api/get_history_messages', JSON.stringify(params)).repeat(500)];
    readers.forEach((socket, i) => socket.write(asked[i < 15 ? 0 : 1]));
    const drip = setInterval(() => readers.forEach((socket, i) => i % 2 && socket.read(1)), 100);
    t.after(() => clearInterval(drip));
    const meanwhile = await others(milky, { listener });
    // They are held back when the kernel takes no more.
    const calls = () => metric(milky, 'milky_calls_total', { bot: BOT, action: 'get_history_messages', retcode: 0 });
    for (let answered = -1; answered !== (answered = await calls());) await others(milky, { listener, count: 30 });
    const answered = await calls();
    const more = await grown(milky, before);
    t.diagnostic(`${(meanwhile * 1000).toFixed(0)} µs a call meanwhile; ${answered} answers; ${more.toFixed(1)} MiB more`);
    assert.ok(answered < readers.length * 250, `${answered} answers`);
    const one = answer.length / (1 << 20);
    assert.ok(more < 30 * (WAITING + 2 * one) + 15 * IN_FLIGHT * one + CACHES, `${more} MiB`);
    assert.ok(readers.every((socket) => !socket.destroyed));
  });

  it('slow readers of a large file', async (t) => {
    const { milky, listener, alone, before } = await world(t, { limits: { body_bytes: 64 << 20 } });
    const uri = base64(png(5, 5, 30 << 20));
    const sent = await call(`${milky.http()}/api`, 'send_group_message', { group_id: GROUP, message: [{ type: 'image', data: { uri } }] });
    assert.equal(sent.body.status, 'ok', sent.body.message);
    const { body } = await call(`${milky.http()}/api`, 'get_message', { message_scene: 'group', peer_id: GROUP, message_seq: sent.body.data.message_seq });
    const { host, pathname } = new URL(body.data.message.segments[0].data.temp_url);
    const readers = await connectMany(t, host, 100, `GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const drip = setInterval(() => readers.forEach((socket, i) => i % 2 && socket.read(1)), 100);
    t.after(() => clearInterval(drip));
    await Promise.all(readers.map((socket) => within(once(socket, 'readable'), 'the first bytes')));
    const meanwhile = await others(milky, { listener, count: 50 }); // they are closed when they have read nothing for a minute
    const more = await grown(milky, before);
    t.diagnostic(`${(alone * 1000).toFixed(0)} µs a call alone, ${(meanwhile * 1000).toFixed(0)} µs meanwhile; ${more.toFixed(1)} MiB more`);
    assert.ok(more < readers.length * WAITING + CACHES, `${more} MiB`);
    assert.ok(readers.every((socket) => !socket.destroyed));
  });

  it('a receiver of a webhook that sends its response a byte at a time', async (t) => {
    const good = await hook(t);
    const dribbler = createServer((socket) => {
      const drip = setInterval(() => socket.write('x'), 50);
      socket.on('error', () => {}).on('close', () => clearInterval(drip)).resume();
      socket.write('HTTP/1.1 200 OK\r\nX-Long: ');
    });
    dribbler.listen(0, '127.0.0.1');
    await once(dribbler, 'listening');
    t.after(() => dribbler.close());
    const { milky, listener } = await world(t, {
      more: { webhook: [{ url: `http://127.0.0.1:${dribbler.address().port}/` }, { url: good.url }] },
    });
    await others(milky, { listener });
    // The world's own events, and those: the other receiver gets them meanwhile.
    for (let i = 0; i < 200; i++) assert.equal(textOf((await good.next()).body.data), `${i % 100}`);
    const url = `:${dribbler.address().port}/`;
    const line = await milky.log.find((l) => l.includes(url), 'an end of its patience', 30000);
    assert.match(line, /timed out after 15 s; next try in/);
    assert.ok(await metric(milky, 'milky_sink_lag_events', { bot: BOT, transport: 'webhook', address: `http://127.0.0.1${url}` }) !== 0);
  });

  it('a receiver of a webhook whose response has no end', async (t) => {
    const good = await hook(t);
    let poured = 0;
    const flood = createServer((socket) => {
      const piece = Buffer.alloc(65536, 'x');
      const pour = () => socket.destroyed || socket.write(piece, (error) => { poured += 65536; if (!error) setImmediate(pour); });
      socket.on('error', () => {}).resume();
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      pour();
    });
    flood.listen(0, '127.0.0.1');
    await once(flood, 'listening');
    t.after(() => flood.close());
    const { milky, listener, before } = await world(t, {
      more: { webhook: [{ url: `http://127.0.0.1:${flood.address().port}/` }, { url: good.url }] },
    });
    await others(milky, { listener });
    for (let i = 0; i < 200; i++) assert.equal(textOf((await good.next()).body.data), `${i % 100}`);
    const line = await milky.log.find((l) => l.includes(`:${flood.address().port}/`), 'it to be refused', 30000);
    t.diagnostic(line);
    const more = await grown(milky, before);
    // The next try may be in flight: a response of 16 MiB at most, in a buffer that doubles.
    assert.ok(more < 2 * 16 + CACHES, `${more} MiB`);
  });
});
