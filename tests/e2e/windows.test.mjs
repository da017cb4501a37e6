// permessage-deflate with peers that continue their window from message to message (RFC 7692, 7.1.1): clients that did
// not offer to begin anew, as Tornado's and Mojolicious's. The memory is limited.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, createDeflateRaw } from 'node:zlib';
import { parse, valueOf } from './exposition.mjs';
import { serve } from './fixtures.mjs';
import { BOT, request, within } from './harness.mjs';
import { Raw, frame, handshake } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const OFFER = 'permessage-deflate';
const NAME = 'Sec-WebSocket-Extensions';

// A compressor with one window for all messages.
function continuous(options = {}) {
  const zlib = createDeflateRaw(options);
  let out = [];
  zlib.on('data', (piece) => out.push(piece));
  return (text) => new Promise((resolve) => {
    zlib.write(text);
    zlib.flush(constants.Z_SYNC_FLUSH, () => {
      const all = Buffer.concat(out);
      out = [];
      resolve(all.subarray(0, -4));
    });
  });
}

// Characters that hardly compress: what becomes short was found in the window.
function noise(seed, length) {
  let text = '';
  for (let x = seed + 1; text.length < length;) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    text += String.fromCharCode(33 + ((x >>> 16) % 94)).replace(/["\\]/, 'x');
  }
  return text;
}

const calling = (echo) => JSON.stringify({ action: 'get_login_info', echo });
const config = (top = {}) => ({ ...top, bots: [{ self_id: BOT, websocket_server: [{ listen: LISTEN }], http_server: [{ listen: LISTEN }] }] });

async function echoed(raw) {
  const { rsv, payload } = await raw.frame();
  assert.equal(rsv, 0, 'shorter than the threshold');
  return JSON.parse(payload).data.echo;
}

// The header of the answer, and the connection.
async function offering(address, offer, target = '/') {
  const raw = await Raw.connect(address);
  const response = await raw.write(handshake({ target, extra: [`${NAME}: ${offer}`] })).response();
  assert.equal(response.status, 101);
  return { raw, answer: response.headers[NAME.toLowerCase()] };
}

async function windowBytes(milky) {
  const operations = milky.banner[milky.banner.indexOf('operations') + 1].trim();
  const { text } = await request(operations, '/metrics', { method: 'GET' });
  return valueOf(parse(text), 'milky_compression_window_bytes');
}
const until = (what, wanted) => within((async () => {
  while (!(await wanted()));
})(), what);

describe('windows that a peer continues', { concurrency: 4 }, () => {
  for (const [offer, options] of [
    [OFFER, {}],
    [OFFER, { level: 9, memLevel: 9 }],
    [`${OFFER}; server_max_window_bits=15`, {}],
    [`${OFFER}; client_max_window_bits`, {}],
    [`${OFFER}; client_max_window_bits=9`, { windowBits: 9 }],
    [`${OFFER}; client_max_window_bits=8`, { windowBits: 9 }], // as zlib does
    [`${OFFER}; client_no_context_takeover`, null],
  ]) {
    it(`a client with ${offer}, ${JSON.stringify(options)}`, async (t) => {
      const milky = await serve(t, config({ compression_threshold: 1 << 20 }));
      const { raw } = await offering(milky.address('websocket_server'), offer);
      let compress = continuous(options ?? {});
      let short = 0;
      for (let i = 0; i < 60; i++) {
        const echo = noise(i >> 1, [100, 20, 3000, 20000, 33000][(i >> 1) % 5]); // each twice
        if (!options) compress = continuous();
        const payload = await compress(calling(echo));
        short += payload.length < echo.length / 2;
        if (i % 5 === 1) { // in fragments
          raw.write(frame(1, payload.subarray(0, 7), { rsv: 4, fin: false }), frame(0, payload.subarray(7)));
        } else {
          raw.write(frame(1, payload, { rsv: 4 }));
        }
        // A message that is not compressed has no part in the window (RFC 7692, 6).
        if (i % 7 === 3) raw.write(frame(1, calling(noise(1000 + i, 5000))));
        assert.equal(await echoed(raw), echo, `message ${i}`);
        if (i % 7 === 3) await echoed(raw);
      }
      assert.equal(short > 0, options !== null);
      raw.destroy();
    });
  }

  it('clients do not see the windows of each other', async (t) => {
    const milky = await serve(t, config({ compression_threshold: 1 << 20 }));
    const peers = [];
    for (let i = 0; i < 5; i++) peers.push({ ...(await offering(milky.address('websocket_server'), OFFER)), compress: continuous() });
    for (let round = 0; round < 8; round++) {
      for (const [i, { raw, compress }] of peers.entries()) raw.write(frame(1, await compress(calling(noise(i, 2000))), { rsv: 4 }));
      for (const [i, { raw }] of peers.entries()) assert.equal(await echoed(raw), noise(i, 2000));
    }
    // What refers to a window that is not there ends the connection.
    const { raw } = await offering(milky.address('websocket_server'), OFFER);
    raw.write(frame(1, await peers[0].compress(calling(noise(0, 2000))), { rsv: 4 }));
    assert.equal((await raw.closing()).code, 1007);
    for (const peer of peers) peer.raw.destroy();
  });

  it('have a limit together, beyond which new connections are not compressed', async (t) => {
    const milky = await serve(t, config({ operations: LISTEN, limits: { window_bytes: 2 * 32768 + 4096 } }));
    const address = milky.address('websocket_server');
    const events = milky.address('http_server');
    const first = await offering(address, OFFER);
    const second = await offering(events, OFFER, '/event');
    assert.deepEqual([first.answer, second.answer], Array(2).fill(`${OFFER}; server_no_context_takeover; client_no_context_takeover`));
    const third = await offering(address, OFFER);
    assert.equal(third.answer, undefined);
    const small = await offering(address, `${OFFER}, ${OFFER}; client_max_window_bits`);
    assert.equal(small.answer, `${OFFER}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12`);
    assert.equal((await offering(address, `${OFFER}; client_max_window_bits=9`)).answer, undefined);
    const none = await offering(address, `${OFFER}; client_no_context_takeover`);
    assert.equal(none.answer, `${OFFER}; server_no_context_takeover; client_no_context_takeover`);
    assert.equal(await windowBytes(milky), 2 * 32768 + 4096);
    // Without compression it works as ever.
    third.raw.write(frame(1, calling('x')));
    assert.equal(await echoed(third.raw), 'x');
    third.raw.write(frame(1, Buffer.from('x'), { rsv: 4 }));
    assert.equal((await third.raw.closing()).code, 1002);
    // A connection that has ended leaves its room to others.
    first.raw.destroy();
    await until('the window to be free', async () => (await windowBytes(milky)) === 32768 + 4096);
    assert.equal((await offering(address, OFFER)).answer, `${OFFER}; server_no_context_takeover; client_no_context_takeover`);
    assert.equal(await windowBytes(milky), 2 * 32768 + 4096);
  });
});
