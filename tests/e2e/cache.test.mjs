// /cache of an http_server: files that a bot uploads before it uses them as cache://ID.
import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CHUNK, OTHER, TOKEN, bytes, cached, client, downloaded, sha256 } from './cache_client.mjs';
import { freePort, start } from './fixtures.mjs';
import { BOT, GROUP } from './harness.mjs';
import { Raw } from './raw.mjs';
import { png, wav } from './samples.mjs';

const BAD_URI = -120;
const inFolder = (milky) => readdir(join(milky.dir, 'data/cache')).catch(() => []);

// Asks until the answer is as wanted: something happens at its own pace.
async function until(ask, wanted, patience = 400) {
  for (let i = 0; i < patience; i++) {
    const answer = await ask();
    if (wanted(answer)) return answer;
  }
  return assert.fail('it never became so');
}

describe('an upload', { concurrency: 4 }, () => {
  it('comes in chunks in any order, also at once, and is used in a file', async (t) => {
    const all = await cached(t);
    const content = bytes(2 * CHUNK + 1000);
    const made = await all.announce({ name: '文件.bin', size: content.length, sha256: sha256(content) });
    assert.deepEqual([made.name, made.chunk_size, made.chunk_count, made.missing_chunks, made.complete, made.lifetime],
      ['文件.bin', CHUNK, 3, [0, 1, 2], false, 'once']);
    assert.match(made.cache_id, /^[0-9a-f]{32}$/);
    assert.equal(made.uri, `cache://${made.cache_id}`);
    const last = await all.chunk(made.cache_id, 2, content.subarray(2 * CHUNK));
    assert.deepEqual([last.status, last.body.data.missing_chunks, last.body.data.received, last.body.data.offset],
      [200, [0, 1], 1000, 0]);
    const early = await all.file(made.uri);
    assert.equal(early.retcode, BAD_URI);
    assert.match(early.message, /^file_uri: this upload is not complete/);
    const both = await Promise.all([1, 0].map((i) =>
      all.chunk(made.cache_id, i, content.subarray(i * CHUNK, (i + 1) * CHUNK))));
    assert.deepEqual(both.map(({ status }) => status), [200, 200]);
    const { complete, received, offset } = await all.status(made.cache_id);
    assert.deepEqual([complete, received, offset], [true, content.length, content.length]);
    const { retcode, message, data } = await all.file(made.uri);
    assert.equal(retcode, 0, message);
    assert.ok((await downloaded(all, data.file_id)).equals(content));
    assert.equal(await all.status(made.cache_id), 404); // once
    assert.deepEqual(await inFolder(all.milky), []);
  });

  it('comes as one stream, of any HTTP encoding', async (t) => {
    const all = await cached(t);
    const content = bytes(CHUNK + 5);
    const uri = await all.upload(content, { sha256: sha256(content) });
    assert.ok((await downloaded(all, (await all.file(uri)).data.file_id)).equals(content));
    const { cache_id } = await all.announce({ size: content.length, sha256: sha256(content).toUpperCase() });
    const answer = await fetch(`http://${all.address(0)}/cache/${cache_id}`, {
      method: 'PUT', duplex: 'half', headers: all.credentials(0),
      body: new ReadableStream({
        start(stream) {
          for (let at = 0; at < content.length; at += 100_000) stream.enqueue(content.subarray(at, at + 100_000));
          stream.close();
        },
      }),
    });
    assert.equal((await answer.json()).data.complete, true);
  });

  it('waits for 100 Continue where it is refused anyway', async (t) => {
    const all = await cached(t);
    const raw = await Raw.connect(all.address(0));
    raw.write(`PUT /cache/${'0'.repeat(32)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`
      + 'Expect: 100-continue\r\nContent-Length: 4000000000\r\n\r\n');
    assert.equal((await raw.response()).status, 404);
    raw.destroy();
  });

  it('has a wrong hash: of a chunk, of a stream, of the whole', async (t) => {
    const all = await cached(t);
    const content = bytes(CHUNK + 10);
    const { cache_id, uri } = await all.announce({ size: content.length, sha256: sha256(content) });
    const wrong = await all.chunk(cache_id, 1, bytes(10), sha256(content));
    assert.deepEqual([wrong.status, wrong.body.retcode], [422, -422], wrong.text);
    assert.deepEqual((await all.status(cache_id)).missing_chunks, [0, 1]);
    const queried = await all.send('PUT', `/${cache_id}/1?sha256=${sha256(bytes(3))}`, { body: content.subarray(CHUNK) });
    assert.equal(queried.status, 422);
    const stream = await all.whole(cache_id, content, { 'X-Content-SHA256': sha256(bytes(1)) });
    assert.equal(stream.status, 422);
    assert.equal((await all.status(cache_id)).received, 0);
    const other = bytes(content.length);
    const whole = await all.whole(cache_id, other);
    assert.equal(whole.status, 422);
    assert.match(whole.body.message, /announced/);
    assert.deepEqual([(await all.status(cache_id)).received, (await all.status(cache_id)).complete], [0, false]);
    // In chunks, each of which is what it says.
    await all.chunk(cache_id, 0, other.subarray(0, CHUNK));
    assert.equal((await all.chunk(cache_id, 1, other.subarray(CHUNK))).status, 422);
    assert.equal((await all.file(uri)).retcode, BAD_URI);
    await all.chunk(cache_id, 1, content.subarray(CHUNK));
    assert.equal((await all.chunk(cache_id, 0, content.subarray(0, CHUNK))).status, 200);
    assert.equal((await all.file(uri)).retcode, 0);
  });

  it('goes on where its connection broke off', async (t) => {
    const all = await cached(t);
    const content = bytes(2 * CHUNK + 77);
    const { cache_id, uri } = await all.announce({ size: content.length, sha256: sha256(content) });
    const raw = await Raw.connect(all.address(0));
    raw.write(`PUT /cache/${cache_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`
      + `Content-Length: ${content.length}\r\n\r\n`, content.subarray(0, CHUNK + 3000));
    await until(() => all.status(cache_id), ({ received }) => received === CHUNK + 3000);
    raw.destroy();
    const { offset, missing_chunks } = await all.status(cache_id);
    assert.deepEqual([offset, missing_chunks], [CHUNK + 3000, [1, 2]]);
    const range = (from, end) => ({ 'Content-Range': `bytes ${from}-${end - 1}/${content.length}` });
    const gap = await all.whole(cache_id, content.subarray(offset + 1), range(offset + 1, content.length));
    assert.deepEqual([gap.status, gap.body.retcode], [409, -409]);
    assert.match(gap.body.message, new RegExp(`offset ${offset}\\b`));
    // In two parts, the first of which repeats some bytes.
    const middle = offset + 50_000;
    const part = await all.whole(cache_id, content.subarray(offset - 10, middle), range(offset - 10, middle));
    assert.deepEqual([part.status, part.body.data.offset, part.body.data.complete], [200, middle, false], part.text);
    const rest = await all.whole(cache_id, content.subarray(middle), range(middle, content.length));
    assert.equal(rest.body.data.complete, true, rest.text);
    assert.ok((await downloaded(all, (await all.file(uri)).data.file_id)).equals(content));
  });

  it('goes on with chunks behind a stream, and with a stream behind chunks', async (t) => {
    const all = await cached(t);
    const content = bytes(3 * CHUNK);
    const { cache_id, uri } = await all.announce({ size: content.length, sha256: sha256(content) });
    await all.chunk(cache_id, 0, content.subarray(0, CHUNK));
    await all.whole(cache_id, content.subarray(CHUNK, CHUNK + 9), { 'Content-Range': `bytes ${CHUNK}-${CHUNK + 8}/*` });
    assert.equal((await all.status(cache_id)).offset, CHUNK + 9);
    await all.chunk(cache_id, 1, content.subarray(CHUNK, 2 * CHUNK));
    assert.equal((await all.status(cache_id)).offset, 2 * CHUNK);
    const last = await all.whole(cache_id, content.subarray(2 * CHUNK),
      { 'Content-Range': `bytes ${2 * CHUNK}-${3 * CHUNK - 1}/${3 * CHUNK}` });
    assert.equal(last.body.data.complete, true, last.text);
    assert.ok((await downloaded(all, (await all.file(uri)).data.file_id)).equals(content));
  });

  it('takes the place of an earlier one that hangs', async (t) => {
    const all = await cached(t);
    const content = bytes(100_000);
    const { cache_id } = await all.announce({ size: content.length });
    const raw = await Raw.connect(all.address(0));
    raw.write(`PUT /cache/${cache_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`
      + `Content-Length: ${content.length}\r\n\r\n`, content.subarray(0, 10));
    await until(() => all.status(cache_id), ({ received }) => received === 10);
    assert.equal((await all.whole(cache_id, content)).status, 200);
    assert.equal((await raw.response()).status, 409);
    const late = await all.whole(cache_id, content);
    assert.equal(late.status, 409); // it is complete
    raw.destroy();
  });

  it('is too long, too short, or not what its head says', async (t) => {
    const all = await cached(t);
    const { cache_id } = await all.announce({ size: 1000 });
    for (const [length, text] of [[999, /999 bytes, expected 1000/], [1001, /1001 bytes, expected 1000/], [0, /expected/]]) {
      const answer = await all.whole(cache_id, bytes(length));
      assert.equal(answer.status, 400);
      assert.match(answer.body.message, text);
    }
    const chunked = (size) => fetch(`http://${all.address(0)}/cache/${cache_id}`, {
      method: 'PUT', duplex: 'half', headers: all.credentials(0),
      body: new ReadableStream({ start(stream) { stream.enqueue(bytes(size)); stream.close(); } }) });
    const long = await chunked(1001);
    assert.equal(long.status, 400);
    assert.match((await long.json()).message, /longer/);
    const short = await chunked(400);
    assert.equal(short.status, 400);
    assert.match((await short.json()).message, /600 bytes before its end/);
    await until(() => all.status(cache_id), ({ offset }) => offset === 400); // what came counts
    for (const range of ['bytes 400-1000/1000', 'bytes 5-4/1000', 'bytes 0-9/999', 'bytes 0-9', 'bytes */1000', 'x',
      'bytes -5-9/1000', 'bytes 0-18446744073709551616/*', 'bytes 0-18446744073709551615/*'])
      assert.equal((await all.whole(cache_id, bytes(10), { 'Content-Range': range })).status, 400, range);
    assert.equal((await all.whole(cache_id, bytes(1000), { 'Content-Encoding': 'gzip' })).status, 415);
    assert.equal((await all.send('PUT', `/${cache_id}/0`, { body: bytes(1000) })).status, 400); // no hash
    assert.equal((await all.chunk(cache_id, 0, bytes(1000), 'abc')).status, 400);
    for (const number of ['1', '-1', 'x', '0x0', '99999999999999999999', '0/0', '..'])
      assert.equal((await all.chunk(cache_id, number, bytes(1000))).status, 404, number);
    assert.deepEqual((await all.status(cache_id)).received, 400);
  });
});

describe('cache://', { concurrency: 4 }, () => {
  it('goes in every URI of a call, twice in one, and again where it lives until the stop', async (t) => {
    const all = await cached(t);
    const picture = png(30, 20, 5000);
    const uri = await all.upload(picture, { lifetime: 'until_stop', name: 'a.png' });
    const sent = await all.image(uri, uri);
    assert.equal(sent.retcode, 0, sent.message);
    const { data } = await all.api('get_message',
      { message_scene: 'group', peer_id: GROUP, message_seq: sent.data.message_seq });
    assert.deepEqual(data.message.segments.map(({ type, data: { width } }) => [type, width]), [['image', 30], ['image', 30]]);
    const uses = [
      ['set_avatar', { uri }],
      ['set_group_avatar', { group_id: GROUP, image_uri: uri }],
      ['send_group_announcement', { group_id: GROUP, content: 'x', image_uri: uri }],
      ['upload_private_file', { user_id: OTHER, file_name: 'a', file_uri: uri.toUpperCase().replace(/[0-9A-F]{32}/, (x) => x.toLowerCase()) }],
    ];
    for (const [action, params] of uses) {
      const reply = await all.api(action, params);
      assert.equal(reply.retcode, 0, `${action}: ${reply.message}`);
    }
    const sound = await all.upload(wav(1));
    const record = await all.api('send_group_message', { group_id: GROUP, message: [{ type: 'record', data: { uri: sound } }] });
    assert.equal(record.retcode, 0, record.message);
  });

  it('that is for one use stays after a call that failed', async (t) => {
    const all = await cached(t);
    const uri = await all.upload(bytes(100));
    assert.notEqual((await all.image(uri)).retcode, 0); // it is no picture
    assert.equal((await all.file(uri)).retcode, 0);
    const again = await all.file(uri);
    assert.equal(again.retcode, BAD_URI);
    assert.match(again.message, /used up/);
  });

  it('that is for one use is used by one of many calls at once', async (t) => {
    const all = await cached(t);
    const uri = await all.upload(bytes(3_000_000));
    const replies = await Promise.all(Array.from({ length: 8 }, () => all.file(uri)));
    assert.equal(replies.filter(({ retcode }) => retcode === 0).length, 1);
    for (const { retcode } of replies) assert.ok([0, BAD_URI].includes(retcode));
  });

  it('of another bot, unknown, deleted or malformed is a bad URI, in the language of the bots', async (t) => {
    const all = await cached(t, { language: 'zh' });
    const uri = await all.upload(bytes(10), {}, 1);
    const id = uri.slice('cache://'.length);
    for (const bad of [uri, 'cache://', 'cache://..', `cache://${'0'.repeat(32)}`, `cache://../cache/${id}`, `${uri}/`,
      `${uri}?`, `cache://${'a'.repeat(5000)}`, 'cache:///etc/passwd']) {
      const reply = await all.file(bad);
      assert.equal(reply.retcode, BAD_URI, `${bad}: ${reply.message}`);
      assert.match(reply.message, /^file_uri：.*(此 Bot 没有这个上传内容|cache:\/\/ 地址不合法)/);
    }
    for (const method of ['GET', 'PUT', 'DELETE']) assert.equal((await all.send(method, `/${id}`)).status, 404);
    assert.equal((await all.send('DELETE', `/${id}`, { bot: 1 })).status, 200);
    assert.equal((await all.send('DELETE', `/${id}`, { bot: 1 })).status, 404);
    assert.equal((await all.file(uri, 1)).retcode, BAD_URI);
    // Nor by its path.
    const mine = await all.upload(bytes(10));
    const path = join(all.milky.dir, 'data/cache', mine.slice('cache://'.length));
    assert.notEqual((await all.file(`file://${path}`)).retcode, 0);
    assert.notEqual((await all.file(`file://${path}`, 1)).retcode, 0);
  });

  it('is not for people', async (t) => {
    const all = await cached(t);
    const uri = await all.upload(bytes(10));
    const { code, stdout, stderr } = await all.milky.run(['do', 'upload', '--as', '10003001', '--group', `${GROUP}`,
      '--uri', uri]);
    assert.notEqual(code, 0, stdout + stderr);
  });
});

describe('/cache', { concurrency: 4 }, () => {
  it('has the credentials, origins and methods of /api', async (t) => {
    const origin = 'https://console.example';
    const all = await cached(t, { server: { origins: [origin], prefix: '/milky' } });
    const ask = (path, headers, method = 'GET') => fetch(`http://${all.address(0)}/milky/cache${path}`, { method, headers });
    assert.equal((await ask('', {})).status, 401);
    assert.equal((await ask('', { Authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await ask(`?access_token=${TOKEN}`, {})).status, 401);
    const room = await (await ask('', all.credentials(0))).json();
    assert.deepEqual([room.data.chunk_size, room.data.max_bytes, room.data.count], [CHUNK, 4294967296, 0]);
    assert.equal((await ask('', { ...all.credentials(0), Origin: 'https://evil.example' })).headers.get('access-control-allow-origin'), null);
    const allowed = await ask('', { ...all.credentials(0), Origin: origin });
    assert.equal(allowed.headers.get('access-control-allow-origin'), origin);
    const preflight = await ask('/x', { Origin: origin, 'Access-Control-Request-Method': 'PUT' }, 'OPTIONS');
    assert.match(preflight.headers.get('access-control-allow-methods'), /PUT, DELETE/);
    assert.match(preflight.headers.get('access-control-allow-headers'), /Content-Range, X-Content-SHA256/);
    const post = await ask('/0123', all.credentials(0), 'POST');
    assert.equal(post.status, 404);
    const remove = await ask('', all.credentials(0), 'DELETE');
    assert.deepEqual([remove.status, remove.headers.get('allow')], [405, 'GET, HEAD, POST']);
    for (const path of ['/../api', '/%2e%2e', '//', '/x/y/z', `/${'a'.repeat(4000)}`])
      assert.ok([404, 405].includes((await ask(path, all.credentials(0))).status), path);
  });

  it('takes announcements that make sense', async (t) => {
    const all = await cached(t);
    for (const order of [{}, { size: 0 }, { size: -1 }, { size: '5' }, { size: 1.5 }, { size: 5, sha256: 'abc' },
      { size: 5, lifetime: 'for ever' }, { size: 5, name: 7 }, { size: 5, name: 'n'.repeat(256) }, [], 5, 'x'])
      assert.equal((await all.refused(order)).status, 400, JSON.stringify(order));
    const plain = await all.send('POST', '', { body: '{"size":5}' });
    assert.equal(plain.status, 415);
    const broken = await all.send('POST', '', { body: '{', headers: { 'Content-Type': 'application/json' } });
    assert.equal(broken.status, 400);
    assert.equal((await all.refused({ size: 5, name: 'x'.repeat(70_000) })).status, 413);
    const made = await all.announce({ size: 5, name: null, sha256: null, lifetime: null });
    assert.deepEqual([made.name, made.lifetime], ['', 'once']);
  });

  it('has limits: of one, of a bot, of all, and of their number', async (t) => {
    const all = await cached(t, { limits: { cache_bytes: 5000, cache_bytes_per_bot: 3000 } });
    const large = await all.refused({ size: 3001 });
    assert.equal(large.status, 413);
    assert.match(large.body.message, /3000/);
    const { cache_id } = await all.announce({ size: 2000 });
    const more = await all.refused({ size: 1001 });
    assert.deepEqual([more.status, more.body.retcode], [507, -507]);
    assert.match(more.body.message, /3000 bytes \(limits\.cache_bytes_per_bot\): it has 2000/);
    await all.announce({ size: 3000 }, 1);
    const full = await all.refused({ size: 1 });
    assert.equal(full.status, 507);
    assert.match(full.body.message, /limits\.cache_bytes\)/);
    await all.send('DELETE', `/${cache_id}`);
    for (let i = 0; i < 1024; i++) await all.announce({ size: 1 });
    const many = await all.refused({ size: 1 });
    assert.equal(many.status, 507);
    assert.match(many.body.message, /1024 uploads/);
  });

  it('drops an upload that gets nothing, and keeps one that is complete', async (t) => {
    const all = await cached(t, { limits: { cache_seconds: 1 } });
    const kept = (await all.upload(bytes(100))).slice('cache://'.length);
    const { cache_id } = await all.announce({ size: 1000 });
    await all.whole(cache_id, bytes(10), { 'Content-Range': 'bytes 0-9/1000' });
    await until(() => all.status(cache_id), (answer) => answer === 404, 100_000);
    assert.equal((await all.status(kept)).complete, true);
    await until(() => inFolder(all.milky), (names) => names.length === 1);
  });

  it('is empty after a stop, after a crash, and is for its owner alone', async (t) => {
    const ports = [await freePort(), await freePort()];
    const config = { bots: [{ self_id: BOT, http_server: [{ listen: `127.0.0.1:${ports[0]}`, access_token: TOKEN }] }] };
    const milky = await start(t, { config });
    const all = client(milky, ports);
    const uri = await all.upload(bytes(5000), { lifetime: 'until_stop' });
    const folder = join(milky.dir, 'data/cache');
    const [name] = await readdir(folder);
    assert.equal(`cache://${name}`, uri);
    assert.deepEqual([(await stat(folder)).mode & 0o777, (await stat(join(folder, name))).mode & 0o777], [0o700, 0o600]);
    await writeFile(join(folder, 'mine.txt'), 'x'); // not a file of ours
    milky.child.kill('SIGKILL');
    await milky.exit;
    assert.equal((await readdir(folder)).length, 2);
    const second = await start(t, { config, dir: milky.dir });
    assert.deepEqual(await readdir(folder), ['mine.txt']);
    assert.equal((await all.file(uri)).retcode, BAD_URI);
    await all.upload(bytes(10), { lifetime: 'until_stop' });
    const hanging = await all.announce({ size: 1000 });
    const raw = await Raw.connect(all.address(0));
    raw.write(`PUT /cache/${hanging.cache_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`
      + 'Content-Length: 1000\r\n\r\n', bytes(10));
    await until(() => all.status(hanging.cache_id), ({ received }) => received === 10);
    assert.equal(await second.stop(), 0);
    assert.equal((await raw.response()).status, 503);
    assert.deepEqual(await readdir(folder), ['mine.txt']);
    assert.doesNotMatch(second.stderr, /did not end in time/);
  });
});
