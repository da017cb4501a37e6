// 100 MiB in base64, over HTTP and over a WebSocket: they arrive, are in memory once and never delay other clients
// for long; beyond the limits the answer is clear.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { call, Client, GROUP, memory, request, serve, within } from './harness.mjs';
import { BOT } from './sandbox.mjs';
import { base64, png } from './samples.mjs';

const LISTEN = '127.0.0.1:0';
const MIB = 1 << 20;
const LIMITS = { body_bytes: 160 * MIB, message_bytes: 160 * MIB };
const MEDIA = { max_bytes: 100 * MIB };
const config = (limits, media = MEDIA) => ({
  limits, backend: { strictness: 'lenient', media },
  bots: [{ self_id: BOT, http_server: [{ listen: LISTEN }], websocket_server: [{ listen: LISTEN, dialect: '1.2' }] }],
});
const params = (content) => ({ group_id: GROUP, message: [{ type: 'image', data: { uri: base64(content) } }] });

// Repeats a call until stopped: returns the number of answers, and the longest time that one took.
function asking(base) {
  let going = true;
  let longest = 0;
  let answered = 0;
  const end = (async () => {
    while (going) {
      const start = performance.now();
      const { body } = await call(base, 'get_login_info');
      assert.equal(body.retcode, 0);
      longest = Math.max(longest, performance.now() - start);
      answered++;
    }
    return { longest, answered };
  })();
  return () => {
    going = false;
    return end;
  };
}

async function isThere(milky, base, content, messageSeq) {
  const { body } = await call(base, 'get_message',
    { message_scene: 'group', peer_id: GROUP, message_seq: messageSeq });
  const { resource_id, temp_url, width } = body.data.message.segments[0].data;
  const sha256 = createHash('sha256').update(content).digest('hex');
  assert.deepEqual([resource_id, width], [sha256, 4000]);
  const hash = createHash('sha256');
  for await (const piece of (await fetch(temp_url)).body) hash.update(piece);
  assert.equal(hash.digest('hex'), sha256);
}

test('100 MiB over HTTP, while others are answered', async (t) => {
  const milky = await serve(t, config(LIMITS));
  const base = `${milky.http()}/api`;
  const content = png(4000, 3000, 100 * MIB);
  const text = JSON.stringify(params(content));
  assert.ok(text.length > 133 * MIB);
  const before = await memory(milky, 'VmRSS');
  const stop = asking(base);
  const { body } = await call(base, 'send_group_message', undefined, { body: text });
  const { longest, answered } = await stop();
  assert.equal(body.retcode, 0, body.message);
  // The text of it, and never more than a piece of the content.
  const peak = await memory(milky, 'VmHWM') - before;
  t.diagnostic(`${answered} others answered, the longest took ${longest.toFixed(0)} ms, peak ${peak.toFixed(0)} MiB`);
  assert.ok(peak < 134 + 40, `${peak} MiB`);
  assert.ok(answered > 10, `${answered} others were answered meanwhile`);
  assert.ok(await memory(milky, 'VmRSS') - before < 40, 'it has kept something');
  await isThere(milky, base, content, body.data.message_seq);
});

test('100 MiB over a WebSocket', async (t) => {
  const milky = await serve(t, config(LIMITS));
  // The client library would take longer to compress it than everything else takes.
  const client = await Client.connect(milky.ws(), { perMessageDeflate: false });
  t.after(() => client.socket.terminate());
  const content = png(4000, 1, 100 * MIB);
  const reply = await client.call('send_group_message', params(content), 'large');
  assert.deepEqual([reply.data?.retcode ?? reply.retcode], [0], JSON.stringify(reply));
  await isThere(milky, `${milky.http()}/api`, content, 1);
});

test('10 MiB over a WebSocket, compressed', async (t) => {
  const milky = await serve(t, config(LIMITS));
  const client = await Client.connect(milky.ws());
  t.after(() => client.socket.terminate());
  assert.equal(client.socket.extensions, 'permessage-deflate');
  const content = png(4000, 1, 10 * MIB);
  const reply = await client.call('send_group_message', params(content), 'large');
  assert.equal(reply.data?.retcode, 0, JSON.stringify(reply));
  await isThere(milky, `${milky.http()}/api`, content, 1);
});

test('a byte too many is refused, and nothing of it remains', async (t) => {
  const milky = await serve(t, config(LIMITS, { max_bytes: 10 * MIB }));
  const base = `${milky.http()}/api`;
  const fits = await call(base, 'send_group_message', params(png(4000, 1, 10 * MIB)));
  assert.equal(fits.body.retcode, 0, fits.body.message);
  const { body } = await call(base, 'send_group_message', params(png(4000, 1, 10 * MIB + 1)));
  assert.equal(body.retcode, -122);
  assert.match(body.message, /message\[0\]\.data\.uri.*10485760 bytes/);
  const names = await readdir(join(milky.dir, 'data/sandbox/media'));
  assert.equal(names.filter((name) => !name.endsWith('.incoming')).length, 1);
  assert.deepEqual(await readdir(join(milky.dir, 'data/sandbox/media/sandbox.db.incoming')), []);
});

test('a body over its limit is refused before it is sent, a message when its length is known', async (t) => {
  const milky = await serve(t, config({ body_bytes: 8 * MIB, message_bytes: 8 * MIB }));
  const address = milky.address('http_server');
  const socket = connectTcp({ host: '127.0.0.1', port: address.split(':')[1] });
  t.after(() => socket.destroy());
  socket.write(`POST /api/send_group_message HTTP/1.1\r\nHost: ${address}\r\nContent-Type: application/json\r\n`
    + `Content-Length: ${134 * MIB}\r\n\r\n{`);
  const [answer] = await within(once(socket, 'data'), 'the answer');
  assert.match(`${answer}`, /^HTTP\/1\.1 413 /);
  assert.match(`${answer}`, /"retcode":-413,"message":"[^"]+"/);
  const client = await Client.connect(milky.ws());
  client.socket.send(JSON.stringify({ action: 'send_group_message', params: params(png(1, 1, 8 * MIB)) }));
  assert.equal((await within(client.closed, 'the connection to be closed')).code, 1009);
  const { body } = await request(address, '/api/get_login_info', { headers: { 'Content-Type': 'application/json' }, body: '{}' });
  assert.equal(body.retcode, 0);
});

test('a connection that ends in the middle of it leaves nothing', async (t) => {
  const milky = await serve(t, config(LIMITS));
  const address = milky.address('http_server');
  const before = await memory(milky, 'VmRSS');
  const socket = connectTcp({ host: '127.0.0.1', port: address.split(':')[1] });
  socket.write(`POST /api/set_avatar HTTP/1.1\r\nHost: ${address}\r\nContent-Type: application/json\r\n`
    + `Content-Length: ${120 * MIB}\r\n\r\n{"uri":"base64://`);
  const piece = Buffer.alloc(MIB, 'A');
  for (let i = 0; i < 100; i++)
    if (!socket.write(piece)) await within(once(socket, 'drain'), 'the kernel to take it');
  socket.destroy();
  const { body } = await call(`${milky.http()}/api`, 'get_login_info');
  assert.equal(body.retcode, 0);
  await within((async () => {
    while (await memory(milky, 'VmRSS') - before > 20) await call(`${milky.http()}/api`, 'get_login_info');
  })(), 'the memory to be given back');
});
