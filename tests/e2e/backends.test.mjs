// Several backends in one configuration, each with its own folder; and a data_dir of an older version, which held
// the files of its one sandbox directly.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, cp, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Faults, errno } from './faults.mjs';
import { folder, freePort, serve, start, textOf } from './fixtures.mjs';
import { BOT, GROUP, call, run } from './harness.mjs';
import { png } from './samples.mjs';

const [OTHER, THIRD] = [10002000, 10003000];
const MING = 10003001;
const NAMES = ['journal.db', 'sandbox'];

const server = (port) => ({ http_server: [{ listen: `127.0.0.1:${port}` }] });
const bot = (self_id, port, backend) => ({ self_id, ...(backend && { backend }), ...server(port) });
const ask = async (port, action, params) => (await call(`http://127.0.0.1:${port}/api`, action, params)).body;
const history = async (port) => (await ask(port, 'get_history_messages',
  { message_scene: 'group', peer_id: GROUP })).data.messages;
const words = async (port) => (await history(port)).map(textOf);
const isThere = (path) => access(path).then(() => true, () => false);
const databases = async (data) => (await readdir(data)).filter((name) => !/\.sock$|-(wal|shm)$/.test(name)).sort();

async function fails(dir, config) {
  if (config) await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(config));
  const { code, stderr } = await run(['serve'], { cwd: dir });
  assert.equal(code, 1, stderr);
  return stderr;
}

describe('backends', { concurrency: 4 }, () => {
  it('a bot has its own, shares one by its name, or has the default one', async (t) => {
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    const shared = { type: 'sandbox', name: 'shared', media: { max_bytes: 1000 } };
    const bots = [bot(BOT, first), bot(OTHER, second, { type: 'sandbox' }), bot(THIRD, third, shared),
      { self_id: 10004000, backend: shared }];
    const milky = await serve(t, { bots });
    assert.deepEqual(milky.banner.filter((line) => /^(bot|backend|milky) /.test(line)).map((line) =>
      line.replace(/^milky [^,]*, .*/, (all) => all.split(',')[0].replace(/^milky [^:]+/, 'milky'))),
    ['milky: 3 backends', `bot ${BOT} (sandbox)`, `bot ${OTHER} (sandbox-${OTHER})`, `bot ${THIRD} (shared)`,
      'bot 10004000 (shared)', 'backend sandbox', `backend sandbox-${OTHER}`, 'backend shared']);
    assert.deepEqual(await databases(join(milky.dir, 'data')), [...NAMES, `sandbox-${OTHER}`, 'shared']);
    for (const name of ['sandbox', `sandbox-${OTHER}`, 'shared'])
      assert.ok((await stat(join(milky.dir, 'data', name, 'sandbox.db'))).isFile());

    // A message in one world makes events in that world alone.
    const say = async (text, ...more) => {
      const { code, stderr } = await milky.run(['say', '--as', `${MING}`, '--group', `${GROUP}`, ...more, text]);
      assert.equal(code, 0, stderr);
    };
    await say('to the first');
    await say('to the second', '--backend', `sandbox-${OTHER}`);
    await say('to the shared one', '--backend', 'shared');
    assert.equal((await words(first)).at(-1), 'to the first');
    assert.equal((await words(second)).at(-1), 'to the second');
    assert.equal((await words(third)).at(-1), 'to the shared one');
    const people = async (...more) => {
      const { stdout } = await milky.run(['world', ...more]);
      return [BOT, OTHER, THIRD, 10004000].filter((self_id) => stdout.includes(`${self_id}`));
    };
    assert.deepEqual(await people(), [BOT]);
    assert.deepEqual(await people('--backend', 'shared'), [THIRD, 10004000]);
    const done = await milky.run(['do', '--backend', `sandbox-${OTHER}`, 'clock', 'advance=1']);
    assert.equal(done.code, 0, done.stderr);

    // Each has its own settings.
    const sent = await ask(third, 'send_group_message', { group_id: GROUP,
      message: [{ type: 'image', data: { uri: `base64://${Buffer.alloc(1001).toString('base64')}` } }] });
    assert.match(sent.message, /1000/);
  });

  it('the status names the backend of each bot, and a name that no backend has is refused', async (t) => {
    const bots = [{ self_id: BOT }, { self_id: OTHER, backend: { name: 'b' } }];
    const milky = await serve(t, { bots });
    const { stdout } = await milky.run(['status', '--json']);
    const status = JSON.parse(stdout);
    assert.deepEqual(status.backends.map(({ name, type, bots }) => [name, type, bots]),
      [['sandbox', 'sandbox', 1], ['b', 'sandbox', 1]]);
    assert.deepEqual(status.backends.map((one) => [one.state, one.calls_in_flight]), [['running', 0], ['running', 0]]);
    assert.deepEqual(status.bots.map(({ backend }) => backend), ['sandbox', 'b']);
    const output = await milky.run(['status']);
    assert.match(output.stdout, /^milky [\d.]+: 2 backends, running/);
    assert.match(output.stdout, new RegExp(`^bot ${OTHER} \\(b\\): `, 'm'));
    const chinese = await milky.run(['status'], { env: { LC_ALL: 'zh_CN.UTF-8' } });
    assert.match(chinese.stdout, /^milky [\d.]+: 2 个后端/);
    for (const [name, said] of [['none', /only \/sandbox\/:action, \/b\/:action and/], ['../endpoint', /letters, digits/], ['', /letters, digits/]]) {
      const { code, stderr } = await milky.run(['world', '--backend', name]);
      assert.equal(code, 1);
      assert.match(stderr, said);
    }
  });

  it('check lists them, without a default backend that no bot uses', async (t) => {
    const dir = await folder(t);
    const file = join(dir, 'milky.jsonc');
    await writeFile(file, JSON.stringify({ backend: { name: 'unused' },
      bots: [{ self_id: BOT, backend: {} }, { self_id: OTHER, backend: { name: 'mine' } }] }));
    const { code, stdout, stderr } = await run(['check', '-c', file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^backend sandbox-${BOT}\\n  sandbox +${dir}/data/sandbox-${BOT}$`, 'm'));
    assert.match(stdout, /^backend mine\n/m);
    assert.doesNotMatch(stdout, /unused/);
    // With one backend there is nothing to distinguish.
    await writeFile(file, JSON.stringify({ bots: [{ self_id: BOT, backend: { name: 'mine' } }] }));
    const one = await run(['check', '-c', file]);
    assert.match(one.stdout, /: sandbox, .*\n.*bot 10001000$/m);
    assert.doesNotMatch(one.stdout, /^backend /m);
  });

  it('file:// cannot read the database of any of them', async (t) => {
    const [first, second] = [await freePort(), await freePort()];
    const media = { roots: ['data'] };
    const milky = await serve(t, { backend: { media }, bots: [bot(BOT, first), bot(OTHER, second, { name: 'b', media })] });
    const data = join(milky.dir, 'data');
    await writeFile(join(data, 'b', 'picture.png'), png(8, 8));
    for (const port of [first, second]) {
      const send = (file) => ask(port, 'send_group_message', { group_id: GROUP,
        message: [{ type: 'image', data: { uri: `file://${data}/${file}` } }] });
      for (const file of ['sandbox/sandbox.db', 'sandbox/sandbox.db-wal', 'b/sandbox.db', 'b/sandbox.db-wal', 'journal.db']) {
        const { retcode, message } = await send(file);
        assert.deepEqual([file, retcode], [file, -120]);
        assert.match(message, /not for bots/);
      }
      assert.equal((await send('b/picture.png')).retcode, 0);
    }
  });

  it('a reload keeps them, and names those whose settings need a restart', async (t) => {
    const port = await freePort();
    const config = (max_bytes, more) => ({ ...more, bots: [bot(BOT, port),
      { self_id: OTHER, backend: { name: 'b', media: { max_bytes } } }] });
    const milky = await serve(t, config(1000));
    const reload = async (...args) => {
      await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config(...args)));
      const { code, stdout, stderr } = await milky.run(['reload']);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await milky.say(MING, { group: GROUP }, 'before');
    assert.equal(await reload(1000), 'reloaded\n');
    assert.equal((await words(port)).at(-1), 'before');
    const said = 'reloaded\n`backend b` has changed: that needs a restart\n`limits` has changed: that needs a restart\n';
    assert.equal(await reload(2000, { limits: { connections: 7 } }), said);
    assert.equal(await reload(2000, { limits: { connections: 7 } }), said);
    assert.match(milky.stderr, /`backend b` has changed: that needs a restart/);
    assert.equal(await reload(1000), 'reloaded\n');
  });

  it('a reload adds and removes them; their worlds stay', async (t) => {
    const [first, second] = [await freePort(), await freePort()];
    const own = { name: 'b' };
    const alone = { bots: [bot(BOT, first)] };
    const both = { bots: [bot(BOT, first), bot(OTHER, second, own)] };
    const milky = await serve(t, alone);
    const reload = async (config) => {
      await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config));
      return milky.run(['reload']);
    };
    const names = async () => {
      const { stdout } = await milky.run(['status', '--json']);
      return JSON.parse(stdout).backends.map(({ name }) => name);
    };
    for (const text of ['first', 'second']) {
      assert.equal((await reload(both)).stdout, 'reloaded\n');
      assert.deepEqual(await names(), ['sandbox', 'b']);
      const { code, stderr } = await milky.run(['say', '--backend', 'b', '--as', `${MING}`, '--group', `${GROUP}`, text]);
      assert.equal(code, 0, stderr);
      if (text === 'second') assert.deepEqual((await words(second)).slice(-2), ['first', 'second']);
      assert.equal((await reload(alone)).stdout, 'reloaded\n');
      assert.deepEqual(await names(), ['sandbox']);
      assert.equal((await words(first)).includes('first'), false);
    }
    // A reload that fails changes nothing: a folder that cannot be created, a bot with another backend.
    await rm(join(milky.dir, 'data', 'b'), { recursive: true });
    await writeFile(join(milky.dir, 'data', 'b'), 'no folder');
    const refused = await reload(both);
    assert.equal(refused.code, 1);
    assert.match(milky.stderr, /data\/b\/sandbox\.db|data\/b: /);
    assert.deepEqual(await names(), ['sandbox']);
    const moved = await reload({ bots: [bot(BOT, first, { name: 'c' })] });
    assert.equal(moved.code, 1);
    assert.match(moved.stderr, /cannot change its backend/);
    assert.equal((await ask(first, 'get_login_info')).retcode, 0);
  });
});

// The files of an older version: its database directly in data_dir, and the contents beside it.
async function oldData(t, { killed = false } = {}) {
  const dir = await folder(t);
  const port = await freePort();
  const config = { bots: [bot(BOT, port)] };
  const milky = await start(t, { dir, config });
  const picture = png(40, 30);
  await writeFile(join(dir, 'picture.png'), picture);
  for (const text of ['one', 'two']) await milky.say(MING, { group: GROUP }, text);
  const { code, stderr } = await milky.run(['say', '--as', `${MING}`, '--group', `${GROUP}`, '--image', 'picture.png']);
  assert.equal(code, 0, stderr);
  await milky.stop(killed ? 'SIGKILL' : 'SIGTERM');
  const data = join(dir, 'data');
  for (const name of await readdir(join(data, 'sandbox'))) await rename(join(data, 'sandbox', name), join(data, name));
  await rm(join(data, 'sandbox'), { recursive: true });
  assert.equal(await isThere(join(data, 'sandbox.db-wal')), killed);
  return { dir, data, port, config, picture };
}

async function isServed(t, { dir, data, port, picture }) {
  const milky = await start(t, { dir });
  const messages = await history(port);
  assert.deepEqual(messages.slice(-3).map(textOf), ['one', 'two', '']);
  const { resource_id } = messages.at(-1).segments[0].data;
  const { url } = (await ask(port, 'get_resource_temp_url', { resource_id })).data;
  assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), picture);
  assert.deepEqual(await databases(data), NAMES);
  await milky.say(MING, { group: GROUP }, 'three');
  assert.equal((await words(port)).at(-1), 'three');
  assert.equal(await milky.stop(), 0);
  return milky.stderr;
}

describe('a data_dir of an older version', { concurrency: 4 }, () => {
  for (const killed of [false, true])
    it(`is taken over completely after ${killed ? 'a crash' : 'a regular stop'}`, async (t) => {
      const old = await oldData(t, { killed });
      assert.match(await isServed(t, old), /moved the world in data\/sandbox\.db to data\/sandbox\/sandbox\.db/);
      const again = await start(t, { dir: old.dir });
      assert.equal((await words(old.port)).at(-1), 'three');
      assert.equal(await again.stop(), 0);
      assert.doesNotMatch(again.stderr, /moved/);
    });

  it('is taken over by the next start where the first was interrupted', async (t) => {
    const steps = [
      async ({ data }) => mkdir(join(data, 'sandbox')),
      async ({ data }) => {
        await mkdir(join(data, 'sandbox'));
        await rename(join(data, 'media'), join(data, 'sandbox', 'media'));
      },
      async ({ data }) => mkdir(join(data, 'sandbox', 'media'), { recursive: true }),
    ];
    for (const step of steps) {
      const old = await oldData(t, { killed: true });
      await step(old);
      await isServed(t, old);
    }
  });

  it('is unchanged after a failure, and taken over by the next start', async (t) => {
    const faults = await Faults.make(t);
    const old = await oldData(t);
    for (const at of [1, 2]) {
      faults.reset();
      faults.arm({ calls: ['rename'], at, error: errno.ENOSPC });
      const { code, stderr } = await run(['serve'], { cwd: old.dir, env: faults.env });
      assert.equal(code, 1, stderr);
      assert.match(stderr, /cannot move data\/(media|sandbox\.db) to data\/sandbox\/.*No space left/);
      assert.ok(await isThere(join(old.data, 'sandbox.db')));
      assert.equal(await isThere(join(old.data, 'media')), at === 1);
    }
    await isServed(t, old);
  });

  it('is left alone while another process uses it', async (t) => {
    const old = await oldData(t);
    const holds = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n" +
      "db.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\nsys.stdin.read()";
    const child = execFile('python3', ['-c', holds, join(old.data, 'sandbox.db')]);
    t.after(() => child.kill());
    await new Promise((resolve) => { child.stdout.once('data', resolve); });
    assert.match(await fails(old.dir), /data\/sandbox\.db: another process has this world open/);
    assert.ok(await isThere(join(old.data, 'media')));
    child.stdin.end();
    await new Promise((resolve) => { child.once('exit', resolve); });
    await isServed(t, old);
  });

  it('is not mixed with a world that is in the new folder', async (t) => {
    const old = await oldData(t);
    await mkdir(join(old.data, 'sandbox'));
    await cp(join(old.data, 'sandbox.db'), join(old.data, 'sandbox', 'sandbox.db'));
    assert.match(await fails(old.dir), /there are two worlds: data\/sandbox\.db, of an earlier version, and data\/sandbox\/sandbox\.db/);
    await rm(join(old.data, 'sandbox', 'sandbox.db'));
    await isServed(t, old);
  });

  it('is not moved where that would break a symbolic link to its contents', async (t) => {
    const old = await oldData(t);
    await rename(join(old.data, 'media'), join(old.dir, 'elsewhere'));
    await symlink('../elsewhere', join(old.data, 'media'));
    assert.match(await fails(old.dir), /cannot move data\/media .*move it by hand/);
    await rm(join(old.data, 'media'));
    await symlink(join(old.dir, 'elsewhere'), join(old.data, 'media'));
    await isServed(t, old);
  });

  it('belongs to the backend named sandbox, and to no other', async (t) => {
    const old = await oldData(t);
    const config = { bots: [bot(BOT, old.port, { name: 'another' })] };
    const other = await start(t, { dir: old.dir, config });
    assert.notEqual((await words(old.port)).at(-1), 'two');
    assert.equal(await other.stop(), 0);
    assert.ok(await isThere(join(old.data, 'sandbox.db')));
    await rm(join(old.data, 'another'), { recursive: true });
    await writeFile(join(old.dir, 'milky.jsonc'), JSON.stringify(old.config));
    await isServed(t, old);
  });
});
