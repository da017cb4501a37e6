// What real clients send and expect: empty values for what they leave out, calls in binary messages, no null.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reverse, serve } from './fixtures.mjs';
import { BOT, Client, GROUP, within } from './harness.mjs';
import { MING, done, fails, text, world } from './sandbox.mjs';

const LISTEN = '127.0.0.1:0';
const URI = 'base64://aGVsbG8=';

const withoutNull = (value, at = 'data') => {
  assert.notEqual(value, null, at);
  if (typeof value === 'object') for (const [name, inner] of Object.entries(value)) withoutNull(inner, `${at}.${name}`);
};

test('an empty value where one may be left out is left out', async (t) => {
  const { owner } = await world(t);
  const both = ['draft', 'modern'];
  for (const dialect of both) {
    const call = owner[dialect];
    const file = { group_id: GROUP, file_uri: URI, file_name: `${dialect}.txt`, parent_folder_id: '' };
    const { file_id } = await done(call('upload_group_file', file));
    const { files } = await done(call('get_group_files', { group_id: GROUP, parent_folder_id: '' }));
    assert.ok(files.some((one) => one.file_id === file_id && one.parent_folder_id === '/'));
    const rename = { group_id: GROUP, file_id, parent_folder_id: '' };
    await done(call('rename_group_file', { ...rename, ...(dialect === 'draft' ? { new_name: 'n' } : { new_file_name: 'n' }) }));
  }
  const { folder_id } = await done(owner.modern('create_group_folder', { group_id: GROUP, folder_name: 'f' }));
  const { file_id } = await done(owner.modern('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'x', parent_folder_id: folder_id }));
  await done(owner.modern('move_group_file', { group_id: GROUP, file_id, parent_folder_id: folder_id, target_folder_id: '' }));

  const { message_seq } = await done(owner.modern('send_group_message', { group_id: GROUP, message: text('newest') }));
  const page = async (params) => {
    const { messages } = await done(owner.modern('get_history_messages', { message_scene: 'group', peer_id: GROUP, ...params }));
    return messages.map((one) => one.message_seq);
  };
  assert.equal((await page({ start_message_seq: 0 })).at(-1), message_seq);
  assert.deepEqual(await page({ start_message_seq: 0, limit: 0 }), await page({}));
  for (const start_message_id of ['', `Group:${GROUP}:0`]) {
    const { messages } = await done(owner.draft('get_history_group_message', { group_id: GROUP, start_message_id }));
    assert.equal(messages.at(-1).message_id, `Group:${GROUP}:${message_seq}`);
  }
  await done(owner.modern('get_group_notifications', { start_notification_seq: 0, limit: 0 }));
  await done(owner.modern('send_profile_like', { user_id: MING, count: 0 }));
  await done(owner.modern('send_group_announcement', { group_id: GROUP, content: 'c', image_uri: '' }));
  const reaction = { group_id: GROUP, message_seq, reaction: '76', reaction_type: '' };
  await done(owner.modern('send_group_message_reaction', reaction));
});

test('an empty value that has a meaning keeps it', async (t) => {
  const { owner } = await world(t);
  const card = async (value) => {
    await done(owner.modern('set_group_member_card', { group_id: GROUP, user_id: MING, card: value }));
    return (await done(owner.modern('get_group_member_info', { group_id: GROUP, user_id: MING }))).member.card;
  };
  assert.equal(await card('a card'), 'a card');
  assert.equal(await card(''), '');
  await done(owner.modern('set_bio', { new_bio: '' }));
  await fails(owner.modern('recall_group_message', { group_id: GROUP, message_seq: 0 }), -103);
});

test('what is absent is left out of results and events', async (t) => {
  const { owner, next } = await world(t);
  await done(owner.modern('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'x' }));
  for (const [action, params] of [
    ['get_group_files', { group_id: GROUP }],
    ['get_group_member_list', { group_id: GROUP }],
    ['get_history_messages', { message_scene: 'group', peer_id: GROUP }],
    ['get_group_announcements', { group_id: GROUP }],
    ['get_group_notifications', {}],
  ]) withoutNull(await done(owner.modern(action, params)), action);
  withoutNull((await next(BOT))['1.2'], 'event');
});

test('a call in a binary message', async (t) => {
  const server = await reverse(t);
  const milky = await serve(t, {
    bots: [{
      self_id: BOT,
      websocket_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }],
      websocket_client: [{ url: `ws://127.0.0.1:${server.port}/` }],
    }],
  });
  const clients = [await Client.connect(milky.ws(0)), await Client.connect(milky.ws(1)), await server.next()];
  for (const client of clients) {
    const ask = async (bytes) => {
      client.socket.send(bytes, { binary: true });
      return (await client.responses.next('a response')).data;
    };
    const got = await ask(Buffer.from(' \r\n{"action":"get_login_info","echo":"牛奶"}'));
    assert.deepEqual([got.retcode, got.echo, got.data.uin], [0, '牛奶', BOT]);
    assert.equal((await ask(Buffer.from('{"action":'))).retcode, -400);
    assert.equal((await ask(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).retcode, -400);
    client.socket.send(Buffer.alloc(0), { binary: true });
    assert.equal((await within(client.closed, 'the end')).code, 1003);
  }
});
