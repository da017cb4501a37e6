// The files that the endpoint serves: whole, in part, to slow readers, and only by their URLs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesBelow, folder, start } from './fixtures.mjs';
import { call, memory, request, serve, within } from './harness.mjs';
import { BOT, OTHER, done, world } from './sandbox.mjs';
import { base64, png } from './samples.mjs';

const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const LISTEN = '127.0.0.1:0';

// An image in the world of this milky, and its URL.
async function stored(base, content, headers = {}) {
  const ask = async (action, params) => {
    const { body } = await call(base, action, params, { headers });
    assert.equal(body.retcode, 0, body.message);
    return body.data;
  };
  await ask('set_avatar', { uri: base64(content) });
  return (await ask('get_resource_temp_url', { resource_id: sha256(content) })).url;
}

const get = (url, headers = {}, method = 'GET') =>
  request(new URL(url).host, new URL(url).pathname, { method, headers });

// As bytes: request() would take them for text.
async function bytes(url, headers = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, headers: response.headers, content: Buffer.from(await response.arrayBuffer()) };
}

test('a resource is served with its headers', async (t) => {
  const { milky } = await world(t);
  const content = png(20, 10, 300000);
  const url = await stored(`${milky.http()}/api`, content);
  assert.match(url, new RegExp(`^${milky.http()}/resource/[A-Za-z0-9_-]{71}/image\\.png$`));
  const whole = await bytes(url);
  assert.deepEqual(whole.content, content);
  for (const [name, value] of Object.entries({
    'content-type': 'image/png',
    'content-length': '300000',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-disposition': "inline; filename=\"image.png\"; filename*=UTF-8''image.png",
  })) assert.equal(whole.headers.get(name), value);
  const head = await get(url, {}, 'HEAD');
  assert.deepEqual([head.status, head.headers['content-length'], head.text], [200, '300000', '']);
  const part = await get(url, { Range: 'bytes=0-0' });
  for (const date of [whole.headers.get('date'), head.headers.date, part.headers.date])
    assert.match(date, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  const post = await get(url, {}, 'POST');
  assert.deepEqual([post.status, post.headers.allow, post.body.retcode], [405, 'GET, HEAD', -405]);
  // Every port of every bot serves it, and so do a path without a name, or with another one.
  const { pathname } = new URL(url);
  const token = pathname.split('/')[2];
  for (const address of [milky.address('http_server', 1), milky.address('websocket_server', 0)])
    assert.deepEqual((await bytes(`http://${address}/resource/${token}`)).content, content);
  const named = await bytes(`${milky.http()}/resource/${token}/${encodeURIComponent('图 "1".png')}`);
  assert.equal(named.headers.get('content-disposition'),
    "inline; filename=\"___1_.png\"; filename*=UTF-8''%E5%9B%BE%20%221%22.png");
  for (const name of ['%0d%0aX-Injected:%201', '%ff%fe', '%25', ''])
    assert.equal((await bytes(`${milky.http()}/resource/${token}/${name}`)).headers.get('x-injected'), null);
});

test('parts of a resource', async (t) => {
  const { milky } = await world(t);
  const content = png(20, 10, 1000);
  const url = await stored(`${milky.http()}/api`, content);
  for (const [range, from, end] of [['0-9', 0, 10], ['990-', 990, 1000], ['-1', 999, 1000], ['-5000', 0, 1000],
    ['500-99999', 500, 1000], ['0-0', 0, 1], ['999-999', 999, 1000]]) {
    const part = await bytes(url, { Range: `bytes=${range}` });
    assert.deepEqual([part.status, part.content], [206, content.subarray(from, end)], range);
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${end - 1}/1000`);
  }
  for (const range of ['bytes=1000-', 'bytes=1000-2000', 'bytes=-0']) {
    const none = await get(url, { Range: range });
    assert.deepEqual([none.status, none.headers['content-range']], [416, 'bytes */1000'], range);
  }
  for (const range of ['bytes=5-4', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=0-9;x',
    'bytes=99999999999999999999999-'])
    assert.deepEqual([(await bytes(url, { Range: range })).content.length], [1000], range);
  const conditional = await bytes(url, { Range: 'bytes=0-9', 'If-Range': '"something"' });
  assert.equal(conditional.content.length, 1000);
  // RFC 9110, 14.2: a range is for GET alone.
  for (const range of ['bytes=0-9', 'bytes=1000-']) {
    const head = await get(url, { Range: range }, 'HEAD');
    assert.deepEqual([head.status, head.headers['content-length'], head.headers['content-range']], [200, '1000', undefined]);
  }
});

test('parts of an empty resource', async (t) => {
  const { milky } = await world(t);
  const content = png(5, 5);
  const url = await stored(`${milky.http()}/api`, content);
  // The sandbox takes no empty file, so it is emptied behind its back.
  const names = await filesBelow(join(milky.dir, 'data'));
  const stem = sha256(content).slice(2);
  await truncate(join(milky.dir, 'data', names.find((name) => name.includes(stem))));
  assert.deepEqual((await bytes(url)).content, Buffer.alloc(0));
  for (const range of ['bytes=-5', 'bytes=-0', 'bytes=0-', 'bytes=0-0']) {
    const none = await get(url, { Range: range });
    assert.deepEqual([none.status, none.headers['content-range']], [416, 'bytes */0'], range);
  }
});

test('a resource cannot be fetched without its URL', async (t) => {
  const { milky, operate } = await world(t);
  const content = png(5, 5);
  const url = await stored(`${milky.http()}/api`, content);
  const { host, pathname } = new URL(url);
  const token = pathname.split('/')[2];
  const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
  for (const path of ['/resource/', '/resource', `/resource/${changed}/image.png`, `/resource/${token}x`,
    `/resource/${token.slice(1)}`, `/resource/${sha256(content)}`, `/resource/${'a'.repeat(5000)}`,
    '/resource/../data/sandbox/sandbox.db', '/resource/%2e%2e/x', `/Resource/${token}`, `//resource/${token}`])
    assert.equal((await request(host, path, { method: 'GET' })).status, 404, path);
  await done(operate('clock', { advance: 2 * 60 * 60 - 5 }));
  assert.equal((await get(url)).status, 200);
  await done(operate('clock', { advance: 6 }));
  const late = await get(url);
  assert.deepEqual([late.status, late.body.message], [404, 'there is no such resource, or its URL has expired']);
});

test('the URL has an address that the bot can reach', async (t) => {
  const secret = { Authorization: 'Bearer s3cret' };
  const server = { listen: LISTEN, access_token: 's3cret', prefix: '/milky' };
  const behind = await serve(t, { bots: [{ self_id: BOT, http_server: [server] }] });
  const address = behind.address('http_server');
  const content = png(5, 5);
  let url = await stored(`http://${address}/milky/api`, content, secret);
  assert.ok(url.startsWith(`http://${address}/milky/resource/`), url);
  assert.deepEqual((await bytes(url)).content, content); // the URL is the credential
  assert.equal((await request(address, new URL(url).pathname.slice('/milky'.length), { method: 'GET' })).status, 401);
  const proxied = await serve(t, { resource_url: 'https://bots.example/files/',
    bots: [{ self_id: BOT, http_server: [{ listen: LISTEN }] }] });
  url = await stored(`${proxied.http()}/api`, content);
  assert.match(url, /^https:\/\/bots\.example\/files\/resource\//);
  assert.deepEqual((await bytes(proxied.http() + new URL(url).pathname.slice('/files'.length))).content, content);
  // A server on all addresses is reached through this machine's own address.
  const all = await serve(t, { bots: [{ self_id: BOT, http_server: [{ listen: '0.0.0.0:0', access_token: 's3cret' }] }] });
  url = await stored(`http://127.0.0.1:${all.address('http_server').split(':')[1]}/api`, content, secret);
  assert.match(url, /^http:\/\/127\.0\.0\.1:/);
  assert.deepEqual((await bytes(url)).content, content);
});

test('bots without a server on TCP get a port for their files', async (t) => {
  const milky = await serve(t, { bots: [
    { self_id: BOT, http_server: [{ listen: 'unix:bot.sock' }] },
  ] });
  const content = png(5, 5);
  const ask = async (action, params) => {
    const { body } = await request(`unix:${join(milky.dir, 'bot.sock')}`, `/api/${action}`, {
      headers: { 'Content-Type': 'application/json', Host: 'localhost' }, body: JSON.stringify(params) });
    assert.equal(body.retcode, 0, body.message);
    return body.data;
  };
  await ask('set_avatar', { uri: base64(content) });
  const { url } = await ask('get_resource_temp_url', { resource_id: sha256(content) });
  assert.deepEqual((await bytes(url)).content, content);
  const { host } = new URL(url);
  for (const path of ['/', '/event', '/api/get_login_info', '/get_login_info'])
    assert.equal((await request(host, path, { method: 'GET' })).status, 404, path);
});

// A slow reader is sent as much as it takes, and no more of the file is in memory.
test('a large resource and a client that does not read it', async (t) => {
  const { milky, owner } = await world(t, { limits: { body_bytes: 100 << 20 } });
  const content = png(5, 5, 48 << 20);
  const url = await stored(`${milky.http()}/api`, content);
  const { hostname, port, pathname } = new URL(url);
  const before = await memory(milky, 'RssAnon');
  const socket = connect({ host: hostname, port });
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await within(once(socket, 'readable'), 'the first bytes');
  for (let i = 0; i < 50; i++) await done(owner.modern('get_login_info'));
  assert.ok(await memory(milky, 'RssAnon') - before < 4, 'it has read ahead');
  const gone = connect({ host: hostname, port });
  gone.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await within(once(gone, 'readable'), 'the first bytes');
  gone.destroy(); // in the middle of it
  const hash = createHash('sha256');
  let length = 0, head;
  for await (const piece of socket) {
    let data = piece;
    if (!head) {
      const at = data.indexOf('\r\n\r\n');
      head = data.subarray(0, at).toString();
      data = data.subarray(at + 4);
    }
    length += data.length;
    hash.update(data);
  }
  assert.match(head, /^HTTP\/1\.1 200 /);
  assert.deepEqual([length, hash.digest('hex')], [content.length, sha256(content)]);
});

test('a file that is being sent when milky stops is sent whole', async (t) => {
  const { milky } = await world(t, { limits: { body_bytes: 100 << 20 } });
  const content = png(5, 5, 24 << 20);
  const url = await stored(`${milky.http()}/api`, content);
  const response = await fetch(url);
  const stopped = milky.stop();
  assert.equal(sha256(Buffer.from(await response.arrayBuffer())), sha256(content));
  assert.equal(await stopped, 0);
});

test('URLs outlive a restart', async (t) => {
  const config = { bots: [{ self_id: BOT, http_server: [{ listen: LISTEN }] }, { self_id: OTHER }] };
  const dir = await folder(t);
  const first = await start(t, { config, dir });
  const content = png(5, 5);
  const url = await stored(`${first.http()}/api`, content);
  await first.stop('SIGKILL');
  const second = await serve(t, config, { dir });
  assert.deepEqual((await bytes(second.http() + new URL(url).pathname)).content, content);
});
