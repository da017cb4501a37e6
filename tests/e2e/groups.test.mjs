// Groups, without their messages: each API over HTTP in both dialects, the events that it causes at both bots in
// both dialects, all checked against the tables and (1.2) the published schemas; and the change of the world.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, GROUP, call, request, serve } from './harness.mjs';
import { operate, plainWorld } from './sandbox.mjs';
import { checkEvent, checkResult } from './schema.mjs';

const LISTEN = '127.0.0.1:0';
const BOT = 10001000; // the owner of the group
const OTHER = 10001001;
const [MING, HONG, JIE] = [10003001, 10003002, 10003003];
const UNKNOWN_USER = 10009999;
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const servers = () => ({
  http_server: [{ listen: LISTEN }],
  websocket_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }],
});
const bots = [{ self_id: BOT, ...servers() }, { self_id: OTHER, ...servers() }];

const text = (words) => [{ type: 'text', data: { text: words } }];
const isNow = (time) => assert.ok(Math.abs(time - Date.now() / 1000) < 10, `${time}`);

// A milky with both bots: `owner` and `other` are {draft, modern}, each a way to call; `next` gives the
// next event of a bot in both dialects.
async function world(t) {
  const milky = await serve(t, { bots });
  await done(operate(milky, 'load', { world: plainWorld(BOT, OTHER) }));
  const listeners = [];
  const made = { milky };
  for (const [i, name] of ['owner', 'other'].entries()) {
    const ask = (dialect, base) => async (action, params) => {
      const { status, body } = await call(base, action, params);
      assert.equal(status, 200, JSON.stringify(body));
      if (body.retcode === 0) checkResult(dialect, action, body.data);
      return body;
    };
    made[name] = { draft: ask('draft', milky.http(i)), modern: ask('1.2', `${milky.http(i)}/api`) };
    listeners[i] = {};
    for (const [j, dialect] of ['draft', '1.2'].entries()) {
      listeners[i][dialect] = await Client.connect(milky.ws(i * 2 + j));
      t.after(() => listeners[i][dialect].socket.terminate());
    }
  }
  made.next = async (bot) => {
    const events = {};
    for (const [dialect, listener] of Object.entries(listeners[bot === BOT ? 0 : 1])) {
      const { data: event, self_id } = await listener.events.next(`an event of ${bot} in ${dialect}`);
      assert.equal(self_id, bot);
      checkEvent(dialect, event);
      isNow(event.time);
      events[dialect] = event;
    }
    return events;
  };
  // The next one in the draft alone: 1.2 has it not, or had it before.
  made.nextDraft = async (bot) => (await listeners[bot === BOT ? 0 : 1].draft.events.next('an event in the draft')).data;
  // Both bots get the same event.
  made.bothHear = async (type, modern, draft) => {
    for (const bot of [BOT, OTHER]) {
      const events = await made.next(bot);
      assert.deepEqual([events['1.2'].event_type, events['1.2'].data], [type, modern]);
      assert.deepEqual(events.draft.data, draft ?? modern);
    }
  };
  made.silence = () => {
    for (const of of listeners) for (const listener of Object.values(of)) assert.equal(listener.events.size, 0);
  };
  // An action of a person.
  made.operate = async (action, params) => {
    const { body } = await request(`unix:${join(milky.dir, 'data/control.sock')}`, `/sandbox/${action}`, {
      headers: { 'Content-Type': 'application/json', Host: 'localhost' }, body: JSON.stringify(params),
    });
    assert.equal(body.retcode, 0, `${action}: ${JSON.stringify(body)}`);
    return body.data;
  };
  return made;
}

async function done(reply) {
  const { retcode, data, message } = await reply;
  assert.equal(retcode, 0, message);
  return data;
}

async function fails(reply, retcode, part = '') {
  const body = await reply;
  assert.equal(body.retcode, retcode, JSON.stringify(body));
  assert.ok(body.message.includes(part), body.message);
}

const inGroup = { group_id: GROUP };
const member = async (way, user_id) =>
  (await done(way('get_group_member_info', { ...inGroup, user_id, no_cache: true }))).member;

test('names, cards and titles', async (t) => {
  const { owner, other, bothHear, silence } = await world(t);
  const named = (name, operator_id) => bothHear('group_name_change',
    { ...inGroup, new_group_name: name, operator_id }, { ...inGroup, name, operator_id });
  await done(owner.modern('set_group_name', { ...inGroup, new_group_name: '新名字' }));
  await named('新名字', BOT);
  await done(owner.draft('set_group_name', { ...inGroup, name: 'Old name' }));
  await named('Old name', BOT);
  assert.equal((await done(other.modern('get_group_info', inGroup))).group.group_name, 'Old name');
  await fails(other.modern('set_group_name', { ...inGroup, new_group_name: 'x' }), -104, 'owner or an admin');
  await fails(owner.draft('set_group_name', { group_id: 700000009, name: 'x' }), -101);
  await fails(owner.draft('set_group_name', { ...inGroup, name: '' }), -108);

  for (const dialect of ['draft', 'modern']) {
    await done(owner[dialect]('set_group_member_card', { ...inGroup, user_id: MING, card: dialect }));
    assert.equal((await member(other.modern, MING)).card, dialect);
    await done(owner[dialect]('set_group_member_special_title', { ...inGroup, user_id: MING, special_title: dialect }));
    assert.equal((await member(other.modern, MING)).title, dialect);
    await done(other[dialect]('set_group_member_card', { ...inGroup, user_id: OTHER, card: '我' }));
    await fails(other[dialect]('set_group_member_card', { ...inGroup, user_id: MING, card: 'x' }), -104);
    await fails(other[dialect]('set_group_member_special_title', { ...inGroup, user_id: OTHER, special_title: 'x' }), -104, 'owner');
    await fails(owner[dialect]('set_group_member_card', { ...inGroup, user_id: UNKNOWN_USER, card: 'x' }), -102);
  }
  silence();
});

test('admins', async (t) => {
  const { owner, other, bothHear, silence } = await world(t);
  const changed = (is_set) => bothHear('group_admin_change',
    { ...inGroup, user_id: OTHER, operator_id: BOT, is_set }, { ...inGroup, user_id: OTHER, is_set });
  for (const dialect of ['draft', 'modern']) {
    await fails(other[dialect]('set_group_member_admin', { ...inGroup, user_id: MING }), -104, 'owner');
    await done(owner[dialect]('set_group_member_admin', { ...inGroup, user_id: OTHER }));
    await changed(true);
    assert.equal((await member(owner.modern, OTHER)).role, 'admin');
    await done(owner[dialect]('set_group_member_admin', { ...inGroup, user_id: OTHER, is_set: false }));
    await changed(false);
    assert.equal((await member(owner.modern, OTHER)).role, 'member');
    await fails(owner[dialect]('set_group_member_admin', { ...inGroup, user_id: BOT }), -104);
    await fails(owner[dialect]('set_group_member_admin', { ...inGroup, user_id: UNKNOWN_USER }), -102);
  }
  silence();
});

test('mutes', async (t) => {
  const { owner, other, bothHear, silence } = await world(t);
  const muted = (duration) => bothHear('group_mute',
    { ...inGroup, user_id: OTHER, operator_id: BOT, duration }, { ...inGroup, user_id: OTHER, duration });
  for (const dialect of ['draft', 'modern']) {
    await done(owner[dialect]('set_group_member_mute', { ...inGroup, user_id: OTHER, duration: 600 }));
    await muted(600);
    isNow((await member(owner.modern, OTHER)).shut_up_end_time - 600);
    await fails(other[dialect]('send_group_message', { ...inGroup, message: text('x') }), -107, 'until');
    await done(owner[dialect]('set_group_member_mute', { ...inGroup, user_id: OTHER }));
    await muted(0);
    assert.ok(!('shut_up_end_time' in await member(owner.modern, OTHER)));
    await fails(other[dialect]('set_group_member_mute', { ...inGroup, user_id: MING, duration: 1 }), -104);
    await fails(owner[dialect]('set_group_member_mute', { ...inGroup, user_id: OTHER, duration: 2592001 }), -114);

    await done(owner[dialect]('set_group_whole_mute', inGroup));
    await bothHear('group_whole_mute', { ...inGroup, operator_id: BOT, is_mute: true });
    await fails(other[dialect]('send_group_message', { ...inGroup, message: text('x') }), -107);
    await done(owner[dialect]('set_group_whole_mute', { ...inGroup, is_mute: false }));
    await bothHear('group_whole_mute', { ...inGroup, operator_id: BOT, is_mute: false });
    await fails(other[dialect]('set_group_whole_mute', inGroup), -104);
  }
  silence();
});

test('kicking and quitting', async (t) => {
  const { owner, other, next, nextDraft, bothHear, silence } = await world(t);
  for (const [dialect, user_id] of [['draft', MING], ['modern', HONG]]) {
    await fails(other[dialect]('kick_group_member', { ...inGroup, user_id }), -104);
    await done(owner[dialect]('kick_group_member', { ...inGroup, user_id }));
    await bothHear('group_member_decrease', { ...inGroup, user_id, operator_id: BOT });
    await fails(owner[dialect]('kick_group_member', { ...inGroup, user_id }), -102);
  }
  await done(other.draft('quit_group', inGroup));
  await bothHear('group_member_decrease', { ...inGroup, user_id: OTHER });
  await fails(other.modern('quit_group', inGroup), -101);
  const { notifications } = await done(owner.modern('get_group_notifications', {}));
  assert.deepEqual(notifications.map(({ type, target_user_id }) => [type, target_user_id]),
    [['quit', OTHER], ['kick', HONG], ['kick', MING]]);
  await done(owner.modern('quit_group', inGroup)); // and dissolves it
  const first = await next(BOT); // 1.2 has no group_disband
  assert.deepEqual(first['1.2'].data, { ...inGroup, user_id: BOT });
  assert.deepEqual([first.draft.event_type, first.draft.data], ['group_disband', { ...inGroup, operator_id: BOT }]);
  assert.equal((await nextDraft(BOT)).event_type, 'group_member_decrease');
  assert.deepEqual((await done(owner.modern('get_group_list', {}))).groups, []);
  silence();
});

test('announcements', async (t) => {
  const { owner, other, silence } = await world(t);
  await done(owner.modern('send_group_announcement', { ...inGroup, content: '只有文字' }));
  await done(owner.draft('send_group_announcement', { ...inGroup, content: '有图', image_uri: `base64://${PIXEL}` }));
  const { announcements } = await done(other.modern('get_group_announcements', inGroup));
  assert.deepEqual(announcements.map(({ user_id, content }) => [user_id, content]), [[BOT, '有图'], [BOT, '只有文字']]);
  announcements.forEach(({ time }) => isNow(time));
  assert.ok(!('image_url' in announcements[1]));
  const image = await fetch(announcements[0].image_url);
  assert.equal(Buffer.from(await image.arrayBuffer()).toString('base64'), PIXEL);
  const { announcements: old } = await done(other.draft('get_group_announcement_list', inGroup));
  assert.deepEqual(old.map((one) => one.announcement_id), announcements.map((one) => one.announcement_id));
  assert.equal((await done(other.modern('get_group_info', inGroup))).group.announcement, '有图');

  await fails(other.modern('send_group_announcement', { ...inGroup, content: 'x' }), -104);
  await fails(owner.modern('send_group_announcement', { ...inGroup, content: '' }), -108);
  const broken = await owner.modern('send_group_announcement', { ...inGroup, content: 'x', image_uri: 'base64://AAAA' });
  assert.notEqual(broken.retcode, 0);
  await fails(other.draft('delete_group_announcement', { ...inGroup, announcement_id: old[0].announcement_id }), -104);
  await fails(owner.modern('delete_group_announcement', { ...inGroup, announcement_id: '77' }), -112);
  for (const [i, dialect] of ['draft', 'modern'].entries()) {
    await done(owner[dialect]('delete_group_announcement', { ...inGroup, announcement_id: old[i].announcement_id }));
  }
  assert.deepEqual((await done(other.modern('get_group_announcements', inGroup))).announcements, []);
  silence();
});

test('essence messages, reactions and nudges', async (t) => {
  const { owner, other, bothHear, next, silence } = await world(t);
  const { message_seq } = await done(other.modern('send_group_message', { ...inGroup, message: [
    ...text('好话'), { type: 'image', data: { uri: `base64://${PIXEL}`, sub_type: 'normal' } },
  ] }));
  await next(BOT);
  const message_id = `Group:${GROUP}:${message_seq}`;
  const chosen = (is_set) => bothHear('group_essence_message_change',
    { ...inGroup, message_seq, operator_id: BOT, is_set }, { ...inGroup, message_id, is_set });
  await done(owner.modern('set_group_essence_message', { ...inGroup, message_seq }));
  await chosen(true);
  const page = await done(other.modern('get_group_essence_messages', { ...inGroup, page_index: 0, page_size: 10 }));
  assert.equal(page.is_end, true);
  const [{ segments, operation_time, message_time, ...essence }] = page.messages;
  assert.deepEqual(essence, {
    ...inGroup, message_seq, sender_id: OTHER, sender_name: `Milky ${OTHER}`, operator_id: BOT, operator_name: `Milky ${BOT}`,
  });
  [operation_time, message_time].forEach(isNow);
  assert.equal((await fetch(segments[1].data.temp_url)).status, 200);
  await fails(other.modern('set_group_essence_message', { ...inGroup, message_seq }), -104);
  await fails(owner.modern('set_group_essence_message', { ...inGroup, message_seq: 1000 }), -103);
  await done(owner.modern('set_group_essence_message', { ...inGroup, message_seq, is_set: false }));
  await chosen(false);

  const reacted = (user_id, face_id, reaction_type, is_add) => bothHear('group_message_reaction',
    { ...inGroup, user_id, message_seq, face_id, reaction_type, is_add }, { ...inGroup, user_id, message_id, face_id, is_add });
  await done(owner.draft('send_group_message_reaction', { message_id, reaction: '76' }));
  await reacted(BOT, '76', 'face', true);
  await done(owner.modern('send_group_message_reaction', { ...inGroup, message_seq, reaction: '76', is_add: false }));
  await reacted(BOT, '76', 'face', false);
  await done(other.modern('send_group_message_reaction', { ...inGroup, message_seq, reaction: '128516', reaction_type: 'emoji' }));
  await reacted(OTHER, '128516', 'emoji', true);
  await fails(owner.draft('send_group_message_reaction', { message_id: `Group:${GROUP}:1000`, reaction: '76' }), -103);
  await fails(owner.modern('send_group_message_reaction', { ...inGroup, message_seq, reaction: 'x' }), -114);

  for (const [dialect, api] of [['draft', 'send_group_poke'], ['modern', 'send_group_nudge']]) {
    await done(other[dialect](api, { ...inGroup, user_id: MING }));
    await bothHear('group_nudge', {
      ...inGroup, sender_id: OTHER, receiver_id: MING, display_action: '戳了戳', display_suffix: '', display_action_img_url: '',
    }, { ...inGroup, sender_id: OTHER, receiver_id: MING });
    await fails(other[dialect](api, { ...inGroup, user_id: UNKNOWN_USER }), -102);
  }
  silence();
});

test('requests to join', async (t) => {
  const { owner, other, operate, bothHear, next, silence } = await world(t);
  // People outside the group, for a while.
  for (const user_id of [MING, HONG, JIE]) {
    await done(owner.modern('kick_group_member', { ...inGroup, user_id }));
    await bothHear('group_member_decrease', { ...inGroup, user_id, operator_id: BOT });
  }
  const knock = async (as, is_filtered = false) => {
    const { notification_seq } = await operate('join', { as, group: GROUP, comment: '让我进来', is_filtered });
    const { draft, '1.2': modern } = await next(BOT);
    assert.deepEqual([modern.event_type, modern.data], ['group_join_request',
      { ...inGroup, notification_seq, is_filtered, initiator_id: as, comment: '让我进来' }]);
    const { request_id, ...rest } = draft.data;
    assert.deepEqual(rest, { ...inGroup, operator_id: as, comment: '让我进来' });
    return { notification_seq, request_id };
  };
  const joined = (user_id, more) => bothHear('group_member_increase', { ...inGroup, user_id, operator_id: BOT, ...more });

  const first = await knock(MING);
  await done(owner.draft('reject_request', { request_id: first.request_id, reason: '不行' }));
  await fails(owner.draft('accept_request', { request_id: first.request_id }), -109);
  const second = await knock(MING);
  await done(owner.draft('accept_request', { request_id: second.request_id }));
  await joined(MING);
  const third = await knock(HONG, true);
  const answer = { ...inGroup, notification_seq: third.notification_seq, notification_type: 'join_request' };
  await fails(owner.modern('accept_group_request', answer), -109); // is_filtered is not given
  await fails(other.modern('accept_group_request', { ...answer, is_filtered: true }), -104);
  await done(owner.modern('reject_group_request', { ...answer, is_filtered: true, reason: null }));
  const fourth = await knock(HONG, true);
  await done(owner.draft('accept_request', { request_id: fourth.request_id }));
  await joined(HONG);

  const { notification_seq } = await operate('invite', { as: MING, group: GROUP, user: JIE });
  const { draft, '1.2': modern } = await next(BOT);
  assert.deepEqual([modern.event_type, modern.data],
    ['group_invited_join_request', { ...inGroup, notification_seq, initiator_id: MING, target_user_id: JIE }]);
  assert.deepEqual([draft.data.operator_id, draft.data.invitee_id], [MING, JIE]);
  await done(owner.draft('accept_request', { request_id: draft.data.request_id }));
  await joined(JIE, { invitor_id: MING });

  const page = await done(owner.modern('get_group_notifications', { limit: 2 }));
  assert.deepEqual(page.notifications.map(({ type, state, operator_id }) => [type, state, operator_id]),
    [['invited_join_request', 'accepted', BOT], ['join_request', 'accepted', BOT]]);
  const rest = await done(owner.modern('get_group_notifications', { start_notification_seq: page.next_notification_seq }));
  assert.deepEqual(rest.notifications.map(({ type }) => type), ['join_request', 'kick', 'kick', 'kick']);
  assert.ok(!('next_notification_seq' in rest));
  const filtered = await done(owner.modern('get_group_notifications', { is_filtered: true }));
  assert.deepEqual(filtered.notifications.map(({ state }) => state), ['accepted', 'rejected']);
  silence();
});

test('invitations', async (t) => {
  const { owner, other, operate, bothHear, next, silence } = await world(t);
  const leave = async () => {
    await done(other.modern('quit_group', inGroup));
    await bothHear('group_member_decrease', { ...inGroup, user_id: OTHER });
  };
  const invite = async () => {
    const { invitation_seq } = await operate('invite', { as: BOT, group: GROUP, user: OTHER });
    const { draft, '1.2': modern } = await next(OTHER);
    assert.deepEqual([modern.event_type, modern.data], ['group_invitation', { ...inGroup, invitation_seq, initiator_id: BOT }]);
    assert.equal(draft.event_type, 'group_invitation_request');
    return { invitation_seq, request_id: draft.data.request_id };
  };
  await leave();
  const refusal = await invite();
  await fails(other.modern('accept_group_invitation', { ...inGroup, invitation_seq: refusal.invitation_seq + 1 }), -109);
  await done(other.modern('reject_group_invitation', { ...inGroup, invitation_seq: refusal.invitation_seq }));
  await fails(other.draft('accept_request', { request_id: refusal.request_id }), -109);
  for (const dialect of ['draft', 'modern']) {
    const { invitation_seq, request_id } = await invite();
    await done(dialect === 'draft' ? other.draft('accept_request', { request_id })
      : other.modern('accept_group_invitation', { ...inGroup, invitation_seq }));
    await bothHear('group_member_increase', { ...inGroup, user_id: OTHER, invitor_id: BOT });
    assert.equal((await member(owner.modern, OTHER)).role, 'member');
    await leave();
  }
  const { request_id } = await invite();
  await done(other.draft('reject_request', { request_id }));
  silence();
});
