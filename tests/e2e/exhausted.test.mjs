// Resources that run out or fail around milky: descriptors, disks, database files, the clock.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Faults, errno } from './faults.mjs';
import { connect, folder, hook, start, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Milky, call, within } from './harness.mjs';

const OTHER = 10001001;
const MING = 10003001;
const listener = () => [{ listen: '127.0.0.1:0' }];
const ask = async (client, action, params = {}) => (await client.call(action, params)).data;
const say = (client, words) => ask(client, 'send_group_message', { group_id: GROUP, message: text(words) });
const FOR_EVER = 1e9;

async function configured(t, extra = {}) {
  const dir = await folder(t);
  const config = {
    backend: { media: { roots: ['.'] } },
    bots: [
      { self_id: BOT, http_server: listener(), websocket_server: listener(), ...extra },
      { self_id: OTHER, websocket_server: listener() },
    ],
  };
  await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(config));
  return dir;
}

// All events of the journal, as a client that has missed everything gets them.
async function past(t, milky, count) {
  const client = await connect(t, `${milky.ws()}?since=0`);
  const words = [];
  while (words.length < count) {
    const event = await client.events.next(`event ${words.length + 1} of ${count}`);
    words.push(textOf(event.data.data));
  }
  return words;
}

// Sends messages until one is accepted again; where it cannot be stored, the connection ends.
async function saysAgain(t, milky, words) {
  await within((async () => {
    for (let reply; reply?.status !== 'ok';) {
      const client = await connect(t, milky.ws(1));
      reply = await Promise.race([say(client, words), client.closed]);
    }
  })(), 'a message to be taken');
}

const lines = (milky, pattern) => milky.stderr.split('\n').filter((line) => pattern.test(line));

describe('exhausted', () => {
  it('without free descriptors it serves its connections, does not spin, and recovers', async (t) => {
    const faults = await Faults.make(t);
    const dir = await configured(t);
    await writeFile(join(dir, 'file.txt'), 'words');
    const milky = await start(t, { dir, env: faults.env, descriptors: 64 });
    const bot = await connect(t, milky.ws(0));
    const other = await connect(t, milky.ws(1));
    const [host, port] = milky.address('http_server').split(':');
    const sockets = Array.from({ length: 80 }, () => connectTcp(port, host).on('error', () => {}));
    await milky.log.find((line) => /cannot accept connections/.test(line), 'the complaint');
    assert.match(milky.stderr, /too many open files \(raise ulimit -n/);

    assert.equal((await say(other, 'one')).status, 'ok');
    assert.equal(textOf((await bot.events.next()).data.data), 'one');
    assert.equal((await ask(bot, 'get_login_info')).status, 'ok');
    const message = [{ type: 'image', data: { uri: `file://${dir}/file.txt` } }];
    const refused = await ask(other, 'send_group_message', { group_id: GROUP, message });
    assert.equal(refused.status, 'failed');
    assert.match(refused.message, /open/i);

    // Ten more tries to accept: without pauses between them they would be over immediately.
    const [accepts, began] = [faults.accepts, Date.now()];
    while (faults.accepts < accepts + 10) assert.equal((await ask(bot, 'get_login_info')).status, 'ok');
    assert.ok(Date.now() - began >= 500, `ten tries in ${Date.now() - began} ms`);
    assert.equal(lines(milky, /cannot accept/).length, 1);

    for (const socket of sockets) socket.destroy();
    assert.equal((await call(milky.http(), 'get_login_info')).body.status, 'ok');
    assert.equal(await milky.stop(), 0);
  });

  for (const [name, calls] of [['its disk', ['pwrite', 'write', 'truncate', 'sync']], ['syncing', ['sync']]]) {
    it(`full disk (${name}): nothing is acknowledged, the log says so once, and it recovers`, async (t) => {
      const faults = await Faults.make(t);
      const dir = await configured(t);
      const milky = await start(t, { dir, env: faults.env });
      let other = await connect(t, milky.ws(1));
      assert.equal((await say(other, 'before')).status, 'ok');
      faults.arm({ calls, times: FOR_EVER, error: errno.ENOSPC });
      for (let i = 0; i < 50; i++) {
        const reply = await Promise.race([say(other, 'lost').catch(() => undefined), other.closed]);
        assert.notEqual(reply?.status, 'ok');
        if (reply?.status === 'failed') assert.match(reply.message, /disk|database/);
        else other = await connect(t, milky.ws(1));
      }
      const complaints = lines(milky, / error +(sandbox|journal):/);
      assert.ok(complaints.length > 0 && complaints.length <= 6, complaints.join('\n'));
      assert.ok(faults.disarm().fired > 0);
      await saysAgain(t, milky, 'after');
      assert.equal(await milky.stop(), 0);
      const again = await start(t, { dir });
      const words = await past(t, again, 2);
      assert.deepEqual(words, ['before', 'after']);
      assert.equal(await again.stop(), 0);
    });
  }

  it('a journal whose disk is full keeps its events until there is room', async (t) => {
    const faults = await Faults.make(t);
    const posted = [];
    const receiver = await hook(t, { answer: ({ text: body }) => { posted.push(textOf(JSON.parse(body).data)); return { status: 204 }; } });
    const dir = await configured(t, { webhook: [{ url: receiver.url }] });
    const milky = await start(t, { dir, env: faults.env });
    const other = await connect(t, milky.ws(1));
    const words = ['before'];
    assert.equal((await say(other, 'before')).status, 'ok');
    while (posted.length === 0) await receiver.next();
    // With the second of these the 204 has been read, too, and how far the webhook has got is stored.
    for (let i = 0; i < 2; i++) await call(milky.http(), 'get_login_info');
    faults.arm({ calls: ['pwrite'], file: 'journal.db-wal', times: FOR_EVER, error: errno.ENOSPC });
    // The world has it on its disk, so the event leaves at once. That the journal cannot be written shows when it is committed.
    assert.equal((await say(other, words[words.push('kept') - 1])).status, 'ok');
    while (!posted.includes('kept')) await receiver.next();
    await within((async () => { while (!/calls that make events fail/.test(milky.stderr)) await once(milky.child.stderr, 'data'); })(), 'the journal to fail');
    const reply = await Promise.race([say(other, words[words.push('lost') - 1]).catch(() => undefined), other.closed]);
    assert.notEqual(reply?.status, 'ok');
    // The caller gets no reply before the journal has stored the event; neither does any client get the event.
    await call(milky.http(), 'get_login_info').catch(() => {});
    assert.ok(!posted.includes('lost'), 'the webhook got an event that is not stored');
    assert.ok(faults.disarm().fired >= 2);
    assert.match(milky.stderr, /error +journal: calls that make events fail until events can be stored/);
    await saysAgain(t, milky, 'after');
    assert.match(milky.stderr, /journal: events are stored again/);
    assert.deepEqual(await past(t, milky, words.length + 1), [...words, 'after']);
    await within((async () => { while (!posted.includes('after')) await receiver.next(); })(), 'the webhook to get all');
    assert.deepEqual(posted.slice(0, words.length + 1), [...words, 'after']);
    assert.equal(await milky.stop(), 0);
  });

  it('a crash while the disk of the journal is full loses no event', async (t) => {
    const faults = await Faults.make(t);
    const dir = await configured(t);
    const milky = await start(t, { dir, env: faults.env });
    const other = await connect(t, milky.ws(1));
    faults.arm({ calls: ['pwrite'], file: 'journal.db-wal', times: FOR_EVER, error: errno.ENOSPC });
    const words = ['one', 'two', 'three'];
    for (const { status } of await Promise.all(words.map((word) => say(other, word)))) assert.equal(status, 'ok');
    milky.child.kill('SIGKILL');
    await milky.exit;
    const again = await start(t, { dir });
    while (!/: 3 events that the journal lacked were restored/.test(await again.log.next('the line about restored events')));
    assert.deepEqual(await past(t, again, 3), words);
  });

  it('it does not start on a read-only disk, and gives the reason', async (t) => {
    const faults = await Faults.make(t);
    const dir = await configured(t);
    await (await Milky.start({ dir })).stop();
    faults.arm({ calls: ['open', 'pwrite', 'write', 'truncate', 'sync', 'unlink', 'rename'], times: FOR_EVER, error: errno.EROFS });
    await assert.rejects(Milky.start({ dir, env: faults.env }), /ended with 1 .*\n.*error +(journal|sandbox): .*data\/(journal|sandbox)\.db/s);
  });

  // The file is changed while milky does not run; then it is started again, and its messages are kept.
  const damages = {
    'a header of garbage': async (path) => {
      const file = await open(path, 'r+');
      await file.write(Buffer.alloc(100, 'x'), 0, 100, 0);
      await file.close();
    },
    'cut off in the middle': async (path) => truncate(path, Math.floor((await stat(path)).size / 2 / 4096) * 4096 + 100),
    'every page but the first overwritten': async (path) => {
      const file = await open(path, 'r+');
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096);
      await file.close();
    },
  };
  for (const name of ['journal.db', 'sandbox/sandbox.db']) {
    for (const [damage, doIt] of Object.entries(damages)) {
      it(`${name}, ${damage}: it names the file, and acknowledges nothing`, async (t) => {
        const dir = await configured(t);
        const first = await Milky.start({ dir });
        const speaker = await connect(t, first.ws(1));
        for (let i = 0; i < 30; i++) await say(speaker, `word ${i}`);
        assert.equal(await first.stop(), 0);
        const path = join(dir, 'data', name);
        await doIt(path);
        const before = await readFile(path);
        const error = await Milky.start({ dir }).then((milky) => milky.stop(), (failure) => failure);
        assert.ok(error instanceof Error, 'it started');
        assert.match(error.message, /ended with 1/);
        assert.match(error.message, new RegExp(`data/${name}`));
        assert.match(error.message, /damaged|not a database|malformed/);
        assert.ok(before.equals(await readFile(path)), 'the damaged file was changed');
      });
    }
  }

  it('no event is lost when the clock jumps a year ahead and back', async (t) => {
    const faults = await Faults.make(t);
    const milky = await start(t, { dir: await configured(t), env: faults.env });
    const other = await connect(t, milky.ws(1));
    const words = [];
    for (const days of [0, 365, 0, -1]) {
      faults.clock = days * 86400 * 1000;
      const said = [];
      for (let i = 0; i < 300; i++) { // the journal forgets old events every 256
        words.push(`${days} ${words.length}`);
        said.push(say(other, words.at(-1)));
      }
      for (const { status } of await Promise.all(said)) assert.equal(status, 'ok');
    }
    assert.deepEqual(await past(t, milky, words.length), words);
    assert.equal(await milky.stop(), 0);
  });

  it('timers and dates of receivers do not depend on a correct clock', async (t) => {
    const faults = await Faults.make(t);
    let refusals = 0;
    const receiver = await hook(t, {
      answer: () => (refusals++ < 1
        ? { status: 503, headers: { 'Retry-After': new Date(Date.now() + 1000).toUTCString() } }
        : { status: 204 }),
    });
    const milky = await start(t, { dir: await configured(t, { webhook: [{ url: receiver.url }] }), env: faults.env });
    for (const [days, word] of [[-1, 'behind'], [365, 'ahead']]) {
      faults.clock = days * 86400 * 1000;
      refusals = 0;
      await milky.say(MING, { to: BOT }, word);
      await receiver.next();
      assert.equal(textOf((await receiver.next()).body.data), word);
    }
    assert.equal(await milky.stop(), 0);
  });
});
