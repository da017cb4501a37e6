// `events` and `own_messages`: which events a transport sends, live and replayed; what is left out is no gap.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hook, serve, text, textOf } from './fixtures.mjs';
import { BOT, Client, GROUP, call, run } from './harness.mjs';
import { operate, plainWorld } from './sandbox.mjs';

const OTHER = 10002000;
const [MING, HONG] = [10003001, 10003002];
const SECOND = 700000002;
const port = '127.0.0.1:0';

async function start(t, transports, config = {}) {
  const milky = await serve(t, { ...config, bots: [{ self_id: BOT, ...transports }, { self_id: OTHER, http_server: [{ listen: port }] }] });
  const world = plainWorld(BOT, OTHER);
  world.groups.push({ ...world.groups[0], group_id: SECOND, group_name: 'second' });
  assert.equal((await operate(milky, 'load', { world })).status, 'ok');
  milky.say = async (as, group, message) => {
    const body = await operate(milky, 'send_group_message', { as, group_id: group, message: typeof message === 'string' ? text(message) : message });
    assert.equal(body.status, 'ok', JSON.stringify(body));
  };
  milky.whisper = async (as, message) => {
    const body = await operate(milky, 'send_private_message', { as, user_id: BOT, message: text(message) });
    assert.equal(body.status, 'ok', JSON.stringify(body));
  };
  return milky;
}

const words = (event) => textOf(event.data);
const mention = (user) => [{ type: 'mention', data: { user_id: user } }, ...text('hey')];

describe('events', () => {
  it('sends each transport what it wants, and encodes the numbers of all', async (t) => {
    const receiver = await hook(t);
    const milky = await start(t, {
      http_server: [{ listen: port, events: { users: [HONG] } }],
      websocket_server: [
        { listen: port, dialect: '1.2', events: { groups: [SECOND] } },
        { listen: port, dialect: '1.2', events: { types: ['group_nudge'] } },
        { listen: port, dialect: '1.2', events: { scenes: ['group'], mentioned: true } },
        { listen: port, dialect: '1.2' },
      ],
      webhook: [{ url: receiver.url, dialect: '1.2', events: { scenes: ['friend'] } }],
    });
    const [groups, nudges, mentions, all] = await Promise.all([0, 1, 2, 3].map((i) => Client.connect(milky.ws(i))));
    const users = await Client.connect(`${milky.http().replace('http', 'ws')}/event`);
    t.after(() => [groups, nudges, mentions, all, users].forEach((client) => client.socket.terminate()));
    await milky.say(MING, GROUP, 'one');
    await milky.say(HONG, SECOND, 'two');
    await milky.say(MING, GROUP, mention(OTHER));
    await milky.say(MING, SECOND, mention(BOT));
    await milky.whisper(MING, 'three');
    assert.equal((await operate(milky, 'send_group_nudge', { as: HONG, group_id: GROUP, user_id: BOT })).status, 'ok');
    await milky.whisper(HONG, 'end');
    const until = async (client, last) => {
      const got = [];
      do {
        const message = await (client === users ? client.responses : client.events).next('an event'); // bare ones are no envelopes
        const event = message.data?.event_type ? message.data : message;
        got.push(event.event_type === 'message_receive' ? words(event) : event.event_type);
      } while (got.at(-1) !== last);
      return got;
    };
    assert.equal((await until(all, 'end')).length, 7);
    assert.deepEqual(await until(users, 'end'), ['two', 'group_nudge', 'end']);
    assert.deepEqual(await until(groups, 'end'), ['two', 'hey', 'three', 'end'], 'groups do not restrict friends');
    assert.deepEqual(await until(nudges, 'group_nudge'), ['group_nudge']);
    assert.deepEqual(await until(mentions, 'group_nudge'), ['hey', 'group_nudge']);
    const numbers = [];
    for (const expected of ['three', 'end']) {
      const { body, headers } = await receiver.next();
      assert.equal(words(body), expected);
      assert.equal(headers['x-milky-gap'], undefined, 'what is left out is no gap');
      numbers.push(Number(headers['x-milky-delivery']));
    }
    assert.deepEqual(numbers, [5, 7]);
    assert.equal(mentions.events.size + nudges.events.size, 0);
  });

  it('filters a replay like live events, without gaps', async (t) => {
    const milky = await start(t, { websocket_server: [{ listen: port, dialect: '1.2', events: { groups: [SECOND], scenes: ['group'] } }] });
    for (let i = 0; i < 200; i++) await milky.say(MING, i % 50 === 0 ? SECOND : GROUP, `${i}`);
    const client = await Client.connect(`${milky.ws()}?since=0`);
    t.after(() => client.socket.terminate());
    const got = [];
    for (let i = 0; i < 4; i++) {
      const { number, data } = await client.events.next('a replayed event');
      got.push([number, words(data)]);
    }
    assert.deepEqual(got, [[1, '0'], [51, '50'], [101, '100'], [151, '150']]);
    await milky.say(MING, GROUP, 'not this');
    await milky.say(MING, SECOND, 'live');
    const { number, data } = await client.events.next('a live event');
    assert.deepEqual([number, words(data)], [202, 'live']);
    assert.equal(client.events.size, 0);
  });

  it('restarts a webhook behind events that were left out', async (t) => {
    const receiver = await hook(t);
    const config = { bots: [
      { self_id: BOT, webhook: [{ url: receiver.url, dialect: '1.2', events: { groups: [SECOND], scenes: ['group'] } }] },
      { self_id: OTHER, http_server: [{ listen: port }] }] };
    const milky = await start(t, { webhook: config.bots[0].webhook });
    await milky.say(MING, GROUP, 'left out');
    await milky.say(MING, SECOND, 'one');
    assert.equal(words((await receiver.next()).body), 'one');
    for (let i = 0; i < 3; i++) await milky.say(MING, GROUP, 'left out');
    // Another filter by a reload: from the next event on.
    config.bots[0].webhook[0].events = { groups: [GROUP] };
    await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config));
    assert.equal((await run(['reload'], { cwd: milky.dir })).code, 0);
    await milky.say(MING, SECOND, 'left out now');
    await milky.say(MING, GROUP, 'two');
    const heard = [];
    while (heard.at(-1) !== 'two') {
      const { body, headers } = await receiver.next();
      assert.equal(headers['x-milky-gap'], undefined);
      heard.push(words(body));
    }
    assert.ok(!heard.includes('left out now'));
  });

  it('is checked: types, scenes, numbers', async (t) => {
    const milky = await start(t, {});
    const check = async (events) => {
      const file = join(milky.dir, 'other.jsonc');
      await writeFile(file, JSON.stringify({ bots: [{ self_id: BOT, websocket_server: [{ listen: port, events }] }] }));
      const { code, stderr, stdout } = await run(['check', '-c', file], { cwd: milky.dir });
      assert.notEqual(code, 0);
      return stderr + stdout;
    };
    assert.match(await check({ types: ['message_recieve'] }), /events\.types\[0\].*did you mean message_receive\?/);
    assert.match(await check({ scenes: ['Group'] }), /events\.scenes\[0\].*"friend", "group" or "temp"/);
    assert.match(await check({ groups: ['700000001'] }), /events\.groups\[0\].*QQ number/);
    assert.match(await check({ users: [1.5] }), /events\.users\[0\]/);
    assert.match(await check({ types: [] }), /events\.types.*list of names/);
    assert.match(await check({ mention: true }), /mentioned/);
  });
});

describe('own_messages', () => {
  it('reports what the bot sends, with the bot as sender, where it is wanted', async (t) => {
    const milky = await start(t, {
      http_server: [{ listen: port }],
      websocket_server: [{ listen: port, dialect: '1.2', own_messages: true }, { listen: port, dialect: '1.2' }, { listen: port, own_messages: true }],
    });
    const [own, usual, draft] = await Promise.all([0, 1, 2].map((i) => Client.connect(milky.ws(i))));
    t.after(() => [own, usual, draft].forEach((client) => client.socket.terminate()));
    const send = async (action, params) => assert.equal((await call(milky.http(), action, params)).body.status, 'ok');
    await send('send_group_message', { group_id: GROUP, message: text('to all') });
    await send('send_private_message', { user_id: MING, message: text('to you') });
    await milky.say(MING, GROUP, 'answer');
    for (const [expected, scene, peer, sender] of [['to all', 'group', GROUP, BOT], ['to you', 'friend', MING, BOT], ['answer', 'group', GROUP, MING]]) {
      const { data: event } = await own.events.next('an own message');
      assert.deepEqual([words(event), event.data.message_scene, event.data.peer_id, event.data.sender_id], [expected, scene, peer, sender]);
    }
    const { data: event } = await usual.events.next('the answer');
    assert.equal(words(event), 'answer');
    assert.equal(usual.events.size, 0);
    assert.equal(words((await draft.events.next('an own message')).data), 'to all');
  });

  it('is off by default: nothing is emitted, and numbers do not count them', async (t) => {
    const milky = await start(t, { http_server: [{ listen: port }], websocket_server: [{ listen: port, dialect: '1.2' }] });
    const client = await Client.connect(`${milky.ws()}?since=0`);
    t.after(() => client.socket.terminate());
    await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text('mine') });
    await milky.say(MING, GROUP, 'theirs');
    const { number, data } = await client.events.next('an event');
    assert.deepEqual([number, words(data)], [1, 'theirs']);
  });
});
