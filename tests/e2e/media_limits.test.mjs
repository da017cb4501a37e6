// limits.media_bytes and limits.media_bytes_per_bot: what a bot, and all bots, may keep in the world.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePort, serve } from './fixtures.mjs';
import { BOT, GROUP, call } from './harness.mjs';
import { base64 } from './samples.mjs';

const OTHER = 10001001;
const FULL = -125;
const file = (size, fill) => Buffer.alloc(size, fill);

async function limited(t, limits) {
  const ports = [await freePort(), await freePort()];
  const listen = (port) => ({ http_server: [{ listen: `127.0.0.1:${port}` }] });
  const milky = await serve(t, { limits, backend: { media: { allow_private_addresses: true } },
    bots: [{ self_id: BOT, ...listen(ports[0]) }, { self_id: OTHER, ...listen(ports[1]) }] });
  const ask = async (i, action, params) => (await call(`http://127.0.0.1:${ports[i]}/api`, action, params)).body;
  const upload = (i, uri, to = i ? BOT : OTHER) => ask(i, 'upload_private_file',
    { user_id: to, file_name: 'a.bin', file_uri: uri });
  const group = (uri) => ask(0, 'upload_group_file', { group_id: GROUP, file_name: 'a.bin', file_uri: uri });
  const remove = (file_id) => ask(0, 'delete_group_file', { group_id: GROUP, file_id });
  return { milky, upload, group, remove };
}

const incoming = (milky) => readdir(join(milky.dir, 'data/sandbox/media/sandbox.db.incoming'));

describe('the bytes of media', { concurrency: 4 }, () => {
  it('of one bot have a limit; what is deleted makes room', async (t) => {
    const { milky, group, remove, upload } = await limited(t, { media_bytes_per_bot: 1000 });
    const first = await group(base64(file(600, 1)));
    assert.equal(first.retcode, 0, first.message);
    const refused = await group(base64(file(600, 2)));
    assert.equal(refused.retcode, FULL);
    assert.match(refused.message, /1000.*limits\.media_bytes_per_bot/);
    assert.deepEqual(await incoming(milky), []);
    assert.equal((await upload(1, base64(file(900, 3)))).retcode, 0); // another bot has its own
    assert.equal((await group(base64(file(400, 4)))).retcode, 0); // exactly as much
    assert.equal((await group(base64(file(1, 5)))).retcode, FULL);
    assert.equal((await remove(first.data.file_id)).retcode, 0);
    assert.equal((await group(base64(file(600, 2)))).retcode, 0);
  });

  it('of all bots together have one', async (t) => {
    const { upload } = await limited(t, { media_bytes: 1000 });
    assert.equal((await upload(0, base64(file(600, 1)))).retcode, 0);
    const refused = await upload(1, base64(file(600, 2)));
    assert.equal(refused.retcode, FULL);
    assert.match(refused.message, /1000.*limits\.media_bytes\)/);
    assert.equal((await upload(1, base64(file(400, 3)))).retcode, 0);
  });

  it('count for a download, with a length and without', async (t) => {
    const { milky, group } = await limited(t, { media_bytes_per_bot: 100_000 });
    const server = createServer((request, response) => {
      if (request.url === '/long') response.setHeader('Content-Length', 100_001);
      response.write(file(50_000, 1));
      if (request.url === '/endless') { // until it is not wanted any more
        const more = () => { while (!response.destroyed && response.write(file(16_384, 2))); };
        response.on('drain', more);
        more();
      } else response.end(file(50_001, 3));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    const url = `http://127.0.0.1:${server.address().port}`;
    for (const path of ['/long', '/endless', '/chunked']) {
      const { retcode, message } = await group(url + path);
      assert.deepEqual([path, retcode], [path, FULL], message);
      assert.match(message, /limits\.media_bytes_per_bot/);
      assert.deepEqual(await incoming(milky), []);
    }
  });
});
