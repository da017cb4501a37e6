// Bodies and messages that have begun to arrive, on all connections together: limits.receiving_bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { parse, valueOf } from './exposition.mjs';
import { freePort, serve } from './fixtures.mjs';
import { BOT, request, within } from './harness.mjs';
import { Raw, frame, handshake } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const KIB = 1024;
const MOST = 1024 * KIB;
const PART = 300 * KIB;
const SMALL = 64 * KIB;
const PAGE = 'https://console.example';
const config = async () => ({
  operations: LISTEN, control: `127.0.0.1:${await freePort()}`, limits: { receiving_bytes: MOST },
  bots: [{ self_id: BOT, http_server: [{ listen: LISTEN, access_token: 'right', origins: [PAGE] }], websocket_server: [{ listen: LISTEN }] }],
});

const own = ({ banner }, name) => banner[banner.indexOf(name) + 1].trim();
const value = async (milky, name) => valueOf(parse((await request(own(milky, 'operations'), '/metrics', { method: 'GET' })).text), name);
const arriving = (milky) => value(milky, 'milky_receiving_bytes');
const until = (milky, wanted) => within((async () => { while (!wanted(await arriving(milky))); })(), 'the bytes to be counted');

const head = (more) => `POST /get_login_info HTTP/1.1\r\nHost: x\r\nOrigin: ${PAGE}\r\nAuthorization: Bearer right\r\nContent-Type: application/json\r\n${more}\r\n\r\n`;
// JSON text of that length, of which a part is sent.
const spaces = (length) => Buffer.alloc(length, ' ');
const noise = (length) => Buffer.from(Array.from({ length }, (_, i) => 33 + ((Math.imul(i, 2654435761) >>> 13) % 90)));

// Each begins something long on a connection of its own, and stops after PART bytes of it.
const ways = {
  'a body with a Content-Length': {
    address: (milky) => milky.address('http_server'),
    begin: (raw) => raw.write(head(`Content-Length: ${2 * MOST}`), spaces(PART)),
  },
  'a chunked body': {
    address: (milky) => milky.address('http_server'),
    begin: (raw) => raw.write(head('Transfer-Encoding: chunked'), `${PART.toString(16)}\r\n`, spaces(PART)),
  },
  'a body of an operator': {
    address: (milky) => own(milky, 'control'),
    begin: (raw) => raw.write(`POST /endpoint/status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${2 * MOST}\r\n\r\n`, spaces(PART)),
  },
  'a frame of a WebSocket': {
    address: (milky) => milky.address('websocket_server'), websocket: true,
    begin: (raw) => raw.write(frame(1, spaces(PART), { length: 2 * MOST })),
  },
  'fragments of a WebSocket': {
    address: (milky) => milky.address('websocket_server'), websocket: true,
    begin: (raw) => raw.write(...Array.from({ length: 10 }, (_, i) => frame(i ? 0 : 1, spaces(PART / 10), { fin: false }))),
  },
  'fragments of a compressed message': {
    address: (milky) => milky.address('websocket_server'), websocket: true, extra: ['Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover'],
    begin: (raw) => {
      const data = deflateRawSync(noise(PART), { level: 0 }).subarray(0, PART);
      return raw.write(frame(1, data.subarray(0, PART / 2), { fin: false, rsv: 4 }), frame(0, data.subarray(PART / 2), { fin: false }));
    },
  },
};

async function open(milky, { address, websocket, extra = [] }) {
  const raw = await Raw.connect(address(milky));
  if (websocket) assert.equal((await raw.write(handshake({ extra })).response()).status, 101);
  return raw;
}

async function refused(raw, { websocket }) {
  if (websocket) {
    const { code, reason } = await raw.closing();
    assert.equal(code, 1013);
    assert.match(reason, /too many bytes of messages are arriving/);
    return {};
  }
  const answer = await raw.response();
  assert.deepEqual([answer.status, answer.json.retcode, answer.headers.connection], [503, -503, 'close']);
  assert.match(answer.json.message, /limits\.receiving_bytes/);
  return answer;
}

describe('what arrives on all connections together is bounded', { concurrency: 1 }, () => {
  for (const [name, way] of Object.entries(ways)) {
    it(name, async (t) => {
      const milky = await serve(t, await config());
      const held = [];
      for (let i = 1; i <= 3; i++) {
        held.push(way.begin(await open(milky, way)));
        await until(milky, (bytes) => bytes >= i * PART);
      }
      const before = await arriving(milky);
      assert.ok(before <= MOST && before < 3 * PART + 1024, `${before}`);
      // One more ends (behind the first kind, one of any), and what it had sent is freed while its client lingers.
      const others = name === 'a body with a Content-Length' ? Object.values(ways) : [way];
      for (const other of others) {
        const raw = other.begin(await open(milky, other));
        const answer = await refused(raw, other);
        if (other === ways['a chunked body']) assert.equal(answer.headers['access-control-allow-origin'], PAGE);
        assert.equal(await arriving(milky), before);
        raw.destroy();
      }
      assert.equal(await value(milky, 'milky_receptions_refused_total'), others.length);
      const { stdout } = await milky.run(['status'], { env: { LANG: 'en_US.UTF-8' } });
      assert.match(stdout, new RegExp(`bodies and messages over limits\\.receiving_bytes: ${others.length}\\b`));
      // Usual calls pass, in pieces and on connections of their own; many of them, too.
      const usual = await Promise.all(Array.from({ length: 20 }, () => open(milky, ways['a body with a Content-Length'])));
      for (const raw of usual) raw.write(head(`Content-Length: ${SMALL}`), spaces(SMALL - 2));
      await until(milky, (bytes) => bytes === before + usual.length * (SMALL - 2));
      for (const raw of usual) {
        assert.equal((await raw.write('{}').response()).status, 200);
        raw.destroy();
      }
      const socket = await open(milky, ways['a frame of a WebSocket']);
      socket.write(frame(1, `{"action":"get_login_info","echo":"${'x'.repeat(SMALL - 100)}"}`));
      assert.equal((await socket.message()).data.retcode, 0);
      socket.destroy();
      assert.equal(await arriving(milky), before);
      // When they have gone, there is room again.
      for (const raw of held) raw.destroy();
      await until(milky, (bytes) => bytes === 0);
      const again = await open(milky, ways['a body with a Content-Length']);
      again.write(head(`Content-Length: ${2 * PART}`), spaces(PART));
      await until(milky, (bytes) => bytes >= PART);
      assert.equal((await again.write(spaces(PART - 2), '{}').response()).status, 200);
      assert.equal(await arriving(milky), 0);
      again.destroy();
    });
  }

  it('a body that is dropped counts for nothing', async (t) => {
    const milky = await serve(t, await config());
    const address = milky.address('http_server');
    for (const line of ['POST /get_login_info', 'GET /event']) {
      const raw = await Raw.connect(address);
      raw.write(`${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Type: application/json\r\nContent-Length: ${2 * PART}\r\n\r\n`, spaces(PART));
      assert.ok((await raw.response()).status >= 401);
      assert.equal(await arriving(milky), 0);
      raw.destroy();
    }
  });
});
