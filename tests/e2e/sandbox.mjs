// A sandbox with two bots for one test: `owner` (of the group) and `other` are {draft, modern}, each a
// way to call over HTTP whose results are checked against the schemas; events come in both dialects.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Client, call, request, serve } from './harness.mjs';
import { checkEvent, checkResult } from './schema.mjs';

export const BOT = 10001000; // the owner of the group
export const OTHER = 10001001;
export const [MING, HONG] = [10003001, 10003002];
export const UNKNOWN_USER = 10009999;

const LISTEN = '127.0.0.1:0';
const servers = () => ({
  http_server: [{ listen: LISTEN }],
  websocket_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }],
});

export const text = (words) => [{ type: 'text', data: { text: words } }];
export const isNow = (time) => assert.ok(Math.abs(time - Date.now() / 1000) < 10, `${time}`);

// The data of a reply, which must be a success.
export async function done(reply) {
  const { retcode, data, message } = await reply;
  assert.equal(retcode, 0, message);
  return data;
}

export async function fails(reply, retcode, part = '') {
  const body = await reply;
  assert.equal(body.retcode, retcode, JSON.stringify(body));
  assert.ok(body.message.includes(part), body.message);
}

// An operation of the sandbox, by a person or by the operator.
export async function operate(milky, action, params = {}) {
  const { body } = await request(`unix:${join(milky.dir, 'data/control.sock')}`, `/sandbox/${action}`, {
    headers: { 'Content-Type': 'application/json', Host: 'localhost' }, body: JSON.stringify(params),
  });
  return body;
}

// Five people and the bots, who are all friends, and one group with all of them, whose owner is the first bot.
export function plainWorld(...bots) {
  const names = ['小明', '小红', '阿杰', 'Alice', 'Bob'];
  const people = names.map((nickname, i) => ({ user_id: MING + i, nickname }));
  people.push(...bots.map((user_id) => ({ user_id, nickname: `Milky ${user_id}`, is_bot: true })));
  const numbers = people.map(({ user_id }) => user_id);
  return {
    milky_world: 1,
    people,
    friendships: numbers.flatMap((user_id, i) => numbers.slice(i + 1).map((friend_id) => ({ user_id, friend_id }))),
    groups: [{
      group_id: 700000001, group_name: '牛奶小屋', max_member_count: 2000, description: '大家都在这里',
      members: numbers.map((user_id) => ({ user_id, role: user_id === bots[0] ? 'owner' : 'member' })),
    }],
  };
}

export async function world(t, extra = {}) {
  const milky = await serve(t, { ...extra, bots: [{ self_id: BOT, ...servers() }, { self_id: OTHER, ...servers() }] });
  await done(operate(milky, 'load', { world: plainWorld(BOT, OTHER) }));
  const listeners = new Map();
  const made = { milky };
  for (const [i, [name, bot]] of Object.entries({ owner: BOT, other: OTHER }).entries()) {
    const ask = (dialect, base) => async (action, params = {}) => {
      const { status, body } = await call(base, action, params);
      assert.equal(status, 200, JSON.stringify(body));
      if (body.retcode === 0) checkResult(dialect, action, body.data);
      return body;
    };
    made[name] = { draft: ask('draft', milky.http(i)), modern: ask('1.2', `${milky.http(i)}/api`) };
    const pair = {};
    for (const [j, dialect] of ['draft', '1.2'].entries()) {
      pair[dialect] = await Client.connect(milky.ws(i * 2 + j));
      t.after(() => pair[dialect].socket.terminate());
    }
    listeners.set(bot, pair);
  }
  // The next event of a bot: {draft, '1.2'}.
  made.next = async (bot) => {
    const events = {};
    for (const [dialect, listener] of Object.entries(listeners.get(bot))) {
      const { data: event, self_id } = await listener.events.next(`an event of ${bot} in ${dialect}`);
      assert.equal(self_id, bot);
      checkEvent(dialect, event);
      isNow(event.time);
      events[dialect] = event;
    }
    return events;
  };
  // The next event of a bot is exactly this one; gives its data in 1.2.
  made.hears = async (bot, type, modern, draft = modern) => {
    const events = await made.next(bot);
    assert.deepEqual([events['1.2'].event_type, events['1.2'].data], [type, modern]);
    assert.deepEqual(events.draft.data, draft);
  };
  // No event has come. Events are sent before the reply that they belong to.
  made.silence = () => {
    for (const pair of listeners.values()) for (const listener of Object.values(pair)) assert.equal(listener.events.size, 0);
  };
  made.operate = (action, params) => operate(milky, action, params);
  return made;
}
