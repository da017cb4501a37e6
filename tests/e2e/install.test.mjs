// An installation by `make install` needs nothing of its build folder, serves as any user, and can be linked. All
// programs here run where that folder is hidden or removed.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, filesBelow, folder, text } from './fixtures.mjs';
import { BOT, Inbox, call, run, within } from './harness.mjs';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const BUILD = dirname(process.env.MILKY);
const AS_ROOT = process.getuid() === 0;
const UNPRIVILEGED = 65534;
// A build with a sanitizer cannot be installed: it needs its runtime loaded first.
const about = async (what) => JSON.parse(await readFile(join(BUILD, 'meson-info', `intro-${what}.json`), 'utf8'));
const options = await about('buildoptions');
const option = (name) => options.find((one) => one.name === name).value;
const { version } = await about('projectinfo');
const skip = option('b_sanitize') === 'none' ? false : 'a build with sanitizers';

// A command that runs where the folder of the sources is empty.
const UNSHARE = [...(AS_ROOT ? [] : ['--user', '--map-root-user']), '--mount'];
const HIDDEN = ['sh', '-c', 'mount -t tmpfs none "$0" && test ! -e "$0/meson.build" && exec "$@"', ROOT];
const mayHide = spawnSync('unshare', [...UNSHARE, ...HIDDEN, 'true'], { cwd: '/' }).status === 0;
const hidden = (...words) => (mayHide ? ['unshare', ...UNSHARE, ...HIDDEN, ...words] : words);
const unprivileged = (...words) =>
  hidden(...(AS_ROOT ? ['setpriv', `--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, '--clear-groups'] : []), ...words);

// Its output; the command must succeed.
async function output([command, ...args], { cwd = '/', env } = {}) {
  const result = await run(args, { command, cwd, env });
  assert.equal(result.code, 0, `${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

const words = async (...args) => (await output(...args)).trim().split(/\s+/);

// A folder that every user can read.
async function open(t) {
  const dir = await folder(t);
  await chmod(dir, 0o755);
  return dir;
}

// The installation below `top`, which holds a prefix: its folders, found by their files.
async function installed(top) {
  const all = await filesBelow(top);
  const at = (name) => {
    const found = all.filter((path) => path === name || path.endsWith(`/${name}`));
    assert.equal(found.length, 1, `one ${name} in\n${all.join('\n')}`);
    return join(top, found[0]);
  };
  return {
    all,
    program: at('bin/milky'),
    so: at('libmilky.so'),
    archive: at('libmilky.a'),
    pc: at('pkgconfig/milky.pc'),
    headers: dirname(at('include/milky/milky.h')),
    schema: at('share/milky/milky.schema.json'),
  };
}

// Checks everything that needs no running program.
async function inspect({ program, so, archive, headers, schema }) {
  const public_ = (await readdir(join(ROOT, 'include', 'milky'))).filter((name) => name.endsWith('.h'));
  assert.deepEqual((await readdir(headers)).sort(), [...public_, 'version.h'].sort());
  assert.equal(await readFile(schema, 'utf8'), await readFile(join(ROOT, 'docs', 'milky.schema.json'), 'utf8'));
  assert.equal((await readFile(archive)).subarray(0, 8).toString(), '!<arch>\n', 'it is an archive, and no thin one');
  const dynamic = await output(['readelf', '-dW', so]);
  assert.match(dynamic, /\(SONAME\).*\[libmilky\.so\.1\]/);
  for (const path of [program, so]) {
    assert.doesNotMatch(await output(['readelf', '-dW', path]), /\((RPATH|RUNPATH)\)/, path);
    const needed = await output(hidden('ldd', path));
    assert.doesNotMatch(needed, /not found/, path);
    assert.ok(!needed.includes(ROOT), needed);
  }
  const exported = (await output(['nm', '-D', '--defined-only', so])).match(/ [BDRTVW] \S+/g);
  assert.deepEqual(exported.filter((line) => !/ milky_/.test(line)), []);
}

// The program, as another user where we are root: prints its version, checks a configuration, serves the sandbox.
async function serves(t, program) {
  const dir = await open(t);
  if (AS_ROOT) await chown(dir, UNPRIVILEGED, UNPRIVILEGED);
  const file = join(dir, 'milky.jsonc');
  await writeFile(file, JSON.stringify({ bots: [{ self_id: BOT, http_server: [{ listen: '127.0.0.1:0' }] }] }));
  assert.equal((await output(unprivileged(program, '--version'))).trim(), `milky ${version}`);
  assert.match(await output(unprivileged(program, 'check', '-c', file)), new RegExp(`${BOT}`));
  const [command, ...args] = unprivileged(program, 'serve', '-c', file);
  const child = spawn(command, args, { cwd: '/', env: { PATH: process.env.PATH, LANG: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const lines = new Inbox();
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  exit.then(() => lines.push(''));
  const line = await lines.find((text) => /http_server/.test(text) || text === '', 'the banner');
  const [address] = /http:\/\/[^/]+/.exec(line) ?? assert.fail(stderr);
  const { status, body } = await call(address, 'get_login_info');
  assert.deepEqual([status, body.retcode, body.data.uin], [200, 0, BOT]);
  if (AS_ROOT) assert.match(await readFile(`/proc/${child.pid}/status`, 'utf8'), new RegExp(`^Uid:\t${UNPRIVILEGED}\t`, 'm'));
  if (mayHide) await assert.rejects(readFile(`/proc/${child.pid}/root${ROOT}/meson.build`), { code: 'ENOENT' });
  child.kill('SIGTERM');
  assert.deepEqual(await within(exit, 'it to end'), [0, null], stderr);
}

// The example of a backend that this command runs: its bot calls over HTTP, and gets its own events over a WebSocket.
async function echoes(t, command, env) {
  const [program, ...args] = hidden(...command, '0');
  const child = spawn(program, args, { cwd: '/', env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  const lines = new Inbox();
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  exit.then(() => lines.push(''));
  const line = await lines.find((text) => /^http_server /.test(text) || text === '', 'its address');
  assert.ok(line, stderr);
  const address = line.split(' ')[1];
  const heard = await connect(t, `ws://${address}/`);
  const login = await call(`http://${address}`, 'get_login_info');
  assert.deepEqual(login.body.data, { uin: 10001, nickname: 'Echo' });
  const impl = await call(`http://${address}/api`, 'get_impl_info');
  assert.equal(impl.body.data.impl_name, 'echo');
  const message = text('你好');
  const sent = await call(`http://${address}/api`, 'send_private_message', { user_id: 20002, message });
  assert.deepEqual([sent.status, sent.body.retcode, sent.body.data.message_seq], [200, 0, 1]);
  const { data: event } = await heard.events.next('the echo');
  assert.deepEqual([event.event_type, event.data.user_id, event.data.segments], ['message_receive', 20002, message]);
  const { data: answer } = await heard.call('send_private_message', { user_id: 20002, message });
  assert.deepEqual([answer.status, answer.data.message_id], ['ok', 'Private:20002:3']);
  assert.equal((await heard.events.next('the next echo')).data.data.message_id, 'Temp:20002:4');
  const picture = [{ type: 'image', data: { uri: 'base64://AA==', sub_type: 'normal' } }];
  assert.equal((await call(`http://${address}/api`, 'send_private_message', { user_id: 20002, message: picture })).body.retcode, -1);
  assert.equal((await call(`http://${address}/api`, 'get_friend_list')).body.retcode, -501);
  child.kill('SIGTERM');
  assert.deepEqual(await within(exit, 'it to end'), [0, null], stderr);
}

describe('an installation', { skip, concurrency: 2 }, () => {
  it('below DESTDIR is complete, and serves where its sources are hidden', async (t) => {
    if (!mayHide) t.diagnostic('no namespaces here: the sources stay in sight');
    const top = await open(t);
    await output(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', top]);
    assert.ok((await filesBelow(top)).every((path) => `/${path}`.startsWith(`${option('prefix')}/`)));
    const there = await installed(top);
    await inspect(there);
    await serves(t, there.program);
  });

  it('below PREFIX, from a copy that is removed, can be linked', async (t) => {
    const [top, work] = [await open(t), await folder(t)];
    const prefix = join(top, 'prefix');
    const copy = join(work, 'milky');
    const left = /^(\.git|data|build|build-[^/]*|(tests|bench)\/.*node_modules)$/;
    await cp(ROOT, copy, { recursive: true, filter: (path) => !left.test(relative(ROOT, path)) });
    // The copy uses the packages that scripts/deps has unpacked.
    await cp(join(ROOT, 'build', 'deps'), join(copy, 'build', 'deps'), { recursive: true }).catch(() => {});
    const built = spawn('make', ['install', `PREFIX=${prefix}`, 'ARGS=-Doptimization=0 -Ddebug=false'], {
      cwd: copy, env: { ...process.env, LANG: 'C', DESTDIR: '', MAKEFLAGS: '' }, stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    built.stderr.on('data', (data) => (stderr += data));
    const [code] = await within(once(built, 'close'), 'the installation', 300000);
    assert.equal(code, 0, stderr);
    // An embedder's own yyjson: the system's, or the source of another copy.
    const own = join(work, 'yyjson');
    await cp(join(copy, 'build', 'deps', 'yyjson'), own, { recursive: true }).catch(() => mkdir(own));
    await rm(copy, { recursive: true });

    const there = await installed(prefix);
    await inspect(there);
    await serves(t, there.program);
    const libdir = dirname(there.so);
    const env = { PKG_CONFIG_PATH: dirname(there.pc), LD_LIBRARY_PATH: libdir };
    const config = (...args) => words(['pkg-config', ...args, 'milky'], { env });
    assert.deepEqual(await config('--modversion'), [version]);
    const warnings = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
    const flags = [...warnings, '-isystem', own, ...(await config('--cflags'))];
    const cc = (...args) => output(['cc', ...flags, ...args]);

    // Each header can be included alone.
    for (const header of await readdir(there.headers)) {
      const source = join(work, 'header.c');
      await writeFile(source, `#include <milky/${header}>\nint nothing;\n`);
      await cc('-c', '-o', '/dev/null', source);
    }

    const object = join(work, 'yyjson.o');
    const hasOwn = (await readdir(own)).length > 0;
    if (hasOwn) await output(['cc', '-w', '-c', '-o', object, join(own, 'yyjson.c')]);
    const yyjson = hasOwn ? [object] : await words(['pkg-config', '--libs', 'yyjson']);
    // The linker prefers a libmilky.so where there is one.
    const archive = join(work, 'archive');
    await mkdir(archive);
    await copyFile(there.archive, join(archive, 'libmilky.a'));
    const linked = {
      dynamic: await config('--libs'),
      static: [`-L${archive}`, ...(await config('--static', '--libs'))],
    };
    for (const [how, libraries] of Object.entries(linked)) {
      const program = join(top, how);
      await cc('-o', program, join(ROOT, 'tests', 'install', 'embedder.c'), ...libraries);
      const needed = await output(['readelf', '-dW', program]);
      assert.equal(/\(NEEDED\).*\[libmilky\.so\.1\]/.test(needed), how === 'dynamic', needed);
      assert.equal(await output(hidden(program), { env }), `${version}\n`);
      await cc('-o', program, join(ROOT, 'tests', 'install', 'embedder_json.c'), ...yyjson, ...libraries);
      assert.equal(await output(hidden(program), { env }), '{"group_id":700000001,"no_cache":false}\n');
    }

    // The examples of backends, in C and in Python.
    const echo = join(top, 'echo');
    const uv = await words(['pkg-config', '--libs', 'libuv']);
    await cc('-o', echo, join(ROOT, 'examples', 'backend', 'echo.c'), ...linked.dynamic, ...uv);
    await echoes(t, [echo], env);
    const python = join(top, 'echo.py');
    await copyFile(join(ROOT, 'examples', 'backend', 'echo.py'), python);
    await echoes(t, ['python3', python], env);
  });
});
