// Damaged, deleted and older files of a journal: no number is given twice, and what cannot be restored is a gap to every
// receiver.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { folder, freePort, hook, reverse, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Milky, call, within } from './harness.mjs';

const OTHER = 10002000;
const COUNT = 60;

// What one receiver was told: a word or a gap for each number, in order.
class Told {
  constructor() {
    this.words = new Map();
    this.gaps = [];
    this.changed = () => {};
  }

  event(number, word) {
    const before = this.words.get(number);
    assert.ok(before === undefined || before === word, `${number} was ${before} and is ${word}`);
    this.words.set(number, word);
    this.changed();
  }

  gap(from, to) {
    this.gaps.push([from, to]);
    this.changed();
  }

  knows(number) {
    return this.words.has(number) || this.gaps.some(([from, to]) => from <= number && number <= to);
  }

  async upTo(last) {
    const missing = () => Array.from({ length: last }, (_, i) => i + 1).filter((number) => !this.knows(number));
    while (missing().length > 0)
      await within(new Promise((resolve) => (this.changed = resolve)), `numbers ${missing().slice(0, 3)}`);
  }

  message(message) {
    if (message.post_type === 'gap') this.gap(message.data.from, message.data.to);
    else if (message.post_type === 'event') this.event(message.number ?? message.data.number, textOf(message.data.data));
  }
}

// A milky that is killed once all three receivers have the first COUNT events; `harm` gets its data_dir. Then it is
// started again. `events`: how many of them a new client gets then.
async function world(t, harm, signal = 'SIGKILL') {
  const [posted, pushed] = [new Told(), new Told()];
  const receiver = await hook(t);
  receiver.answer = ({ headers, text: body }) => {
    const gap = /^(\d+)-(\d+)$/.exec(headers['x-milky-gap'] ?? '');
    if (gap) posted.gap(Number(gap[1]), Number(gap[2]));
    posted.event(Number(headers['x-milky-delivery']), textOf(JSON.parse(body).data));
    return { status: 204 };
  };
  const peer = await reverse(t);
  peer.wss.on('connection', (socket) => socket.on('message', (data) => pushed.message(JSON.parse(data))));
  const dir = await folder(t);
  const [port, streams] = [await freePort(), await freePort()];
  await writeFile(join(dir, 'milky.jsonc'), JSON.stringify({
    bots: [
      { self_id: OTHER, http_server: [{ listen: '127.0.0.1:0' }] },
      {
        self_id: BOT,
        http_server: [{ listen: `127.0.0.1:${streams}` }],
        websocket_server: [{ listen: `127.0.0.1:${port}` }],
        webhook: [{ url: receiver.url }],
        websocket_client: [{ url: `ws://127.0.0.1:${peer.port}/`, replay: true }],
      },
    ],
  }));
  let milky;
  t.after(() => milky.child.kill('SIGKILL'));
  const run = async () => {
    milky = await Milky.start({ dir });
    return milky;
  };
  const speak = async (from, to) => {
    for (let i = from; i <= to; i++) {
      const { body } = await call(`${milky.http()}/api`, 'send_group_message', { group_id: GROUP, message: text(`word ${i}`) });
      assert.equal(body.status, 'ok', body.message);
    }
  };
  const since = async (number) => {
    const told = new Told();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?since=${number}`);
    t.after(() => socket.terminate());
    socket.on('message', (data) => told.message(JSON.parse(data)));
    await once(socket, 'open');
    return told;
  };
  const stream = async (number) => {
    const told = new Told();
    const response = await fetch(`http://127.0.0.1:${streams}/event?since=${number}`);
    (async () => {
      let text = '';
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const parts = (text + piece).split(/\r?\n\r?\n/);
        text = parts.pop();
        for (const part of parts) {
          const field = (name) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(part)?.[1];
          const data = field('data') && JSON.parse(field('data'));
          if (field('event') === 'milky_gap') told.gap((data.data ?? data).from, (data.data ?? data).to);
          else if (field('id')) told.event(Number(field('id')), textOf(data.data));
        }
      }
    })().catch(() => {}); // it ends with milky
    return told;
  };
  await run();
  await speak(1, COUNT / 2);
  const data = join(dir, 'data');
  const backup = join(dir, 'backup.db');
  await copyFile(join(data, 'journal.db'), backup);
  await speak(COUNT / 2 + 1, COUNT);
  for (const told of [posted, pushed]) await told.upTo(COUNT);
  milky.child.kill(signal);
  await milky.exit;
  await harm(data, backup);
  await run();
  return { posted, pushed, since, stream, speak, log: milky.log };
}

async function flip(path, part) {
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length * part)] ^= 4;
  await writeFile(path, bytes);
}

async function remove(dir, pattern) {
  const names = (await readdir(dir)).filter((name) => pattern.test(name));
  assert.ok(names.length > 0, `${pattern}`);
  for (const name of names) await rm(join(dir, name));
}

const harms = {
  'one flipped bit in the log': (dir) => flip(join(dir, 'journal.db-wal'), 0.5),
  'one flipped bit in the head of the log': (dir) => flip(join(dir, 'journal.db-wal'), 0.0001),
  'a deleted log': (dir) => remove(dir, /^journal\.db-(wal|shm)$/),
  'a zeroed log': async (dir) => {
    const path = join(dir, 'journal.db-wal');
    await writeFile(path, Buffer.alloc((await readFile(path)).length));
  },
  'a deleted journal': (dir) => remove(dir, /^journal\.db(-wal|-shm)?$/),
  'an older journal': async (dir, backup) => {
    await remove(dir, /^journal\.db-(wal|shm)$/);
    await copyFile(backup, join(dir, 'journal.db'));
  },
};

describe('damage of the journal', () => {
  for (const [name, harm] of Object.entries(harms)) {
    it(`${name}: what the world has kept is restored`, async (t) => {
      const { posted, pushed, since, speak, log } = await world(t, harm);
      const all = await since(0);
      await speak(COUNT + 1, COUNT + 3);
      for (const told of [all, posted, pushed]) {
        await told.upTo(COUNT + 3);
        assert.deepEqual(told.gaps, []);
        for (let i = 1; i <= COUNT + 3; i++) assert.equal(told.words.get(i), `word ${i}`);
      }
      for (const line of [/\d+ to 60 of bot 10001000 are missing/, /\d+ events that the journal lacked were restored/])
        while (!line.test(await log.next(`${line}`)));
    });

    it(`${name}, and the world is gone too: the rest is a gap to everyone`, async (t) => {
      const { posted, pushed, since, speak } = await world(t, async (dir, backup) => {
        await harm(dir, backup);
        await rm(join(dir, 'sandbox'), { recursive: true });
      });
      const [all, late] = [await since(0), await since(COUNT - 5)];
      await speak(COUNT + 1, COUNT + 3);
      for (const told of [all, late, posted, pushed]) {
        await told.upTo(told === late ? 0 : COUNT + 3);
        if (told === late) while (!told.words.has(COUNT + 3)) await within(new Promise((resolve) => (told.changed = resolve)), 'the last');
        for (let i = COUNT + 1; i <= COUNT + 3; i++) assert.equal(told.words.get(i), `word ${i}`);
      }
      for (const [number, word] of all.words) assert.equal(word, `word ${number}`);
      // They had them all, and get a gap only where the log has lost their positions too.
      for (const { gaps } of [posted, pushed]) for (const [from, to] of gaps) assert.ok(from >= all.gaps[0][0] && to === COUNT);
      assert.equal(all.gaps.length, 1);
      assert.equal(all.gaps[0][1], COUNT);
      assert.deepEqual(late.gaps, [[COUNT - 4, COUNT]]);
    });
  }

  for (const [name, part, said] of [
    ['one flipped bit', 0.5, /sandbox\.db-wal is damaged: the last \d+ of its \d+ changes are lost, and messages/],
    ['one flipped bit in the head', 0.000001, /the head of .*sandbox\.db-wal is damaged, so all changes in it are lost/],
  ])
    it(`${name} of the world's log: it is told, and the events stay`, async (t) => {
      const { posted, pushed, since, speak, log } = await world(t, (dir) => flip(join(dir, 'sandbox', 'sandbox.db-wal'), part));
      while (!said.test(await log.next(`${said}`)));
      const all = await since(0);
      await speak(COUNT + 1, COUNT + 3);
      for (const told of [all, posted, pushed]) {
        await told.upTo(COUNT + 3);
        for (let i = COUNT + 1; i <= COUNT + 3; i++) assert.equal(told.words.get(i), `word ${i}`);
      }
    });

  // SQLite does not notice it: the text of one event, in the database of a milky that was stopped.
  const harmRow = async (data) => {
    const path = join(data, 'journal.db');
    const bytes = await readFile(path);
    const at = bytes.indexOf('word 17');
    assert.ok(at > 0);
    bytes[at + 6] ^= 1; // "word 16"
    await writeFile(path, bytes);
  };

  it('a flipped bit in an event: what the world has kept is restored', async (t) => {
    const { since } = await world(t, harmRow, 'SIGTERM');
    const all = await since(0);
    await all.upTo(COUNT);
    assert.deepEqual([all.gaps, all.words.get(17)], [[], 'word 17']);
  });

  it('a flipped bit in an event: a gap to everyone, where no one else has it', async (t) => {
    const { since, stream, log } = await world(t, async (data) => {
      await harmRow(data);
      await rm(join(data, 'sandbox'), { recursive: true });
    }, 'SIGTERM');
    const [all, read] = [await since(0), await stream(0)];
    for (const told of [all, read]) {
      await told.upTo(COUNT);
      assert.deepEqual(told.gaps, [[17, 17]]);
      assert.deepEqual([told.words.get(16), told.words.get(18)], ['word 16', 'word 18']);
    }
    while (!/from number 17 on cannot be read, up to number 17: the file is damaged/.test(await log.next('the damage')));
  });

  it('a client that has seen more than anything here knows of gets a gap', async (t) => {
    const { since, speak } = await world(t, (dir) => rm(dir, { recursive: true }));
    const late = await since(COUNT);
    await speak(1, 2);
    while (!late.words.has(2)) await within(new Promise((resolve) => (late.changed = resolve)), 'the last');
    assert.deepEqual(late.gaps, [[1, COUNT]]);
    assert.deepEqual([...late.words], [[1, 'word 1'], [2, 'word 2']]);
  });
});
