// What 1.3 has and 1.2 has not, as the sandbox makes it happen: a group is disbanded, a temporary file expires or is made
// permanent, people send markdown, a forward shows its time, a private file says who sent it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './fixtures.mjs';
import { BOT, Client, GROUP, call } from './harness.mjs';
import { checkEvent, checkResult } from './schema.mjs';
import { MING, OTHER, done, fails, operate, plainWorld, text } from './sandbox.mjs';

const LISTEN = '127.0.0.1:0';
const DIALECTS = ['draft', '1.2', '1.3'];
const URI = 'base64://aGVsbG8='; // 5 bytes
const DAY = 86400;

async function start(t) {
  const servers = { http_server: [{ listen: LISTEN, dialect: '1.3' }], websocket_server: DIALECTS.map((dialect) => ({ listen: LISTEN, dialect })) };
  const milky = await serve(t, { bots: [{ self_id: BOT, ...servers }, { self_id: OTHER, http_server: [{ listen: LISTEN, dialect: '1.3' }] }] });
  await done(operate(milky, 'load', { world: plainWorld(BOT, OTHER) }));
  const ears = {};
  for (const [i, dialect] of DIALECTS.entries()) {
    ears[dialect] = await Client.connect(milky.ws(i));
    t.after(() => ears[dialect].socket.terminate());
  }
  return {
    act: (name, params) => done(operate(milky, name, params)),
    ask: async (action, params, bot = 0) => {
      const { body } = await call(milky.http(bot), action, params);
      if (body.retcode === 0) checkResult('1.3', action, body.data);
      return body;
    },
    next: async (dialect) => {
      const { data: event } = await ears[dialect].events.next(`an event in ${dialect}`);
      checkEvent(dialect, event);
      return event;
    },
    silence: () => DIALECTS.forEach((dialect) => assert.equal(ears[dialect].events.size, 0)),
  };
}

for (const [how, disband] of [
  ['its owner quits', ({ ask }) => done(ask('quit_group', { group_id: GROUP }))],
  ['its owner disbands it', ({ act }) => act('disband', { as: BOT, group: GROUP })],
]) {
  test(`bots hear that a group is disbanded when ${how}`, async (t) => {
    const made = await start(t);
    await disband(made);
    for (const dialect of DIALECTS) {
      if (dialect !== '1.2') {
        const { event_type, data } = await made.next(dialect);
        assert.deepEqual([event_type, data], ['group_disband', { group_id: GROUP, operator_id: BOT }]);
      }
      assert.equal((await made.next(dialect)).event_type, 'group_member_decrease');
    }
    made.silence();
    await fails(made.ask('get_group_info', { group_id: GROUP }), -101);
    await fails(made.ask('get_group_info', { group_id: GROUP }, 1), -101);
  });
}

test('a temporary file expires, or is made permanent where there is space', async (t) => {
  const { act, ask } = await start(t);
  const list = async () => (await done(ask('get_group_files', { group_id: GROUP }))).files;
  const upload = async () => (await done(ask('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'x' }))).file_id;
  await act('clock', { set: 2000000000, stop: true });
  await act('group_settings', { group: GROUP, file_space: 5 });
  const kept = await upload();
  const temporary = await upload();
  const of = async (file_id) => (await list()).find((file) => file.file_id === file_id);
  assert.ok(!('expire_time' in await of(kept)));
  assert.equal((await of(temporary)).expire_time, 2000000000 + 14 * DAY);
  await fails(ask('persist_group_file', { group_id: GROUP, file_id: temporary }), -110, 'no space');
  await done(ask('persist_group_file', { group_id: GROUP, file_id: kept })); // it is
  await fails(ask('persist_group_file', { group_id: GROUP, file_id: temporary }, 1), -104);
  await fails(ask('persist_group_file', { group_id: GROUP, file_id: '/0000000000000001' }), -115);

  await act('group_settings', { group: GROUP, file_space: 10 });
  await done(ask('persist_group_file', { group_id: GROUP, file_id: temporary }));
  assert.ok(!('expire_time' in await of(temporary)));
  const third = await upload();
  await act('clock', { advance: 14 * DAY - 1 });
  assert.ok(await of(third));
  await act('clock', { advance: 1 });
  assert.deepEqual((await list()).map(({ file_id }) => file_id).sort(), [kept, temporary].sort());
  await fails(ask('get_group_file_download_url', { group_id: GROUP, file_id: third }), -115);
  await fails(ask('persist_group_file', { group_id: GROUP, file_id: third }), -115);
});

test('a person sends markdown', async (t) => {
  const { act, next, silence } = await start(t);
  for (const where of [{ group: GROUP }, { to: BOT }]) {
    await act('say_markdown', { as: MING, ...where, markdown: '# hello' });
    for (const dialect of DIALECTS) {
      const { data: { segments: [segment, ...rest] } } = await next(dialect);
      assert.deepEqual(rest, []);
      if (dialect === '1.3') assert.deepEqual(segment, { type: 'markdown', data: { content: '# hello' } });
      else assert.equal(segment.type, 'text');
    }
  }
  silence();
});

test('a forward shows the time that its sender gives', async (t) => {
  const { ask } = await start(t);
  const one = (time) => ({ user_id: MING, sender_name: 'n', segments: text('x'), ...(time !== undefined && { time }) });
  const message = [{ type: 'forward', data: { messages: [one(1234567890), one(0), one()] } }];
  const { message_seq } = await done(ask('send_group_message', { group_id: GROUP, message }));
  const { message: sent } = await done(ask('get_message', { message_scene: 'group', peer_id: GROUP, message_seq }));
  const { messages } = await done(ask('get_forwarded_messages', { forward_id: sent.segments[0].data.forward_id }));
  assert.deepEqual(messages.map(({ time }) => time === sent.time ? 'now' : time), [1234567890, 'now', 'now']);
});

test('is_self_send says who sent a private file', async (t) => {
  const { ask, act } = await start(t);
  const own = await done(ask('upload_private_file', { user_id: MING, file_uri: URI, file_name: 'x' }));
  const theirs = await act('upload', { as: MING, to: BOT, uri: URI, name: 'y' });
  const url = (file, is_self_send) => ask('get_private_file_download_url', { user_id: MING, file_id: file.file_id, file_hash: '', is_self_send });
  await done(url(own, true));
  await done(url(own, undefined)); // as clients of 1.2 ask
  await done(url(theirs, false));
  await fails(url(theirs, true), -115);
});
