// Webhooks have an end: an event that its receiver fails to take becomes a dead letter, and the next one goes on; a URL
// that is down waits; 410 pauses, as refused credentials do; an operator skips and resumes.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, freePort, hook, serve, start, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, call, request, run, within } from './harness.mjs';

const OTHER = 10002000;
const port = '127.0.0.1:0';
const configOf = (...webhook) => ({
  operations: port,
  bots: [{ self_id: BOT, webhook }, { self_id: OTHER, http_server: [{ listen: port }] }],
});

async function speak(milky, ...words) {
  for (const word of words)
    assert.equal((await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text(word) })).body.status, 'ok');
}

const numberOf = ({ headers }) => Number(headers['x-milky-delivery']);
const list = async (milky) => {
  const { code, stdout, stderr } = await milky.run(['deliveries', '--json']);
  assert.equal(code, 0, stderr);
  return stdout.split('\n').filter((line) => line).map((line) => JSON.parse(line));
};
const hookOf = async (milky, index = 0) => {
  const { code, stdout, stderr } = await milky.run(['status', '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).bots[0].transports.filter((one) => one.transport === 'webhook')[index];
};
const logged = (milky, what) => milky.log.find((line) => what.test(line), `${what} in the log`, 30000);
// The posts up to the first of this number, as numbers.
async function postsUntil(receiver, number) {
  const numbers = [];
  while (numbers.at(-1) !== number) numbers.push(numberOf(await receiver.requests.next(`event ${number}`, 30000)));
  return numbers;
}
const metric = async (milky, name) => {
  const address = /(\d+\.\S+:\d+)/.exec(milky.banner[milky.banner.indexOf('operations') + 1])[1];
  const { text: all } = await request(address, '/metrics', { method: 'GET' });
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(all)?.[1]);
};
const reload = async (milky, config) => {
  await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config));
  const { code, stderr } = await milky.run(['reload']);
  assert.equal(code, 0, stderr);
};

// A server that reads each post whole, and then does with the socket what `answer(socket, number)` does.
async function rawHook(t, answer) {
  const sockets = new Set();
  const numbers = [];
  const server = createServer((socket) => {
    let seen = '';
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      seen += data.toString('latin1');
      const [head, body] = seen.split('\r\n\r\n');
      if (body === undefined || body.length < Number(/content-length: *(\d+)/i.exec(head)[1])) return;
      seen = '';
      numbers.push(Number(/x-milky-delivery: *(\d+)/i.exec(head)[1]));
      answer(socket, numbers.at(-1));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/hook`, numbers };
}

describe('webhook: giving up', { concurrency: 4 }, () => {
  it('sets an event aside that always fails, and posts the next ones in order', async (t) => {
    for (const status of [500, 503, 302, 429, 408]) {
      const receiver = await hook(t, { answer: (asked) => (numberOf(asked) === 2 ? { status, body: `no ${status}` } : { status: 204 }) });
      const milky = await serve(t, configOf({ url: receiver.url, give_up: { tries: 3 } }));
      await speak(milky, 'one', 'two', 'three', 'four');
      assert.deepEqual(await postsUntil(receiver, 4), [1, 2, 2, 2, 3, 4]);
      const [letter, ...more] = await list(milky);
      assert.deepEqual(more, []);
      assert.deepEqual([letter.number, letter.status, letter.response], [2, status, `no ${status}`]);
      await logged(milky, new RegExp(`it answered ${status}; event 2 is set aside after 3 tries`));
      assert.equal(await metric(milky, 'milky_webhook_dead_letters_total'), 1);
      const { stdout } = await milky.run(['deliveries', 'retry', 'all']);
      assert.match(stdout, new RegExp(`refused again, and kept \\(${status}\\)`));
    }
  });

  it('sets an event aside that is not answered in time: once per try', async (t) => {
    const receiver = await rawHook(t, (socket, number) => {
      if (number !== 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const milky = await serve(t, configOf({ url: receiver.url, timeout: 1, give_up: { tries: 2 } }));
    await speak(milky, 'one', 'two');
    await logged(milky, /timed out after 1 s; event 1 is set aside after 2 tries/);
    await within((async () => { while ((await hookOf(milky)).deliveries < 1); })(), 'event 2');
    assert.deepEqual(receiver.numbers, [1, 1, 2]);
    const [letter] = await list(milky);
    assert.deepEqual([letter.number, letter.status, letter.response, letter.error], [1, 0, '', 'no answer: timed out after 1 s']);
    assert.match((await milky.run(['deliveries'])).stdout, /event 1 .*\/hook {2}not delivered: no answer: timed out after 1 s\n$/);
  });

  it('sets an event aside whose answer is broken in any way', async (t) => {
    const broken = [
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end(),
      (socket) => socket.end('what?\r\n\r\n'),
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{'),
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    ];
    const servers = [];
    for (const answer of broken) servers.push(await rawHook(t, (socket, number) => (number === 1
      ? answer(socket) : socket.write('HTTP/1.1 204 No Content\r\n\r\n'))));
    const milky = await serve(t, configOf(...servers.map(({ url }) => ({ url, give_up: { tries: 2 } }))));
    await speak(milky, 'one', 'two');
    for (const index of servers.keys())
      await within((async () => { while ((await hookOf(milky, index)).deliveries < 1); })(), `event 2 at ${index}`);
    for (const { numbers } of servers) assert.deepEqual(numbers, [1, 1, 2]);
    assert.equal((await list(milky)).length, broken.length);
  });

  it('gives up by time, with a last try at its end whatever Retry-After says', async (t) => {
    const receiver = await hook(t, {
      answer: (asked) => (numberOf(asked) === 1 ? { status: 503, headers: { 'Retry-After': '3600' } } : { status: 204 }),
    });
    const milky = await serve(t, configOf({ url: receiver.url, give_up: { tries: 1000, seconds: 2 } }));
    await speak(milky, 'one', 'two');
    assert.deepEqual(await postsUntil(receiver, 2), [1, 1, 2]);
    await logged(milky, /it answered 503; next try in (2\.0|1\.\d) s/);
    await logged(milky, /event 1 is set aside after 2 tries/);
  });

  it('waits for a URL that is down as a whole, and counts nothing', async (t) => {
    const at = await freePort();
    const milky = await serve(t, configOf({ url: `http://127.0.0.1:${at}/hook`, give_up: { tries: 1, seconds: 1 } }));
    await speak(milky, 'one', 'two');
    for (let i = 0; i < 3; i++) await logged(milky, /connection refused; next try/);
    assert.equal((await hookOf(milky)).tries, 0);
    const receiver = await hook(t, { port: at });
    assert.deepEqual(await postsUntil(receiver, 2), [1, 2]);
    assert.deepEqual(await list(milky), []);
  });

  it('waits without end where that is configured', async (t) => {
    let bad = true;
    const receiver = await hook(t, { answer: () => (bad ? { status: 500 } : { status: 204 }) });
    const milky = await serve(t, configOf({ url: receiver.url, give_up: { tries: 1, seconds: 1 }, on_give_up: 'wait' }));
    await speak(milky, 'one', 'two');
    for (let i = 0; i < 4; i++) assert.equal(numberOf(await receiver.next()), 1);
    bad = false;
    assert.deepEqual(await postsUntil(receiver, 2), [1, 2]);
    assert.deepEqual(await list(milky), []);
  });

  it('is patient with a receiver that fails with every event', async (t) => {
    let bad = true;
    const receiver = await hook(t, { answer: () => (bad ? { status: 503 } : { status: 204 }) });
    const milky = await serve(t, configOf({ url: receiver.url, give_up: { tries: 1 } }));
    await speak(milky, ...Array.from({ length: 9 }, (_, i) => `${i}`));
    assert.deepEqual(await postsUntil(receiver, 7), [1, 2, 3, 4, 5, 6, 6, 7]);
    await logged(milky, /5 events in a row were given up, so it may fail with all of them: .* up to 360 s/);
    bad = false;
    await postsUntil(receiver, 9);
    assert.deepEqual((await list(milky)).map(({ number }) => number), [1, 2, 3, 4, 5, 6]);
  });

  it('keeps the count of tries over a reload', async (t) => {
    const receiver = await hook(t, { answer: (asked) => (numberOf(asked) === 1 ? { status: 500 } : { status: 204 }) });
    const config = (tries) => configOf({ url: receiver.url, give_up: { tries }, access_token: `t${tries}` });
    const milky = await serve(t, config(1000));
    await speak(milky, 'one', 'two');
    for (let i = 0; i < 3; i++) await receiver.next();
    const before = await hookOf(milky);
    assert.ok(before.tries >= 2 && Math.abs(before.trying_since - Date.now() / 1000) < 60, JSON.stringify(before));
    assert.match((await milky.run(['status'])).stdout, /failed tries of the current event: \d/);
    await reload(milky, config(5));
    assert.deepEqual(await postsUntil(receiver, 2), [1, 1, 2]);
    await logged(milky, /event 1 is set aside after 5 tries/);
    const after = await hookOf(milky);
    assert.deepEqual([after.tries, after.trying_since], [0, 0]);
  });

  it('refuses bounds that make no sense', async (t) => {
    const dir = await folder(t);
    for (const [keys, where] of [[{ timeout: 0 }, 'timeout'], [{ timeout: 601 }, 'timeout'], [{ give_up: { tries: 0 } }, 'give_up.tries'],
      [{ give_up: { seconds: 86401 } }, 'give_up.seconds'], [{ give_up: 3 }, 'give_up'], [{ on_give_up: 'drop' }, 'on_give_up'],
      [{ give_up: { minutes: 3 } }, 'give_up']]) {
      await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(configOf({ url: 'http://127.0.0.1:1/', ...keys })));
      const { code, stderr, stdout } = await run(['check'], { cwd: dir });
      assert.notEqual(code, 0);
      assert.ok((stderr + stdout).includes(`bots[0].webhook[0].${where}`), stderr + stdout);
    }
  });
});

// What the journal keeps for receivers; milky must have ended.
async function cursors(dir) {
  const script = `import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(json.dumps([db.execute('SELECT bot, sink FROM ' + table + ' ORDER BY 1, 2').fetchall() for table in ('cursor', 'unused')]))`;
  const { code, stdout, stderr } = await run(['-c', script, join(dir, 'data', 'journal.db')], { command: 'python3' });
  assert.equal(code, 0, stderr);
  const [used, unused] = JSON.parse(stdout);
  return { all: used, unused };
}

describe('the position of a webhook', { concurrency: 4 }, () => {
  it('outlives its absence, over reloads and restarts, and is marked as unused meanwhile', async (t) => {
    const dir = await folder(t);
    const receivers = [await hook(t), await hook(t)];
    const entries = receivers.map(({ url }) => ({ url }));
    const [both, one] = [configOf(...entries), configOf(entries[0])];
    const milky = await start(t, { config: both, dir });
    await speak(milky, 'one');
    for (const receiver of receivers) assert.equal(numberOf(await receiver.next()), 1);
    await reload(milky, one);
    await speak(milky, 'two');
    assert.equal(numberOf(await receivers[0].next()), 2);
    assert.equal(await milky.stop(), 0);
    const known = receivers.map(({ url }) => [BOT, url]).sort();
    assert.deepEqual(await cursors(dir), { all: known, unused: [[BOT, receivers[1].url]] });
    const again = await start(t, { config: both, dir });
    assert.equal(numberOf(await receivers[1].next()), 2);
    assert.equal(await again.stop(), 0);
    assert.deepEqual(await cursors(dir), { all: known, unused: [] });
    const gone = await start(t, { config: { bots: [{ self_id: OTHER }] }, dir });
    assert.equal(await gone.stop(), 0);
    assert.deepEqual((await cursors(dir)).unused, known);
  });
});

describe('webhook: pausing', { concurrency: 4 }, () => {
  const gone = async (t, more = {}) => {
    const state = { status: 410 };
    const receiver = await hook(t, { answer: () => ({ status: state.status }) });
    return { state, receiver, config: configOf({ url: receiver.url, ...more }) };
  };

  it('pauses after 410 three times, keeps the events, and goes on at a command', async (t) => {
    const { state, receiver, config } = await gone(t, { give_up: { tries: 1, seconds: 1 } });
    const milky = await serve(t, config);
    await speak(milky, 'one', 'two');
    for (let i = 0; i < 3; i++) assert.equal(numberOf(await receiver.next()), 1);
    await logged(milky, /it answered 410 several times, so it is paused .*milky deliveries resume/);
    await speak(milky, 'three');
    const paused = await hookOf(milky);
    assert.deepEqual([paused.state, paused.trouble, paused.behind_events, paused.set_aside], ['paused', 'gone', 3, 0]);
    assert.equal(await metric(milky, 'milky_webhook_paused'), 1);
    assert.match((await milky.run(['status'])).stdout, /PAUSED: .*milky deliveries resume/);
    assert.deepEqual(await list(milky), []);
    // Still gone: one try, and it is paused again.
    const first = await milky.run(['deliveries', 'resume']);
    assert.deepEqual([first.code, first.stdout], [0, `bot ${BOT}  ${receiver.url}  resumed\n`]);
    await logged(milky, /several times, so it is paused/);
    assert.equal(numberOf(await receiver.next()), 1);
    state.status = 204;
    const second = await milky.run(['deliveries', 'resume', receiver.url, '--bot', `${BOT}`, '--json']);
    assert.deepEqual(JSON.parse(second.stdout), { resumed: [{ self_id: BOT, webhook: receiver.url }] });
    assert.deepEqual(await postsUntil(receiver, 3), [1, 2, 3]);
    assert.equal(await metric(milky, 'milky_webhook_paused'), 0);
    const none = await milky.run(['deliveries', 'resume']);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /no webhook is paused/);
  });

  it('goes on after a reload, and after a restart', async (t) => {
    const dir = await folder(t);
    const { state, receiver, config } = await gone(t, { on_give_up: 'wait' });
    const milky = await start(t, { config, dir });
    await speak(milky, 'one');
    for (let i = 0; i < 3; i++) await receiver.next();
    await logged(milky, /so it is paused/);
    await reload(milky, config);
    await receiver.next();
    await logged(milky, /so it is paused/);
    assert.equal(await milky.stop(), 0);
    state.status = 204;
    const again = await start(t, { config, dir });
    assert.equal(numberOf(await receiver.next()), 1);
    assert.equal(await again.stop(), 0);
  });
});

describe('webhook: refused credentials', { concurrency: 4 }, () => {
  const strict = async (t, more = {}) => {
    const state = { status: 204 };
    const receiver = await hook(t, { answer: () => ({ status: state.status }) });
    const milky = await serve(t, configOf({ url: receiver.url, access_token: 'wrong', ...more }));
    return { state, receiver, milky };
  };
  const paused = /it answered 40[13] several times, so it is paused .* no event is the cause.*access_token.*milky deliveries resume/;

  for (const [status, more] of [[401, {}], [403, {}], [401, { on_give_up: 'wait' }], [403, { on_give_up: 'wait' }]])
    it(`pauses where every event is answered ${status} ${JSON.stringify(more)}`, async (t) => {
      const { state, receiver, milky } = await strict(t, more);
      state.status = status;
      await speak(milky, 'one', 'two', 'three');
      await logged(milky, paused);
      assert.deepEqual(await list(milky), []);
      const { state: now, trouble, behind_events: behind } = await hookOf(milky);
      assert.deepEqual([now, trouble, behind], ['paused', 'token', 3]);
      assert.match((await milky.run(['status'])).stdout, /PAUSED: .*milky deliveries resume/);
      state.status = 204;
      assert.equal((await milky.run(['deliveries', 'resume'])).code, 0);
      assert.deepEqual(await postsUntil(receiver, 3), [1, 1, 1, 1, 2, 3]);
    });

  it('pauses where a token is revoked later', async (t) => {
    const { state, receiver, milky } = await strict(t);
    await speak(milky, 'one');
    await postsUntil(receiver, 1);
    state.status = 401;
    await speak(milky, 'two', 'three');
    await logged(milky, paused);
    assert.deepEqual(await postsUntil(receiver, 2), [2]);
    assert.deepEqual(await list(milky), []);
  });

  it('sets one forbidden event aside, and pauses with the second in a row', async (t) => {
    const { state, receiver, milky } = await strict(t);
    await speak(milky, 'one');
    await postsUntil(receiver, 1);
    state.status = 403;
    await speak(milky, 'two', 'three', 'four');
    await logged(milky, paused);
    assert.deepEqual(await postsUntil(receiver, 3), [2, 2, 2, 3]);
    assert.deepEqual((await list(milky)).map(({ number }) => number), [2]);
    assert.equal((await hookOf(milky)).behind_events, 2);
  });
});

describe('deliveries skip', { concurrency: 4 }, () => {
  it('sets the event aside that is being tried, and goes on', async (t) => {
    const receiver = await hook(t, { answer: (asked) => (numberOf(asked) === 1 ? { status: 500 } : { status: 204 }) });
    const milky = await serve(t, configOf({ url: `${receiver.url}?key=s3cret`, on_give_up: 'wait' }));
    const idle = await milky.run(['deliveries', 'skip']);
    assert.equal(idle.code, 1);
    assert.match(idle.stderr, /no webhook waits with an event/);
    await speak(milky, 'one', 'two');
    await logged(milky, /it answered 500; next try/);
    const skipped = await milky.run(['deliveries', 'skip']);
    assert.deepEqual([skipped.code, skipped.stdout], [0, `bot ${BOT}  ${receiver.url}  event 1 skipped\n`]);
    assert.equal((await postsUntil(receiver, 2)).at(-1), 2);
    const [letter] = await list(milky);
    assert.deepEqual([letter.number, letter.status, letter.error], [1, 0, 'skipped: it answered 500']);
    const taken = await milky.run(['deliveries', 'retry', `${letter.id}`]);
    assert.match(taken.stdout, /refused again, and kept \(500\)/);
    assert.ok(!milky.stderr.includes('s3cret'));
    const done = await milky.run(['deliveries', 'skip', receiver.url]);
    assert.equal(done.code, 1);
    assert.match(done.stderr, /this webhook is not trying to deliver an event/);
  });

  it('takes back a post that hangs', async (t) => {
    const receiver = await rawHook(t, (socket, number) => {
      if (number !== 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const milky = await serve(t, configOf({ url: receiver.url, timeout: 600 }));
    await speak(milky, 'one', 'two');
    await within((async () => { while (receiver.numbers.length < 1) await hookOf(milky); })(), 'the post');
    const { code, stdout } = await milky.run(['deliveries', 'skip', receiver.url, '--json']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { skipped: { self_id: BOT, webhook: receiver.url, number: 1 } });
    await within((async () => { while ((await hookOf(milky)).deliveries < 1); })(), 'event 2');
    assert.deepEqual(receiver.numbers, [1, 2]);
    const [letter] = await list(milky);
    assert.equal(letter.error, 'skipped');
  });

  it('names the webhooks where there are several, and knows no others', async (t) => {
    const receiver = await hook(t, { answer: () => ({ status: 500 }) });
    const urls = [`${receiver.url}?a`, `${receiver.url}?b`, `${receiver.url}/c`];
    const milky = await serve(t, configOf(...urls.map((url) => ({ url }))));
    await speak(milky, 'one');
    for (let i = 0; i < 3; i++) await logged(milky, /it answered 500; next try/);
    for (const words of [[], [receiver.url]]) {
      const several = await milky.run(['deliveries', 'skip', ...words]);
      assert.equal(several.code, 1);
      assert.match(several.stderr, new RegExp(`several webhooks have such an event.*${BOT} ${receiver.url}`));
      assert.ok(!several.stderr.includes('?a'), several.stderr);
    }
    assert.equal((await milky.run(['deliveries', 'skip', urls[1]])).code, 0);
    assert.equal((await milky.run(['deliveries', 'skip', urls[2], '-b', `${BOT}`])).code, 0);
    assert.equal((await milky.run(['deliveries', 'skip'])).code, 0);
    assert.equal((await list(milky)).length, 3);
    const unknown = await milky.run(['deliveries', 'skip', 'http://127.0.0.1:1/']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /no webhook of this URL is configured/);
    assert.match((await milky.run(['deliveries', 'skip', '--bot', '10009999'])).stderr, /there is no such bot/);
    assert.equal((await milky.run(['deliveries', 'skip', '--bot', 'x'])).code, 2);
    const chinese = await milky.run(['deliveries', '--help'], { env: { LANG: 'zh_CN.UTF-8' } });
    assert.match(chinese.stdout, /milky deliveries skip URL +搁置/);
  });

  it('works while a webhook is paused, event by event', async (t) => {
    const receiver = await hook(t, { answer: () => ({ status: 410 }) });
    const milky = await serve(t, configOf({ url: receiver.url }));
    await speak(milky, 'one', 'two');
    for (let i = 0; i < 3; i++) await receiver.next();
    await logged(milky, /so it is paused/);
    for (const number of [1, 2])
      assert.match((await milky.run(['deliveries', 'skip'])).stdout, new RegExp(`event ${number} skipped`));
    assert.equal((await milky.run(['deliveries', 'skip'])).code, 1);
    assert.equal((await hookOf(milky)).state, 'paused');
    assert.equal(receiver.requests.size, 0);
  });
});
