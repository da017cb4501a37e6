// Signals at any moment: SIGHUP reads the configuration again, or does nothing; it never ends milky.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, serve } from './fixtures.mjs';
import { BOT, call } from './harness.mjs';

const SIGHUP = 1n;
const { MILKY } = process.env;

// Whether a process has a handler for a signal; it has none before its main().
async function catches(pid, number) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const mask = /^SigCgt:\s*([0-9a-f]+)/m.exec(status);
  return mask !== null && ((BigInt(`0x${mask[1]}`) >> (number - 1n)) & 1n) === 1n;
}

describe('signals', () => {
  it('SIGHUP without end neither stops a start nor a stop', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify({ bots: [{ self_id: BOT, http_server: [{ listen: '127.0.0.1:0' }] }] }));
    for (let round = 0; round < 5; round++) {
      const child = spawn(MILKY, ['serve'], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
      t.after(() => child.kill('SIGKILL'));
      const exit = once(child, 'exit');
      let [ended, printed, logged, sent] = [false, '', '', 0];
      exit.then(() => (ended = true));
      child.stderr.on('data', (data) => (logged += data));
      const ready = new Promise((resolve) => child.stdout.on('data', (data) => {
        printed += data;
        if (printed.includes('ready\n')) resolve();
      }));
      while (!ended && !(await catches(child.pid, SIGHUP)));
      const storm = (async () => {
        for (; !ended; sent++) {
          child.kill('SIGHUP');
          await new Promise(setImmediate);
        }
      })();
      await Promise.race([ready, exit]);
      child.kill('SIGTERM');
      const [code, signal] = await exit;
      await storm;
      assert.deepEqual([code, signal], [0, null], logged);
      assert.ok(sent > 10, `${sent} signals`);
    }
  });

  it('SIGUSR1, SIGUSR2, SIGPIPE and SIGXFSZ are ignored', async (t) => {
    const milky = await serve(t, { bots: [{ self_id: BOT, http_server: [{ listen: '127.0.0.1:0' }] }] });
    for (const name of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGXFSZ']) milky.child.kill(name);
    milky.child.kill('SIGHUP');
    while (!/reload|configuration/.test(await milky.log.next('a line of the reload')));
    const { body } = await call(`${milky.http()}/api`, 'get_login_info', {});
    assert.equal(body.status, 'ok');
  });
});
