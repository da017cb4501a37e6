// `own_messages` over every kind of transport, in every dialect; and a bot that answers itself, which is seen to loop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hook, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, Client, GROUP, Inbox, call } from './harness.mjs';
import { checkEvent } from './schema.mjs';
import { MING, operate, plainWorld } from './sandbox.mjs';

const OTHER = 10001001;
const port = { listen: '127.0.0.1:0' };

// Lines of a text/event-stream, parsed.
async function stream(t, url, inbox) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const response = await fetch(url, { signal: stop.signal });
  (async () => {
    let rest = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split('\n').find((line) => line.startsWith('data: '));
        if (data) inbox.push(JSON.parse(data.slice('data: '.length)));
      }
    }
  })().catch(() => {});
}

for (const own of [true, false]) {
  test(`own messages are ${own ? '' : 'not '}heard over every transport and dialect`, async (t) => {
    const heard = {};
    const ends = [];
    const dialects = ['draft', '1.2'];
    const bot = { self_id: BOT, http_server: [{ ...port, own_messages: own }], websocket_server: [], websocket_client: [], webhook: [] };
    for (const dialect of dialects) {
      const shared = { dialect, own_messages: own };
      const receiver = await hook(t);
      const server = await reverse(t);
      bot.websocket_server.push({ ...port, ...shared });
      bot.websocket_client.push({ url: `ws://127.0.0.1:${server.port}/`, ...shared });
      bot.webhook.push({ url: receiver.url, ...shared });
      ends.push({ dialect, receiver, server });
    }
    const milky = await serve(t, { bots: [bot, { self_id: OTHER, http_server: [port] }] });
    assert.equal((await operate(milky, 'load', { world: plainWorld(BOT, OTHER) })).status, 'ok');
    for (const [i, { dialect, receiver, server }] of ends.entries()) {
      const unwrapped = (client) => ({ next: async (what) => (await client.events.next(what)).data });
      const client = await Client.connect(milky.ws(i));
      t.after(() => client.socket.terminate());
      heard[`websocket_server ${dialect}`] = [dialect, unwrapped(client)];
      heard[`websocket_client ${dialect}`] = [dialect, unwrapped(await server.next())];
      heard[`webhook ${dialect}`] = [dialect, { next: async () => { const { body } = await receiver.next(); return body.post_type ? body.data : body; } }];
    }
    const events = new Inbox();
    await stream(t, `${milky.http()}/event`, events);
    heard['event_stream 1.2'] = ['1.2', events];

    for (const [action, params] of [
      ['send_group_message', { group_id: GROUP, message: text('mine') }],
      ['send_private_message', { user_id: MING, message: text('to a person') }],
      ['send_private_message', { user_id: OTHER, message: text('to a bot') }],
    ]) assert.equal((await call(milky.http(), action, params)).body.status, 'ok');
    assert.equal((await operate(milky, 'say', { as: MING, group: GROUP, text: 'theirs' })).status, 'ok');

    const expected = own ? [['mine', BOT], ['to a person', BOT], ['to a bot', BOT], ['theirs', MING]] : [['theirs', MING]];
    for (const [name, [dialect, inbox]] of Object.entries(heard)) {
      for (const [words, sender] of expected) {
        const event = await inbox.next(`${words} at ${name}`);
        checkEvent(dialect, event);
        assert.deepEqual([textOf(event.data), event.data.sender_id ?? event.data.user_id], [words, sender], name);
      }
    }
  });
}

// The bot answers each message, as one does that forgets to look at the sender. It stops at the hundredth.
test('a bot that answers itself loops, which is seen here', async (t) => {
  const milky = await serve(t, {
    bots: [{ self_id: BOT, websocket_server: [{ ...port, dialect: '1.2', own_messages: true }] }],
  });
  assert.equal((await operate(milky, 'load', { world: plainWorld(BOT) })).status, 'ok');
  const bot = await Client.connect(milky.ws());
  t.after(() => bot.socket.terminate());
  assert.equal((await operate(milky, 'say', { as: MING, group: GROUP, text: 'hi' })).status, 'ok');
  const senders = [];
  while (senders.length < 100) {
    const { data: event } = await bot.events.next('a message to answer');
    senders.push(event.data.sender_id);
    const { data } = await bot.call('send_group_message', { group_id: GROUP, message: text(`answer ${senders.length}`) }, 'e');
    assert.equal(data.retcode, 0);
  }
  assert.deepEqual(senders, [MING, ...Array(99).fill(BOT)]);
  const { data: event } = await bot.events.next('the last answer');
  assert.equal(textOf(event.data), 'answer 100');
  assert.equal(bot.events.size, 0);
});
