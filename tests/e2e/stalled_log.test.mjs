// A reader of milky's output that has stalled (a full pipe, a paused terminal) costs log lines, not calls.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { freePort, hook, text } from './fixtures.mjs';
import { BOT, GROUP, Inbox, call, request, within } from './harness.mjs';

const OTHER = 10002000;
const HOOKS = 10;
const EVENTS = 200; // more than 64 KiB in the pipe, 64 KiB being written, 256 KiB that wait

// A pipe with a reader that does not read until it is told to.
async function pipe(dir, name) {
  const path = join(dir, name);
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  return {
    writer,
    lines() {
      const inbox = new Inbox();
      const input = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true });
      createInterface({ input }).on('line', (line) => inbox.push(line));
      return { inbox, stop: () => input.destroy() };
    },
    reader,
  };
}

// milky with outputs that are not read. Each event makes HOOKS log lines of about 300 bytes: the webhooks answer it with
// words, and the log quotes their URLs.
async function start(t, { format = 'text' } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'milky-e2e-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [receiver, port, operations] = [await hook(t, { answer: () => ({ body: 'words' }) }), await freePort(), await freePort()];
  await writeFile(join(dir, 'milky.jsonc'), JSON.stringify({
    operations: `127.0.0.1:${operations}`,
    log: { format },
    bots: [
      { self_id: BOT, webhook: Array.from({ length: HOOKS }, (_, i) => ({ url: `${receiver.url}/${i}${'long'.repeat(50)}` })) },
      { self_id: OTHER, http_server: [{ listen: `127.0.0.1:${port}` }] },
    ],
  }));
  const [out, err] = [await pipe(dir, 'out'), await pipe(dir, 'err')];
  const child = spawn(process.env.MILKY, ['serve'], {
    cwd: dir, stdio: ['ignore', out.writer, err.writer], env: { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: '' },
  });
  const exit = once(child, 'exit');
  t.after(async () => { child.kill('SIGKILL'); await exit; });
  const banner = out.lines();
  await banner.inbox.find((line) => line === 'ready', 'milky to be ready');
  banner.stop();
  return { receiver, child, exit, err, http: `http://127.0.0.1:${port}`, operations: `127.0.0.1:${operations}` };
}

async function metric(milky, name) {
  const { text: body } = await request(milky.operations, '/metrics', { method: 'GET' });
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
}

// Sends messages until the pipe and the ring behind it are full: each is answered, and posted.
async function fill(milky, events = EVENTS) {
  for (let i = 0; i < events; i++) {
    const { body } = await call(milky.http, 'send_group_message', { group_id: GROUP, message: text(`${i}`) });
    assert.equal(body.status, 'ok');
    for (let n = 0; n < HOOKS; n++) await milky.receiver.next();
  }
}

describe('a log that is not read', () => {
  for (const format of ['text', 'json'])
    it(`costs its lines alone, which are counted, and named when it is read again (${format})`, async (t) => {
      const milky = await start(t, { format });
      await fill(milky);
      const dropped = await metric(milky, 'milky_log_lines_dropped_total');
      assert.ok(dropped > 0 && dropped < EVENTS * HOOKS, `${dropped} of ${EVENTS * HOOKS} lines`);
      const log = milky.err.lines();
      const missing = await log.inbox.find((line) => line.includes('lines are missing here'), 'the log to say what is missing');
      assert.match(missing, new RegExp(`\\b${dropped} lines`));
      if (format === 'json') assert.equal(JSON.parse(missing).level, 'warn');
      milky.child.kill('SIGTERM');
      await log.inbox.find((line) => line.includes('stopping (signal 15'), 'the log to go on');
      assert.deepEqual(await within(milky.exit, 'milky to end'), [0, null]);
      log.stop();
    });

  it('does not keep milky from ending', async (t) => {
    const milky = await start(t);
    await fill(milky);
    milky.child.kill('SIGTERM');
    assert.deepEqual(await within(milky.exit, 'milky to end'), [0, null]);
  });

  it('costs nothing when its reader has gone', async (t) => {
    const milky = await start(t);
    closeSync(milky.err.reader);
    closeSync(milky.err.writer);
    await fill(milky, 20);
    assert.ok(await metric(milky, 'milky_log_lines_dropped_total') > 0);
  });
});
