// Receivers of webhooks that never come to an end: each ends with a failure that says why, costs little memory, and
// delays no other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { hook, serve, textOf } from './fixtures.mjs';
import { BOT, botConfig, call, memory } from './harness.mjs';

const MING = 10003001;
const CALLS = 100;
const MOST = 24; // MiB more than before, in all
const BODY = 3 * 16; // of a body of 16 MiB, in a buffer that doubles

// A receiver that begins each answer with `first`, and then pours `piece` as fast as it is taken.
async function flood(t, first, piece) {
  const pieces = Buffer.from(piece.repeat(Math.ceil(65536 / piece.length)));
  const server = createServer((socket) => {
    const pour = () => socket.destroyed || socket.write(pieces, (error) => error || setImmediate(pour));
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(first);
      pour();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const attacks = {
  'a status line without end': ['HTTP/1.1 200 ', 'x', /the head of its answer is longer than 65536 bytes/],
  'a header without end': ['HTTP/1.1 200 OK\r\nA: ', 'x', /the head of its answer is longer than 65536 bytes/],
  'headers without end': ['HTTP/1.1 200 OK\r\n', 'A: b\r\n', /more than 100 headers/],
  'informational answers without end': ['', 'HTTP/1.1 102 Processing\r\n\r\n', /more than 16 informational answers/],
  'a chunk extension without end': [`${CHUNKED}1;`, 'x', /chunk extensions and trailers of its answer are longer than 16 KiB/],
  'chunk extensions without end': [CHUNKED, '1;abcdefgh\r\nx\r\n', /chunk extensions and trailers of its answer are longer than 16 KiB/],
  'trailers without end': [`${CHUNKED}0\r\n`, 'A: b\r\n', /chunk extensions and trailers of its answer are longer than 16 KiB/],
  'empty lines without end': ['', '\r\n', /does not speak HTTP/],
  'a chunk size without end': [CHUNKED, '0', /the size of a chunk has "0"/],
  'chunks of one byte without end': [CHUNKED, '1\r\nx\r\n', /longer than 16777216 bytes/],
  'a body without end': ['HTTP/1.1 200 OK\r\n\r\n', 'x', /longer than 16777216 bytes/],
};

describe('a hostile receiver', { concurrency: 2 }, () => {
  for (const [name, [first, piece, why]] of Object.entries(attacks))
    it(name, async (t) => {
      const bad = await flood(t, first, piece);
      const good = await hook(t);
      const milky = await serve(t, botConfig({
        http_server: [{ listen: '127.0.0.1:0' }],
        webhook: [{ url: bad.url }, { url: good.url }],
      }));
      await call(milky.http(), 'get_login_info');
      const before = await memory(milky);
      await milky.say(MING, { to: BOT }, 'hello');
      const failed = milky.log.find((line) => line.includes(bad.url) && why.test(line), `a failure for ${name}`, 30000);
      // Others are served while it lasts.
      for (let i = 0; i < CALLS; i++) assert.equal((await call(milky.http(), 'get_login_info')).body.status, 'ok');
      assert.equal(textOf((await good.next()).body.data), 'hello');
      assert.match(await failed, /next try in/);
      const more = (await memory(milky, 'VmHWM')) - before;
      t.diagnostic(`${more.toFixed(1)} MiB more`);
      assert.ok(more < MOST + (why.source.includes('16777216') ? BODY : 0), `${more} MiB`);
    });
});
