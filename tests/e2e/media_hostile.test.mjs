// Servers of pictures that mean harm, and bots that ask for too much of them: what that costs others. Work is counted,
// not time: calls that are answered while an attack lasts, bytes, connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { GROUP, memory, within } from './harness.mjs';
import { png } from './samples.mjs';
import { done, fails, text, world } from './sandbox.mjs';

const MIB = 1024 * 1024;
const media = { allow_private_addresses: true };
const config = (more = {}) => ({ backend: { type: 'sandbox', media: { ...media, ...more } } });
const message = (...uris) => ({ group_id: GROUP, message: uris.map((uri) => ({ type: 'image', data: { uri } })) });
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

// A server that sends `once` to each request, and then `again` for as long as its client takes it.
async function hostile(t, first, again = '') {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    server.most = Math.max(server.most, sockets.size);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket) && server.emit('gone'));
    socket.once('data', () => {
      server.asked += 1;
      server.emit('asked');
      socket.write(first);
      const more = () => {
        if (again === '' || socket.destroyed) return;
        server.sent += again.length;
        if (socket.write(again)) setImmediate(more);
        else socket.once('drain', more);
      };
      more();
    });
  });
  Object.assign(server, { asked: 0, most: 0, sent: 0, open: () => sockets.size });
  server.until = async (event, what, is) => {
    while (!is()) await within(once(server, event), what);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.url = `http://127.0.0.1:${server.address().port}`;
  return server;
}

const picture = (t) => {
  const content = png(3, 4);
  return hostile(t, Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`), content]));
};

// A client that can go while its call waits.
function leaving(milky, params) {
  const gone = new AbortController();
  const reply = fetch(`${milky.http(0)}/api/send_group_message`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(params), signal: gone.signal,
  }).catch(() => {});
  return async () => {
    gone.abort();
    await reply;
  };
}

test('a body of one-byte chunks holds up neither other bots nor the end', async (t) => {
  const server = await hostile(t, CHUNKED, '1\r\nx\r\n'.repeat(2000));
  const { milky, other } = await world(t, config());
  const before = await memory(milky, 'VmHWM');
  leaving(milky, message(...Array.from({ length: 8 }, (_, i) => `${server.url}/${i}`)));
  await server.until('asked', 'the downloads', () => server.asked === 4);
  for (let i = 0; i < 50; i++) await done(other.modern('send_group_message', { group_id: GROUP, message: text(`${i}`) }));
  assert.equal(server.open(), 4, 'the attack lasted longer than the calls');
  assert.ok((await memory(milky, 'VmHWM')) - before < 64);
  assert.equal(await milky.stop(), 0);
  await server.until('gone', 'the connections to be closed', () => server.open() === 0);
});

const ENDLESS = {
  'extensions of a chunk': [`${CHUNKED}1;`, 'x'.repeat(65536)],
  'many extensions': [`${CHUNKED}1`, ';a=b'.repeat(16384)],
  trailers: [`${CHUNKED}1\r\nx\r\n0\r\n`, 'a: b\r\n'.repeat(10000)],
  'one trailer': [`${CHUNKED}1\r\nx\r\n0\r\na: `, 'b'.repeat(65536)],
  'informational responses': ['', 'HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n'.repeat(1000)],
  headers: ['HTTP/1.1 200 OK\r\n', 'a: b\r\n'.repeat(10000)],
  'one header': ['HTTP/1.1 200 OK\r\na: ', 'b'.repeat(65536)],
  'a reason phrase': ['HTTP/1.1 200 ', 'b'.repeat(65536)],
  'empty lines': ['', '\r\n'.repeat(30000)],
  'the body of a redirect': [`HTTP/1.1 302 Found\r\nLocation: /next\r\n${CHUNKED.slice(17)}`, `10000\r\n${'x'.repeat(65536)}\r\n`],
  'the body of a failure': ['HTTP/1.1 500 Oh\r\n\r\n', 'x'.repeat(65536)],
};

test('whatever a server sends without end, its download ends by a count of bytes', async (t) => {
  const { milky, owner } = await world(t, config({ max_bytes: MIB }));
  const before = await memory(milky, 'VmHWM');
  for (const [name, [first, again]] of Object.entries(ENDLESS)) {
    const server = await hostile(t, first, again);
    await fails(owner.modern('send_group_message', message(`${server.url}/a.png`)), -121, 'message[0].data.uri');
    await server.until('gone', 'the connection to be closed', () => server.open() === 0);
    assert.ok(server.sent < 24 * MIB, `${name}: ${server.sent} bytes`); // with what both kernels keep
  }
  assert.ok((await memory(milky, 'VmHWM')) - before < 64);
});

test('a coding that nobody asked for is not decoded', async (t) => {
  const { owner } = await world(t, config());
  for (const coding of ['gzip', 'gzip, chunked', 'br', 'chunked, chunked', 'deflate, deflate, deflate']) {
    const server = await hostile(t, `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n`);
    await fails(owner.modern('send_group_message', message(server.url)), -121, 'Transfer-Encoding');
  }
});

test('a bot has four downloads at a time, and leaves the others to other bots', async (t) => {
  const server = await hostile(t, '');
  const pictures = await picture(t);
  const { milky, owner, other } = await world(t, config());
  const leave = leaving(milky, message(...Array.from({ length: 200 }, (_, i) => `${server.url}/${i}`)));
  await server.until('asked', 'the downloads', () => server.asked === 4);
  for (let i = 0; i < 20; i++) await done(other.modern('send_group_message', message(`${pictures.url}/${i}`)));
  assert.deepEqual([server.asked, server.most], [4, 4]);
  // Its client goes: so do its downloads and those that wait.
  await leave();
  await server.until('gone', 'the connections to be closed', () => server.open() === 0);
  await done(owner.modern('send_group_message', message(...Array.from({ length: 8 }, (_, i) => `${pictures.url}/own${i}`))));
  assert.deepEqual([server.asked, pictures.asked], [4, 28]);
});

test('a message that fails gives its places back', async (t) => {
  const server = await hostile(t, '');
  const { owner } = await world(t, config());
  const pictures = await picture(t);
  const uris = Array.from({ length: 3 }, (_, i) => `${server.url}/${i}`);
  for (let i = 0; i < 4; i++)
    await fails(owner.modern('send_group_message', message(...uris, 'base64://!')), -120, 'message[3].data.uri');
  await server.until('gone', 'the connections to be closed', () => server.open() === 0);
  await done(owner.modern('send_group_message', message(pictures.url)));
});

test('too many URIs in a call are refused, and so is one that cannot be fetched, before any is', async (t) => {
  const server = await hostile(t, '');
  const { owner, other } = await world(t, config());
  const uris = (length) => Array.from({ length }, (_, i) => `${server.url}/${i}.${'x'.repeat(30)}`);
  const refused = owner.modern('send_group_message', message(...uris(50000))); // 3 MB
  await done(other.modern('send_group_message', { group_id: GROUP, message: text('meanwhile') }));
  await fails(refused, -400, 'too many values');
  await fails(owner.modern('send_group_message', message(...uris(5000))), -501, '4096');
  await fails(owner.modern('send_group_message', message(...uris(4000))), -120, '200');
  await fails(owner.modern('send_group_message', message(server.url, 'ftp://a/b')), -120, 'message[1].data.uri');
  await fails(owner.modern('send_group_message', message(server.url, `file:///${'a'.repeat(20000)}`)), -120, 'message[1].data.uri');
  assert.equal(server.asked, 0);
});
