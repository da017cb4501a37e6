// What milky writes is for its user alone, and a configuration that others can read, or whose data_dir cannot be
// used, is said by `milky check`, with its position.
import assert from 'node:assert/strict';
import { chmod, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { certificate, folder, freePort, serve, start } from './fixtures.mjs';
import { BOT, GROUP, botConfig, call, run } from './harness.mjs';
import { base64, png } from './samples.mjs';

const server = { http_server: [{ listen: '127.0.0.1:0' }] };
const mode = async (path) => (await stat(path)).mode & 0o777;

// The files and folders below, with their modes, but for sockets.
async function modes(dir, under = '') {
  const all = [];
  for (const entry of await readdir(join(dir, under), { withFileTypes: true })) {
    const path = join(under, entry.name);
    if (entry.isSocket()) continue;
    all.push([path, await mode(join(dir, path))]);
    if (entry.isDirectory()) all.push(...await modes(dir, path));
  }
  return all;
}

async function isPrivate(milky) {
  const found = await modes(join(milky.dir, 'data'));
  assert.ok(found.length > 4, found);
  for (const [path, bits] of found) assert.equal(bits & 0o077, 0, `${path} ${bits.toString(8)}`);
}

async function useMedia(milky) {
  const message = [{ type: 'image', data: { uri: base64(png(3, 3)) } }];
  const { body } = await call(`${milky.http()}/api`, 'send_group_message', { group_id: GROUP, message });
  assert.equal(body.retcode, 0, JSON.stringify(body));
}

describe('permissions', () => {
  for (const umask of [0o000, 0o022])
    it(`of what is made do not depend on the umask ${umask.toString(8)}`, async (t) => {
      const before = process.umask(umask);
      const milky = await serve(t, botConfig(server)).finally(() => process.umask(before));
      await useMedia(milky);
      await isPrivate(milky);
    });

  it('of files that others could read are tightened by the start, which says so', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig(server)));
    const milky = await start(t, { dir });
    await useMedia(milky);
    assert.equal(await milky.stop(), 0);
    const data = join(dir, 'data');
    for (const [path, bits] of await modes(data)) await chmod(join(data, path), bits | 0o055);
    await chmod(data, 0o755);
    const checked = await run(['check'], { cwd: dir });
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stderr, /milky\.jsonc:1:1: data_dir: .*journal\.db/);
    const again = await serve(t, undefined, { dir });
    for (const name of ['journal.db', 'sandbox/sandbox.db']) assert.equal(await mode(join(data, name)), 0o600);
    assert.equal(await mode(join(data, 'sandbox/media')), 0o700);
    assert.match(again.stderr, /journal\.db was open to other users/);
    assert.match(again.stderr, /sandbox\.db was open to other users/);
    const silent = await run(['check'], { cwd: dir });
    assert.doesNotMatch(silent.stderr, /journal\.db/);
  });

  it('of keys, and of a configuration with secrets, are checked', async (t) => {
    const dir = await folder(t);
    const own = await certificate(t);
    const file = join(dir, 'milky.jsonc');
    const check = () => run(['check', '-c', file]);
    await chmod(own.keyFile, 0o644);
    await writeFile(file, `{ "bots": [{ "self_id": ${BOT}, "http_server": [{\n"listen": "127.0.0.1:3000",\n`
      + ` "access_token": "s3cret",\n "tls": { "certificate": "${own.file}", "key": "${own.keyFile}" } }] }] }`);
    await chmod(file, 0o644);
    const open = await check();
    assert.equal(open.code, 0, open.stderr);
    assert.match(open.stderr, /milky\.jsonc:3:18: bots\[0\]\.http_server\[0\]\.access_token: .*can read .*milky\.jsonc/);
    assert.match(open.stderr, /milky\.jsonc:4:\d+: bots\[0\]\.http_server\[0\]\.tls\.key: .*can read the key/);
    assert.doesNotMatch(open.stderr, /s3cret/);
    await chmod(file, 0o600);
    await chmod(own.keyFile, 0o600);
    assert.equal((await check()).stderr, '');
  });

  it('of keys, and of a configuration with secrets, are checked for their group, too', async (t) => {
    const dir = await folder(t);
    const own = await certificate(t);
    const file = join(dir, 'milky.jsonc');
    const check = (env = { LANG: 'en_US.UTF-8' }) => run(['check', '-c', file], { env });
    const write = (bot) => writeFile(file, JSON.stringify({ bots: [{ self_id: BOT, ...bot }] }));
    const tls = { certificate: own.file, key: own.keyFile };
    const places = {
      'http_server[0]': { http_server: [{ listen: '127.0.0.1:3000', tls }] },
      'websocket_server[0]': { websocket_server: [{ listen: '127.0.0.1:3000', tls }] },
      'websocket_client[0]': { websocket_client: [{ url: 'wss://bots.example/', tls }] },
      'webhook[0]': { webhook: [{ url: 'https://bots.example/', tls }] },
    };
    for (const [place, bot] of Object.entries(places)) {
      await write(bot);
      await chmod(file, 0o640); // without a secret
      for (const bits of [0o640, 0o660, 0o440]) {
        await chmod(own.keyFile, bits);
        const { code, stderr } = await check();
        assert.equal(code, 0, stderr);
        assert.ok(stderr.includes(`bots[0].${place}.tls.key: warning: the group of the key ${own.keyFile} can read it (mode 0${bits.toString(8)}): chmod 600`), stderr);
        assert.match((await check({ LANG: 'zh_CN.UTF-8' })).stderr, /tls\.key: 警告：密钥 .* 的所属组可以读取它/);
      }
      await chmod(own.keyFile, 0o644);
      assert.match((await check()).stderr, /every user of this machine can read the key/);
      assert.doesNotMatch((await check()).stderr, /the group/);
      await chmod(own.keyFile, 0o400);
      assert.equal((await check()).stderr, '');
    }
    await write({ http_server: [{ listen: '127.0.0.1:3000', access_token: 's3cret' }] });
    const { stderr } = await check();
    assert.match(stderr, /http_server\[0\]\.access_token: warning: there is a secret here, and the group of .* can read it \(mode 0640\)/);
    assert.doesNotMatch(stderr, /s3cret/);
    assert.match((await check({ LANG: 'zh_CN.UTF-8' })).stderr, /此处含有机密，而 .* 的所属组可以读取它/);
    await chmod(file, 0o600);
    assert.equal((await check()).stderr, '');
  });

  it('a data_dir that cannot be used is a mistake with a position, at check, start and reload', async (t) => {
    const dir = await folder(t);
    const file = join(dir, 'milky.jsonc');
    await writeFile(join(dir, 'a-file'), 'x');
    await symlink(join(dir, 'nowhere'), join(dir, 'dangling'));
    const port = await freePort();
    const config = (data_dir) => `{\n  "data_dir": ${JSON.stringify(data_dir)}, "control": "unix:${dir}/c.sock",\n`
      + `  "bots": [{ "self_id": ${BOT}, "http_server": [{ "listen": "127.0.0.1:${port}" }] }] }`;
    for (const bad of ['a-file', 'a-file/below', 'a-file/far/below', 'dangling', 'dangling/below']) {
      await writeFile(file, config(bad));
      for (const command of ['check', 'serve']) {
        const { code, stderr } = await run([command, '-c', file]);
        assert.deepEqual([bad, command, code], [bad, command, 1]);
        assert.match(stderr, /milky\.jsonc:2:15: data_dir: (expected a folder .*, got the file|cannot make or write data_dir) \//, bad);
      }
    }
    await writeFile(file, config('good/below'));
    assert.equal((await run(['check', '-c', file])).code, 0);
    const milky = await serve(t, undefined, { dir });
    await writeFile(file, config('a-file'));
    const { code, stderr } = await milky.run(['reload']);
    assert.equal(code, 1);
    assert.match(stderr, /data_dir: expected a folder/);
  });
});
