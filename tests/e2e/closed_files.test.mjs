// file:// reads what the operator has opened, and no key, configuration or database, under any name.
import assert from 'node:assert/strict';
import { link, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { certificate, folder, freePort, serve } from './fixtures.mjs';
import { BOT, GROUP, botConfig, call } from './harness.mjs';
import { png } from './samples.mjs';

const server = { http_server: [{ listen: '127.0.0.1:0' }] };
const upload = async (milky, path, base = milky.http()) => (await call(base, 'upload_group_file',
  { group_id: GROUP, file_name: 'a', file_uri: `file://${path}` })).body;

async function isRefused(milky, path, base) {
  const { retcode, message } = await upload(milky, path, base);
  assert.deepEqual([path, retcode], [path, -120]);
  assert.match(message, /not for bots/);
}

describe('file://', { concurrency: 4 }, () => {
  it('reads data_dir alone where no root is configured, and the error names the key', async (t) => {
    const milky = await serve(t, botConfig(server));
    await writeFile(join(milky.dir, 'data/a.png'), png(1, 1));
    assert.equal((await upload(milky, join(milky.dir, 'data/a.png'))).retcode, 0);
    await isRefused(milky, join(milky.dir, 'data/journal.db'));
    await isRefused(milky, join(milky.dir, 'data/sandbox/sandbox.db'));
    for (const name of ['a.png', 'milky.png']) {
      await writeFile(join(milky.dir, name), png(1, 1));
      const { retcode, message } = await upload(milky, join(milky.dir, name));
      assert.equal(retcode, -120);
      assert.match(message, /backend\.media\.roots/);
    }
    for (const path of ['/etc/passwd', `/proc/self/cwd/a.png`, '/nowhere']) {
      const { retcode, message } = await upload(milky, path);
      assert.deepEqual([path, retcode], [path, -120]);
      assert.match(message, /backend\.media\.roots/);
    }
  });

  it('reads no key, certificate or configuration below a root, whatever its name', async (t) => {
    const own = await certificate(t);
    const port = await freePort();
    const milky = await serve(t, {
      backend: { media: { roots: ['/'] } },
      bots: [{ self_id: BOT,
        http_server: [...server.http_server,
          { listen: `127.0.0.1:${port}`, tls: { certificate: own.file, key: own.keyFile } }],
        webhook: [{ url: 'https://127.0.0.1:1/', tls: { ca: own.file, certificate: own.file, key: own.keyFile } }] }],
    });
    const here = await folder(t);
    await writeFile(join(here, 'a.png'), png(1, 1));
    assert.equal((await upload(milky, join(here, 'a.png'))).retcode, 0);
    for (const [i, path] of [own.file, own.keyFile, join(milky.dir, 'milky.jsonc')].entries()) {
      await isRefused(milky, path);
      await isRefused(milky, path.replace(/\/([^/])/, '/./$1'));
      await symlink(path, join(here, `soft-${i}`));
      await isRefused(milky, join(here, `soft-${i}`));
      await link(path, join(here, `hard-${i}`));
      await isRefused(milky, join(here, `hard-${i}`));
    }
    // All of data_dir, for its roots are above it.
    await writeFile(join(milky.dir, 'data', 'a.png'), png(1, 1));
    for (const name of ['journal.db', 'journal.db-wal', 'sandbox/sandbox.db', 'a.png'])
      await isRefused(milky, join(milky.dir, 'data', name));
    // This process's own, by way of the kernel.
    for (const path of ['/proc/self/environ', '/proc/self/cmdline', '/proc/self/maps', '/proc/self/exe/../environ'])
      assert.equal((await upload(milky, path)).retcode, -120, path);
    await isRefused(milky, '/proc/self/cwd/milky.jsonc');
  });

  it('does not read the files that a reload names', async (t) => {
    const [own, other] = [await certificate(t), await certificate(t)];
    const ports = [await freePort(), await freePort(), await freePort()];
    const secured = (i, { file, keyFile }) => ({ listen: `127.0.0.1:${ports[i]}`, tls: { certificate: file, key: keyFile } });
    const config = (...servers) => ({ backend: { media: { roots: ['/'] } },
      bots: [{ self_id: BOT, http_server: [{ listen: `127.0.0.1:${ports[2]}` }, ...servers] }] });
    const milky = await serve(t, config(secured(0, own)));
    const base = `http://127.0.0.1:${ports[2]}`;
    const reload = async (next) => {
      await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(next));
      const { code, stderr } = await milky.run(['reload']);
      assert.equal(code, 0, stderr);
    };
    assert.equal((await upload(milky, other.keyFile, base)).retcode, 0);
    await reload(config(secured(0, own), secured(1, other)));
    for (const path of [own.keyFile, other.keyFile, other.file]) await isRefused(milky, path, base);
    await reload(config(secured(1, other)));
    for (const path of [own.keyFile, other.keyFile]) await isRefused(milky, path, base);
  });
});
