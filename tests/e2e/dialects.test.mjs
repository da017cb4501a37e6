// Every API of the sandbox and every event, in each dialect, over HTTP and WebSocket, checked against the tables
// and (1.2) the published schemas; every other API is at least known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, GROUP, call, serve } from './harness.mjs';
import { checkEvent, checkResult, draft, sampleParams, v12, v13 } from './schema.mjs';

const LISTEN = '127.0.0.1:0';
const BOT = 10001000; // the owner of the group
const OTHER = 10001001;
const MING = 10003001; // 小明, the owner of the group
const HONG = 10003002;
const PEOPLE = [10003001, 10003002, 10003003, 10003004, 10003005];
const STRANGER = 10008001;
const EVERYONE = [BOT, OTHER, ...PEOPLE, STRANGER];

const DIALECTS = ['draft', '1.2', '1.3'];
const listens = () => DIALECTS.map((dialect) => ({ listen: LISTEN, dialect }));
const servers = () => ({ http_server: listens(), websocket_server: listens() });

const world = { bots: [{ self_id: BOT, ...servers() }, { self_id: OTHER, ...servers() }] };

// Ways to call: each gives {retcode, data, message}, its result checked against the schema.
async function ways(t, milky, bot = 0) {
  const self = [BOT, OTHER][bot];
  const made = {};
  for (const [i, dialect] of DIALECTS.entries()) {
    const client = await Client.connect(milky.ws(bot * DIALECTS.length + i));
    t.after(() => client.socket.terminate());
    const checked = (action, reply, spoken = dialect) => {
      assert.ok(reply.retcode === 0 || !('data' in reply), JSON.stringify(reply));
      assert.deepEqual(Object.keys(reply), ['status', 'retcode', reply.retcode === 0 ? 'data' : 'message']);
      assert.equal(reply.status, reply.retcode === 0 ? 'ok' : 'failed');
      if (reply.retcode === 0) checkResult(spoken, action, reply.data);
      return reply;
    };
    const base = milky.http(bot * DIALECTS.length + i);
    made[`${dialect}, HTTP`] = async (action, params) => {
      const { status, body } = await call(base, action, params);
      assert.equal(status, { [-400]: 400, [-404]: 404 }[body.retcode] ?? 200);
      return checked(action, body);
    };
    made[`${dialect}, WebSocket`] = async (action, params) => {
      const { data: { echo, ...reply }, self_id } = await client.call(action, params, 'e');
      assert.deepEqual([echo, self_id], ['e', self]);
      return checked(action, reply);
    };
    if (dialect !== '1.2') { // the paths of 1.x speak the newest version, unless the server says 1.2
      made[`1.3, HTTP under /api/ of ${dialect}`] = async (action, params) => {
        const { status, body } = await call(`${base}/api`, action, params);
        assert.equal(status, body.retcode === -404 ? 404 : 200);
        return checked(action, body, '1.3');
      };
    }
  }
  return made;
}

const text = (words) => [{ type: 'text', data: { text: words } }];
const ids = (list) => list.map((item) => item.user_id).sort();
const isNow = (time) => assert.ok(Math.abs(time - Date.now() / 1000) < 10, `${time}`);

async function fails(reply, retcode) {
  assert.equal((await reply).retcode, retcode, JSON.stringify(await reply));
}

// The world in the draft.
async function readDraft(call) {
  const { data: { friends } } = await call('get_friend_list', {});
  assert.deepEqual(ids(friends), [OTHER, ...PEOPLE]);
  const ming = friends.find((friend) => friend.user_id === MING);
  assert.deepEqual([ming.nickname, ming.qid, ming.remark], ['小明', 'xiaoming', '']);
  assert.deepEqual((await call('get_friend_info', { user_id: MING })).data, ming);
  await fails(call('get_friend_info', { user_id: 10009999 }), -100);

  const { data: { groups } } = await call('get_group_list', { no_cache: true });
  assert.deepEqual(groups, [{ group_id: GROUP, name: '牛奶小屋', member_count: 8, max_member_count: 2000 }]);
  assert.deepEqual((await call('get_group_info', { group_id: GROUP })).data, groups[0]);
  await fails(call('get_group_info', { group_id: 700000002 }), -101);

  const { data: { members } } = await call('get_group_member_list', { group_id: GROUP });
  assert.deepEqual(ids(members), EVERYONE);
  const self = members.find((member) => member.user_id === BOT);
  assert.deepEqual([self.role, self.group_id, self.card], ['admin', GROUP, '']);
  assert.deepEqual((await call('get_group_member_info', { group_id: GROUP, user_id: BOT })).data, self);
  assert.equal((await call('get_group_member_info', { group_id: GROUP, user_id: MING })).data.sex, 'male');
  await fails(call('get_group_member_list', { group_id: 700000002 }), -101);
  await fails(call('get_group_member_info', { group_id: GROUP, user_id: 10009999 }), -102);
}

async function read12(call) {
  const { data: { friends } } = await call('get_friend_list', {});
  assert.deepEqual(ids(friends), [OTHER, ...PEOPLE]);
  const ming = friends.find((friend) => friend.user_id === MING);
  assert.deepEqual([ming.nickname, ming.sex, ming.category.category_name], ['小明', 'male', '我的好友']);
  assert.deepEqual((await call('get_friend_info', { user_id: MING })).data, { friend: ming });
  await fails(call('get_friend_info', { user_id: 10009999 }), -100);

  const { data: { groups } } = await call('get_group_list', { no_cache: null });
  assert.deepEqual(groups.map((group) => [group.group_id, group.group_name, group.member_count]), [[GROUP, '牛奶小屋', 8]]);
  assert.deepEqual((await call('get_group_info', { group_id: GROUP })).data, { group: groups[0] });
  await fails(call('get_group_info', { group_id: 700000002 }), -101);

  const { data: { members } } = await call('get_group_member_list', { group_id: GROUP });
  assert.deepEqual(ids(members), EVERYONE);
  const self = members.find((member) => member.user_id === BOT);
  assert.equal(self.role, 'admin');
  assert.deepEqual((await call('get_group_member_info', { group_id: GROUP, user_id: BOT })).data, { member: self });
  await fails(call('get_group_member_list', { group_id: 700000002 }), -101);
  await fails(call('get_group_member_info', { group_id: GROUP, user_id: 10009999 }), -102);
}

// APIs of 1.x alone, which the draft's servers have too.
async function readOwn(call, version) {
  const { data: login } = await call('get_login_info', {});
  assert.deepEqual(login, { uin: BOT, nickname: `Milky ${BOT}` });
  const { data: impl } = await call('get_impl_info', {});
  assert.deepEqual([impl.impl_name, impl.milky_version], ['milky', version]);
  const { data: profile } = await call('get_user_profile', { user_id: 10003004 });
  assert.deepEqual([profile.nickname, profile.sex, profile.age], ['Alice', 'female', 22]);
  await fails(call('get_user_profile', { user_id: 10009999 }), -106);
}

test('people and groups', async (t) => {
  const milky = await serve(t, world);
  for (const [way, call] of Object.entries(await ways(t, milky))) {
    await t.test(way, async () => {
      await (way.startsWith('draft') ? readDraft : read12)(call);
      await readOwn(call, way.startsWith('1.2') ? '1.2' : '1.3');
    });
  }
});

// A conversation in the draft: messages of all kinds are sent, read, forwarded and recalled.
async function speakDraft(call) {
  const { data: first } = await call('send_group_message', { group_id: GROUP, message: text('first') });
  isNow(first.time);
  const [, start] = /^Group:700000001:(\d+)$/.exec(first.message_id);
  const seq = Number(start);
  const { data: second } = await call('send_group_message', { group_id: GROUP, message: [
    { type: 'reply', data: { message_id: first.message_id } },
    { type: 'at', data: { user_id: MING } },
    { type: 'face', data: { face_id: '14' } },
    { type: 'text', data: { text: ' 你好' } },
  ] });
  assert.equal(second.message_id, `Group:${GROUP}:${seq + 1}`);
  const { data: { message } } = await call('get_message', { message_id: second.message_id });
  assert.deepEqual(message, {
    message_type: 'group', message_id: second.message_id, time: second.time, user_id: BOT, group_id: GROUP,
    segments: [
      { type: 'reply', data: { message_id: first.message_id } },
      { type: 'at', data: { user_id: MING } },
      { type: 'face', data: { face_id: '14' } },
      { type: 'text', data: { text: ' 你好' } },
    ],
  });

  const { data: whisper } = await call('send_private_message', { user_id: MING, message: text('psst') });
  assert.match(whisper.message_id, /^Private:10003001:\d+$/);
  const { data: { message: heard } } = await call('get_message', { message_id: whisper.message_id });
  assert.deepEqual(heard, {
    message_type: 'private', message_id: whisper.message_id, time: whisper.time, user_id: BOT, segments: text('psst'),
  });

  // Forwards.
  const { data: bundle } = await call('send_group_message', { group_id: GROUP, message: [
    { type: 'forward', data: { messages: [{ user_id: MING, name: '小明', segments: text('one') }, { user_id: BOT, name: 'me', segments: [{ type: 'at', data: { user_id: MING } }] }] } },
  ] });
  const { data: { message: { segments: [forward] } } } = await call('get_message', { message_id: bundle.message_id });
  const { data: { messages: forwarded } } = await call('get_forwarded_messages', { forward_id: forward.data.forward_id });
  assert.deepEqual(forwarded.map((item) => [item.name, item.segments]), [['小明', text('one')], ['me', [{ type: 'at', data: { user_id: MING } }]]]);
  await fails(call('get_forwarded_messages', { forward_id: 'nothing' }), -103);

  // History, in pages.
  for (let i = 0; i < 5; i++) await call('send_group_message', { group_id: GROUP, message: text(`${i}`) });
  const said = [];
  let page = {};
  do {
    const { data } = await call('get_history_group_message', { group_id: GROUP, limit: 3, ...page });
    assert.ok(data.messages.length <= 3);
    said.unshift(...data.messages);
    page = { start_message_id: data.next_start_message_id };
  } while (page.start_message_id && said.length < 8);
  assert.deepEqual(said.slice(-5).map((item) => item.segments[0].data.text), ['0', '1', '2', '3', '4']);
  assert.deepEqual(said.find((item) => item.message_id === second.message_id), message);
  const { data: chat } = await call('get_history_private_message', { user_id: MING });
  assert.deepEqual(chat.messages.at(-1), heard);
  await fails(call('get_history_private_message', { user_id: 10009999 }), -100);
  await fails(call('get_history_group_message', { group_id: 700000002 }), -101);

  // Recalls.
  assert.deepEqual((await call('recall_message', { message_id: second.message_id })).data, {});
  await fails(call('get_message', { message_id: second.message_id }), -103);
  await fails(call('recall_message', { message_id: second.message_id }), -103);
  assert.deepEqual((await call('recall_message', { message_id: whisper.message_id })).data, {});
  await fails(call('get_message', { message_id: whisper.message_id }), -103);
  const { data: after } = await call('get_history_group_message', { group_id: GROUP, start_message_id: second.message_id, limit: 1 });
  assert.equal(after.messages[0].message_id, first.message_id);
  await fails(call('get_message', { message_id: `Temp:${MING}:1` }), -103);
  await fails(call('recall_message', { message_id: `Temp:${MING}:1` }), -103);

  // Refusals.
  await fails(call('send_private_message', { user_id: 10009999, message: text('x') }), -100);
  await fails(call('send_group_message', { group_id: 700000002, message: text('x') }), -101);
  await fails(call('send_group_message', { group_id: GROUP, message: [{ type: 'reply', data: { message_id: `Group:${GROUP}:4000000` } }] }), -105);
  for (const message of [[], text(''), text('x'.repeat(5001))]) {
    assert.ok(![0, -400].includes((await call('send_group_message', { group_id: GROUP, message })).retcode));
  }
}

async function speak12(call) {
  const conversation = { message_scene: 'group', peer_id: GROUP };
  const { data: first } = await call('send_group_message', { group_id: GROUP, message: text('first') });
  isNow(first.time);
  const payload = JSON.stringify({ app: 'com.example', desc: '卡片' });
  const { data: second } = await call('send_group_message', { group_id: GROUP, message: [
    { type: 'reply', data: { message_seq: first.message_seq } },
    { type: 'mention', data: { user_id: MING } },
    { type: 'mention_all', data: {} },
    { type: 'face', data: { face_id: '14', is_large: true } },
    { type: 'text', data: { text: ' 你好' } },
  ] });
  assert.equal(second.message_seq, first.message_seq + 1);
  const { data: { message } } = await call('get_message', { ...conversation, message_seq: second.message_seq });
  assert.deepEqual(
    { ...message, group: message.group.group_id, group_member: message.group_member.user_id },
    {
      ...conversation, message_seq: second.message_seq, sender_id: BOT, time: second.time, group: GROUP, group_member: BOT,
      segments: [
        { type: 'reply', data: { message_seq: first.message_seq, sender_id: BOT, sender_name: `Milky ${BOT}`, time: first.time, segments: text('first') } },
        { type: 'mention', data: { user_id: MING, name: '小明' } },
        { type: 'mention_all', data: {} },
        { type: 'face', data: { face_id: '14', is_large: true } },
        { type: 'text', data: { text: ' 你好' } },
      ],
    });

  const { data: card } = await call('send_private_message', { user_id: MING, message: [{ type: 'light_app', data: { json_payload: payload } }] });
  const { data: { message: { segments: cards } } } = await call('get_message', { message_scene: 'friend', peer_id: MING, message_seq: card.message_seq });
  assert.deepEqual(cards, [{ type: 'light_app', data: { app_name: 'com.example', json_payload: payload } }]);

  const { data: whisper } = await call('send_private_message', { user_id: MING, message: text('psst') });
  const { data: { message: heard } } = await call('get_message', { message_scene: 'friend', peer_id: MING, message_seq: whisper.message_seq });
  assert.deepEqual([heard.sender_id, heard.friend.user_id, heard.segments], [BOT, MING, text('psst')]);

  const { data: bundle } = await call('send_private_message', { user_id: MING, message: [
    { type: 'forward', data: { messages: [{ user_id: MING, sender_name: '小明', segments: text('one') }, { user_id: BOT, sender_name: 'me', segments: text('two') }], title: 'Words', summary: 'two words' } },
  ] });
  const { data: { message: { segments: [forward] } } } = await call('get_message', { message_scene: 'friend', peer_id: MING, message_seq: bundle.message_seq });
  assert.deepEqual({ ...forward.data, forward_id: '' }, { forward_id: '', title: 'Words', preview: ['小明: one', 'me: two'], summary: 'two words' });
  const { data: { messages: forwarded } } = await call('get_forwarded_messages', { forward_id: forward.data.forward_id });
  assert.deepEqual(forwarded.map((item) => [item.sender_name, item.segments]), [['小明', text('one')], ['me', text('two')]]);

  for (let i = 0; i < 5; i++) await call('send_group_message', { group_id: GROUP, message: text(`${i}`) });
  const said = [];
  let page = {};
  do {
    const { data } = await call('get_history_messages', { ...conversation, limit: 3, ...page });
    said.unshift(...data.messages);
    page = { start_message_seq: data.next_message_seq };
  } while (page.start_message_seq && said.length < 8);
  assert.deepEqual(said.slice(-5).map((item) => item.segments[0].data.text), ['0', '1', '2', '3', '4']);
  const again = said.find((item) => item.message_seq === second.message_seq);
  again.group_member.last_sent_time = message.group_member.last_sent_time; // it has spoken since
  assert.deepEqual(again, message);
  await fails(call('get_history_messages', { ...conversation, limit: 31 }), -114);

  assert.deepEqual((await call('recall_group_message', { group_id: GROUP, message_seq: second.message_seq })).data, {});
  await fails(call('get_message', { ...conversation, message_seq: second.message_seq }), -103);
  assert.deepEqual((await call('recall_private_message', { user_id: MING, message_seq: whisper.message_seq })).data, {});
  await fails(call('recall_private_message', { user_id: MING, message_seq: whisper.message_seq }), -103);
  await fails(call('get_message', { ...conversation, message_seq: 0 }), -103);
  await fails(call('get_message', { message_scene: 'temp', peer_id: MING, message_seq: 1 }), -103);
  await fails(call('get_message', { message_scene: 'friend', peer_id: 10009999, message_seq: 1 }), -100);
}

test('messages', async (t) => {
  const milky = await serve(t, world);
  const all = await ways(t, milky);
  for (const [way, call] of Object.entries(all)) {
    await t.test(way, () => (way.startsWith('draft') ? speakDraft : speak12)(call));
  }

  await t.test('a message of one dialect can be read in the other', async () => {
    const old = all['draft, HTTP'];
    const modern = all['1.2, WebSocket'];
    const { data: sent } = await modern('send_group_message', { group_id: GROUP, message: [
      { type: 'mention_all', data: {} }, { type: 'mention', data: { user_id: MING } },
    ] });
    const { data: { message } } = await old('get_message', { message_id: `Group:${GROUP}:${sent.message_seq}` });
    assert.deepEqual(message.segments, [
      { type: 'text', data: { text: '@全体成员' } },
      { type: 'at', data: { user_id: MING } },
    ]);
    const { data: answer } = await old('send_group_message', { group_id: GROUP, message: [{ type: 'reply', data: { message_id: message.message_id } }] });
    const seq = Number(answer.message_id.split(':')[2]);
    const { data: { message: reply } } = await modern('get_message', { message_scene: 'group', peer_id: GROUP, message_seq: seq });
    assert.equal(reply.segments[0].data.message_seq, sent.message_seq);
    // Under its 1.2 name, a draft server answers in the format of 1.2.
    const { data: { messages: [last] } } = await old('get_history_messages', { message_scene: 'group', peer_id: GROUP, limit: 1 });
    assert.deepEqual(last, reply);
  });

  await t.test('only the sender, or a member with the right to, recalls a message', async (t) => {
    const other = (await ways(t, milky, 1))['draft, HTTP'];
    const owner = all['draft, HTTP'];
    const { data: mine } = await owner('send_group_message', { group_id: GROUP, message: text('of the owner') });
    await fails(other('recall_message', { message_id: mine.message_id }), -104);
    const { data: theirs } = await other('send_group_message', { group_id: GROUP, message: text('of a member') });
    assert.equal((await owner('recall_message', { message_id: theirs.message_id })).retcode, 0);
    const { data: chat } = await other('send_private_message', { user_id: BOT, message: text('to the owner') });
    await fails(owner('recall_message', { message_id: chat.message_id.replace(`${BOT}`, `${OTHER}`) }), -104);
  });
});

test('every API of the tables is known, in each dialect', async (t) => {
  const milky = await serve(t, world);
  const onlyNew = Object.keys(v13.apis).filter((action) => !draft.apis[action]);
  const onlyDraft = Object.keys(draft.apis).filter((action) => !v13.apis[action]);
  assert.deepEqual([draft, v12, v13].map(({ apis }) => Object.keys(apis).length), [43, 64, 65]);
  for (const [way, call] of Object.entries(await ways(t, milky))) {
    await t.test(way, async () => {
      const isDraft = way.startsWith('draft');
      const isOld = way.startsWith('1.2');
      const served = [...Object.keys(isDraft ? draft.apis : isOld ? v12.apis : v13.apis), ...(isDraft ? onlyNew : [])];
      for (const action of served) {
        const { retcode, message } = await call(action, sampleParams(way.split(',')[0], action));
        assert.ok(![-400, -404, -500].includes(retcode), `${action}: ${message}`);
      }
      for (const action of isDraft ? [] : onlyDraft) await fails(call(action, sampleParams('draft', action)), -404);
      if (isOld) await fails(call('persist_group_file', sampleParams('1.3', 'persist_group_file')), -404);
    });
  }
});

test('events', async (t) => {
  const milky = await serve(t, world);
  const listeners = {};
  for (const [index, name] of DIALECTS.entries()) {
    listeners[name] = await Client.connect(milky.ws(index));
    t.after(() => listeners[name].socket.terminate());
  }
  const other = await ways(t, milky, 1);
  const own = await ways(t, milky, 0);

  // The event in both dialects, out of its envelope, checked.
  async function next() {
    const events = {};
    for (const [dialect, listener] of Object.entries(listeners)) {
      const { post_type, self_id, data: event, ...rest } = await listener.events.next(`an event of ${dialect}`);
      assert.deepEqual([post_type, self_id, rest], ['event', BOT, {}]);
      checkEvent(dialect, event);
      isNow(event.time);
      if (dialect !== 'draft') assert.equal(event.self_id, BOT);
      events[dialect] = event;
    }
    assert.equal(events.draft.event_type, events['1.2'].event_type);
    assert.deepEqual(events['1.2'], events['1.3']);
    return [events.draft, events['1.2']];
  }

  await t.test('message_receive from a person in a group', async () => {
    const { message_seq, time } = await milky.say(MING, { group: GROUP }, '大家好');
    const [old, modern] = await next();
    assert.deepEqual(old, { time, event_type: 'message_receive', data: {
      message_type: 'group', message_id: `Group:${GROUP}:${message_seq}`, time, user_id: MING, group_id: GROUP, segments: text('大家好'),
    } });
    assert.deepEqual([modern.time, modern.data.message_scene, modern.data.message_seq, modern.data.sender_id, modern.data.group_member.nickname], [time, 'group', message_seq, MING, '小明']);
    // It is the same message that get_message returns.
    assert.deepEqual((await own['draft, HTTP']('get_message', { message_id: old.data.message_id })).data.message, old.data);
    const { data: got } = await own['1.2, HTTP']('get_message', { message_scene: 'group', peer_id: GROUP, message_seq });
    assert.deepEqual(got.message, modern.data);
  });

  await t.test('message_receive from a friend', async () => {
    const { message_seq, time } = await milky.say(MING, { to: BOT }, '在吗');
    const [old, modern] = await next();
    assert.deepEqual(old, { time, event_type: 'message_receive', data: {
      message_type: 'private', message_id: `Private:${MING}:${message_seq}`, time, user_id: MING, segments: text('在吗'),
    } });
    assert.deepEqual([modern.data.message_scene, modern.data.peer_id, modern.data.sender_id, modern.data.friend.nickname], ['friend', MING, MING, '小明']);
    assert.deepEqual((await own['draft, WebSocket']('get_message', { message_id: old.data.message_id })).data.message, old.data);
    const { data: got } = await own['1.2, WebSocket']('get_message', { message_scene: 'friend', peer_id: MING, message_seq });
    assert.deepEqual(got.message, modern.data);
  });

  for (const way of Object.keys(other)) {
    await t.test(`message_receive and message_recall from another bot, ${way}`, async () => {
      const call = other[way];
      const isDraft = way.startsWith('draft');
      const recall = (sent, scene, id) => (isDraft ? call('recall_message', { message_id: sent.message_id })
        : scene === 'group' ? call('recall_group_message', { group_id: id, message_seq: sent.message_seq })
          : call('recall_private_message', { user_id: id, message_seq: sent.message_seq }));

      const { data: inGroup } = await call('send_group_message', { group_id: GROUP, message: [{ type: isDraft ? 'at' : 'mention', data: { user_id: BOT } }] });
      const [old, modern] = await next();
      assert.deepEqual([old.event_type, old.data.user_id, old.data.segments], ['message_receive', OTHER, [{ type: 'at', data: { user_id: BOT } }]]);
      assert.deepEqual(modern.data.segments, [{ type: 'mention', data: { user_id: BOT, name: `Milky ${BOT}` } }]);
      assert.equal((await recall(inGroup, 'group', GROUP)).retcode, 0);
      const [oldRecall, modernRecall] = await next();
      assert.deepEqual([oldRecall.event_type, oldRecall.data], ['message_recall', { message_id: old.data.message_id, operator_id: OTHER }]);
      assert.deepEqual(modernRecall.data, {
        message_scene: 'group', peer_id: GROUP, message_seq: modern.data.message_seq, sender_id: OTHER, operator_id: OTHER, display_suffix: '',
      });

      const { data: inPrivate } = await call('send_private_message', { user_id: BOT, message: text('psst') });
      const [oldPrivate, modernPrivate] = await next();
      assert.equal(oldPrivate.data.message_id, `Private:${OTHER}:${modernPrivate.data.message_seq}`);
      assert.equal((await recall(inPrivate, 'friend', BOT)).retcode, 0);
      const [oldGone, modernGone] = await next();
      assert.deepEqual(oldGone.data, { message_id: oldPrivate.data.message_id, operator_id: OTHER });
      assert.deepEqual([modernGone.data.message_scene, modernGone.data.peer_id, modernGone.data.sender_id], ['friend', OTHER, OTHER]);
    });
  }

  await t.test('message_recall, of an own message and of another member\'s', async () => {
    const { message_seq } = await milky.say(HONG, { group: GROUP }, 'spam');
    await next();
    await own['draft, HTTP']('recall_message', { message_id: `Group:${GROUP}:${message_seq}` });
    const [old, modern] = await next();
    assert.deepEqual(old.data, { message_id: `Group:${GROUP}:${message_seq}`, operator_id: BOT });
    assert.deepEqual([modern.data.sender_id, modern.data.operator_id], [HONG, BOT]);
    for (const listener of Object.values(listeners)) assert.equal(listener.events.size, 0);
  });
});
