// Images, voices and videos: every kind of URI, the content that readers get, and everything that is refused
// without a change of the world.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GROUP, call, serve, within } from './harness.mjs';
import { BOT, MING, OTHER, done, fails, text, world } from './sandbox.mjs';
import { base64, gif, mp4, png, silk, wav } from './samples.mjs';

const ALLOW = { backend: { type: 'sandbox', media: { allow_private_addresses: true, roots: ['data'] } } };
const ROOTS = { backend: { media: { roots: ['data', '.'] } } };
const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const image = (uri, extra = {}) => ({ type: 'image', data: { uri, ...extra } });
const inGroup = { group_id: GROUP };

// A file server that counts requests: `answer(request, response)`.
async function fileServer(t, answer) {
  const server = createServer((request, response) => {
    server.asked.push(request.url);
    answer(request, response);
  });
  server.asked = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.url = `http://127.0.0.1:${server.address().port}`;
  return server;
}

async function fetched(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return { content: Buffer.from(await response.arrayBuffer()), type: response.headers.get('content-type') };
}

// The files in the folder of contents, incoming ones separately.
async function contents(milky) {
  const of = async (...path) => (await readdir(join(milky.dir, 'data/sandbox/media', ...path)).catch(() => []));
  const incoming = (await of()).filter((name) => name.endsWith('.incoming'));
  assert.deepEqual((await Promise.all(incoming.map((name) => of(name)))).flat(), []);
  return (await of()).filter((name) => !name.endsWith('.incoming')).sort();
}

test('an image by each kind of URI is stored once, and can be downloaded', async (t) => {
  const picture = png(320, 200);
  const files = await fileServer(t, (_, response) => response.end(picture));
  const { milky, owner, next } = await world(t, ALLOW);
  await mkdir(join(milky.dir, 'data'), { recursive: true });
  await writeFile(join(milky.dir, 'data', '图 1.png'), picture);
  const path = `${milky.dir}/data/${encodeURIComponent('图 1.png')}`;
  const uris = [base64(picture), `file://${path}`, `file:///${path}`, `${files.url}/a.png?x=1#part`];
  for (const [i, uri] of uris.entries()) {
    const ask = i % 2 ? owner.modern : owner.draft;
    await done(ask('send_group_message', { ...inGroup, message: [image(uri)] }));
    const events = await next(OTHER);
    for (const event of [events.draft, events['1.2']]) {
      const [{ type, data }] = event.data.segments;
      assert.equal(type, 'image');
      const out = await fetched(data.temp_url ?? (await done(owner.modern('get_resource_temp_url',
        { resource_id: data.resource_id }))).url);
      assert.deepEqual(out, { content: picture, type: 'image/png' });
    }
    const { data } = events['1.2'].data.segments[0];
    assert.deepEqual([data.width, data.height, data.summary, data.sub_type], [320, 200, '[图片]', 'normal']);
  }
  assert.deepEqual(await contents(milky), [sha256(picture)]);
  assert.equal(files.asked.length, 1);
});

test('voices, videos and stickers in messages, history, replies and forwards', async (t) => {
  const { owner, other, next } = await world(t);
  const voice = silk(3);
  const film = mp4(640, 360, 12);
  const sticker = gif(30, 40);
  const sent = [];
  for (const message of [
    [{ type: 'record', data: { uri: base64(voice) } }],
    [{ type: 'record', data: { uri: base64(wav(2)) } }],
    [{ type: 'video', data: { uri: base64(film), thumb_uri: base64(png(64, 36)) } }],
    [...text('看'), image(base64(sticker), { sub_type: 'sticker' }), image(base64(png(1, 1)), { summary: '[点]' })],
  ]) {
    sent.push((await done(owner.modern('send_private_message', { user_id: OTHER, message }))).message_seq);
    await next(OTHER);
  }
  const { messages } = await done(other.modern('get_history_messages',
    { message_scene: 'friend', peer_id: BOT, limit: 20 }));
  const segments = messages.map((message) => message.segments.map(({ type, data }) => ({ type, ...data })));
  assert.deepEqual(segments.map((list) => list.map((s) => [s.type, s.duration, s.width, s.height, s.summary])), [
    [['record', 3, undefined, undefined, undefined]],
    [['record', 2, undefined, undefined, undefined]],
    [['video', 12, 640, 360, undefined]],
    [['text', undefined, undefined, undefined, undefined],
      ['image', undefined, 30, 40, '[动画表情]'], ['image', undefined, 1, 1, '[点]']],
  ]);
  assert.deepEqual(await fetched(segments[0][0].temp_url), { content: voice, type: 'audio/silk' });
  assert.deepEqual(await fetched(segments[2][0].temp_url), { content: film, type: 'video/mp4' });
  const faces = await done(owner.modern('get_custom_face_url_list'));
  assert.equal(faces.urls.length, 1);
  assert.deepEqual((await fetched(faces.urls[0])).content, sticker);
  await done(other.modern('send_private_message',
    { user_id: BOT, message: [{ type: 'reply', data: { message_seq: sent[2] } }, ...text('好')] }));
  const [reply] = (await next(BOT))['1.2'].data.segments;
  assert.deepEqual((await fetched(reply.data.segments[0].data.temp_url)).content, film);
  const bundle = { type: 'forward', data: { messages: [
    { user_id: MING, sender_name: '小明', segments: [image(base64(sticker))] },
    { user_id: OTHER, sender_name: '他', segments: [{ type: 'forward', data: { messages: [
      { user_id: BOT, sender_name: '我', segments: [{ type: 'record', data: { uri: base64(voice) } }] }] } }] },
  ] } };
  await done(owner.modern('send_private_message', { user_id: OTHER, message: [bundle] }));
  const [outer] = (await next(OTHER))['1.2'].data.segments;
  assert.deepEqual(outer.data.preview, ['小明: [图片]', '他: [聊天记录]']);
  const inside = await done(other.modern('get_forwarded_messages', { forward_id: outer.data.forward_id }));
  assert.deepEqual((await fetched(inside.messages[0].segments[0].data.temp_url)).content, sticker);
  assert.equal((await fetched(inside.messages[0].avatar_url)).type, 'image/png');
  await fails(other.modern('get_forwarded_messages', { forward_id: inside.messages[1].segments[0].data.forward_id }), -103);
});

test('a person can send images too', async (t) => {
  const { milky, next, operate } = await world(t);
  const picture = png(9, 8);
  await operate('say', { as: MING, group: GROUP, message: [image(base64(picture)), ...text('看')] });
  for (const bot of [BOT, OTHER]) {
    const [{ data }] = (await next(bot))['1.2'].data.segments;
    assert.deepEqual((await fetched(data.temp_url)).content, picture);
  }
  assert.equal((await contents(milky)).length, 1);
});

test('avatars are set by those with the right to', async (t) => {
  const { owner, other } = await world(t);
  const face = png(100, 100);
  await done(owner.modern('set_avatar', { uri: base64(face) }));
  await done(owner.modern('set_group_avatar', { ...inGroup, image_uri: base64(png(50, 50)) }));
  await fails(other.modern('set_group_avatar', { ...inGroup, image_uri: base64(face) }), -104, 'admin');
  await fails(owner.modern('set_avatar', { uri: base64(wav(1)) }), -123, 'uri is not a picture');
  await done(owner.modern('send_private_message', { user_id: OTHER, message: [{ type: 'forward', data: { messages: [
    { user_id: BOT, sender_name: '我', segments: text('a') }] } }] }));
  const { messages: [message] } = await done(other.modern('get_message',
    { message_scene: 'friend', peer_id: BOT, message_seq: 1 })).then(({ message: { segments: [{ data }] } }) =>
    done(other.modern('get_forwarded_messages', { forward_id: data.forward_id })));
  assert.deepEqual((await fetched(message.avatar_url)).content, face);
});

test('anything but media content is refused, and nothing changes', async (t) => {
  const outside = await mkdtemp(join(tmpdir(), 'milky-outside-'));
  t.after(() => rm(outside, { recursive: true }));
  await writeFile(join(outside, 'a.png'), png(1, 1));
  const { milky, owner, operate, silence } = await world(t, ROOTS);
  await symlink(join(outside, 'a.png'), join(milky.dir, 'data', 'link.png'));
  await symlink(outside, join(milky.dir, 'data', 'folder'));
  const data = join(milky.dir, 'data');
  await link(join(data, 'journal.db'), join(data, 'alias'));
  const before = JSON.stringify(await operate('dump', {}));
  for (const [uri, retcode, part] of [
    ['', -120, 'must be a file://'],
    ['C:\\a.png', -120, 'must be a file://'],
    ['ftp://127.0.0.1/a.png', -120, 'must be a file://'],
    ['base64://!!!!', -120, 'base64'],
    ['base64://iVBORw0KG', -120, 'missing at its end'],
    ['base64://iVBORw0KGgo', -123, 'cut'],
    ['base64://iVBORw0KGgo=', -123, 'cut'],
    ['base64://', -123, 'empty'],
    [base64(wav(1)), -123, 'is not a picture'],
    [base64(Buffer.from('<html>')), -123, 'is not a picture'],
    [`file://${data}/none.png`, -121, 'No such file'],
    [`file://${data}`, -120, 'not a regular file'],
    [`file://${data}/../data/link.png`, -120, '..'],
    [`file://${data}/%2e%2e/%2e%2e/etc/passwd`, -120, '..'],
    [`file://${data}/link.png`, -120, 'only files below'],
    [`file://${data}/folder/a.png`, -120, 'only files below'],
    [`file://${data}/sandbox/sandbox.db`, -120, 'not for bots'],
    [`file://${data}/sandbox/sandbox.db-wal`, -120, 'not for bots'],
    [`file://${data}/journal.db`, -120, 'not for bots'],
    [`file://${data}/journal.db-wal`, -120, 'not for bots'],
    [`file://${data}/alias`, -120, 'not for bots'],
    [`file://${milky.dir}/milky.jsonc`, -120, 'not for bots'],
    ['file:///etc/passwd', -120, 'only files below'],
    ['file:///proc/self/environ', -120, 'only files below'],
    ['file:///dev/zero', -120, 'only files below'],
    ['file:///C:/Windows/win.ini', -120, 'no drives'],
    ['file://server/share/a.png', -120, 'whole path'],
    [`file://${data}/a%00.png`, -120, 'NUL'],
  ]) {
    for (const ask of [owner.modern, owner.draft])
      await fails(ask('send_group_message', { ...inGroup, message: [...text('x'), image(uri)] }), retcode, part);
  }
  assert.equal(JSON.stringify(await operate('dump', {})), before);
  assert.deepEqual(await contents(milky), []);
  silence();
});

// Every way to write an address of this machine or of a private network.
test('private addresses are not contacted unless they are allowed', async (t) => {
  const files = await fileServer(t, (_, response) => response.end(png(1, 1)));
  const port = files.address().port;
  const { owner } = await world(t);
  for (const host of ['127.0.0.1', 'localhost', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0.0.0.0', '[::1]',
    '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::127.0.0.1]', '[2002:7f00:1::]', '10.0.0.1',
    '172.16.0.1', '192.168.1.1', '100.64.0.1', '169.254.169.254', '[fe80::1]', '[fd00::1]', '224.0.0.1',
    '255.255.255.255', 'user:password@127.0.0.1'])
    await fails(owner.modern('set_avatar', { uri: `http://${host}:${port}/a.png` }), -121, 'private');
  assert.deepEqual(files.asked, []);
});

test('no proxy is asked for an address that the sandbox itself may not contact', async (t) => {
  const proxy = await fileServer(t, (_, response) => response.end(png(1, 1)));
  const milky = await serve(t, { bots: [{ self_id: BOT, http_server: [{ listen: '127.0.0.1:0' }] }] },
    { env: { http_proxy: proxy.url, https_proxy: proxy.url, all_proxy: proxy.url } });
  const { body } = await call(`${milky.http()}/api`, 'set_avatar', { uri: 'http://192.168.7.7/a.png' });
  assert.equal(body.retcode, -121);
  assert.deepEqual(proxy.asked, []);
});

// No request accepts compressed content, and nothing is decompressed: a bomb stays as small as it came.
test('a download with a Content-Encoding is not decompressed', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 << 20));
  const files = await fileServer(t, (_, response) => {
    response.setHeader('Content-Encoding', 'gzip');
    response.end(bomb);
  });
  const { owner } = await world(t, { backend: { media: { allow_private_addresses: true, max_bytes: bomb.length } } });
  await fails(owner.modern('set_avatar', { uri: `${files.url}/a.png` }), -123, 'is not a picture');
  assert.equal(files.asked.length, 1);
});

test('downloads: redirects, failures, and answers that never end', async (t) => {
  const picture = png(3, 3);
  let endless = 0;
  const files = await fileServer(t, (request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    const hop = /^\/hop\/(\d+)$/.exec(pathname);
    const to = (location) => response.writeHead(302, { location }).end('an answer that is no picture');
    if (hop) to(hop[1] === '0' ? '/picture' : `/hop/${hop[1] - 1}`);
    else if (pathname === '/picture') response.end(picture);
    else if (pathname === '/to-file') to('file:///etc/passwd');
    else if (pathname === '/to-gopher') to('gopher://127.0.0.1/');
    else if (pathname === '/missing') response.writeHead(404).end(picture);
    else if (pathname === '/nowhere') response.writeHead(302).end(picture);
    else if (pathname === '/empty') response.end();
    else if (pathname === '/page') response.end('<html>not found</html>');
    else if (pathname === '/cut') response.writeHead(200, { 'content-length': 1000 }).end(picture, () => response.destroy());
    else if (pathname === '/long') response.writeHead(200, { 'content-length': 5000 }).end(Buffer.alloc(5000));
    else if (pathname === '/endless') {
      const more = () => response.write(Buffer.alloc(1000), (error) => {
        endless++;
        if (!error) setImmediate(more);
      });
      more();
    }
  });
  const media = { allow_private_addresses: true, max_bytes: 4000, download_seconds: 1 };
  const { milky, owner } = await world(t, { backend: { media } });
  const ask = (path) => owner.modern('set_avatar', { uri: files.url + path });
  await done(ask('/hop/4'));
  await fails(ask('/hop/5'), -121, 'redirects');
  for (const [path, retcode, part] of [['/to-file', -121, ''], ['/to-gopher', -121, ''], ['/missing', -121, '404'],
    ['/nowhere', -121, '302'], ['/empty', -123, 'empty'], ['/page', -123, 'is not a picture'], ['/cut', -121, ''],
    ['/long', -122, '4000'], ['/endless', -122, '4000'], ['/silent', -121, 'timed out after 1 s']])
    await fails(ask(path), retcode, part);
  assert.ok(endless < 10000, `${endless}`);
  await fails(owner.modern('set_avatar', { uri: 'http://127.0.0.1:1/a.png' }), -121, 'refused');
  await fails(owner.modern('set_avatar', { uri: `http://127.0.0.1/${'a'.repeat(9000)}` }), -120, 'not a valid URL');
  assert.deepEqual(await contents(milky), [sha256(picture)]);
});

test('a call that waits for its media delays no other', async (t) => {
  let release;
  const files = await fileServer(t, (_, response) => (release = () => response.end(png(2, 2))));
  const { owner, next } = await world(t, ALLOW);
  const waiting = owner.modern('send_group_message', { ...inGroup, message: [image(`${files.url}/slow.png`)] });
  await within((async () => { while (!release) await new Promise(setImmediate); })(), 'the download');
  await done(owner.modern('send_group_message', { ...inGroup, message: text('先') }));
  assert.equal((await next(OTHER))['1.2'].data.segments[0].data.text, '先');
  release();
  await done(waiting);
  assert.equal((await next(OTHER))['1.2'].data.segments[0].type, 'image');
});

test('a stop waits no longer for a download than for other calls', async (t) => {
  let asked;
  const seen = new Promise((resolve) => (asked = resolve));
  const files = await fileServer(t, () => asked());
  const { milky, owner } = await world(t, ALLOW);
  const waiting = owner.modern('set_avatar', { uri: `${files.url}/never.png` }).catch((error) => error);
  await seen;
  assert.equal(await milky.stop(), 0);
  await waiting;
});
