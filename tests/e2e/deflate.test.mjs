// permessage-deflate (RFC 7692): its negotiation, the messages that are compressed, events that are compressed once
// for all clients, and attacks.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { parse, valueOf } from './exposition.mjs';
import { connect, freePort, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Inbox, call, memory, request, within } from './harness.mjs';
import { Raw, frame, handshake, rawWebSocket } from './raw.mjs';
import { RawServer, switching } from './raw_server.mjs';

const OTHER = 10002000;
const LISTEN = '127.0.0.1:0';
const LONG = '牛奶 milk '.repeat(200);
const BOTH = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const KEEPS = BOTH; // whether its window is kept or not, it is told to begin each message anew
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

// As RFC 7692, 7.2.1 and 7.2.2.
const compressed = (data, options) => {
  const all = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, ...options });
  assert.deepEqual(all.subarray(-4), TAIL);
  return all.subarray(0, -4);
};
const decompressed = (payload) =>
  inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH }).toString();

// The bot under test, and another one that can make an event for it.
const config = (more = {}, top = {}) => ({
  ...top,
  bots: [
    { self_id: BOT, http_server: [{ listen: LISTEN, ...more }], websocket_server: [{ listen: LISTEN, ...more }, { listen: LISTEN, dialect: '1.2', ...more }] },
    { self_id: OTHER, http_server: [{ listen: LISTEN }] },
  ],
});
async function say(milky, words) {
  const { body } = await call(milky.http(1), 'send_group_message', { group_id: GROUP, message: text(words) });
  assert.equal(body.retcode, 0, JSON.stringify(body));
}
const saidIn = (event) => textOf(event.data.data);
const offering = (offer) => ({ extra: [`Sec-WebSocket-Extensions: ${offer}`] });

// A milky, and connections to it that are closed before it is stopped.
async function start(t, what) {
  const opened = [];
  t.after(() => opened.forEach((raw) => raw.destroy()));
  return Object.assign(await serve(t, what), { opened });
}
async function open(milky, address, options) {
  const raw = await rawWebSocket(address, options);
  milky.opened.push(raw);
  return raw;
}
const deflating = (milky, address, options) => open(milky, address, { ...options, ...offering('permessage-deflate') });

async function agreed(address, offer, target = '/') {
  const raw = await Raw.connect(address);
  const response = await raw.write(handshake({ target, ...offering(offer) })).response();
  raw.destroy();
  assert.equal(response.status, 101);
  return response.headers['sec-websocket-extensions'];
}

// A message in one frame, and whether it was compressed.
async function message(raw) {
  const { fin, rsv, opcode, payload } = await raw.frame();
  assert.deepEqual([fin, opcode, rsv & 3], [true, 1, 0]);
  return { isCompressed: rsv === 4, payload, ...JSON.parse(rsv === 4 ? decompressed(payload) : payload) };
}

describe('permessage-deflate', { concurrency: 4 }, () => {
  it('is negotiated for every offer that can be met', async (t) => {
    const milky = await start(t, config());
    for (const [address, target] of [[milky.address('websocket_server'), '/'], [milky.address('http_server'), '/event']]) {
      for (const [offer, expected] of [
        ['permessage-deflate', KEEPS],
        ['permessage-deflate; client_no_context_takeover', BOTH],
        ['permessage-deflate; client_no_context_takeover; client_max_window_bits', BOTH],
        ['permessage-deflate; client_max_window_bits', KEEPS],
        ['permessage-deflate; client_max_window_bits=15', KEEPS],
        ['permessage-deflate; client_max_window_bits=10', `${KEEPS}; client_max_window_bits=10`],
        ['permessage-deflate; server_max_window_bits=15', `${KEEPS}; server_max_window_bits=12`],
        ['permessage-deflate; server_max_window_bits=9', undefined],
        ['permessage-deflate; server_max_window_bits=9, permessage-deflate', KEEPS],
        ['permessage-deflate; nonsense="1, 2", x', undefined],
        ['x-webkit-deflate-frame', undefined],
        ['=;,"', undefined],
      ]) assert.equal(await agreed(address, offer, target), expected, offer);
    }
  });

  it('is not negotiated where the configuration disables it', async (t) => {
    const milky = await start(t, config({ compression: false }));
    assert.equal(await agreed(milky.address('websocket_server'), 'permessage-deflate'), undefined);
    assert.equal(await agreed(milky.address('http_server'), 'permessage-deflate', '/event'), undefined);
    const raw = await deflating(milky, milky.address('websocket_server'));
    raw.write(frame(1, compressed('{"action":"get_login_info"}'), { rsv: 4 }));
    assert.equal((await raw.closing()).code, 1002);
  });

  it('compresses long messages, and no short ones', async (t) => {
    const milky = await start(t, config());
    for (const raw of [await deflating(milky, milky.address('websocket_server')), await deflating(milky, milky.address('http_server'), { target: '/event' })]) {
      const event = async () => {
        const got = await message(raw);
        return [got.isCompressed, textOf((got.data.data ?? got.data))];
      };
      await say(milky, 'short');
      assert.deepEqual(await event(), [false, 'short']);
      await say(milky, LONG);
      assert.deepEqual(await event(), [true, LONG]);
      raw.destroy();
    }
    const raw = await deflating(milky, milky.address('websocket_server'));
    raw.write(frame(1, '{"action":"get_login_info","echo":1}'));
    assert.equal((await message(raw)).isCompressed, false);
    raw.write(frame(1, compressed(JSON.stringify({ action: 'get_login_info', echo: LONG })), { rsv: 4 }));
    const reply = await message(raw);
    assert.deepEqual([reply.isCompressed, reply.data.echo], [true, LONG]);
    assert.ok(reply.payload.length < 200, `${reply.payload.length}`);
    // Each message is compressed by itself: the same text becomes the same bytes again.
    raw.write(frame(1, JSON.stringify({ action: 'get_login_info', echo: LONG })));
    assert.deepEqual((await message(raw)).payload, reply.payload);
  });

  it('takes the threshold from the configuration', async (t) => {
    const milky = await start(t, config({}, { compression_threshold: 100 }));
    const raw = await deflating(milky, milky.address('websocket_server'));
    raw.write(frame(1, JSON.stringify({ action: 'get_login_info', echo: 'x'.repeat(50) })));
    assert.equal((await message(raw)).isCompressed, true);
    raw.write(frame(1, '{"action":"nonsense"}'));
    const refusal = await message(raw);
    assert.deepEqual([refusal.isCompressed, refusal.data.retcode], [refusal.payload.length >= 100, -404]);
  });

  it('takes fragments, with control frames between them', async (t) => {
    const milky = await start(t, config());
    const raw = await deflating(milky, milky.address('websocket_server'));
    const payload = compressed('{"action":"get_login_info","echo":"fragments"}');
    raw.write(frame(1, payload.subarray(0, 5), { rsv: 4, fin: false }), frame(9, 'ping'),
      frame(0, payload.subarray(5, 9), { fin: false }), frame(0, '', { fin: false }), frame(0, payload.subarray(9)));
    assert.equal((await raw.frame()).opcode, 10);
    assert.equal((await message(raw)).data.echo, 'fragments');
  });

  // The clients of one feed get the same bytes, which were encoded once.
  it('compresses an event once for all clients', async (t) => {
    const milky = await start(t, config({}, { operations: LISTEN }));
    const operations = milky.banner[milky.banner.indexOf('operations') + 1].trim();
    const counters = async () => {
      const { text: body } = await request(operations, '/metrics', { method: 'GET' });
      return ['messages', 'bytes_before', 'bytes_after'].map((what) => valueOf(parse(body), `milky_compressed_${what}_total`));
    };
    const clients = await Promise.all(Array.from({ length: 20 }, () => deflating(milky, milky.address('websocket_server'))));
    const plain = await open(milky, milky.address('websocket_server'));
    await say(milky, 'short');
    assert.deepEqual(await counters(), [0, 0, 0]);
    await say(milky, LONG);
    const frames = await Promise.all(clients.map(async (raw) => {
      assert.equal((await message(raw)).isCompressed, false);
      return raw.frame();
    }));
    for (const one of frames) assert.deepEqual(one, frames[0]);
    await plain.frame();
    const { rsv, payload } = await plain.frame();
    assert.equal(rsv, 0);
    assert.equal(decompressed(frames[0].payload), `${payload}`);
    assert.deepEqual(await counters(), [1, payload.length, frames[0].payload.length]);
  });

  it('compresses replayed events too', async (t) => {
    const milky = await start(t, config());
    await say(milky, LONG);
    await say(milky, 'short');
    const raw = await deflating(milky, milky.address('websocket_server'), { target: '/?since=0' });
    const [first, second] = [await message(raw), await message(raw)];
    assert.deepEqual([first.isCompressed, first.number, saidIn(first)], [true, 1, LONG]);
    assert.deepEqual([second.isCompressed, second.number, saidIn(second)], [false, 2, 'short']);
  });

  it('a reload changes it for new connections; those that are open stay', async (t) => {
    const port = await freePort();
    const at = (compression) => ({ bots: [
      { self_id: BOT, websocket_server: [{ listen: `127.0.0.1:${port}`, compression }] },
      { self_id: OTHER, http_server: [{ listen: LISTEN }] },
    ] });
    const milky = await start(t, at(true));
    const address = `127.0.0.1:${port}`;
    const kept = await deflating(milky, address);
    for (const [compression, expected] of [[false, undefined], [true, KEEPS]]) {
      await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(at(compression)));
      assert.equal((await milky.run(['reload'])).code, 0);
      assert.equal(await agreed(address, 'permessage-deflate'), expected);
      kept.write(frame(1, compressed(JSON.stringify({ action: 'get_login_info', echo: LONG })), { rsv: 4 }));
      assert.deepEqual([(await message(kept)).isCompressed], [true]);
    }
  });
});

describe('permessage-deflate and the ws library', { concurrency: 4 }, () => {
  const off = '';
  const kinds = [
    [{}, 'permessage-deflate'],
    [false, off],
    [true, 'permessage-deflate'],
    [{ threshold: 0 }, 'permessage-deflate'],
    [{ threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }, 'permessage-deflate'],
    [{ threshold: 0, serverMaxWindowBits: 12, clientMaxWindowBits: 9 }, 'permessage-deflate'],
    [{ threshold: 0, serverMaxWindowBits: 14, clientMaxWindowBits: 15 }, 'permessage-deflate'],
    [{ threshold: 0, serverMaxWindowBits: 9 }, off],
    [{ threshold: 0, zlibDeflateOptions: { level: 9, memLevel: 9 } }, 'permessage-deflate'],
    [{ threshold: 0, zlibDeflateOptions: { level: 0, memLevel: 1 } }, 'permessage-deflate'],
  ];
  for (const [perMessageDeflate, expected] of kinds) {
    it(`connects with ${JSON.stringify(perMessageDeflate)}`, async (t) => {
      const milky = await start(t, config());
      for (const index of [0, 1]) {
        const client = await connect(t, milky.ws(index), { perMessageDeflate });
        assert.equal(client.socket.extensions, expected);
        for (const echo of ['', 'short', LONG, LONG.repeat(100)]) {
          assert.equal((await client.call('get_login_info', {}, echo)).data.echo, echo);
        }
        await say(milky, LONG);
        const { data } = (await client.events.next()).data;
        assert.equal(textOf(data), LONG);
        assert.deepEqual(await client.close(), { code: 1005, reason: '' });
      }
      const events = await connect(t, `ws://${milky.address('http_server')}/event`, { perMessageDeflate });
      const got = new Inbox();
      events.socket.on('message', (data) => got.push(JSON.parse(data)));
      await say(milky, LONG);
      assert.equal(textOf((await got.next('an event')).data), LONG);
    });
  }

  it('a websocket_client and a server of ws', async (t) => {
    for (const [options, expected] of [[true, 'permessage-deflate'], [false, off],
      [{ threshold: 0, serverMaxWindowBits: 9 }, 'permessage-deflate'], [{ threshold: 0, concurrencyLimit: 1 }, 'permessage-deflate']]) {
      const server = await reverse(t, { perMessageDeflate: options });
      const milky = await start(t, { bots: [
        { self_id: BOT, websocket_client: [{ url: `ws://127.0.0.1:${server.port}/` }, { url: `ws://127.0.0.1:${server.port}/`, compression: false }] },
        { self_id: OTHER, http_server: [{ listen: LISTEN }] },
      ] });
      const clients = [await server.next(), await server.next()];
      assert.deepEqual(clients.map((client) => client.socket.extensions).sort(), ['', expected]);
      for (const client of clients) {
        for (const echo of ['short', LONG, LONG.repeat(100)]) assert.equal((await client.call('get_login_info', {}, echo)).data.echo, echo);
      }
      const { body } = await call(milky.http(0), 'send_group_message', { group_id: GROUP, message: text(LONG) });
      assert.equal(body.retcode, 0);
      for (const client of clients) assert.equal(saidIn(await client.events.next()), LONG);
    }
  });

  it('a websocket_client stops offering it to a server that answers wrongly', async (t) => {
    const server = await RawServer.start(t);
    const milky = await start(t, { bots: [{ self_id: BOT, websocket_client: [{ url: server.url }] }] });
    const first = await server.next();
    assert.equal(first.header('Sec-WebSocket-Extensions'), `${BOTH}; client_max_window_bits`);
    first.write(switching(first.key, `Sec-WebSocket-Extensions: ${BOTH}; client_max_window_bits=7`));
    await first.ended();
    await milky.log.find((line) => /a parameter that is not allowed/.test(line));
    const second = await server.accept();
    assert.equal(second.header('Sec-WebSocket-Extensions'), undefined);
    second.send(1, '{"action":"get_login_info","echo":1}');
    assert.equal((await second.message()).data.echo, 1);
  });

  it('a websocket_client does not compress for a server with a smaller window, and still takes compressed ones', async (t) => {
    for (const [bits, rsv] of [[8, 0], [9, 0], [11, 0], [12, 0x40], [15, 0x40]]) {
      const server = await RawServer.start(t);
      const milky = await start(t, { bots: [
        { self_id: BOT, websocket_client: [{ url: server.url }] },
        { self_id: OTHER, http_server: [{ listen: LISTEN }] },
      ] });
      const connection = await server.next();
      connection.write(switching(connection.key, `Sec-WebSocket-Extensions: ${BOTH}; client_max_window_bits=${bits}`));
      connection.send(1, compressed(JSON.stringify({ action: 'get_login_info', echo: LONG })), { rsv: 4 });
      const reply = await connection.frames.next('a reply');
      assert.equal(reply.rsv, rsv, `${bits}`);
      const { body } = await call(milky.http(0), 'send_group_message', { group_id: GROUP, message: text(LONG) });
      assert.equal(body.retcode, 0);
      const event = await connection.frames.next('an event');
      assert.equal(event.rsv, rsv, `${bits}`);
      const json = (one) => JSON.parse(rsv ? decompressed(one.payload) : one.payload);
      assert.equal(json(reply).data.echo, LONG);
      assert.equal(saidIn(json(event)), LONG);
    }
  });

  it('a websocket_client tries again without it after a 400', async (t) => {
    const server = await RawServer.start(t);
    const milky = await start(t, { bots: [{ self_id: BOT, websocket_client: [{ url: server.url }] }] });
    const answer = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    const first = await server.next();
    assert.ok(first.header('Sec-WebSocket-Extensions'));
    first.socket.end(answer);
    const second = await server.next();
    assert.equal(second.header('Sec-WebSocket-Extensions'), undefined);
    second.socket.end(answer);
    await milky.log.find((line) => /it answered 400; next try/.test(line));
    const third = await server.accept();
    assert.equal(third.header('Sec-WebSocket-Extensions'), undefined);
    third.send(1, '{"action":"get_login_info","echo":1}');
    assert.equal((await third.message()).data.echo, 1);
  });

  it('a websocket_client compresses masked frames, and takes compressed ones', async (t) => {
    const server = await RawServer.start(t);
    await start(t, { bots: [{ self_id: BOT, websocket_client: [{ url: server.url }] }] });
    const connection = await server.next();
    connection.write(switching(connection.key, `Sec-WebSocket-Extensions: ${BOTH}`));
    connection.send(1, compressed(JSON.stringify({ action: 'get_login_info', echo: LONG })), { rsv: 4 });
    const { rsv, masked, payload } = await connection.frames.next('a reply');
    assert.deepEqual([rsv, masked], [0x40, true]);
    assert.equal(JSON.parse(decompressed(payload)).data.echo, LONG);
    connection.send(9, '', { rsv: 4 });
    const close = await connection.frames.next('a close frame');
    assert.deepEqual([close.opcode, close.payload.readUInt16BE()], [8, 1002]);
  });
});

describe('attacks on permessage-deflate', { concurrency: 1 }, () => {
  const MIB = 1 << 20;
  const limit = 4 * MIB;
  const limited = config({}, { limits: { message_bytes: limit } });

  it('refuses malformed frames with the right close code', async (t) => {
    const milky = await start(t, limited);
    const payload = compressed('{"action":"get_login_info"}');
    for (const [name, code, ...frames] of [
      ['RSV1 on a ping', 1002, frame(9, '', { rsv: 4 })],
      ['RSV1 on a close', 1002, frame(8, '', { rsv: 4 })],
      ['RSV1 on a continuation', 1002, frame(1, payload.subarray(0, 5), { rsv: 4, fin: false }), frame(0, payload.subarray(5), { rsv: 4 })],
      ['RSV1 and RSV2', 1002, frame(1, payload, { rsv: 6 })],
      ['what is not compressed', 1007, frame(1, '{"action":"get_login_info"}', { rsv: 4 })],
      ['what is cut short', 1007, frame(1, payload.subarray(0, -3), { rsv: 4 })],
      ['what is no UTF-8 any more', 1007, frame(1, compressed(Buffer.from([0xc3, 0x28])), { rsv: 4 })],
      ['what is too long', 1009, frame(1, compressed(Buffer.alloc(limit + 1, 'x')), { rsv: 4 })],
    ]) {
      const raw = await deflating(milky, milky.address('websocket_server'));
      raw.write(...frames);
      assert.equal((await raw.closing()).code, code, name);
    }
    const raw = await deflating(milky, milky.address('websocket_server'));
    const echo = 'x'.repeat(limit - 100);
    raw.write(frame(1, compressed(JSON.stringify({ action: 'get_login_info', echo })), { rsv: 4 }));
    assert.equal((await message(raw)).data.echo.length, echo.length);
    raw.destroy();
  });

  // A megabyte that inflates to a gigabyte costs the limit of a message, once, however many clients send one.
  it('a bomb costs no more memory than the limit, and other clients are served', async (t) => {
    const milky = await start(t, limited);
    const other = await connect(t, milky.ws(0));
    await other.call('get_login_info', {}, LONG);
    const before = await memory(milky, 'VmHWM');
    const block = compressed(Buffer.alloc(16 * MIB));
    const pieces = Array.from({ length: 64 }, () => Buffer.concat([block, TAIL]));
    const bomb = Buffer.concat([...pieces, block]);
    assert.ok(bomb.length > MIB && bomb.length < 2 * MIB);
    let answered = 0;
    let busy = true;
    const calls = (async () => {
      for (; busy; answered++) assert.equal((await other.call('get_login_info', {}, answered)).data.echo, answered);
    })();
    for (let round = 0; round < 3; round++) {
      const attackers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => deflating(milky, milky.address('websocket_server'))));
      for (const raw of attackers) raw.write(frame(1, bomb, { rsv: 4 }));
      for (const raw of attackers) assert.equal((await raw.closing()).code, 1009);
    }
    // The same in fragments, one after the other.
    const raw = await deflating(milky, milky.address('websocket_server'));
    pieces.forEach((piece, i) => raw.write(frame(i ? 0 : 1, piece, { rsv: i ? 0 : 4, fin: false })));
    raw.write(frame(0, block));
    assert.equal((await raw.closing()).code, 1009);
    busy = false;
    await within(calls, 'the calls of the other one');
    assert.ok(answered > 0);
    // Eight compressed messages as they are gathered, and one of them decompressed.
    const grown = (await memory(milky, 'VmHWM')) - before;
    assert.ok(grown < 8 * 2 + limit / MIB + 4, `${grown} MiB`);
  });

  // A message grows once more when its JSON is read: every value takes memory, however short it is.
  it('a bomb of JSON costs no more than its text', async (t) => {
    const milky = await start(t, config({}, { limits: { message_bytes: 64 * MIB } }));
    const before = await memory(milky, 'VmHWM');
    for (const piece of ['1,', '[],', '"",', '[', '{"a":']) {
      const raw = await deflating(milky, milky.address('websocket_server'));
      raw.write(frame(1, compressed(Buffer.concat([Buffer.from('{"action":"x","params":['), Buffer.alloc(60 * MIB, piece)])), { rsv: 4 }));
      const { data } = await message(raw);
      assert.deepEqual([data.retcode, /too many values/.test(data.message)], [-400, true]);
      raw.destroy();
    }
    const grown = (await memory(milky, 'VmHWM')) - before;
    assert.ok(grown < 64 + 8, `${grown} MiB`);
  });

  it('too many empty blocks end the connection', async (t) => {
    const milky = await start(t, limited);
    for (const piece of [[0, 0, 0, 0xff, 0xff], [3, 0], [2, 8, 0x20, 0x80, 0]]) {
      const raw = await deflating(milky, milky.address('websocket_server'));
      raw.write(frame(1, Buffer.concat([Buffer.alloc(3 * MIB - (3 * MIB) % piece.length, Buffer.from(piece)), Buffer.from([0])]), { rsv: 4 }));
      assert.equal((await raw.closing()).code, 1009);
    }
  });
});
