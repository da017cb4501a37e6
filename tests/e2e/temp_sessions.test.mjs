// Temporary sessions: a bot answers a stranger who has written to it through a common group, until the session is over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP } from './harness.mjs';
import { BOT, MING, OTHER, done, fails, text, world } from './sandbox.mjs';

const STRANGER = 10008001;
const URI = 'base64://aGVsbG8=';

async function session(t) {
  const made = await world(t);
  const { operate, next } = made;
  await done(operate('create_person', { user_id: STRANGER, nickname: '路人' }));
  await done(operate('set_join_policy', { as: BOT, group: GROUP, policy: 'anybody' }));
  await done(operate('join', { as: STRANGER, group: GROUP }));
  await Promise.all([next(BOT), next(OTHER)]);
  made.say = () => operate('say', { as: STRANGER, to: BOT, through: GROUP, text: '你好' });
  made.answer = () => made.owner.modern('send_private_message', { user_id: STRANGER, message: text('在') });
  return made;
}

test('a stranger is answered while the session is open', async (t) => {
  const { owner, other, operate, next, hears, silence, say, answer } = await session(t);
  await fails(answer(), -100);
  await done(say());
  const { draft } = await next(BOT);
  for (const call of [owner.modern, owner.draft]) {
    const sent = await done(call('send_private_message', { user_id: STRANGER, message: text('在') }));
    const seq = sent.message_seq ?? Number(sent.message_id.split(':')[2]);
    const { message } = await done(owner.modern('get_message', { message_scene: 'temp', peer_id: STRANGER, message_seq: seq }));
    assert.deepEqual([message.message_scene, message.sender_id, message.segments], ['temp', BOT, text('在')]);
    if (sent.message_id) {
      assert.equal((await done(owner.draft('get_message', { message_id: sent.message_id }))).message.message_type, 'temp');
      await done(owner.draft('recall_message', { message_id: `Temp:${STRANGER}:${seq}` }));
    } else {
      await done(owner.modern('recall_private_message', { user_id: STRANGER, message_seq: seq }));
    }
    const recalled = (await next(BOT))['1.2'];
    assert.deepEqual([recalled.event_type, recalled.data.message_scene, recalled.data.message_seq], ['message_recall', 'temp', seq]);
  }
  await fails(owner.draft('recall_message', { message_id: draft.data.message_id }), -104);

  const { file_id } = await done(owner.modern('upload_private_file', { user_id: STRANGER, file_uri: URI, file_name: 'a.txt' }));
  const uploaded = (await next(BOT))['1.2'];
  assert.deepEqual([uploaded.event_type, uploaded.data.user_id, uploaded.data.is_self], ['friend_file_upload', STRANGER, true]);
  const { file_hash } = uploaded.data;
  assert.match((await done(owner.modern('get_private_file_download_url', { user_id: STRANGER, file_id, file_hash }))).download_url, /^http/);
  const { messages } = await done(owner.modern('get_history_messages', { message_scene: 'temp', peer_id: STRANGER }));
  assert.equal(messages.at(-1).segments[0].type, 'file');

  const nudge = { display_action: '戳了戳', display_suffix: '', display_action_img_url: '' };
  const seen = { user_id: STRANGER, is_self_send: true, is_self_receive: false };
  await done(owner.modern('send_friend_nudge', { user_id: STRANGER }));
  await hears(BOT, 'friend_nudge', { ...seen, ...nudge }, seen);
  await fails(other.modern('send_private_message', { user_id: STRANGER, message: text('x') }), -100);
  silence();

  // The stranger goes on in it too, without naming the group again.
  await done(operate('say', { as: STRANGER, to: BOT, text: 'more' }));
  const more = (await next(BOT))['1.2'];
  assert.deepEqual([more.data.message_scene, more.data.group.group_id], ['temp', GROUP]);
});

test('it is over when either leaves the group, or an operator closes it', async (t) => {
  const { owner, operate, next, say, answer } = await session(t);
  await done(say());
  await next(BOT);
  await done(answer());
  await done(operate('close_temp', { as: BOT, to: STRANGER }));
  await fails(answer(), -100);
  await fails(owner.modern('send_friend_nudge', { user_id: STRANGER }), -100);
  await fails(owner.modern('upload_private_file', { user_id: STRANGER, file_uri: URI, file_name: 'a' }), -100);
  await fails(operate('close_temp', { as: BOT, to: STRANGER }), -111);
  await done(say());
  await next(BOT);
  await done(answer());
  await done(owner.modern('kick_group_member', { group_id: GROUP, user_id: STRANGER }));
  await fails(answer(), -100);
  await fails(say(), -101);
});

test('friends talk in their private chat, with or without a session', async (t) => {
  const { owner, operate, next, say, answer } = await session(t);
  await done(say());
  await next(BOT);
  await done(operate('create_friendship', { user_id: BOT, friend_id: STRANGER }));
  assert.equal((await done(answer())).message_seq, 1);
  const { messages } = await done(owner.modern('get_history_messages', { message_scene: 'friend', peer_id: STRANGER }));
  assert.deepEqual(messages.map((one) => one.message_scene), ['friend']);
  await done(operate('delete_friendship', { user_id: BOT, friend_id: STRANGER }));
  assert.equal((await done(answer())).message_seq, 2); // of the session, which is still open
  await fails(owner.modern('send_private_message', { user_id: MING + 900, message: text('x') }), -100);
});
