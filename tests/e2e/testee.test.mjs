// testee, the program that conformance suites drive, keeps its contract: see tests/tools/testee.c.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Testee, request, run, within } from './harness.mjs';
import { Raw, closeFrame, frame, rawWebSocket } from './raw.mjs';

const TESTEE = process.env.TESTEE;

test('testee as a server', async (t) => {
  const testee = await Testee.start();
  const { address } = testee;
  t.after(async () => assert.equal(await testee.stop(), 0));

  await t.test('echoes messages with their opcode, on any path', async () => {
    for (const path of ['/', '/chat', '/a/b/c?d=e', '/echo', '/cookie']) {
      const socket = new WebSocket(`ws://${address}${path}`);
      await within(once(socket, 'open'), 'the connection');
      for (const message of ['hello', '', '牛奶🥛', 'x'.repeat(70000), Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(1 << 20, 7)]) {
        const binary = Buffer.isBuffer(message);
        const next = once(socket, 'message');
        socket.send(message, { binary });
        const [data, isBinary] = await within(next, 'the echo');
        assert.equal(isBinary, binary);
        assert.ok(Buffer.from(message).equals(data));
      }
      const closed = once(socket, 'close');
      socket.close(3999, 'done');
      const [code] = await within(closed, 'the end');
      assert.equal(code, 3999);
    }
  });

  await t.test('assembles fragments', async () => {
    const raw = await rawWebSocket(address);
    raw.write(frame(2, 'a', { fin: false }), frame(9, 'p'), frame(0, 'b', { fin: false }), frame(0, 'c'));
    const pong = await raw.frame();
    assert.deepEqual([pong.opcode, `${pong.payload}`], [10, 'p']);
    const echo = await raw.frame();
    assert.deepEqual([echo.opcode, echo.fin, `${echo.payload}`], [2, true, 'abc']);
    assert.equal((await raw.write(closeFrame(1000, 'bye')).closing()).code, 1000);
  });

  await t.test('GET: 200 and OK', async () => {
    for (const path of ['/', '/anything?x']) {
      const response = await request(address, path, { method: 'GET' });
      assert.deepEqual([response.status, response.text], [200, 'OK']);
    }
    const raw = await Raw.connect(address);
    const response = await raw.write('HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n').response({ head: true });
    assert.deepEqual([response.status, response.headers['content-length']], [200, '2']);
    raw.destroy();
  });

  await t.test('any other method: 200 and the body of the request', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const body = `${method} 牛奶 ${'x'.repeat(method === 'PUT' ? 200000 : 10)}`;
      const response = await request(address, '/', { method, body });
      assert.deepEqual([response.status, response.text], [200, body]);
    }
    const empty = await request(address, '/', { method: 'POST' });
    assert.deepEqual([empty.status, empty.text], [200, '']);
    const raw = await Raw.connect(address);
    raw.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n');
    assert.equal((await raw.response()).text, 'abcde');
    raw.destroy();
  });

  await t.test('/echo: the header lines', async () => {
    for (const method of ['GET', 'POST']) {
      const raw = await Raw.connect(address);
      raw.write(`${method} /echo HTTP/1.1\r\nHost: example\r\nX-One: 1\r\nX-ONE:   two words \r\nEmpty:\r\nContent-Length: 0\r\n\r\n`);
      assert.equal((await raw.response()).text, 'Host: example\nX-One: 1\nX-ONE: two words\nEmpty: \nContent-Length: 0\n');
      raw.destroy();
    }
  });

  await t.test('/cookie: the cookies', async () => {
    const response = await request(address, '/cookie', { method: 'GET', headers: { Cookie: 'a=b; c=d;e="f g"' } });
    assert.deepEqual([response.status, response.text], [200, 'a=b\nc=d\ne="f g"\n']);
    assert.equal((await request(address, '/cookie', { method: 'GET' })).text, '');
  });

  await t.test('refuses malformed requests', async () => {
    const raw = await Raw.connect(address);
    assert.equal((await raw.write('GET / HTTP/1.1\r\n\r\n').response()).status, 400);
    await raw.endedCleanly();
  });
});

// A fuzzing server like Autobahn's: /getCaseCount, /runCase, /updateReports.
async function fuzzer(cases) {
  const http = createServer();
  const wss = new WebSocketServer({ server: http });
  const asked = [];
  const results = [];
  wss.on('connection', async (socket, { url }) => {
    asked.push(url);
    const { pathname, searchParams } = new URL(url, 'ws://localhost');
    if (pathname === '/getCaseCount') {
      socket.send(`${cases.length}`);
      socket.close(1000);
    } else if (pathname === '/runCase') {
      const number = Number(searchParams.get('case'));
      results[number] = await cases[number - 1](socket).catch((error) => error);
    } else {
      socket.close(1000);
    }
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `ws://127.0.0.1:${http.address().port}`,
    asked,
    results,
    stop() {
      for (const socket of wss.clients) socket.terminate();
      return new Promise((resolve) => http.close(resolve));
    },
  };
}

const ends = async (socket) => (await within(once(socket, 'close'), 'the client to close'))[0];

test('testee as the client of a fuzzing server', async (t) => {
  const ping = async (socket) => {
    const pong = once(socket, 'pong');
    socket.ping('hello');
    assert.equal(`${(await within(pong, 'a pong'))[0]}`, 'hello');
    socket.close(1000);
    return ends(socket);
  };
  const echo = (message, binary) => async (socket) => {
    const next = once(socket, 'message');
    socket.send(message, { binary });
    const [data, isBinary] = await within(next, 'the echo');
    assert.equal(isBinary, binary);
    assert.ok(Buffer.from(message).equals(data));
    socket.close(1000);
    return ends(socket);
  };
  const broken = async (socket) => {
    socket._socket.write(Buffer.from([0xff, 0x00])); // reserved bits and an unknown opcode
    return ends(socket);
  };
  const masked = async (socket) => {
    socket._socket.write(frame(1, 'a server does not mask'));
    return ends(socket);
  };
  const vanish = async (socket) => {
    socket.terminate();
    return 'gone';
  };
  const server = await fuzzer([ping, echo('牛奶', false), echo(Buffer.alloc(100000, 1), true), broken, masked, vanish, echo('', false)]);
  t.after(() => server.stop());

  await t.test('runs each case once and in order, and requests the reports', async () => {
    const result = await run(['--ws-client', server.url, 'milky'], { command: TESTEE });
    assert.deepEqual([result.code, result.stderr, result.stdout], [0, '', '7 cases run\n']);
    assert.deepEqual(server.asked, [
      '/getCaseCount', ...[1, 2, 3, 4, 5, 6, 7].map((i) => `/runCase?case=${i}&agent=milky`), '/updateReports?agent=milky',
    ]);
    assert.deepEqual(server.results.slice(1), [1000, 1000, 1000, 1002, 1002, 'gone', 1000]);
  });

  await t.test('fails where there is no server', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address();
    await new Promise((resolve) => silent.close(resolve));
    const result = await run(['--ws-client', `ws://127.0.0.1:${port}`, 'milky'], { command: TESTEE });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^testee: .+\n$/);
  });

  await t.test('fails where the server speaks no WebSocket', async () => {
    const plain = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const result = await run(['--ws-client', `ws://127.0.0.1:${plain.address().port}`, 'milky'], { command: TESTEE });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^testee: /);
    await new Promise((resolve) => plain.close(resolve));
  });

  await t.test('prints its usage', async () => {
    for (const args of [[], ['--ws-client', server.url], ['1', '2']]) {
      const result = await run(args, { command: TESTEE });
      assert.equal(result.code, 2);
      assert.match(result.stderr, /^usage: testee PORT\n/);
    }
    assert.equal((await run(['--ws-client', 'nonsense', 'milky'], { command: TESTEE })).code, 2);
    assert.equal((await run(['99999'], { command: TESTEE })).code, 2);
  });
});
