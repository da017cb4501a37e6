// The sandboxing of packaging/milky.service, without systemd: a read-only root, a private /tmp, one folder for
// data, no capabilities and no way to gain any, the configuration as a read-only copy. Skipped where namespaces
// are not permitted.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { folder, freePort } from './fixtures.mjs';
import { BOT, Inbox, call, run, within } from './harness.mjs';

const UNSHARE = ['--user', '--map-root-user', '--mount'];
const may = spawnSync('unshare', [...UNSHARE, 'setpriv', '--version']).status === 0;

// $1 is the one writable folder, the rest is the command. All other folders become read-only.
const CONFINE = `
set -e
data=$1; shift
mount --bind "$data" "$data"
mount -t tmpfs none /dev/shm
awk '{print $2}' /proc/mounts | sort -r | while read -r at; do
  case $at in "$data"*|/dev/shm) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null || : ;; esac
done
if touch /usr/it-is-writable 2>/dev/null; then echo "the root can be written to" >&2; exit 90; fi
cd "$data"
exec env -i LANG=C TMPDIR=/dev/shm PATH=/usr/bin:/bin \\
  setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
`;

test('runs confined as the systemd unit confines it', { skip: may ? false : 'no namespaces here' }, async (t) => {
  const top = await folder(t);
  const [data, credentials, port] = [join(top, 'data'), join(top, 'credentials'), await freePort()];
  const file = join(credentials, 'milky.jsonc');
  await mkdir(data, { mode: 0o700 });
  await mkdir(credentials, { mode: 0o700 });
  await writeFile(file, JSON.stringify({
    data_dir: data, bots: [{ self_id: BOT, http_server: [{ listen: `127.0.0.1:${port}`, access_token: 's3cret' }] }],
  }), { mode: 0o400 });
  const words = (...rest) => [...UNSHARE, 'sh', '-c', CONFINE, 'confine', data, process.env.MILKY, ...rest];
  // ExecStartPre
  const checked = await run(words('check', '-c', file), { command: 'unshare' });
  assert.equal(checked.code, 0, checked.stderr);
  // ExecStart
  const child = spawn('unshare', words('serve', '-c', file), { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const log = new Inbox();
  let stderr = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr += `${line}\n`;
    log.push(line);
  });
  const out = new Inbox();
  createInterface({ input: child.stdout }).on('line', (line) => out.push(line));
  const exit = once(child, 'exit');
  await Promise.race([out.find((line) => line === 'ready', 'it to be ready'), exit.then(() => assert.fail(stderr))]);
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  assert.match(status, /NoNewPrivs:\t1/);
  for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) assert.match(status, new RegExp(`Cap${set}:\t0+\n`), set);
  const ask = (action, params) => call(`http://127.0.0.1:${port}/api`, action, params, { token: 's3cret' });
  assert.equal((await ask('get_login_info')).body.retcode, 0);
  const pixel = 'base64://R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
  const { body } = await ask('set_avatar', { uri: pixel });
  assert.equal(body.retcode, 0, body.message);
  // ExecReload
  child.kill('SIGHUP');
  await log.find((line) => /endpoint: reloaded/.test(line), 'the log to say so');
  // The control socket is in the folder, for its user alone.
  const asked = await run(['status', '-c', file]);
  assert.equal(asked.code, 0, asked.stderr);
  child.kill('SIGTERM');
  assert.deepEqual(await within(exit, 'it to end'), [0, null], stderr);
  assert.doesNotMatch(stderr, / (error|warn ) /);
  assert.deepEqual((await readdir(data)).filter((name) => name.endsWith('.db')).sort(), ['journal.db']);
  assert.ok((await readdir(join(data, 'sandbox'))).includes('sandbox.db'));
});
