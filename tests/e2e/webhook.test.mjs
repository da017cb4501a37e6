// Webhooks: the posts, their order, and the effect of the response.
// communication-draft.md, "WebHook".
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { describe, it } from 'node:test';
import { bundleOf, certificate, connect, freePort, hook, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Inbox, botConfig, call, within } from './harness.mjs';

const OTHER = 10002000; // a second bot in the world: it sends fast, and gets the messages of the first
const MING = 10003001;
const port = '127.0.0.1:0';

// A bot with these webhooks, and another one that sends and receives.
const withOther = (webhook) => ({
  bots: [
    { self_id: BOT, webhook },
    { self_id: OTHER, http_server: [{ listen: port }], websocket_server: [{ listen: port }] },
  ],
});

async function speak(milky, ...words) {
  for (const word of words) {
    const { body } = await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text(word) });
    assert.equal(body.status, 'ok');
  }
}

const say = (word) => ({ action: 'send_group_message', params: { group_id: GROUP, message: text(word) } });

// The bot's own messages, as the other one gets them.
async function heard(observer) {
  const event = await observer.events.find((e) => e.data.data.user_id === BOT, 'the bot to speak');
  return textOf(event.data.data);
}

// A server that answers with any bytes: `answers` are functions of a socket, one per connection, the last one for
// all that follow.
async function rawServer(t, ...answers) {
  const server = createServer((socket) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    let seen = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      seen += data;
      const [head, body] = seen.split('\r\n\r\n');
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
      if (body === undefined || Buffer.byteLength(body) < length) return;
      server.requests.push(JSON.parse(body));
      seen = '';
      answer(socket);
    });
    sockets.add(socket);
  });
  const sockets = new Set();
  server.requests = new Inbox();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.url = `http://127.0.0.1:${server.address().port}/hook`;
  return server;
}

const acknowledge = (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n');

describe('webhook', { concurrency: 6 }, () => {
  it('posts an event as in the specification', async (t) => {
    const receiver = await hook(t);
    const milky = await serve(t, botConfig({
      webhook: [{ url: `${receiver.url}/a%20b?room=7`, access_token: '123456' }],
    }));
    const before = Math.floor(Date.now() / 1000);
    const { message_seq } = await milky.say(MING, { to: BOT }, 'Hello, world!');
    const { method, url, headers, body } = await receiver.next();
    assert.equal(method, 'POST');
    assert.equal(url, '/hook/a%20b?room=7');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers.authorization, 'Bearer 123456');
    assert.equal(headers['x-self-id'], `${BOT}`);
    assert.equal(headers.host, `127.0.0.1:${receiver.port}`);
    assert.equal(headers.expect, undefined);
    const { time } = body;
    assert.ok(Number.isInteger(time) && time >= before && time <= before + 60, `${time}`);
    assert.deepEqual(body, {
      time,
      event_type: 'message_receive',
      data: {
        message_type: 'private',
        message_id: `Private:${MING}:${message_seq}`,
        time,
        user_id: MING,
        segments: text('Hello, world!'),
      },
    });
  });

  it('sends no Authorization without an access_token', async (t) => {
    const receiver = await hook(t);
    const milky = await serve(t, botConfig({ webhook: [{ url: receiver.url }] }));
    await milky.say(MING, { to: BOT }, 'hello');
    const { headers } = await receiver.next();
    assert.equal('authorization' in headers, false);
    assert.equal(headers['x-self-id'], `${BOT}`);
  });

  it('sends the user and password of the URL where there is no access_token', async (t) => {
    const receiver = await hook(t);
    const url = receiver.url.replace('//', '//us%20er:p%40ss@');
    const milky = await serve(t, botConfig({ webhook: [{ url }, { url: `${url}?2`, access_token: 'token' }] }));
    await milky.say(MING, { to: BOT }, 'hello');
    const given = [await receiver.next(), await receiver.next()].map(({ headers }) => headers.authorization);
    assert.deepEqual(given.sort(), [`Basic ${Buffer.from('us er:p@ss').toString('base64')}`, 'Bearer token']);
  });

  it('posts UTF-8', async (t) => {
    const words = '你好，\u{1F95B}\u{10FFFF} "\\\n\u0001 é';
    const receiver = await hook(t);
    const milky = await serve(t, botConfig({ webhook: [{ url: receiver.url }] }));
    await milky.say(MING, { group: GROUP }, words);
    const { text: raw, body, headers } = await receiver.next();
    assert.ok(raw.includes('你好，\u{1F95B}\u{10FFFF}'), raw);
    assert.equal(Number(headers['content-length']), Buffer.byteLength(raw));
    assert.equal(textOf(body.data), words);
  });

  it('speaks Milky 1.2 where that is configured', async (t) => {
    const receiver = await hook(t);
    const milky = await serve(t, botConfig({ webhook: [{ url: receiver.url, dialect: '1.2' }] }));
    await milky.say(MING, { group: GROUP }, 'hello');
    const { body } = await receiver.next();
    assert.deepEqual(Object.keys(body).sort(), ['data', 'event_type', 'self_id', 'time']);
    assert.equal(body.self_id, BOT);
    assert.equal(body.data.message_scene, 'group');
    assert.equal(body.data.peer_id, GROUP);
    assert.equal(body.data.sender_id, MING);
  });

  it('needs no libcurl', async (t) => {
    const receiver = await hook(t);
    const milky = await serve(t, botConfig({ webhook: [{ url: receiver.url }] }));
    await milky.say(MING, { to: BOT }, 'hello');
    await receiver.next();
    assert.doesNotMatch(await readFile(`/proc/${milky.child.pid}/maps`, 'utf8'), /libcurl/);
  });

  it('posts each event once to every URL, with its own credentials', async (t) => {
    const receivers = [await hook(t), await hook(t), await hook(t)];
    const milky = await serve(t, withOther(receivers.map((receiver, i) => ({
      url: receiver.url,
      ...(i > 0 ? { access_token: `token-${i}` } : {}),
    }))));
    await speak(milky, 'one', 'two');
    for (const [i, receiver] of receivers.entries()) {
      for (const word of ['one', 'two']) {
        const { body, headers } = await receiver.next();
        assert.equal(textOf(body.data), word);
        assert.equal(headers.authorization, i > 0 ? `Bearer token-${i}` : undefined);
      }
    }
    assert.equal(await milky.stop(), 0);
    for (const receiver of receivers) assert.equal(receiver.requests.size, 0);
  });

  it('keeps order, one event at a time, on one connection', async (t) => {
    let busy = 0;
    let most = 0;
    const receiver = await hook(t, {
      answer: async () => {
        most = Math.max(most, ++busy);
        await new Promise((resolve) => setImmediate(resolve));
        busy--;
        return { status: 204 };
      },
    });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    const words = Array.from({ length: 60 }, (_, i) => `word ${i}`);
    await Promise.all(words.map((word) => speak(milky, word)));
    const got = [];
    for (const _ of words) got.push((await receiver.next()).body.data);
    const sequence = got.map((data) => Number(data.message_id.split(':')[2]));
    assert.deepEqual(sequence, sequence.map((_, i) => sequence[0] + i));
    assert.deepEqual(got.map(textOf).sort(), words.sort());
    assert.equal(most, 1);
    assert.equal(receiver.sockets.size, 1);
  });

  it('opens a new connection where the receiver keeps none', async (t) => {
    const receiver = await hook(t, { answer: () => ({ status: 204, headers: { Connection: 'close' } }) });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    for (const word of ['one', 'two', 'three']) {
      await speak(milky, word);
      assert.equal(textOf((await receiver.next()).body.data), word);
    }
    assert.equal(receiver.sockets.size, 3);
    assert.doesNotMatch(milky.stderr, /next try/);
  });

  it('does not lose an event when a kept connection was closed meanwhile', async (t) => {
    const server = await rawServer(t, (socket) => {
      acknowledge(socket);
      socket.end().removeAllListeners('data'); // bytes that come now are too late
    });
    const milky = await serve(t, withOther([{ url: server.url }]));
    for (const word of ['one', 'two', 'three']) {
      await speak(milky, word);
      assert.equal(textOf((await server.requests.next(word)).data), word);
    }
    assert.doesNotMatch(milky.stderr, /next try/);
  });

  it('takes 204 and an empty body as an acknowledgement', async (t) => {
    const answers = [{ status: 204 }, { status: 200 }, { status: 202, headers: { 'Content-Type': 'application/json' } }];
    const receiver = await hook(t, { answer: () => answers.shift() });
    const milky = await serve(t, withOther([{ url: receiver.url }]), { args: ['--log-level', 'debug'] });
    await speak(milky, 'one', 'two', 'three');
    for (const word of ['one', 'two', 'three']) assert.equal(textOf((await receiver.next()).body.data), word);
    assert.equal(await milky.stop(), 0);
    assert.equal(receiver.requests.size, 0);
    assert.doesNotMatch(milky.stderr, /webhook:/);
  });

  it('takes any other body as an acknowledgement and logs it', async (t) => {
    const bodies = [
      'OK',
      '<p>thanks</p>',
      '{"ok": true}',
      '"send_group_message"',
      'null',
      '17',
      '{"action": 1, "params": {}}',
      JSON.stringify([say('never 1'), { ok: true }]),
      JSON.stringify([[say('never 2')]]),
      JSON.stringify(say('never 3')).slice(0, -1),
      `${JSON.stringify(say('never 4'))} and more`,
      JSON.stringify(say('never 5')).replace('never', '\\ud800'),
      Buffer.from(JSON.stringify(say('never \u00ff')), 'latin1'),
    ];
    const count = bodies.length;
    const receiver = await hook(t, { answer: () => ({ status: 200, body: bodies.shift() ?? say('the end') }) });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    const observer = await connect(t, milky.ws());
    for (let i = 0; i < count; i++) {
      await speak(milky, `word ${i}`);
      assert.equal(textOf((await receiver.next()).body.data), `word ${i}`);
      const line = await milky.log.find((l) => l.includes('webhook:'), `a line about answer ${i}`);
      assert.match(line, new RegExp(`webhook: http://127\\.0\\.0\\.1:${receiver.port}/hook: its response .* is not a call`));
    }
    await speak(milky, 'last');
    assert.equal(await heard(observer), 'the end');
    assert.equal(receiver.requests.size, 1);
  });

  it('executes the one call of a response', async (t) => {
    const receiver = await hook(t, {
      answer: ({ text: raw }) => ({ status: 200, body: say(`echo ${textOf(JSON.parse(raw).data)}`) }),
    });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    const observer = await connect(t, milky.ws());
    await speak(milky, '你好');
    assert.equal(await heard(observer), 'echo 你好');
    assert.doesNotMatch(milky.stderr, /webhook:/);
  });

  it('executes the first 1,000 calls of a long list, and none of one that is too long', async (t) => {
    const calls = Array.from({ length: 1002 }, () => ({ action: 'get_login_info' }));
    [calls[999], calls[1000], calls[1001]] = [say('the last'), say('never'), say('never')];
    const bodies = [calls, `[${JSON.stringify(say('never'))}${',{"action":"x"}'.repeat(400000)}]`];
    const receiver = await hook(t, { answer: () => ({ status: 200, body: bodies.shift() ?? say('the end') }) });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    const observer = await connect(t, milky.ws());
    const logged = (what) => milky.log.find((line) => what.test(line), `${what} in the log`);
    await speak(milky, 'one');
    await logged(/webhook: .*: its response has 1002 calls: only the first 1000 are executed/);
    assert.equal(await heard(observer), 'the last');
    await speak(milky, 'two');
    await logged(/webhook: .*: its response \(200, \d{7} bytes\) is not a call/);
    await speak(milky, 'three');
    assert.equal(await heard(observer), 'the end');
  });

  it('executes a list of calls in order, also after one that fails', async (t) => {
    const calls = [
      say('one'),
      { action: 'no_such_api', params: {} },
      { action: 'get_friend_list' },
      say('two'),
      { action: 'send_group_message', params: { group_id: GROUP } },
      { action: 'send_group_message', params: { group_id: 799999999, message: text('x') }, echo: 1 },
      say('three'),
    ];
    const receiver = await hook(t, { answer: () => ({ status: 201, body: calls }) });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    const observer = await connect(t, milky.ws());
    await speak(milky, 'go');
    assert.equal(await heard(observer), 'one');
    assert.equal(await heard(observer), 'two');
    assert.equal(await heard(observer), 'three');
    for (const [number, why] of [[2, '-404 .*no_such_api'], [5, '-400 .*message'], [6, '-[0-9]+ .*']]) {
      const line = await milky.log.find((l) => l.includes('webhook:'), `a line about call ${number}`);
      assert.match(line, new RegExp(`call ${number} of its response failed: ${why}`));
    }
    assert.doesNotMatch(milky.stderr, /is not a call|next try/);
  });

  it('does nothing for an empty list', async (t) => {
    const receiver = await hook(t, { answer: () => ({ status: 200, body: [] }) });
    const milky = await serve(t, withOther([{ url: receiver.url }]));
    await speak(milky, 'one', 'two');
    assert.equal(textOf((await receiver.next()).body.data), 'one');
    assert.equal(textOf((await receiver.next()).body.data), 'two');
    assert.doesNotMatch(milky.stderr, /webhook:/);
  });

  it('has executed the calls before it posts the next event', async (t) => {
    let history;
    const milky = {};
    const receiver = await hook(t, {
      answer: async ({ text: raw }) => {
        if (textOf(JSON.parse(raw).data) === 'first') return { status: 200, body: [say('a'), say('b')] };
        history = await call(milky.http, 'get_history_group_message', { group_id: GROUP });
        return { status: 204 };
      },
    });
    const daemon = await serve(t, withOther([{ url: receiver.url }]));
    milky.http = daemon.http();
    await speak(daemon, 'first', 'second');
    await receiver.next();
    await receiver.next();
    const said = history.body.data.messages.map(textOf);
    assert.ok(said.includes('a') && said.includes('b'), said.join());
  });

  it('executes calls as the bot of the event', async (t) => {
    const receiver = await hook(t, {
      answer: ({ headers, text: raw }) => {
        const self = headers['x-self-id'];
        const { user_id: user } = JSON.parse(raw).data;
        return user === MING ? { status: 200, body: say(`I am ${self}`) } : { status: 204 };
      },
    });
    const bots = [BOT, OTHER, 10002001];
    const milky = await serve(t, {
      bots: [
        ...bots.map((self_id) => ({ self_id, webhook: [{ url: receiver.url }] })),
        { self_id: 10002002, websocket_server: [{ listen: port }] },
      ],
    });
    const observer = await connect(t, milky.ws());
    await milky.say(MING, { group: GROUP }, 'who are you?');
    const said = new Map();
    while (said.size < bots.length) {
      const { data } = (await observer.events.find((e) => e.data.data.user_id !== MING)).data;
      said.set(data.user_id, textOf(data));
    }
    for (const self of bots) assert.equal(said.get(self), `I am ${self}`);
  });

  it('tries again after any other status, in order', async (t) => {
    const elsewhere = await hook(t);
    const statuses = [301, 307, 400, 401, 404, 410, 429, 500, 503];
    const receivers = [];
    for (const status of statuses) {
      let refused = false;
      receivers.push(await hook(t, {
        answer: () => {
          const again = refused;
          refused = true;
          return again
            ? { status: 204 }
            : { status, headers: { Location: elsewhere.url, 'Retry-After': '1' }, body: say('never') };
        },
      }));
    }
    const milky = await serve(t, withOther(receivers.map(({ url }) => ({ url, access_token: 'secret' }))));
    await speak(milky, 'one', 'two');
    for (const [i, receiver] of receivers.entries()) {
      const first = await receiver.next();
      const again = await receiver.next();
      assert.equal(textOf(first.body.data), 'one');
      assert.equal(again.text, first.text);
      assert.deepEqual({ ...again.headers }, { ...first.headers });
      assert.equal(textOf((await receiver.next()).body.data), 'two');
      const name = `http://127.0.0.1:${receiver.port}/hook`;
      assert.ok(milky.stderr.includes(`${name}: it answered ${statuses[i]}; next try in 1.`), milky.stderr);
    }
    assert.equal(elsewhere.requests.size, 0);
    assert.doesNotMatch(milky.stderr, /call 1|is not a call/);
  });

  it('tries again after a broken answer', async (t) => {
    const broken = [
      (socket) => socket.destroy(),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end('what?\r\n\r\n'),
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"action":'),
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    ];
    const servers = [];
    for (const answer of broken) servers.push(await rawServer(t, answer, acknowledge));
    const milky = await serve(t, withOther(servers.map(({ url }) => ({ url }))));
    await speak(milky, 'one', 'two');
    for (const { requests } of servers) {
      for (const word of ['one', 'one', 'two']) assert.equal(textOf((await requests.next(word)).data), word);
    }
    assert.equal(milky.stderr.match(/next try in 0\.\d s/g).length, broken.length);
  });

  it('delivers waiting events once the receiver is up', async (t) => {
    const milky = await serve(t, withOther([{ url: `http://127.0.0.1:${await freePort()}/hook` }]));
    const url = /(http:\S+hook)/.exec(milky.banner.join('\n'))[1];
    await speak(milky, 'one', 'two');
    await milky.log.find((l) => /webhook: .*connection refused; next try/.test(l), 'a refusal');
    const receiver = await hook(t, { port: Number(new URL(url).port) });
    assert.equal(textOf((await receiver.next()).body.data), 'one');
    assert.equal(textOf((await receiver.next()).body.data), 'two');
  });

  // More than 64 MiB of events: they are not kept in memory for it, but read from the journal again.
  it('delivers all events in order after it was far behind', async (t) => {
    const count = 4700;
    const long = '牛'.repeat(4990);
    let away = true;
    const numbers = [];
    const receiver = await hook(t);
    receiver.answer = ({ headers, text: body }) => {
      if (away) return { status: 503 };
      numbers.push([Number(headers['x-milky-delivery']), textOf(JSON.parse(body).data)]);
      return { status: 204 };
    };
    const milky = await serve(t, {
      journal: { max_events: 10000 },
      bots: [
        { self_id: BOT, http_server: [{ listen: port, dialect: '1.2' }], webhook: [{ url: receiver.url, dialect: '1.2' }] },
        { self_id: OTHER, websocket_server: [{ listen: port }] },
      ],
    });
    // A client whose events have the same encoding, in another frame.
    const heard = new Promise((resolve, reject) => {
      httpRequest(`${milky.http()}/event`, { agent: false }, (response) => {
        let rest = '';
        const sent = [];
        response.setEncoding('utf8');
        response.on('data', (text) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop();
          for (const line of lines) if (line.startsWith('data:')) sent.push(textOf(JSON.parse(line.slice(5)).data));
          if (sent.length === count) resolve(sent);
        });
      }).on('error', reject).end();
    });
    const speaker = await connect(t, milky.ws(0));
    const said = [];
    for (let i = 0; i < count; i++) {
      said.push(`${i} ${long}`);
      speaker.send({ action: 'send_group_message', params: { group_id: GROUP, message: text(said[i]) } });
      if (i % 200 === 199) for (let k = 0; k < 200; k++) assert.equal((await speaker.responses.next()).data.status, 'ok');
    }
    assert.deepEqual(await within(heard, 'the others to hear everything', 60000), said);
    away = false;
    await within((async () => { while (numbers.length < count) await receiver.requests.next('a post', 90000); })(), 'the webhook to get everything', 120000);
    assert.deepEqual(numbers, said.map((words, i) => [i + 1, words]));
  });

  it('waits longer with each try, with random differences', async (t) => {
    const dead = [];
    for (let i = 0; i < 12; i++) dead.push(`http://127.0.0.1:${await freePort()}/${i}`);
    const milky = await serve(t, withOther(dead.map((url) => ({ url }))));
    await speak(milky, 'one');
    const waits = new Map(dead.map((url) => [url, []]));
    while ([...waits.values()].some((list) => list.length < 3)) {
      const line = await milky.log.find((l) => /next try in/.test(l), 'another try');
      const [, url, wait] = /webhook: (\S+): .*next try in (\d+\.\d) s/.exec(line);
      waits.get(url).push(Number(wait));
    }
    for (const list of waits.values()) {
      assert.ok(list[0] >= 0.2 && list[0] <= 0.5, `${list}`);
      assert.ok(list[1] >= 0.5 && list[1] <= 1, `${list}`);
      assert.ok(list[2] >= 1 && list[2] <= 2, `${list}`);
    }
    for (const n of [0, 1, 2]) {
      assert.ok(new Set([...waits.values()].map((list) => list[n])).size > 1, 'all waits are the same');
    }
  });

  it('is not delayed by another URL that is dead or hangs', async (t) => {
    const [healthy, stuck] = [await hook(t), await hook(t, { answer: () => new Promise(() => {}) })];
    const milky = await serve(t, withOther([
      { url: stuck.url }, { url: `http://127.0.0.1:${await freePort()}/` }, { url: healthy.url },
    ]));
    const words = Array.from({ length: 20 }, (_, i) => `word ${i}`);
    await speak(milky, ...words);
    for (const word of words) assert.equal(textOf((await healthy.next()).body.data), word);
    assert.equal(stuck.requests.size, 0);
  });

  it('posts over TLS only to receivers that the system trusts', async (t) => {
    const [trusted, stranger, otherName] = [
      await certificate(t), await certificate(t), await certificate(t, 'DNS:example.org')];
    const receivers = [];
    for (const tls of [trusted, stranger, otherName]) receivers.push(await hook(t, { tls }));
    const bundle = [trusted, otherName];
    const milky = await serve(t, withOther(receivers.map(({ url }) => ({ url, access_token: 'secret' }))), {
      env: { SSL_CERT_FILE: await bundleOf(t, bundle) },
    });
    await speak(milky, 'one');
    assert.equal((await receivers[0].next()).headers.authorization, 'Bearer secret');
    for (const receiver of receivers.slice(1)) {
      const line = await milky.log.find((l) => l.includes(`${receiver.url}: `), 'a refusal');
      assert.match(line, /certificate.*; next try/i);
      assert.equal(receiver.requests.size, 0);
    }
  });
});
