// What is said about a server that misbehaves: the true cause, and what to do about it. Each case is a peer byte by
// byte; `milky status` has to show what it did, in both languages, and nothing secret.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { connect, certificate, freePort, hook, serve, text } from './fixtures.mjs';
import { BOT, GROUP, call, within } from './harness.mjs';
import { frame } from './raw.mjs';
import { RawServer, switching } from './raw_server.mjs';

const OTHER = 10002000;
const LISTEN = '127.0.0.1:0';
const CHINESE = { LANG: 'zh_CN.UTF-8', LC_ALL: '' };
const BOTH = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const SECRET = 's3cret-t0ken';

const answer = (status, ...lines) => `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: 0\r\n\r\n`;
const close = (code, reason = '') => {
  const payload = Buffer.from(`\0\0${reason}`);
  payload.writeUInt16BE(code);
  return payload;
};

// Repeats `milky status` until its output is as wanted. Returns the output.
async function shown(milky, wanted, options) {
  let stdout = '';
  const wait = async () => {
    while (!wanted.every((one) => one.test(stdout))) ({ stdout } = await milky.run(['status'], options));
    return stdout;
  };
  try {
    return await within(wait(), 'the diagnosis');
  } catch (error) {
    throw new Error(`${error.message}: ${wanted}\n${stdout}`);
  }
}

// The one websocket_client of a bot.
const only = (url, more = {}) => ({ bots: [{ self_id: BOT, websocket_client: [{ url, ...more }] }] });

// Answers each handshake of the server so, until the test ends.
async function answering(server, reply) {
  for (;;) {
    const connection = await server.next();
    const bytes = reply(connection);
    if (bytes !== undefined) connection.socket.end(bytes);
  }
}

describe('diagnosis of a handshake', { concurrency: 6 }, () => {
  const token = { access_token: SECRET };
  const cases = [
    ['something else than HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n', {},
      [/its answer is not HTTP\/1\.1.*SSH-2\.0-OpenSSH_9\.2/, /another service listens at this port: check the port/]],
    ['an alert of TLS', () => Buffer.from([0x15, 3, 1, 0, 2, 2, 70]), {},
      [/is not HTTP\/1\.1 but TLS/, /begin the url with wss:\/\/ instead of ws:\/\//]],
    ['a 400 of nginx to HTTP at its TLS port', () => 'HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n'
      + '<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>', {},
    [/HTTP without TLS at a TLS port/, /wss:\/\//]],
    ['a 400 of Go', () => 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n', {},
      [/HTTP without TLS at a TLS port/, /wss:\/\//]],
    ['an echo of the request', ({ head }) => `${head}\r\n\r\n`, token,
      [/its answer is not HTTP\/1\.1: it begins with "GET \/bot\?\*\*\* HTTP\/1\.1/, /another service/]],
    ['a header that repeats the token', ({ key }) => switching(key, `Sec-WebSocket-Protocol: chat ${SECRET}`), token,
      [/offered: "chat \*\*\*"/, /Milky has none/]],
    ['another 400', () => answer('400 Bad Request'), {}, [/it answered 400\n/, /takes the handshake for malformed/]],
    ['nothing', () => '', {}, [/it closed the connection before it answered/, /hangs up: is it a WebSocket server\?.*wss:\/\//]],
    ['half a head', () => 'HTTP/1.1 101 Swi', {}, [/before it answered in full/, /broke off/]],
    ['a 200', () => answer('200 OK'), {}, [/it answered 200: there is no WebSocket/, /not with a WebSocket: check the path/]],
    ['a redirect', () => answer('302 Found', `Location: https://elsewhere.example/bot?access_token=${SECRET}`), token,
      [/it answered 302, a redirect to "https:\/\/elsewhere\.example\/bot", which is not followed/, /set the url to the address that it redirects to/]],
    ['a 308', () => answer('308 Permanent Redirect', 'Location: /there/'), {}, [/it answered 308, a redirect to "\/there\/"/, /redirects are not followed/]],
    ['a 401 without a token', () => answer('401 Unauthorized'), {}, [/it answered 401/, /none are configured/]],
    ['a 401 with a token', () => answer('401 Unauthorized'), token, [/it answered 401.*does not accept this one/, /set the access_token that it expects/]],
    ['a 403 without a token', () => answer('403 Forbidden'), {}, [/it answered 403, and no access_token is configured/, /no access_token is configured: set/]],
    ['a 403 with a token', () => answer('403 Forbidden'), token, [/it answered 403/, /check that the access_token.*`origin`/]],
    ['a 403 with an origin', () => answer('403 Forbidden'), { ...token, origin: 'https://bot.example' }, [/it answered 403/, /check the access_token and the `origin`/]],
    ['a 404', () => answer('404 Not Found'), {}, [/it answered 404/, /check the path of the url/]],
    ['a 405', () => answer('405 Method Not Allowed'), {}, [/it answered 405/, /something else than a WebSocket at this path/]],
    ['a 410', () => answer('410 Gone'), {}, [/it answered 410/, /nothing is there any more/]],
    ['a 426', () => answer('426 Upgrade Required', 'Upgrade: h2c', 'Sec-WebSocket-Version: 8'), {},
      [/it answered 426; Upgrade: "h2c"; Sec-WebSocket-Version: "8"/, /another protocol or WebSocket version than 13/]],
    ['a 429', () => answer('429 Too Many Requests', 'Retry-After: 40'), {}, [/it answered 429; Retry-After: "40"/, /asks to wait/, /next try in [34]\d\.\d s/]],
    ['a 500', () => answer('500 Internal Server Error'), {}, [/it answered 500/, /it fails: look into the log/]],
    ['a 502', () => answer('502 Bad Gateway'), {}, [/it answered 502/, /the program behind it does not/]],
    ['a 503', () => answer('503 Service Unavailable', 'Retry-After: 3600000'), {}, [/it answered 503; Retry-After/, /not ready yet/, /next try in 3[56]\d\d\.\d s/]],
    ['a wrong accept', ({ key }) => switching(key).replace(/Accept: .*/, 'Accept: AAAA\x9b31m'), {},
      [/Sec-WebSocket-Accept does not answer the key: "AAAA/, /but not as a WebSocket server does/]],
    ['no upgrade', ({ key }) => switching(key).replace('Upgrade: websocket\r\n', ''), {}, [/it answered 101, but Upgrade is not websocket: there is none/, /but not as a WebSocket/]],
    ['another upgrade', ({ key }) => switching(key).replace('Upgrade: websocket', 'Upgrade: h2c'), {}, [/Upgrade is not websocket: "h2c"/, /but not as a WebSocket/]],
    ['a subprotocol', ({ key }) => switching(key, 'Sec-WebSocket-Protocol: chat'), {}, [/a subprotocol was chosen that was not offered: "chat"/, /Milky has none/]],
    ['an extension', ({ key }) => switching(key, 'Sec-WebSocket-Extensions: permessage-bzip2'), {},
      [/an extension was chosen that was not offered: "permessage-bzip2"/, /set `compression`/]],
    ['a parameter of an extension', ({ key }) => switching(key, `Sec-WebSocket-Extensions: ${BOTH}; client_max_window_bits=16`), {},
      [/.*/, /set `compression`/]],
  ];
  for (const [name, reply, more, wanted] of cases) {
    it(`says so of ${name}`, async (t) => {
      const server = await RawServer.start(t);
      const milky = await serve(t, only(`${server.url}/bot`, more));
      answering(server, reply).catch(() => {});
      const stdout = await shown(milky, wanted);
      assert.doesNotMatch(stdout, /there is no answer/);
      assert.ok(!stdout.includes(SECRET) && !milky.stderr.includes(SECRET));
      assert.doesNotMatch(stdout, /\x9b/);
    });
  }

  it('says so of one that nobody answers, in two languages', async (t) => {
    const milky = await serve(t, only(`ws://127.0.0.1:${await freePort()}/`));
    await shown(milky, [/connection refused/, /-> there is no answer, for nothing listens there/]);
    await shown(milky, [/-> 对方无应答，该处没有程序在监听/, /连接被拒绝|拒绝/], { env: CHINESE });
  });

  it('says so of a name that does not exist', async (t) => {
    const milky = await serve(t, only('ws://no-such-host.invalid/'));
    await shown(milky, [/the host is unknown|no name server answered/, /-> the (name of the host does not exist|DNS of this machine)/]);
  });

  it('says so of an http port that is addressed as wss', async (t) => {
    const server = await RawServer.start(t);
    const milky = await serve(t, only(`${server.url.replace('ws:', 'wss:')}/`));
    (async () => {
      for (;;) {
        const connection = await server.connections.next('a connection');
        connection.socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      }
    })().catch(() => {});
    await shown(milky, [/it does not speak TLS: it answered "HTTP\/1\.1 400 Bad/, /speaks no TLS: begin the url with ws:\/\//]);
  });

  it('says so of certificates', async (t) => {
    for (const [name, wanted] of [
      ['DNS:localhost,IP:127.0.0.1', [/self-signed certificate/, /name its file as `tls\.ca`/]],
      ['DNS:elsewhere.example', [/IP address mismatch/, /the certificate is for another name/]],
    ]) {
      const { key, cert, file } = await certificate(t, name);
      const server = createTls({ key, cert }, (socket) => socket.on('error', () => {}));
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      const trusted = name.includes('elsewhere') ? { tls: { ca: file } } : {};
      await shown(await serve(t, only(`wss://127.0.0.1:${server.address().port}/`, trusted)), wanted);
    }
  });
});

describe('diagnosis of the end of a WebSocket', { concurrency: 6 }, () => {
  const codes = [
    [1000, 'bye', /with 1000 \(normal\): "bye"/, /on purpose/, /正常关闭/],
    [1001, '', /with 1001 \(going away\)/, /stopping or restarting/, /正在停止或重启/],
    [1002, 'x', /with 1002 \(protocol error\): "x"/, /violation of the protocol/, /违反协议/],
    [1003, '', /with 1003 \(unsupported data\)/, /does not take text messages/, /不接受文本消息/],
    [1007, '', /with 1007 \(invalid data\)/, /cannot read a message/, /无法读取/],
    [1008, 'bad token', /with 1008 \(policy violation\): "bad token"/, /set the access_token/, /access_token/],
    [1008, `no ${SECRET}!`, /with 1008 \(policy violation\): "no \*\*\*!"/, /check the access_token/, /access_token/, { access_token: SECRET }],
    [1009, '', /with 1009 \(message too big\)/, /raise the limit/, /长度限制/],
    [1010, '', /with 1010/, /extension/, /扩展/],
    [1011, '出错了', /with 1011 \(internal error\): "出错了"/, /has failed: look into its log/, /程序出错/],
    [1012, '', /with 1012 \(service restart\)/, /restarts/, /正在重启/],
    [1013, 'full', /with 1013 \(try again later\): "full"/, /asks to wait/, /要求等待/],
    [1014, '', /with 1014/, /a proxy closes it/, /代理/],
    [3001, '', /with 3001/, /library or framework/, /库或框架/],
    [4001, 'kicked\x1b[31m\u202e', /with 4001: "kicked\\u001B\[31m\\u202e"/, /that program's own/, /自定义/],
    [4999, 'r'.repeat(123), /with 4999: "r{100}"\.\.\./, /that program's own/, /自定义/],
  ];
  for (const [code, reason, cause, advice, chinese, more] of codes) {
    it(`shows ${code} ${reason} with its advice`, async (t) => {
      const server = await RawServer.start(t);
      const milky = await serve(t, only(`${server.url}/`, more));
      const connection = await server.accept();
      connection.send(8, close(code, reason));
      await shown(milky, [cause, advice]);
      await server.accept(); // that it is connected again does not mend it
      await shown(milky, [/ connected/, cause, advice]);
      await shown(milky, [chinese], { env: CHINESE });
      assert.match(milky.stderr, new RegExp(`disconnected; next try in .*${code}`));
      assert.ok(!milky.stderr.includes(SECRET));
    });
  }

  const ends = [
    ['a close without a code', (one) => one.send(8), [/without a code \(1005\)/, /gave no reason/]],
    ['a lost connection', (one) => one.socket.destroy(), [/1006/, /lost without a close/]],
    ['a reset', (one) => one.socket.resetAndDestroy(), [/the connection was lost \(1006\): connection reset by peer/, /lost without a close/]],
    ['a reserved opcode', (one) => one.send(3, 'what?'), [/violated the WebSocket protocol \(1002\): a reserved opcode/, /RFC 6455 forbids/]],
    ['a masked frame', (one) => one.write(frame(1, '{}')), [/a server's frame is masked/, /RFC 6455 forbids/]],
    ['text that is not UTF-8', (one) => one.send(1, Buffer.from([0xff])), [/\(1007\): a text is not UTF-8/, /RFC 6455 forbids/]],
    ['a code that may not be sent', (one) => one.send(8, close(1006)), [/a close code that may not be sent/, /RFC 6455 forbids/]],
    ['HTTP instead of frames', (one) => one.write('HTTP/1.1 400 Bad Request\r\n\r\n'), [/violated the WebSocket protocol/, /RFC 6455 forbids/]],
    ['a binary message', (one) => one.send(2, 'x'), [/it sent a binary message/, /calls are text messages/]],
  ];
  for (const [name, act, wanted] of ends) {
    it(`says so of ${name}`, async (t) => {
      const server = await RawServer.start(t);
      const milky = await serve(t, only(`${server.url}/`));
      const connection = await server.accept();
      act(connection);
      if (name === 'a binary message') connection.frames.next('a close frame').then(({ payload }) => connection.send(8, payload)).catch(() => {});
      await shown(milky, wanted);
    });
  }

  it('logs code and reason of a client of websocket_server', async (t) => {
    const milky = await serve(t, { bots: [{ self_id: BOT, websocket_server: [{ listen: LISTEN }] }] }, { args: [] });
    const client = await connect(t, milky.ws());
    client.socket.close(4321, 'done');
    await milky.log.find((line) => /info .*disconnected \(4321: it closed the connection with 4321: "done"\)/.test(line), 'its end');
  });
});

describe('origin', () => {
  it('is sent where it is configured, and checked', async (t) => {
    const server = await RawServer.start(t);
    const milky = await serve(t, { bots: [{ self_id: BOT, websocket_client: [
      { url: `${server.url}/a`, origin: 'https://bot.example:8443' }, { url: `${server.url}/b` }] }] });
    const origins = {};
    for (let i = 0; i < 2; i++) {
      const connection = await server.accept();
      origins[connection.target] = connection.header('Origin');
    }
    assert.deepEqual(origins, { '/a': 'https://bot.example:8443', '/b': undefined });
    assert.ok(milky);
  });
});

describe('diagnosis of a webhook', { concurrency: 6 }, () => {
  for (const [status, advice] of [[301, /redirects are not followed/], [401, /does not accept the credentials/],
    [403, /no access_token is configured/], [404, /check the path/], [405, /takes no POST/], [413, /longer than it accepts/],
    [415, /does not accept application\/json/], [429, /asks to wait/], [500, /it fails: look into the log/], [502, /the program behind it/]]) {
    it(`has advice on ${status}`, async (t) => {
      const receiver = await hook(t, { answer: () => ({ status }) });
      const milky = await serve(t, { bots: [{ self_id: BOT, webhook: [{ url: receiver.url }] },
        { self_id: OTHER, http_server: [{ listen: LISTEN }] }] });
      await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text('hello') });
      await shown(milky, [new RegExp(`answered ${status}`), advice]);
    });
  }
});
