// URLs that lead from a public address into the private network: redirects, names with two addresses,
// names that change theirs between two requests. In a network of its own (Linux namespaces), where a
// public address is this machine's; skipped where namespaces are not permitted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from './harness.mjs';

const INSIDE = fileURLToPath(new URL('ssrf_inside.mjs', import.meta.url));
const UNSHARE = ['--user', '--map-root-user', '--net', '--mount'];
const may = spawnSync('unshare', [...UNSHARE, 'sh', '-c', 'ip link set lo up']).status === 0;

test('a public address leads to no private one', { skip: may ? false : 'no namespaces here' }, async (t) => {
  const { code, stdout, stderr } = await run([...UNSHARE, process.execPath, INSIDE], { command: 'unshare' });
  assert.equal(code, 0, `${stdout}${stderr}`);
  t.diagnostic(stdout.trim());
});
