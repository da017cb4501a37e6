// A bot's own profile and its friends: each API over HTTP in both dialects, and the events that it causes,
// checked against the tables and (1.2) the published schemas.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROUP } from './harness.mjs';
import { BOT, HONG, MING, UNKNOWN_USER, OTHER, done, fails, text, world } from './sandbox.mjs';

const STRANGER = 10004001;

// The APIs that only 1.2 has are called through the draft's server under their names of 1.2.
const both = ({ draft, modern }) => Object.entries({ draft, '1.2': modern });

test('names and signatures', async (t) => {
  const { owner, other, silence } = await world(t);
  for (const [dialect, call] of both(owner)) {
    await done(call('set_nickname', { new_nickname: `新名字 ${dialect}` }));
    await done(call('set_bio', { new_bio: `第一行\n${dialect}` }));
    assert.equal((await done(call('get_login_info'))).nickname, `新名字 ${dialect}`);
    const profile = await done(other.modern('get_user_profile', { user_id: BOT }));
    assert.deepEqual([profile.nickname, profile.bio], [`新名字 ${dialect}`, `第一行\n${dialect}`]);
    await fails(call('set_nickname', { new_nickname: '' }), -108, 'must not be empty');
    await fails(call('set_nickname', { new_nickname: 'a\u0000b' }), -108, 'control characters');
    await fails(call('set_nickname', { new_nickname: '名'.repeat(37) }), -108, 'at most 36');
    await fails(call('set_bio', { new_bio: 'x'.repeat(100000) }), -108, 'at most 10000');
    assert.equal((await done(call('get_login_info'))).nickname, `新名字 ${dialect}`);
  }
  silence();
});

test('cookies and the token that goes with them', async (t) => {
  const { owner, other } = await world(t);
  for (const [, call] of both(owner)) {
    const { cookies } = await done(call('get_cookies', { domain: 'qun.qq.com' }));
    const jar = Object.fromEntries(cookies.split('; ').map((cookie) => cookie.split(/=(.*)/)));
    assert.deepEqual([jar.uin, jar.p_uin], ['o0010001000', 'o0010001000']);
    assert.match(jar.skey, /^@[0-9A-Za-z]{9}$/);
    assert.match(jar.p_skey, /^[0-9A-Za-z]{43}_$/);
    let bkn = 5381;
    for (const c of jar.skey) bkn = (bkn * 33 + c.charCodeAt(0)) & 0x7fffffff;
    assert.equal((await done(call('get_csrf_token'))).csrf_token, `${bkn}`);
    assert.equal((await done(call('get_cookies', { domain: 'qun.qq.com' }))).cookies, cookies);
    assert.notEqual((await done(call('get_cookies', { domain: 'vip.qq.com' }))).cookies, cookies);
    assert.notEqual((await done(other.modern('get_cookies', { domain: 'qun.qq.com' }))).cookies, cookies);
    await fails(call('get_cookies', { domain: 'no domain' }), -108, 'host name');
  }
});

test('pins', async (t) => {
  const { owner, hears, silence } = await world(t);
  for (const [, call] of both(owner)) {
    for (const [message_scene, peer_id] of [['friend', HONG], ['group', GROUP]]) {
      await done(call('set_peer_pin', { message_scene, peer_id }));
      await hears(BOT, 'peer_pin_change', { message_scene, peer_id, is_pinned: true });
      await done(call('set_peer_pin', { message_scene, peer_id, is_pinned: true }));
    }
    const pins = await done(call('get_peer_pins'));
    assert.deepEqual([pins.friends.map((f) => f.nickname), pins.groups.map((g) => g.group_id)], [['小红'], [GROUP]]);
    await fails(call('set_peer_pin', { message_scene: 'friend', peer_id: UNKNOWN_USER }), -100);
    await fails(call('set_peer_pin', { message_scene: 'group', peer_id: 700000002 }), -101);
    await fails(call('set_peer_pin', { message_scene: 'temp', peer_id: HONG }), -106);
    for (const [message_scene, peer_id] of [['friend', HONG], ['group', GROUP]]) {
      await done(call('set_peer_pin', { message_scene, peer_id, is_pinned: false }));
      await hears(BOT, 'peer_pin_change', { message_scene, peer_id, is_pinned: false });
    }
    assert.deepEqual(await done(call('get_peer_pins')), { friends: [], groups: [] });
  }
  silence();
});

test('read marks', async (t) => {
  const { owner, milky } = await world(t);
  const { message_seq } = await milky.say(MING, { to: BOT }, '在吗');
  for (const [, call] of both(owner)) {
    await done(call('mark_message_as_read', { message_scene: 'friend', peer_id: MING, message_seq }));
    await fails(call('mark_message_as_read', { message_scene: 'friend', peer_id: MING, message_seq: message_seq + 1 }), -103);
    await fails(call('mark_message_as_read', { message_scene: 'friend', peer_id: UNKNOWN_USER, message_seq }), -100);
    await fails(call('mark_message_as_read', { message_scene: 'group', peer_id: GROUP, message_seq: 1 }), -103);
    await fails(call('mark_message_as_read', { message_scene: 'temp', peer_id: MING, message_seq: 1 }), -103);
  }
});

test('nudges', async (t) => {
  const { owner, operate, hears, silence } = await world(t);
  const display = { display_action: '戳了戳', display_suffix: '', display_action_img_url: '' };
  const heard = async (bot, user_id, is_self_send, is_self_receive) => {
    const draft = { user_id, is_self_send, is_self_receive };
    await hears(bot, 'friend_nudge', { ...draft, ...display }, draft);
  };
  for (const [call, action] of [[owner.draft, 'send_friend_poke'], [owner.modern, 'send_friend_nudge']]) {
    await done(call(action, { user_id: OTHER }));
    await heard(BOT, OTHER, true, false);
    await heard(OTHER, BOT, false, true);
    await done(call(action, { user_id: OTHER, is_self: true }));
    await heard(BOT, OTHER, true, true);
    await heard(OTHER, BOT, false, false);
    await done(call(action, { user_id: MING }));
    await heard(BOT, MING, true, false);
    await fails(call(action, { user_id: UNKNOWN_USER }), -100);
  }
  await done(operate('nudge', { as: MING, to: BOT }));
  await heard(BOT, MING, false, true);
  silence();
});

test('likes', async (t) => {
  const { owner, operate, silence } = await world(t);
  for (const [call, friend] of [[owner.draft, MING], [owner.modern, HONG]]) {
    await done(call('send_profile_like', { user_id: friend }));
    await done(call('send_profile_like', { user_id: friend, count: 9 }));
    await fails(call('send_profile_like', { user_id: friend }), -110, '10 of them');
    await fails(call('send_profile_like', { user_id: OTHER, count: 11 }), -110, 'at most 10');
    await fails(call('send_profile_like', { user_id: UNKNOWN_USER }), -100);
  }
  silence();
  // The next day likes count anew.
  await done(operate('clock', { advance: 86400 }));
  await done(owner.modern('send_profile_like', { user_id: HONG, count: 10 }));
});

test('friend requests, and the end of a friendship', async (t) => {
  const { owner, operate, next, silence } = await world(t);
  await done(operate('create_person', { user_id: STRANGER, nickname: '路人' }));

  const asked = async () => {
    await done(operate('friend_request', { as: STRANGER, to: BOT, comment: '我是路人', via: 'QQ号查找' }));
    const { draft, '1.2': modern } = await next(BOT);
    const { initiator_uid } = modern.data;
    assert.match(initiator_uid, /^u_[0-9A-Za-z_-]{22}$/);
    assert.deepEqual(modern.data, { initiator_id: STRANGER, initiator_uid, comment: '我是路人', via: 'QQ号查找' });
    assert.deepEqual(draft.data, { request_id: draft.data.request_id, operator_id: STRANGER, comment: '我是路人', via: 'QQ号查找' });
    return { initiator_uid, request_id: draft.data.request_id };
  };
  const stateIs = async (state, is_filtered = false) => {
    const { requests } = await done(owner.modern('get_friend_requests', { is_filtered }));
    assert.deepEqual(requests.map((r) => [r.initiator_id, r.target_user_id, r.state, r.comment, r.via, r.is_filtered]),
      [[STRANGER, BOT, state, '我是路人', 'QQ号查找', is_filtered]]);
    return requests[0];
  };
  const areFriends = async (are) => {
    const { retcode } = await owner.modern('get_friend_info', { user_id: STRANGER });
    assert.equal(retcode, are ? 0 : -100);
  };

  assert.deepEqual(await done(owner.modern('get_friend_requests')), { requests: [] });
  let ids = await asked();
  assert.equal((await stateIs('pending')).initiator_uid, ids.initiator_uid);
  await done(owner.modern('reject_friend_request', { initiator_uid: ids.initiator_uid, reason: '不认识' }));
  await stateIs('rejected');
  await fails(owner.modern('accept_friend_request', { initiator_uid: ids.initiator_uid }), -109, 'rejected already');
  await fails(owner.draft('accept_request', { request_id: ids.request_id }), -109, 'rejected already');
  await areFriends(false);

  assert.deepEqual(await asked(), ids); // a person's uid does not change
  await done(owner.draft('reject_request', { request_id: ids.request_id }));
  await stateIs('rejected');
  for (const accept of [
    () => owner.draft('accept_request', { request_id: ids.request_id }),
    () => owner.modern('accept_friend_request', { initiator_uid: ids.initiator_uid }),
  ]) {
    await asked();
    await done(accept());
    await stateIs('accepted');
    await areFriends(true);
    await done(owner.modern('send_private_message', { user_id: STRANGER, message: text('hi') }));
    await fails(operate('friend_request', { as: STRANGER, to: BOT }), -111, 'friends already');
    await done(owner.modern('delete_friend', { user_id: STRANGER }));
    await areFriends(false);
    await fails(owner.draft('delete_friend', { user_id: STRANGER }), -100);
    await fails(operate('say', { as: STRANGER, to: BOT, text: 'hi' }), -100);
  }

  // A filtered request: no event, and a list of its own.
  await done(operate('friend_request', { as: STRANGER, to: BOT, comment: '我是路人', via: 'QQ号查找', is_filtered: true }));
  silence();
  assert.deepEqual(await done(owner.modern('get_friend_requests')), { requests: [] });
  await stateIs('pending', true);
  await fails(owner.modern('accept_friend_request', { initiator_uid: ids.initiator_uid }), -109);
  await done(owner.modern('accept_friend_request', { initiator_uid: ids.initiator_uid, is_filtered: true }));
  await areFriends(true);
  await fails(owner.modern('reject_friend_request', { initiator_uid: 'nobody' }), -109);

  // A person accepts, and a person leaves.
  await done(operate('delete_friend', { as: STRANGER, user_id: BOT }));
  await areFriends(false);
  await done(operate('friend_request', { as: BOT, to: STRANGER }));
  await done(operate('accept', { as: STRANGER, from: BOT }));
  await areFriends(true);
  silence();
});

test('temporary sessions', async (t) => {
  const { owner, operate, next, silence } = await world(t);
  await done(operate('create_person', { user_id: STRANGER, nickname: '路人' }));
  await fails(operate('say', { as: STRANGER, to: BOT, through: GROUP, text: '你好' }), -101);
  await done(operate('set_join_policy', { as: BOT, group: GROUP, policy: 'anybody' }));
  await done(operate('join', { as: STRANGER, group: GROUP }));
  await Promise.all([next(BOT), next(OTHER)]);
  const { message_seq, time } = await done(operate('say', { as: STRANGER, to: BOT, through: GROUP, text: '你好' }));
  const { draft, '1.2': modern } = await next(BOT);
  assert.deepEqual({ ...modern.data, group: modern.data.group.group_id }, {
    message_scene: 'temp', peer_id: STRANGER, message_seq, sender_id: STRANGER, time, segments: text('你好'), group: GROUP,
  });
  assert.deepEqual(draft.data, {
    message_type: 'temp', message_id: `Temp:${STRANGER}:${message_seq}`, time, user_id: STRANGER, group_id: GROUP, segments: text('你好'),
  });
  const conversation = { message_scene: 'temp', peer_id: STRANGER };
  assert.deepEqual((await done(owner.modern('get_message', { ...conversation, message_seq }))).message, modern.data);
  assert.deepEqual((await done(owner.draft('get_message', { message_id: draft.data.message_id }))).message, draft.data);
  assert.deepEqual((await done(owner.modern('get_history_messages', conversation))).messages, [modern.data]);
  await done(owner.modern('mark_message_as_read', { ...conversation, message_seq }));
  await done(operate('close_temp', { as: STRANGER, to: BOT }));
  await fails(owner.modern('send_private_message', { user_id: STRANGER, message: text('x') }), -100);
  silence();
});
