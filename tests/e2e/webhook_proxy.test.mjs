// Webhooks through the proxies of the environment.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { createServer, request as httpRequest } from 'node:http';
import { connect as connectTo } from 'node:net';
import { describe, it } from 'node:test';
import { certificate, hook, serve } from './fixtures.mjs';
import { BOT, Inbox, botConfig } from './harness.mjs';

const MING = 10003001;
const NONE = { http_proxy: '', https_proxy: '', HTTPS_PROXY: '', all_proxy: '', ALL_PROXY: '', no_proxy: '', NO_PROXY: '' };

// A proxy on the loopback, which resolves every name to it. `asked` has what it was asked for.
async function proxyServer(t, { refuses } = {}) {
  const asked = new Inbox();
  const sockets = new Set();
  const server = createServer((request, response) => {
    asked.push({ method: request.method, url: request.url, headers: request.headers });
    if (refuses) {
      response.writeHead(refuses).end();
      return;
    }
    const url = new URL(request.url);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = httpRequest({ port: url.port, host: '127.0.0.1', path: url.pathname, method: request.method, headers },
      (answer) => answer.pipe(response.writeHead(answer.statusCode)));
    request.pipe(onward);
  });
  server.on('connect', (request, socket, head) => {
    asked.push({ method: request.method, url: request.url, headers: request.headers });
    sockets.add(socket);
    socket.on('error', () => {});
    if (refuses) {
      socket.end(`HTTP/1.1 ${refuses} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const onward = connectTo(request.url.split(':')[1], '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { asked, host: `127.0.0.1:${server.address().port}`, url: `http://127.0.0.1:${server.address().port}` };
}

const milkyWith = (t, url, env, more) => serve(t, botConfig({ webhook: [{ url, ...more }] }), { env: { ...NONE, ...env } });

describe('webhooks through a proxy', { concurrency: 4 }, () => {
  it('http_proxy gets the absolute form, with its user and password', async (t) => {
    const receiver = await hook(t);
    const proxy = await proxyServer(t);
    const url = `http://bots.example:${receiver.port}/hook`;
    const milky = await milkyWith(t, url, { http_proxy: `http://us%20er:p%40ss@${proxy.host}` }, { access_token: 'secret' });
    await milky.say(MING, { to: BOT }, 'hello');
    const { headers } = await receiver.next();
    assert.equal(headers.authorization, 'Bearer secret');
    const asked = await proxy.asked.next();
    assert.equal(asked.url, url);
    assert.equal(asked.headers['proxy-authorization'], `Basic ${Buffer.from('us er:p@ss').toString('base64')}`);
  });

  it('https_proxy opens a tunnel', async (t) => {
    const own = await certificate(t, 'DNS:bots.example');
    const posts = new Inbox();
    const receiver = createSecureServer({ key: own.key, cert: own.cert }, (request, response) => {
      posts.push({ url: request.url, headers: request.headers });
      request.resume().on('end', () => response.writeHead(204).end());
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    t.after(() => { receiver.close(); receiver.closeAllConnections(); });
    const proxy = await proxyServer(t);
    const { port } = receiver.address();
    const milky = await milkyWith(t, `https://bots.example:${port}/hook`, { HTTPS_PROXY: proxy.url }, { tls: { ca: own.file } });
    await milky.say(MING, { to: BOT }, 'one');
    assert.equal((await posts.next()).url, '/hook');
    await milky.say(MING, { to: BOT }, 'two');
    const { headers } = await posts.next();
    assert.equal(headers['proxy-authorization'], undefined);
    assert.deepEqual((({ method, url }) => ({ method, url }))(await proxy.asked.next()), { method: 'CONNECT', url: `bots.example:${port}` });
  });

  it('all_proxy is for both, and no_proxy excepts hosts', async (t) => {
    const receiver = await hook(t);
    const proxy = await proxyServer(t, { refuses: 403 });
    const milky = await milkyWith(t, receiver.url, { all_proxy: proxy.url, no_proxy: 'x.example, 127.0.0.0/8' });
    await milky.say(MING, { to: BOT }, 'hello');
    await receiver.next();
    const other = await milkyWith(t, receiver.url, { all_proxy: proxy.url });
    await other.say(MING, { to: BOT }, 'hello');
    assert.equal((await proxy.asked.next()).url, receiver.url);
  });

  it('HTTP_PROXY in capitals is not read', async (t) => {
    const receiver = await hook(t);
    const milky = await milkyWith(t, receiver.url, { HTTP_PROXY: 'http://127.0.0.1:1' });
    await milky.say(MING, { to: BOT }, 'hello');
    await receiver.next();
  });

  it('failures name the proxy', async (t) => {
    const refusing = await proxyServer(t, { refuses: 407 });
    for (const [env, url, why] of [
      [{ http_proxy: refusing.url }, 'http://bots.example/', `the proxy ${refusing.host}: it answered 407: it wants a user`],
      [{ https_proxy: refusing.url }, 'https://bots.example/', `the proxy ${refusing.host}: it answered 407: it wants a user`],
      [{ http_proxy: 'http://127.0.0.1:1' }, 'http://bots.example/', 'the proxy 127.0.0.1:1: connection refused'],
      [{ http_proxy: 'socks5://127.0.0.1:1' }, 'http://bots.example/', 'the proxy cannot be used: only http:// proxies'],
    ]) {
      const milky = await milkyWith(t, url, env);
      await milky.say(MING, { to: BOT }, 'hello');
      await milky.log.find((line) => line.includes(why), why);
    }
  });
});
