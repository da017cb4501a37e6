// The four communication methods side by side: one small bot runs on any of them, and they carry the same calls and
// events. communication-draft.md, as a whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, hook, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, call } from './harness.mjs';

const MING = 10003001;
const HONG = 10003002;
const port = '127.0.0.1:0';
const token = 's3cret+/=';
const BOTS = { http: 10001001, webhook: 10001002, server: 10001003, client: 10001004 };

// The bot: its answer to an event is a call or nothing. It does not know how it is connected.
function echo({ event_type, data }) {
  if (event_type !== 'message_receive' || !textOf(data).startsWith('echo ')) return undefined;
  const message = text(textOf(data).slice('echo '.length));
  return data.message_type === 'group'
    ? { action: 'send_group_message', params: { group_id: data.group_id, message } }
    : { action: 'send_private_message', params: { user_id: data.user_id, message } };
}

// The bot on each method. HTTP has calls alone, so its events come by a webhook that is answered
// with nothing.
async function startBots(t) {
  const calls = [];
  const events = await hook(t, {
    answer: ({ text: raw }) => {
      const answer = echo(JSON.parse(raw));
      if (answer) calls.push(call(calls.base, answer.action, answer.params, { token }));
      return { status: 204 };
    },
  });
  const webhook = await hook(t, {
    answer: ({ text: raw }) => {
      const answer = echo(JSON.parse(raw));
      return answer ? { status: 200, body: answer } : { status: 204 };
    },
  });
  const server = await reverse(t);
  const milky = await serve(t, {
    bots: [
      {
        self_id: BOTS.http,
        http_server: [{ listen: port, access_token: token }],
        webhook: [{ url: events.url, access_token: token }],
      },
      { self_id: BOTS.webhook, webhook: [{ url: webhook.url, access_token: token }] },
      { self_id: BOTS.server, websocket_server: [{ listen: port, access_token: token }] },
      { self_id: BOTS.client, websocket_client: [{ url: `ws://127.0.0.1:${server.port}/`, access_token: token }] },
      { self_id: BOT, http_server: [{ listen: port }], websocket_server: [{ listen: port }] },
    ],
  });
  calls.base = milky.http(0);
  const sockets = [await connect(t, `${milky.ws(0)}?access_token=${encodeURIComponent(token)}`), await server.next()];
  for (const { socket } of sockets) {
    socket.on('message', (data) => {
      const { post_type, data: event } = JSON.parse(data);
      const answer = post_type === 'event' && echo(event);
      if (answer) socket.send(JSON.stringify(answer));
    });
  }
  return { milky, calls };
}

test('a bot works over any of the four methods', async (t) => {
  const { milky, calls } = await startBots(t);
  const observer = await connect(t, milky.ws(1));
  await milky.say(MING, { group: GROUP }, 'echo 大家好');
  const answered = new Set();
  while (answered.size < 4) {
    const { data } = (await observer.events.next('the bots to answer')).data;
    if (data.user_id === MING) continue;
    assert.equal(textOf(data), '大家好');
    assert.equal(data.group_id, GROUP);
    answered.add(data.user_id);
  }
  assert.deepEqual([...answered].sort(), Object.values(BOTS).sort());
  for (const [method, self] of Object.entries(BOTS)) {
    await milky.say(HONG, { to: self }, `echo 你好，${method}`);
  }
  for (const one of await Promise.all(calls)) assert.equal(one.body.status, 'ok');
});

test('a bot answers private messages over any of them', async (t) => {
  const { milky } = await startBots(t);
  // This bot sends private messages to the others, and gets their answers.
  const observer = await connect(t, milky.ws(1));
  for (const [method, self] of Object.entries(BOTS)) {
    const sent = await observer.call('send_private_message', { user_id: self, message: text(`echo 你好，${method}`) });
    assert.equal(sent.data.status, 'ok');
    const { event_type, data } = (await observer.events.next(`${method} to answer`)).data;
    assert.equal(event_type, 'message_receive');
    assert.equal(data.message_type, 'private');
    assert.equal(data.user_id, self);
    assert.equal(textOf(data), `你好，${method}`);
  }
});

// One bot on all methods, with the same messages for it.
async function everything(t) {
  const receiver = await hook(t);
  const server = await reverse(t);
  const milky = await serve(t, {
    bots: [{
      self_id: BOT,
      http_server: [{ listen: port }],
      websocket_server: [{ listen: port }],
      websocket_client: [{ url: `ws://127.0.0.1:${server.port}/` }],
      webhook: [{ url: receiver.url }],
    }],
  });
  return { milky, receiver, near: await connect(t, milky.ws()), far: await server.next() };
}

test('a webhook posts the data of the event', async (t) => {
  const { milky, receiver, near, far } = await everything(t);
  const said = [];
  for (const where of [{ group: GROUP }, { to: BOT }]) said.push(await milky.say(MING, where, '你好 \u{1F95B} "\\'));
  for (const { time } of said) {
    const posted = await receiver.next();
    for (const { post_type, self_id, data, ...rest } of [await near.events.next(), await far.events.next()]) {
      assert.equal(post_type, 'event');
      assert.equal(self_id, BOT);
      assert.deepEqual(rest, {});
      assert.deepEqual(data, posted.body);
      assert.equal(data.time, time);
    }
  }
});

test('HTTP answers with the data of the action_response', async (t) => {
  const { milky, near, far } = await everything(t);
  const { body } = await call(milky.http(), 'send_group_message', { group_id: GROUP, message: text('hello') });
  const calls = [
    ['get_friend_list', {}],
    ['get_message', { message_id: body.data.message_id }],
    ['get_group_member_info', { group_id: GROUP, user_id: MING }],
    ['set_group_name', { group_id: GROUP, name: '新名字' }],
    ['get_message', { message_id: `Group:${GROUP}:99999` }],
    ['get_message', { message_id: 'x' }],
    ['get_message', {}],
    ['send_private_message', { user_id: 10009999, message: text('x') }],
    ['no_such_api', {}],
  ];
  for (const [action, params] of calls) {
    const http = await call(milky.http(), action, params);
    for (const socket of [near, far]) {
      const { post_type, self_id, data: { echo: given, ...data } } = await socket.call(action, params, 'e');
      assert.equal(post_type, 'action_response');
      assert.equal(self_id, BOT);
      assert.equal(given, 'e');
      assert.deepEqual(data, http.body, action);
      assert.deepEqual(Object.keys(data), Object.keys(http.body));
    }
  }
});
