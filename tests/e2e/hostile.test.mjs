// Hostile input: malformed and smuggled HTTP, broken WebSocket frames, malicious JSON, clients that stall, vanish
// or never read. Milky must answer what is wrong, and keep serving other clients.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BOT, Client, GROUP, botConfig, call, request, serve, within } from './harness.mjs';
import { Raw, assertRefused, closeFrame, frame, handshake, post, rawWebSocket } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const BOTH = { http_server: [{ listen: LISTEN }], websocket_server: [{ listen: LISTEN }] };
const OK = '{"status":"ok"';
const MIB = 1 << 20;
const JSON_TYPE = 'Content-Type: application/json\r\n';
const CALL = '{"action":"get_login_info","echo":"x"}';
const SEND = `{"action":"send_group_message","params":{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"x"}}]}}`;

// A client that sends without end and does not read: at some point, long before 256 MiB, no more is read from it,
// while other clients are `served`.
async function isHeldBack(deaf, question, served) {
  const piece = Buffer.from(question.toString('latin1').repeat(Math.ceil(65536 / question.length)), 'latin1');
  deaf.pour(piece, 4096);
  for (let before = -1; deaf.poured === 0 || deaf.poured !== before;) {
    before = deaf.poured;
    for (let i = 0; i < 50; i++) await served();
  }
  assert.ok(deaf.poured < 4096);
  assert.equal(deaf.error, undefined);
  deaf.destroy();
}

test('HTTP', async (t) => {
  const milky = await serve(t, botConfig(BOTH));
  const address = milky.address('http_server');
  const alive = async () => assert.equal((await call(`http://${address}`, 'get_login_info')).body.data.uin, BOT);

  // One refusal, the end of the connection, and nothing else: a request hidden behind it is not answered.
  async function refuses(bytes, status) {
    const connection = await Raw.connect(address);
    connection.write(bytes);
    const response = await connection.response();
    assertRefused(response, status);
    assert.equal(response.headers.connection, 'close');
    await connection.endedCleanly();
  }
  const head = (lines, line = 'POST /get_login_info HTTP/1.1') =>
    `${[line, ...(lines.some((l) => /^host/i.test(l)) ? [] : ['Host: localhost']), 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`;
  const hidden = post('/get_login_info', '{}');

  await t.test('ambiguous lengths of a request', async (t) => {
    for (const [what, lines, body = '{}', status = 400] of [
      ['both lengths', ['Content-Length: 2', 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
      ['both, the other way round', ['Transfer-Encoding: chunked', 'Content-Length: 2'], '2\r\n{}\r\n0\r\n\r\n'],
      ['two lengths', ['Content-Length: 2', 'Content-Length: 40']],
      ['twice the same length', ['Content-Length: 2', 'Content-Length: 2']],
      ['a list of lengths', ['Content-Length: 2, 2']],
      ['a length with a sign', ['Content-Length: +2']],
      ['a negative length', ['Content-Length: -2']],
      ['a hexadecimal length', ['Content-Length: 0x2']],
      ['a length with a space in it', ['Content-Length: 0 2']],
      ['a length of nothing', ['Content-Length:']],
      ['a length beyond 64 bits', ['Content-Length: 18446744073709551618']],
      ['a length with a comma', ['Content-Length: 2,']],
      ['a length in full-width digits', ['Content-Length: ２']],
      ['a space before the colon', ['Content-Length : 2']],
      ['a tab before the colon', ['Transfer-Encoding\t: chunked', 'Content-Length: 2']],
      ['an unknown coding', ['Transfer-Encoding: gzip'], '', 501],
      ['an almost known coding', ['Transfer-Encoding: xchunked'], '', 501],
      ['chunked, then another', ['Transfer-Encoding: chunked, identity'], '2\r\n{}\r\n0\r\n\r\n'],
      ['chunked twice', ['Transfer-Encoding: chunked, chunked'], '2\r\n{}\r\n0\r\n\r\n'],
      ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
      ['a coding behind a vertical tab', ['Transfer-Encoding:\vchunked'], '2\r\n{}\r\n0\r\n\r\n'],
      ['no coding', ['Transfer-Encoding:'], '{}'],
      ['a quoted coding', ['Transfer-Encoding: "chunked"'], '', 501],
    ]) {
      await t.test(what, () => refuses(head(lines) + body + hidden, status));
    }
    await t.test('chunked in HTTP/1.0', () =>
      refuses(`${head(['Transfer-Encoding: chunked'], 'POST /get_login_info HTTP/1.0')}2\r\n{}\r\n0\r\n\r\n${hidden}`, 400));
  });

  await t.test('lines', async (t) => {
    for (const [what, bytes, status = 400] of [
      ['a folded header', head(['X: a\r\n b', 'Content-Length: 2']) + '{}'],
      ['a folded length', head(['Content-Length:\r\n 2']) + '{}'],
      ['line feeds alone', head(['Content-Length: 2']).replaceAll('\r\n', '\n') + '{}'],
      ['one line feed alone', head(['X: a\nContent-Length: 2']) + '{}'],
      ['a line feed alone at the end of the head', `POST /get_login_info HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: 2\r\n\n{}`],
      ['a carriage return in a value', head(['X: a\rTransfer-Encoding: chunked', 'Content-Length: 2']) + '{}'],
      ['NUL in a value', head(['X: a\0b'])],
      ['NUL in a name', head(['X\0Y: a'])],
      ['NUL in the target', head([], 'POST /get_login_info\0 HTTP/1.1')],
      ['DEL in a value', head(['X: \x7f'])],
      ['a header without a colon', head(['Content-Length'])],
      ['a header without a name', head([': 2'])],
      ['a space in a name', head(['Content Length: 2'])],
      ['a first header that begins with a space', `POST / HTTP/1.1\r\n Host: localhost\r\n\r\n`],
      ['a name that is not ASCII', head(['牛奶: 2'])],
      ['no Host', `POST /get_login_info HTTP/1.1\r\n${JSON_TYPE}Content-Length: 2\r\n\r\n{}`],
      ['two Hosts', head(['Host: a', 'Host: b'])],
      ['a Host with a path', head(['Host: a/b'])],
      ['a Host with a user', head(['Host: a@b'])],
      ['a Host with a space', head(['Host: a b'])],
      ['a Host with a bad port', head(['Host: a:b'])],
      ['two spaces', head([], 'POST  /get_login_info HTTP/1.1')],
      ['a tab', head([], 'POST\t/get_login_info\tHTTP/1.1')],
      ['a space at the end', head([], 'POST /get_login_info HTTP/1.1 ')],
      ['a space at the beginning', head([], ' POST /get_login_info HTTP/1.1')],
      ['no version', head([], 'POST /get_login_info')],
      ['a version in lower case', head([], 'POST /get_login_info http/1.1')],
      ['a longer version', head([], 'POST /get_login_info HTTP/1.10')],
      ['a version of the future', head([], 'POST /get_login_info HTTP/2.0'), 505],
      ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a fragment', head([], 'POST /get_login_info#x HTTP/1.1')],
      ['a target that is not ASCII', head([], 'POST /牛奶 HTTP/1.1')],
      ['a target without a slash', head([], 'POST get_login_info HTTP/1.1')],
      ['a method that is none', head([], 'PO(ST /get_login_info HTTP/1.1')],
      ['words', 'hello\r\n\r\n'],
      ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
      ['a NUL', Buffer.from([0])],
      ['an unknown expectation', head(['Expect: 200-ok', 'Content-Length: 2']) + '{}', 417],
      ['too many empty lines', '\r\n'.repeat(20)],
    ]) {
      await t.test(what, () => refuses(bytes, status));
    }
    await t.test('a few empty lines are accepted', async () => {
      const connection = await Raw.connect(address);
      assert.equal((await connection.write(`\r\n\r\n${hidden}\r\n${hidden}`).response()).status, 200);
      assert.equal((await connection.response()).status, 200);
      connection.destroy();
    });
  });

  await t.test('chunks', async (t) => {
    const chunked = (body) => head(['Transfer-Encoding: chunked']) + body;
    for (const [what, body, status = 400] of [
      ['a size with a prefix', '0x2\r\n{}\r\n0\r\n\r\n'],
      ['a size with a sign', '+2\r\n{}\r\n0\r\n\r\n'],
      ['a negative size', '-2\r\n{}\r\n0\r\n\r\n'],
      ['a size with a space before it', ' 2\r\n{}\r\n0\r\n\r\n'],
      ['no size', '\r\n{}\r\n0\r\n\r\n'],
      ['a size that is a word', 'two\r\n{}\r\n0\r\n\r\n'],
      ['a size beyond 64 bits', '10000000000000002\r\n{}\r\n0\r\n\r\n'],
      ['a size behind many zeros', `${'0'.repeat(40)}2\r\n{}\r\n0\r\n\r\n`],
      ['a size beyond the limit', 'ffffffffffffffff\r\n{}\r\n0\r\n\r\n', 413],
      ['a line feed alone behind the size', '2\n{}\r\n0\r\n\r\n'],
      ['a line feed alone behind the data', '2\r\n{}\n0\r\n\r\n'],
      ['more data than said', '2\r\n{}}\r\n0\r\n\r\n'],
      ['a line feed in an extension', '2;a\n{}\r\n0\r\n\r\n'],
      ['a carriage return in an extension', '2;a\rb\r\n{}\r\n0\r\n\r\n'],
      ['a line feed alone at the very end', '2\r\n{}\r\n0\r\n\n'],
      ['a folded trailer', '2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n'],
      ['a trailer without a colon', '2\r\n{}\r\n0\r\nX\r\n\r\n'],
    ]) {
      await t.test(what, () => refuses(chunked(body) + hidden, status));
    }
    await t.test('valid ones', async () => {
      const connection = await Raw.connect(address);
      for (const body of [
        '2\r\n{}\r\n0\r\n\r\n', '1\r\n{\r\n01\r\n}\r\n000\r\n\r\n', '2;name=value;other="quoted"\r\n{}\r\n0;last\r\n\r\n',
        '2\r\n{}\r\n0\r\nX-Trailer: a\r\nContent-Length: 7\r\n\r\n', `A\r\n{${' '.repeat(8)}}\r\n0\r\n\r\n`,
      ]) {
        const response = await connection.write(chunked(body)).response();
        assert.ok(response.text.startsWith(OK), response.text);
      }
      connection.destroy();
    });
    await t.test('credentials in trailers do not count', async (t) => {
      const closed = await serve(t, botConfig({ http_server: [{ listen: LISTEN, access_token: 'x' }] }));
      const connection = await Raw.connect(closed.address('http_server'));
      connection.write(chunked('2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n'));
      assertRefused(await connection.response(), 401);
      connection.destroy();
    });
  });

  await t.test('limits', async (t) => {
    await t.test('414: a long target', () => refuses(head([], `POST /${'x'.repeat(9000)} HTTP/1.1`), 414));
    await t.test('414: a line that does not end', () => refuses(`POST /${'x'.repeat(9000)}`, 414));
    await t.test('431: many headers', () => refuses(head(Array.from({ length: 101 }, (_, i) => `X-${i}: x`)), 431));
    await t.test('431: a long header', () => refuses(head([`X: ${'x'.repeat(33 * 1024)}`]), 431));
    await t.test('431: a header that does not end', () => refuses(`POST / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(33 * 1024)}`, 431));
    await t.test('413: a long body', () => refuses(head([`Content-Length: ${17 * MIB}`]), 413));
    await t.test('413: the greatest Content-Length', () => refuses(head(['Content-Length: 18446744073709551615']), 413));
    await t.test('413: a long body that expects 100 Continue', () =>
      refuses(head([`Content-Length: ${17 * MIB}`, 'Expect: 100-continue']), 413));
    await t.test('just below', async () => {
      const connection = await Raw.connect(address);
      const lines = [...Array.from({ length: 90 }, (_, i) => `X-${i}: x`), `Y: ${'y'.repeat(30 * 1024)}`, 'Content-Length: 2'];
      const response = await connection.write(`${head(lines, `POST /get_login_info?${'x'.repeat(8000)} HTTP/1.1`)}{}`).response();
      assert.ok(response.text.startsWith(OK), response.text);
      connection.destroy();
    });
    await t.test('many trailers', async () => {
      const trailers = Array.from({ length: 101 }, (_, i) => `X-${i}: x\r\n`).join('');
      await refuses(`${head(['Transfer-Encoding: chunked'])}2\r\n{}\r\n0\r\n${trailers}\r\n`, 431);
    });
  });

  await t.test('pipelining: answers come in the order of the requests', async () => {
    const connection = await Raw.connect(address);
    const send = (i) => post('/send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"${i}"}}]}`);
    const expected = [];
    let bytes = '';
    for (let i = 0; i < 40; i++) {
      bytes += [post('/nothing', '{"a":1}'), send(i), post('/get_friend_info', `{"user_id":${10003001 + (i % 5)}}`), post('/get_friend_info', '{')][i % 4];
      expected.push([404, 200, 200, 400][i % 4]);
    }
    connection.write(bytes);
    let seq = 0;
    for (const [i, status] of expected.entries()) {
      const response = await connection.response();
      assert.equal(response.status, status);
      if (i % 4 === 1) {
        const now = Number(response.json.data.message_id.split(':')[2]);
        assert.ok(now > seq);
        seq = now;
      }
      if (i % 4 === 2) assert.equal(response.json.data.user_id, 10003001 + (i % 5));
    }
    connection.destroy();
  });

  await t.test('requests after "Connection: close" are not answered', async () => {
    const connection = await Raw.connect(address);
    connection.write(post('/get_login_info', '{}', { headers: ['Connection: close'] }) + hidden);
    assert.equal((await connection.response()).headers.connection, 'close');
    await connection.endedCleanly();
  });

  await t.test('byte by byte', async () => {
    const connection = await Raw.connect(address);
    for (const byte of Buffer.from(hidden + head(['Transfer-Encoding: chunked']) + '2\r\n{}\r\n0\r\n\r\n')) {
      connection.write(Buffer.from([byte]));
    }
    assert.ok((await connection.response()).text.startsWith(OK));
    assert.ok((await connection.response()).text.startsWith(OK));
    connection.destroy();
  });

  await t.test('a half-closed connection still gets its answers', async () => {
    const connection = await Raw.connect(address);
    const send = post('/send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"bye"}}]}`);
    connection.write(send + hidden).end();
    assert.ok((await connection.response()).text.startsWith(OK));
    assert.ok((await connection.response()).text.startsWith(OK));
    await connection.endedCleanly();
  });

  await t.test('half a request and then the end of the connection', async () => {
    for (const part of ['POST /get_log', head([`Content-Length: 10`]) + '{', head(['Transfer-Encoding: chunked']) + '2\r\n{']) {
      const connection = await Raw.connect(address);
      connection.write(part).end();
      assert.ok(!(await connection.ended()).includes('200'));
    }
    await alive();
  });

  await t.test('100 Continue is sent for requests that will be accepted', async () => {
    const connection = await Raw.connect(address);
    connection.write(head(['Content-Length: 2', 'Expect: 100-continue']));
    assert.equal((await connection.response()).status, 100);
    assert.ok((await connection.write('{}').response()).text.startsWith(OK));
    connection.write(head(['Content-Length: 2', 'Expect: 100-continue'], 'POST /nothing HTTP/1.1'));
    assertRefused(await connection.response(), 404);
    await connection.endedCleanly();
  });

  await t.test('the refusal of a body of any length arrives', async () => {
    const connection = await Raw.connect(address);
    connection.write(head([`Content-Length: ${8 * MIB}`], 'POST /nothing HTTP/1.1'), 'x'.repeat(8 * MIB));
    assertRefused(await connection.response(), 404);
    await connection.ended();
    assert.equal(connection.error, undefined);
  });

  await t.test('compressed bodies are refused, and not decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * MIB, 0x20));
    for (const [target, status] of [['/get_login_info', 406], ['/api/get_login_info', 415]]) {
      for (const lines of ['gzip', 'deflate', 'br', 'GZIP', 'gzip, gzip', 'x', 'identity, gzip']
        .map((encoding) => [`Content-Encoding: ${encoding}`])
        .concat([['Content-Encoding: identity', 'Content-Encoding: gzip'], ['Content-Encoding: identity', 'Content-Encoding: identity']])) {
        const connection = await Raw.connect(address);
        connection.write(head([...lines, `Content-Length: ${bomb.length}`], `POST ${target} HTTP/1.1`), bomb);
        assertRefused(await connection.response(), status);
        assert.ok((await connection.write(hidden).response()).text.startsWith(OK)); // read past, not executed
        connection.destroy();
      }
      const plain = await Raw.connect(address);
      plain.write(head(['Content-Encoding: identity', 'Content-Length: 2'], `POST ${target} HTTP/1.1`), '{}');
      assert.ok((await plain.response()).text.startsWith(OK));
      plain.destroy();
      // Without Content-Encoding it is taken as it is, and is not JSON.
      const unsaid = await Raw.connect(address);
      unsaid.write(head([`Content-Length: ${bomb.length}`], `POST ${target} HTTP/1.1`), bomb);
      const { json } = await unsaid.response();
      assert.equal(json.retcode, -400);
      unsaid.destroy();
    }
  });

  await t.test('stalled clients do not disturb others', async () => {
    const stalled = await Promise.all(Array.from({ length: 100 }, () => Raw.connect(address)));
    const parts = ['', 'P', 'POST /get_login_info HTTP/1.1\r\nHost: lo', head(['Content-Length: 100']) + '{', head(['Transfer-Encoding: chunked']) + 'ff\r\n{'];
    await Promise.all(stalled.map((connection, i) => connection.write(parts[i % 5]).flush()));
    for (let i = 0; i < 20; i++) await alive();
    for (const connection of stalled) connection.destroy();
    await alive();
  });

  await t.test('no more requests are read from a client that does not read its answers', async () => {
    const deaf = await Raw.connect(address);
    deaf.socket.pause();
    const question = post('/get_group_member_list', `{"group_id":${GROUP}}`);
    await isHeldBack(deaf, question, alive);
  });

  await t.test('clients that vanish leave nothing behind', async () => {
    for (let i = 0; i < 50; i++) {
      const connection = await Raw.connect(address);
      connection.write(i % 2 ? hidden + head(['Content-Length: 100']) : post('/send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"x"}}]}`));
      connection.socket.resetAndDestroy();
    }
    await alive();
  });
});

test('WebSocket frames', async (t) => {
  const milky = await serve(t, botConfig(BOTH));
  const address = milky.address('websocket_server');
  const open = () => rawWebSocket(address);

  // It must be closed with this code, at once: nothing more is sent by us.
  async function fails(code, ...bytes) {
    const connection = await open();
    connection.write(...bytes);
    const closing = await connection.closing();
    assert.equal(closing.code, code, closing.reason);
    assert.equal(connection.error, undefined);
    return closing;
  }

  for (const [what, bytes] of [
    ['not masked', [frame(1, CALL, { mask: false })]],
    ['not masked, without a payload', [frame(9, '', { mask: false })]],
    ['the first reserved bit', [frame(1, CALL, { rsv: 4 })]],
    ['the second reserved bit', [frame(1, CALL, { rsv: 2 })]],
    ['the third reserved bit', [frame(1, CALL, { rsv: 1 })]],
    ['a reserved bit on a ping', [frame(9, '', { rsv: 4 })]],
    ['an unknown opcode', [frame(3, CALL)]],
    ['an unknown control opcode', [frame(11)]],
    ['a ping in fragments', [frame(9, '', { fin: false })]],
    ['a close frame in fragments', [frame(8, '', { fin: false })]],
    ['a ping that is too long', [frame(9, 'x'.repeat(126))]],
    ['a ping with a long length', [frame(9, 'x', { form: 16 })]],
    ['a continuation of nothing', [frame(0, CALL)]],
    ['a continuation behind a whole message', [frame(1, CALL), frame(0, CALL)]],
    ['a message within another', [frame(1, '{', { fin: false }), frame(1, CALL)]],
    ['a length of 16 bits that is too long a way to say it', [frame(1, CALL, { form: 16 })]],
    ['a length of 64 bits that is too long a way to say it', [frame(1, CALL, { form: 64 })]],
  ]) {
    await t.test(`1002: ${what}`, async () => {
      if (!what.startsWith('a continuation behind')) return fails(1002, ...bytes);
      const connection = await open();
      connection.write(...bytes);
      assert.equal((await connection.message()).data.echo, 'x');
      assert.equal((await connection.closing()).code, 1002);
    });
  }

  await t.test('a length with its first bit set', async () => {
    const bytes = Buffer.from('81ff8000000000000001', 'hex');
    const connection = await open();
    const { code } = await connection.write(bytes).closing();
    assert.ok([1002, 1009].includes(code), `${code}`);
  });

  await t.test('1007: text that is not UTF-8, at once', async (t) => {
    for (const [what, bytes] of [
      ['in a message', frame(1, Buffer.from([0x22, 0xff, 0x22]))],
      ['in the first fragment', frame(1, Buffer.from([0x22, 0xff]), { fin: false })],
      ['in the first bytes of a long frame', frame(1, Buffer.from([0x22, 0xff]), { length: 100000 })],
      ['an overlong form', frame(1, Buffer.from([0xc0, 0xaf]), { fin: false })],
      ['a surrogate', frame(1, Buffer.from([0xed, 0xa0, 0x80]), { fin: false })],
      ['beyond Unicode', frame(1, Buffer.from([0xf4, 0x90]), { fin: false })],
      ['a character cut by the end', frame(1, Buffer.from([0x22, 0xe7, 0x89]))],
      ['in the reason of a close frame', frame(8, Buffer.from([0x03, 0xe8, 0xff]))],
    ]) {
      await t.test(what, () => fails(1007, bytes));
    }
    await t.test('a character split between fragments is accepted', async () => {
      const connection = await open();
      const bytes = Buffer.from('{"action":"get_login_info","echo":"牛"}');
      const cut = bytes.indexOf('牛') + 1;
      connection.write(frame(1, bytes.subarray(0, cut), { fin: false }), frame(9), frame(0, bytes.subarray(cut)));
      assert.equal((await connection.frame()).opcode, 10);
      assert.equal((await connection.message()).data.echo, '牛');
      connection.destroy();
    });
  });

  await t.test('1009: a message that is too long, at once', async () => {
    await fails(1009, frame(1, 'x', { length: 65 * MIB }));
    await fails(1009, frame(1, 'x', { length: 2 ** 40 }));
    await fails(1009, frame(1, 'x', { fin: false }), frame(0, 'x', { length: 64 * MIB }));
    await fails(1009, frame(2, 'x', { length: 65 * MIB }));
  });

  await t.test('a message of 8 MiB is taken', async () => {
    const connection = await open();
    connection.write(frame(1, `{"action":"get_login_info","echo":"y","params":{"padding":"${'x'.repeat(8 * MIB)}"}}`));
    assert.equal((await connection.message()).data.echo, 'y');
    connection.destroy();
  });

  await t.test('close codes', async (t) => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) {
      await t.test(`1002: ${code}`, () => fails(1002, closeFrame(code)));
    }
    await t.test('1002: half a code', () => fails(1002, frame(8, 'x')));
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]) {
      await t.test(`${code} is sent back`, () => fails(code, closeFrame(code, 'bye')));
    }
    await t.test('no code is answered with no code', () => fails(1005, frame(8)));
    await t.test('the longest reason', () => fails(1000, closeFrame(1000, 'x'.repeat(123))));
    await t.test('frames after it are not answered', () => fails(1000, closeFrame(1000), frame(1, CALL), frame(9, 'x')));
    await t.test('calls before it are answered', async () => {
      const connection = await open();
      connection.write(Buffer.concat([frame(1, CALL), closeFrame(1000)]));
      assert.equal((await connection.message()).data.echo, 'x');
      assert.equal((await connection.closing()).code, 1000);
    });
  });

  await t.test('ping and pong', async () => {
    const connection = await open();
    const bytes = Buffer.from(Array.from({ length: 125 }, (_, i) => 255 - i));
    connection.write(frame(10, 'unsolicited'), frame(9), frame(9, bytes), frame(1, CALL));
    const first = await connection.frame();
    assert.deepEqual([first.opcode, first.fin, first.rsv, first.payload.length], [10, true, 0, 0]);
    assert.deepEqual((await connection.frame()).payload, bytes);
    assert.equal((await connection.message()).data.echo, 'x');
    connection.destroy();
  });

  await t.test('byte by byte, masked with zeros, in empty fragments', async () => {
    const connection = await open();
    for (const byte of frame(1, CALL)) connection.write(Buffer.from([byte]));
    assert.equal((await connection.message()).data.echo, 'x');
    connection.write(Buffer.concat([Buffer.from([0x81, 0x80 | CALL.length, 0, 0, 0, 0]), Buffer.from(CALL)]));
    assert.equal((await connection.message()).data.echo, 'x');
    connection.write(frame(1, '', { fin: false }), ...Array.from({ length: 1000 }, () => frame(0, '', { fin: false })), frame(0, CALL));
    assert.equal((await connection.message()).data.echo, 'x');
    connection.destroy();
  });

  await t.test('clients that vanish leave nothing behind', async () => {
    for (let i = 0; i < 30; i++) {
      const connection = await open();
      connection.write(frame(1, i % 3 ? CALL : SEND), frame(1, 'half', { length: 100 }));
      if (i % 2) connection.socket.resetAndDestroy();
      else connection.end();
    }
    const connection = await open();
    assert.equal((await connection.write(frame(1, CALL)).message()).data.echo, 'x');
    connection.destroy();
  });

  for (const [what, bytes] of [['pings', frame(9, 'x'.repeat(125))], ['calls', frame(1, CALL)]]) {
    await t.test(`no more is read from a client that does not read the answers to ${what}`, async () => {
      const deaf = await open();
      deaf.socket.pause();
      const other = await open();
      await isHeldBack(deaf, bytes, async () =>
        assert.equal((await other.write(frame(1, CALL)).message()).data.echo, 'x'));
      other.destroy();
    });
  }
});

test('JSON', async (t) => {
  const milky = await serve(t, botConfig(BOTH));
  const address = milky.address('http_server');
  const client = await Client.connect(milky.ws());
  t.after(() => client.socket.terminate());
  const byPost = (action, body) => request(address, `/${action}`, { headers: { 'Content-Type': 'application/json' }, body });
  const byMessage = (action, params) => {
    client.send(`{"action":"${action}","params":${params},"echo":"x"}`);
    return client.responses.next();
  };
  async function both(action, params) {
    const [http, ws] = [await byPost(action, params), await byMessage(action, params)];
    return { status: http.status, http: http.body, ws: ws.data };
  }
  async function malformed(action, params) {
    const { status, http, ws } = await both(action, params);
    assert.deepEqual([status, http.retcode, ws.retcode], [400, -400, -400], params.slice(0, 100));
  }

  await t.test('nested 100,000 deep', async () => {
    for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
      await malformed('get_friend_info', open.repeat(100000) + (open === '[' ? '' : '1') + close.repeat(100000));
      await malformed('get_friend_info', open.repeat(100000));
      await malformed('get_friend_info', `{"user_id":${open.repeat(100000)}1${close.repeat(100000)}}`);
      await malformed('send_group_message', `{"group_id":${GROUP},"message":${open.repeat(100000)}1${close.repeat(100000)}}`);
    }
    // In a field that is ignored it does not matter.
    const { status } = await both('get_login_info', `{"x":${'['.repeat(1000)}${']'.repeat(1000)}}`);
    assert.equal(status, 200);
  });

  await t.test('an echo nested 100,000 deep', async () => {
    const echo = '['.repeat(100000) + ']'.repeat(100000);
    const next = once(client.socket, 'message');
    client.send(`{"action":"get_login_info","echo":${echo}}`);
    const [message] = await within(next, 'the response');
    await client.responses.next();
    assert.ok(`${message}`.endsWith(`,"echo":${echo}}}`));
  });

  await t.test('forwards in forwards in forwards', async () => {
    let message = '[{"type":"text","data":{"text":"x"}}]';
    for (let i = 0; i < 200; i++) message = `[{"type":"forward","data":{"messages":[{"user_id":10003001,"name":"x","segments":${message}}]}}]`;
    await malformed('send_group_message', `{"group_id":${GROUP},"message":${message}}`);
  });

  await t.test('bytes that are not UTF-8', async () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe7, 0x89], [0xf4, 0x90, 0x80, 0x80]]) {
      const body = Buffer.concat([Buffer.from('{"x":"'), Buffer.from(bytes), Buffer.from('"}')]);
      const response = await byPost('get_login_info', body);
      assertRefused({ ...response, json: response.body }, 400);
    }
    const response = await byPost('get_login_info', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{}')]));
    assert.equal(response.status, 400); // RFC 8259, 8.1
    const utf16 = await byPost('get_login_info', Buffer.from('{}', 'utf16le'));
    assert.equal(utf16.status, 400);
  });

  await t.test('lone surrogates', async () => {
    for (const text of ['\\ud800', '\\udc00', '\\ud800\\ud800', '\\udc00\\ud800', '\\ud83e x']) {
      await malformed('send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"${text}"}}]}`);
    }
    const { http } = await both('send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"\\ud83e\\udd5b"}}]}`);
    const got = await byPost('get_message', `{"message_id":"${http.data.message_id}"}`);
    assert.equal(got.body.data.message.segments[0].data.text, '🥛');
  });

  await t.test('NUL in a text', async () => {
    const { http } = await both('send_group_message', `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"a\\u0000b"}}]}`);
    const got = await byPost('get_message', `{"message_id":"${http.data.message_id}"}`);
    assert.equal(got.body.data.message.segments[0].data.text, 'a\0b');
    for (const id of ['Private:10003001:1\\u0000', '\\u0000']) await malformed('get_message', `{"message_id":"${id}"}`);
    const { data } = await client.call('get_login_info\0', {});
    assert.equal(data.retcode, -404);
  });

  await t.test('numbers', async () => {
    for (const good of ['10003001', '10003001.0', '1.0003001e7', '10003001e0', '100030010E-1']) {
      const { status, http, ws } = await both('get_friend_info', `{"user_id":${good}}`);
      assert.deepEqual([status, http.data.user_id, ws.data.user_id], [200, 10003001, 10003001], good);
    }
    for (const bad of [
      '1e999', '-1e999', '1e400', '18446744073709551616', '184467440737095516160', `1${'0'.repeat(1000)}`, '10003001.0000000000000000000000001',
      '1e-5', '-0', '0', '4294977297', '10003001.5', '4304970297', `1e${'9'.repeat(100)}`,
      'NaN', 'Infinity', '-Infinity', '+10003001', '010003001', '0x98a2f9', '.5', '10003001.', '1e', '1_0', '１０００３００１',
    ]) await malformed('get_friend_info', `{"user_id":${bad}}`);
    for (const seq of ['18446744073709551615', '9223372036854775808', '-1', '00', '1e1', ' 1', '']) {
      const { status } = await both('get_message', `{"message_id":"Group:${GROUP}:${seq}"}`);
      assert.ok(seq === '9223372036854775808' || seq === '18446744073709551615' ? [200, 400].includes(status) : status === 400, `${seq}: ${status}`);
    }
  });

  await t.test('of a duplicate key the last one counts, everywhere', async () => {
    const { http, ws } = await both('get_friend_info', '{"user_id":10003001,"user_id":10003002}');
    assert.deepEqual([http.data.user_id, ws.data.user_id], [10003002, 10003002]);
    client.send('{"action":"quit_group","action":"get_login_info","echo":1,"echo":2,"params":[],"params":{}}');
    const { data } = await client.responses.next();
    assert.deepEqual([data.retcode, data.echo], [0, 2]);
    await malformed('get_friend_info', '{"user_id":10003001,"user_id":"10003001"}');
    const sent = await both('send_group_message', `{"group_id":${GROUP},"message":[{"type":"at","type":"text","data":{},"data":{"text":"a","text":"b"}}]}`);
    const got = await byPost('get_message', `{"message_id":"${sent.http.data.message_id}"}`);
    assert.deepEqual(got.body.data.message.segments, [{ type: 'text', data: { text: 'b' } }]);
  });

  await t.test('names that every object of JavaScript has', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      assert.equal((await byPost(name, '{}')).status, 404);
      assert.equal((await client.call(name, {})).data.retcode, -404);
    }
  });

  await t.test('a long list of invalid values is refused quickly', async () => {
    await malformed('send_group_message', `{"group_id":${GROUP},"message":[${'{"type":"text"},'.repeat(100000)}1]}`);
    await malformed('get_friend_info', `{${'"user_id":10003001,'.repeat(200000)}"user_id":1}`);
    const { http } = await both('send_group_message', `{"group_id":${GROUP},"message":[${Array(50000).fill('{"type":"text","data":{"text":"x"}}').join()}]}`);
    assert.notEqual(http.retcode, 0);
    assert.notEqual(http.retcode, -400);
  });

  await t.test('an unknown name that is long or not printable is shortened and escaped in the answer', async () => {
    const { data } = await client.call('x'.repeat(MIB), {});
    assert.equal(data.retcode, -404);
    assert.ok(data.message.length < 1000);
    assert.equal((await client.call('\u202e\u0007"\\', {})).data.retcode, -404);
  });
});

test('a client that never reads is dropped and delays no other', async (t) => {
  const OTHER = 10001001;
  const milky = await serve(t, {
    bots: [
      { self_id: BOT, websocket_server: [{ listen: LISTEN }] },
      { self_id: OTHER, websocket_server: [{ listen: LISTEN }] },
    ],
  });
  const [reader, speaker] = await Promise.all([Client.connect(milky.ws(0)), Client.connect(milky.ws(1))]);
  const deaf = await rawWebSocket(milky.address('websocket_server', 0));
  deaf.socket.pause();
  // Some 28 MiB of events: more than all buffers on the way hold, and than milky keeps.
  const message = [{ type: 'text', data: { text: '猫'.repeat(5000) } }];
  const COUNT = 1900;
  for (let i = 0; i < COUNT; i++) speaker.send({ action: 'send_group_message', params: { group_id: GROUP, message }, echo: i });
  for (let i = 0; i < COUNT; i++) {
    assert.equal((await speaker.responses.next()).data.retcode, 0);
    const event = await reader.events.next();
    assert.equal(event.data.data.message_id, `Group:${GROUP}:${i + 1}`);
  }
  assert.equal((await reader.call('get_login_info', {}, 'quick')).data.echo, 'quick');
  assert.match(milky.stderr, /warn .*websocket_server: .*closing it/);
  // When it reads at last, it gets whole frames, and then the reason for the drop.
  deaf.socket.resume();
  let events = 0;
  for (;;) {
    const next = await deaf.frame();
    if (next.opcode === 8) {
      assert.equal(next.payload.readUInt16BE(), 1013);
      break;
    }
    assert.equal(JSON.parse(next.payload).data.data.message_id, `Group:${GROUP}:${++events}`);
  }
  assert.ok(events < COUNT);
  deaf.write(closeFrame(1013));
  await deaf.ended();
  reader.socket.terminate();
  speaker.socket.terminate();
});
