// /cache under uploads that are large, endless, slow, too many or that the disk does not take.
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TOKEN, bytes, cached, client, downloaded, sha256 } from './cache_client.mjs';
import { certificate, freePort, start } from './fixtures.mjs';
import { BOT, memory, within } from './harness.mjs';
import { Raw } from './raw.mjs';

const MIB = 1024 * 1024;
const head = (id, lines) => `PUT /cache/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n${lines}\r\n\r\n`;

// Sends `piece` `times` times as one body, as fast as it is taken; `sent` is called after each.
async function pour({ address, credentials }, id, piece, times, sent = () => {}) {
  const [host, port] = address(0).split(':');
  const put = httpRequest({ host, port, path: `/cache/${id}`, method: 'PUT', agent: false,
    headers: { ...credentials(0), 'Content-Length': piece.length * times } });
  const answered = once(put, 'response');
  for (let i = 0; i < times; i++) {
    if (!put.write(piece)) await within(once(put, 'drain'), 'more to be taken', 60000);
    sent(i);
  }
  put.end();
  const [response] = await within(answered, 'the answer', 60000);
  response.resume();
  return response.statusCode;
}

describe('an upload', () => {
  it('of 300 MiB takes no memory, and others are served meanwhile', async (t) => {
    const all = await cached(t);
    const piece = bytes(MIB);
    await all.upload(bytes(5 * MIB), { sha256: sha256(piece), size: 5 * MIB }).catch(() => {}); // OpenSSL's memory
    const { cache_id } = await all.announce({ size: 300 * MIB });
    await all.api('get_login_info', {});
    const before = await memory(all.milky, 'VmHWM');
    let [calls, answered, last] = [[], 0, 0];
    const status = await pour(all, cache_id, piece, 300, (i) => {
      if (i % 10 === 0) calls.push(all.api('get_login_info', {}).then(({ retcode }) => { answered += retcode === 0; }));
      last = answered;
    });
    assert.equal(status, 200);
    const grown = await memory(all.milky, 'VmHWM') - before;
    assert.ok(grown < 8, `${grown} MiB more`);
    assert.ok(last > 0, 'no call was answered before the end');
    await Promise.all(calls);
    assert.equal(answered, 30);
    assert.equal((await all.status(cache_id)).complete, true);
  });

  it('that never ends is cut off at its size', async (t) => {
    const all = await cached(t);
    const { cache_id } = await all.announce({ size: 10 * MIB });
    const before = await memory(all.milky, 'VmHWM');
    const raw = await Raw.connect(all.address(0));
    raw.write(head(cache_id, 'Transfer-Encoding: chunked'));
    raw.pour(Buffer.concat([Buffer.from('10000\r\n'), bytes(65536), Buffer.from('\r\n')]), 1e9);
    const answer = await raw.response();
    assert.equal(answer.status, 400);
    assert.match(answer.text, /longer than it should be/);
    await raw.ended();
    assert.ok(raw.poured * 65536 < 64 * MIB);
    const { complete, offset } = await all.status(cache_id);
    assert.deepEqual([complete, offset < 10 * MIB], [false, true]);
    assert.ok(await memory(all.milky, 'VmHWM') - before < 8);
    for (const framing of ['zz\r\n', '5;a\u0001\r\n', '10000000000000000\r\n']) {
      const bad = await Raw.connect(all.address(0));
      bad.write(head(cache_id, 'Transfer-Encoding: chunked'), '1\r\nx\r\n', framing);
      assert.equal((await bad.response()).status, 400, framing);
      bad.destroy();
    }
  });

  it('that is slow ends with 408, and goes on later', async (t) => {
    const all = await cached(t, { limits: { body_seconds: 1 } });
    const content = bytes(1000);
    const { cache_id } = await all.announce({ size: 1000, sha256: sha256(content) });
    const raw = await Raw.connect(all.address(0));
    raw.write(head(cache_id, 'Content-Length: 1000'), content.subarray(0, 300));
    assert.equal((await raw.response()).status, 408);
    raw.destroy();
    assert.equal((await all.status(cache_id)).offset, 300);
    const rest = await all.whole(cache_id, content.subarray(300), { 'Content-Range': 'bytes 300-999/1000' });
    assert.equal(rest.body.data.complete, true);
  });

  it('is one of 16 of a bot at a time', async (t) => {
    const all = await cached(t);
    const raws = [];
    for (let i = 0; i < 16; i++) {
      const { cache_id } = await all.announce({ size: 10 });
      const raw = await Raw.connect(all.address(0));
      raws.push(raw.write(head(cache_id, 'Content-Length: 10\r\nExpect: 100-continue')));
      assert.equal((await raw.response()).status, 100);
    }
    const { cache_id } = await all.announce({ size: 10 });
    const refused = await all.whole(cache_id, bytes(10));
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    await all.upload(bytes(10), {}, 1); // another bot
    raws[0].write(bytes(10));
    assert.equal((await raws[0].response()).status, 200);
    assert.equal((await all.whole(cache_id, bytes(10))).status, 200);
    for (const raw of raws) raw.destroy();
  });

  it('leaves the connection to the next request, also when it is refused at its end', async (t) => {
    const all = await cached(t);
    const content = bytes(5000);
    const { cache_id } = await all.announce({ size: 5000 });
    const raw = await Raw.connect(all.address(0));
    const chunk = (hash) => head(`${cache_id}/0`, `Content-Length: 5000\r\nX-Content-SHA256: ${hash}`);
    raw.write(chunk(sha256(bytes(1))), content, chunk(sha256(content)), content,
      `GET /cache/${cache_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    assert.equal((await raw.response()).status, 422);
    assert.equal((await raw.response()).json.data.complete, true);
    assert.equal((await raw.response()).json.data.received, 5000);
    raw.destroy();
  });

  it('that the disk does not take is 507, and nothing else is affected', async (t) => {
    const all = await cached(t, { options: { fileBlocks: 4 * 1024 } }); // KiB
    const large = await all.announce({ size: 20 * MIB });
    const small = await all.announce({ size: 1000 });
    const answer = await all.whole(large.cache_id, bytes(20 * MIB)).catch(({ code }) => code);
    // The answer comes in the middle of the body: a client that only looks behind it sees a reset.
    if (typeof answer !== 'string') assert.deepEqual([answer.status, answer.body.retcode], [507, -507]);
    else assert.match(answer, /EPIPE|ECONNRESET/);
    const { complete, offset } = await all.status(large.cache_id);
    assert.ok(!complete && offset > 3 * MIB && offset <= 4 * MIB, `${offset}`);
    await all.milky.log.find((line) => /cache: an upload cannot be stored: .*too large/i.test(line), 'the log');
    assert.equal((await all.whole(small.cache_id, bytes(1000))).status, 200);
    assert.equal((await all.file(small.uri)).retcode, 0);
    assert.equal((await all.send('DELETE', `/${large.cache_id}`)).status, 200);
  });

  it('comes over TLS', async (t) => {
    const { file, keyFile, cert } = await certificate(t);
    const all = await cached(t, { server: { tls: { certificate: file, key: keyFile } } });
    const [host, port] = all.address(0).split(':');
    const content = bytes(3 * MIB);
    const ask = async (method, path, body, headers = {}) => {
      const sent = httpsRequest({ host, port, path, method, ca: cert, headers: { ...all.credentials(0),
        'Content-Length': body.length, ...headers } });
      sent.end(body);
      const [response] = await within(once(sent, 'response'), 'the answer');
      let text = '';
      for await (const chunk of response) text += chunk;
      return JSON.parse(text).data;
    };
    const { cache_id } = await ask('POST', '/cache', JSON.stringify({ size: content.length, sha256: sha256(content) }),
      { 'Content-Type': 'application/json' });
    assert.equal((await ask('PUT', `/cache/${cache_id}`, content)).complete, true);
  });
});

it('uploads of a bot that a reload removes are removed', async (t) => {
  const ports = [await freePort(), await freePort()];
  const bot = (self_id, i) => ({ self_id, http_server: [{ listen: `127.0.0.1:${ports[i]}`,
    ...(i === 0 ? { access_token: TOKEN } : {}) }] });
  const milky = await start(t, { config: { bots: [bot(BOT, 0), bot(BOT + 1, 1)] } });
  const all = client(milky, ports);
  const uri = await all.upload(bytes(100), { lifetime: 'until_stop' });
  await all.upload(bytes(100), { lifetime: 'until_stop' }, 1);
  await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify({ bots: [bot(BOT, 0)] }));
  const { code, stderr } = await milky.run(['reload']);
  assert.equal(code, 0, stderr);
  let names;
  for (let i = 0; i < 1000 && names?.length !== 1; i++) names = await readdir(join(milky.dir, 'data/cache'));
  assert.deepEqual(names.map((name) => `cache://${name}`), [uri]);
  const file = await all.file(uri);
  assert.equal(file.retcode, 0, file.message);
  assert.equal((await downloaded(all, file.data.file_id)).length, 100);
});
