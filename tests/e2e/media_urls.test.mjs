// Pictures by URLs as browsers show them: escapes and hosts, redirects, and servers that serve browsers alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { BOT, done, fails, world } from './sandbox.mjs';
import { png } from './samples.mjs';

const ALLOW = { backend: { type: 'sandbox', media: { allow_private_addresses: true } } };

async function fileServer(t, answer) {
  const server = createServer((request, response) => {
    server.asked.push(request.url);
    server.heads.push(request.headers);
    answer(request, response);
  });
  Object.assign(server, { asked: [], heads: [] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.port = server.address().port;
  server.url = `http://127.0.0.1:${server.port}`;
  return server;
}

const avatar = (bot, uri) => bot.modern('set_avatar', { uri });

test('what a browser shows is escaped, what is escaped stays', async (t) => {
  const files = await fileServer(t, (_, response) => response.end(png(2, 2)));
  const { owner } = await world(t, ALLOW);
  const cases = [['/图 1.png?名=猫 咪&a=b', '/%E5%9B%BE%201.png?%E5%90%8D=%E7%8C%AB%20%E5%92%AA&a=b'],
    ['/%E5%9B%BE.png?x=%20+', '/%E5%9B%BE.png?x=%20+'], ['/a"b<c>.png', '/a%22b%3Cc%3E.png'], ['/a.png#图', '/a.png'],
    ['/a\\b.png ', '/a/b.png'], ['/100%.png', '/100%.png'], ['?图', '/?%E5%9B%BE']];
  for (const [shown, sent] of cases) {
    await done(avatar(owner, files.url + shown));
    assert.equal(files.asked.pop(), sent);
  }
  // Letters of full width are those of an address.
  await done(avatar(owner, `http://１２７．０。０.１:${files.port}/a.png`));
  assert.equal(files.heads.pop().host, `127.0.0.1:${files.port}`);
  for (const host of ['a b.com', 'a%2fb.com', 'a／b.com', '', 'a\u202eb..com'])
    await fails(avatar(owner, `http://${host}:${files.port}/`), -121, 'its URL has no valid host');
});

test('a redirect to such a URL is followed', async (t) => {
  let location;
  const files = await fileServer(t, ({ url }, response) => {
    if (!url.startsWith('/to/')) return response.end(png(2, 2));
    response.writeHead(302, { location: Buffer.from(location).toString('latin1') }).end('moved');
  });
  const { owner } = await world(t, ALLOW);
  for (const [to, sent] of [['/图 1.png?a=猫 咪', '/%E5%9B%BE%201.png?a=%E7%8C%AB%20%E5%92%AA'], ['图.png', '/to/%E5%9B%BE.png'],
    [`http://１２７。0.0.1:${files.port}/x y`, '/x%20y'], ['//127.0.0.1:PORT/é'.replace('PORT', files.port), '/%C3%A9'], ['?猫', '/to/from?%E7%8C%AB']]) {
    location = to;
    files.asked.length = 0;
    const isLoop = sent.startsWith('/to/');
    if (isLoop) await fails(avatar(owner, `${files.url}/to/from`), -121, 'more than 5 redirects');
    else await done(avatar(owner, `${files.url}/to/from`));
    assert.equal(files.asked[1], sent);
  }
  for (const [to, part] of [['http://a b/', 'not valid'], ['http://℀.com/', 'not valid'], ['file:///etc/passwd', 'neither http nor https'],
    ['gopher://127.0.0.1/', 'neither http nor https'], ['javascript:alert(1)', 'neither http nor https'], [`/${'x'.repeat(9000)}`, 'not valid']]) {
    location = to;
    await fails(avatar(owner, `${files.url}/to/from`), -121, part);
  }
});

test('a server sees a browser, and after a 403 the origin as Referer, once', async (t) => {
  const files = await fileServer(t, (request, response) => {
    if (request.url === '/open') return response.end(png(2, 2));
    if (request.url === '/to') return response.writeHead(302, { location: '/closed' }).end();
    if (request.headers.referer === undefined || request.url === '/never') return response.writeHead(403).end('no hotlinks');
    return response.end(png(3, 3));
  });
  const { owner } = await world(t, ALLOW);
  await done(avatar(owner, `${files.url}/open`));
  assert.match(files.heads[0]['user-agent'], /^Mozilla\/5\.0 \(.*\) AppleWebKit\/[\d.]+ .*Chrome\/.* milky\//);
  assert.equal(files.heads[0].referer, undefined);
  await done(avatar(owner, `http://user:secret@127.0.0.1:${files.port}/closed`));
  await done(avatar(owner, `${files.url}/to`));
  await fails(avatar(owner, `${files.url}/never`), -121, 'its server answered 403');
  assert.deepEqual(files.asked, ['/open', '/closed', '/closed', '/to', '/closed', '/closed', '/never', '/never']);
  const referers = files.heads.map(({ referer }) => referer);
  const own = `${files.url}/`;
  assert.deepEqual(referers, [undefined, undefined, own, undefined, undefined, own, undefined, own]);
});

// In both languages, and without the words of libcurl or OpenSSL.
test('what cannot be downloaded is explained in our words', async (t) => {
  const tcp = async (answer) => {
    const server = createTcp((socket) => socket.on('error', () => {}).once('data', () => answer(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return server.address().port;
  };
  const closes = await tcp((socket) => socket.destroy());
  const other = await tcp((socket) => socket.end('220 mail.example ESMTP\r\n'));
  const cut = await tcp((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx'));
  for (const [language, words] of Object.entries({
    en: ['closed the connection without an answer|connection to its server was lost', 'does not answer as HTTP demands', 'before the end of the content',
      'no TLS connection to its server', 'the host is unknown', 'onnection refused'],
    zh: ['未应答就关闭了连接|与服务器的连接中断', '不符合 HTTP', '在内容结束之前关闭了连接', '无法与其服务器建立 TLS 连接', '未知的主机', '拒绝'],
  })) {
    const { owner } = await world(t, { ...ALLOW, language });
    for (const [i, url] of [`http://127.0.0.1:${closes}/`, `http://127.0.0.1:${other}/`, `http://127.0.0.1:${cut}/`, `https://127.0.0.1:${other}/`,
      'http://nowhere.invalid/', 'http://127.0.0.1:1/'].entries()) {
      const { message } = await avatar(owner, url);
      assert.match(message, new RegExp(words[i]), url);
      assert.doesNotMatch(message, /curl|SSL|Recv|Send|Could not|Failed|Empty reply|outstanding/i, url);
    }
  }
});
