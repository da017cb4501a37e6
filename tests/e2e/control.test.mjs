// The control address: actions of people, states of bots, the clock. The bots' side is checked in both dialects,
// events strictly against their schemas.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, folder, freePort, reverse, serve, text } from './fixtures.mjs';
import { BOT, GROUP, call, request, run, within } from './harness.mjs';
import { checkEvent, checkResult } from './schema.mjs';

const OTHER = 10002000;
const MING = 10003001;
const HONG = 10003002;
const PNG = 'base64://iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const LISTEN = '127.0.0.1:0';
const servers = () => ({
  http_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }],
  websocket_server: [{ listen: LISTEN }, { listen: LISTEN, dialect: '1.2' }],
});
const config = (more = {}) => ({
  control: LISTEN,
  bots: [{ self_id: BOT, ...servers() }, { self_id: OTHER, ...servers() }],
  ...more,
});

const controlOf = (milky) => {
  const line = milky.banner[milky.banner.indexOf('control') + 1];
  return /127\.0\.0\.1:\d+/.exec(line)[0];
};

// An operation that must succeed: its data.
async function act(milky, operation, params = {}) {
  const { status, body } = await call(`http://${controlOf(milky)}/sandbox`, operation, params);
  assert.equal(status, 200);
  assert.equal(body.retcode, 0, JSON.stringify(body));
  return body.data;
}

async function refused(milky, retcode, operation, params = {}) {
  const { body } = await call(`http://${controlOf(milky)}/sandbox`, operation, params);
  assert.equal(body.retcode, retcode, JSON.stringify(body));
  assert.match(body.message, /[\p{Script=Han}a-z_]/u);
  return body.message;
}

// Every way in which a bot receives events; `next` checks all of them and returns the data of 1.2.
async function ears(t, milky, bot = 0) {
  const draft = await connect(t, milky.ws(bot * 2));
  const v12 = await connect(t, milky.ws(bot * 2 + 1));
  const bare = await connect(t, `ws://${milky.address('http_server', bot * 2 + 1)}/event`);
  bare.socket.removeAllListeners('message');
  const events = bare.events;
  bare.socket.on('message', (data) => events.push(JSON.parse(data)));
  return async (type) => {
    const first = await draft.events.next(`${type} in the draft`);
    checkEvent('draft', first.data);
    const second = await v12.events.next(`${type} in 1.2`);
    checkEvent('1.2', second.data);
    const third = await events.next(`${type} at /event`);
    checkEvent('1.2', third);
    assert.deepEqual(third, second.data);
    assert.equal(third.event_type, type);
    return third.data;
  };
}

describe('the control address', { concurrency: 4 }, () => {
  it('answers programs of this machine, but no web page', async (t) => {
    const milky = await serve(t, config());
    const address = controlOf(milky);
    const ask = (path, options) => request(address, path, options);
    const json = { 'Content-Type': 'application/json' };
    assert.equal((await ask('/sandbox/world', { headers: json, body: '{}' })).status, 200);
    assert.equal((await ask('/sandbox/world/', { headers: json, body: '{}' })).status, 200);
    assert.equal((await ask('/sandbox/world', { headers: json, body: '' })).status, 200);
    assert.equal((await ask('/sandbox/world', { headers: { ...json, Origin: 'http://evil.example' }, body: '{}' })).status, 403);
    assert.equal((await ask('/sandbox/world', { headers: { ...json, Origin: `http://${address}` }, body: '{}' })).status, 200);
    assert.equal((await ask('/sandbox/world', { headers: { ...json, Origin: 'http://rebound.example', Host: 'rebound.example' }, body: '{}' })).status, 403);
    assert.equal((await ask('/elsewhere', { headers: json, body: '{}' })).status, 404);
    const wrong = await ask('/sandbox/world', { method: 'GET' });
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
    assert.equal((await ask('/sandbox/world', { headers: { 'Content-Type': 'text/plain' }, body: '{}' })).status, 415);
    const malformed = await ask('/sandbox/world', { headers: json, body: '{' });
    assert.deepEqual([malformed.status, malformed.body.retcode], [400, -400]);
    assert.match(await refused(milky, -404, 'dance'), /no such operation: dance/);
  });

  it('requires its token where one is configured', async (t) => {
    const milky = await serve(t, config({ control: { listen: '0.0.0.0:0', access_token: 'operator s' } }));
    const address = /0\.0\.0\.0:(\d+)/.exec(milky.banner.join('\n'));
    const ask = (headers) => request(`127.0.0.1:${address[1]}`, '/sandbox/world', { headers: { 'Content-Type': 'application/json', ...headers }, body: '{}' });
    const missing = await ask({});
    assert.deepEqual([missing.status, missing.headers['www-authenticate']], [401, 'Bearer']);
    assert.equal((await ask({ Authorization: 'Bearer x' })).status, 403);
    const right = await ask({ Authorization: 'Bearer operator s' });
    assert.equal(right.status, 200);
    assert.equal(right.body.data.people.length, 10);
    const said = await run(['do', '--control', `127.0.0.1:${address[1]}`, 'world'], { env: { MILKY_ACCESS_TOKEN: 'operator s' } });
    assert.equal(said.code, 0, said.stderr);
    const not = await run(['do', '--control', `127.0.0.1:${address[1]}`, 'world']);
    assert.equal(not.code, 1);
    assert.match(not.stderr, /credentials are missing/);
  });

  it('and the commands say what to do about a missing, wrong or too often wrong token', async (t) => {
    const control = `127.0.0.1:${await freePort()}`;
    const milky = await serve(t, config({ limits: { failed_credentials: 5 }, control: { listen: control, access_token: 'operator s' } }));
    const refused = async (words, said, options) => {
      const { code, stderr } = await milky.run(words, options);
      assert.equal(code, 1);
      assert.match(stderr, said);
    };
    const env = { MILKY_ACCESS_TOKEN: 'wrong' };
    const commands = [['status'], ['do', 'world'], ['world'], ['say', '--as', `${MING}`, '--to', `${BOT}`, 'hi'], ['deliveries'], ['reload']];
    for (const words of commands) {
      await refused([...words, '--control', control], /\nmilky: the server wants an access token: MILKY_ACCESS_TOKEN=\.\.\.\n$/);
    }
    for (const words of commands.slice(0, 4)) {
      await refused([...words, '--control', control], /\nmilky: the access token is not the server's: set it with MILKY_ACCESS_TOKEN=/, { env });
    }
    // The token in the file may have been removed or changed since the start.
    const file = (change) => writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config({ control: change })));
    await file({ listen: control, access_token: 'new' });
    await refused(['status'], /\nmilky: the daemon was started with another access token than the configuration has: restart it, or/);
    await file(control);
    await refused(['status'], /too many wrong credentials[^]*\nmilky: the access token is not the server's: set it with MILKY_ACCESS_TOKEN=/, { env });
    // The token of the environment is used where the file has none.
    const other = await serve(t, config({ control: { listen: LISTEN, access_token: 'operator s' } }));
    await writeFile(join(other.dir, 'milky.jsonc'), JSON.stringify(config({ control: controlOf(other) })));
    const opened = await other.run(['status'], { env: { MILKY_ACCESS_TOKEN: 'operator s' } });
    assert.equal(opened.code, 0, opened.stderr);
  });

  it('is a Unix socket by default, which `milky do` and related commands use', async (t) => {
    const milky = await serve(t, { bots: config().bots });
    const said = await milky.run(['do', 'say', `as=${MING}`, `group=${GROUP}`, 'text=hello']);
    assert.equal(said.code, 0, said.stderr);
    assert.equal(JSON.parse(said.stdout).message_seq, 1);
    const json = await milky.run(['do', 'recall', JSON.stringify({ as: MING, group: GROUP, seq: 1 })]);
    assert.deepEqual([json.code, json.stdout], [0, '{}\n']);
    const input = await milky.run(['do', 'say', '-'], { input: JSON.stringify({ as: MING, to: BOT, text: '=1' }) });
    assert.equal(input.code, 0, input.stderr);
    const commented = await milky.run(['do', 'say', '-'], { input: `{"as": ${MING}, /* ! */ "to": ${BOT}, "text": "//",}` });
    assert.equal(commented.code, 0, commented.stderr);
    const nothing = await milky.run(['do', 'world', '-'], { input: '' });
    assert.equal(nothing.code, 0, nothing.stderr);
    const quoted = await milky.run(['do', 'say', `as=${MING}`, `to=${BOT}`, 'text="5"']);
    assert.equal(quoted.code, 0, quoted.stderr);
    const number = await milky.run(['do', 'say', `as=${MING}`, `to=${BOT}`, 'text=5']); // a text field: no JSON
    assert.equal(number.code, 0, number.stderr);
    const name = await milky.run(['do', 'upload', `as=${MING}`, `to=${BOT}`, 'uri=base64://aA==', 'name={"a":"b"}']);
    assert.equal(name.code, 0, name.stderr);
    for (const [words, code, what] of [
      [['do', 'say', 'hello'], 2, /KEY=VALUE: hello/],
      [['do', 'say', '{}', 'x'], 2, /one word too many: x/],
      [['do', 'dance'], 1, /no such operation: dance \(`.*milky do` lists them\)/],
      [['do', 'clok'], 1, /no such operation: clok; did you mean clock\?/],
      [['do', '--backend', 'sandbox', 'clok'], 1, /no such operation: clok; did you mean clock\?/],
      [['do', 'say', `as=${MING}`, `group=${GROUP}`, 'txt=hi'], 1, /say has no field txt; did you mean text\?/],
      [['do', 'say', `{"as": ${MING}, "group": ${GROUP}, "txt": "hi"}`], 1, /txt: unknown field; did you mean text\?/],
      [['do', '--backend', 'sandbox', 'set_nickname', `as=${MING}`, 'foo=1'], 1, /foo: unknown field \(here are: as, new_nickname\)/],
      [['do', 'say', `as=${MING}`], 1, /one of to and group/],
      [['do', 'say', '{"as"'], 1, /the params are not JSON: 1:6: /],
      [['do', '--control', 'nowhere', 'world'], 1, /--control nowhere/],
    ]) {
      const mistake = await milky.run(words);
      assert.equal(mistake.code, code, mistake.stderr);
      assert.match(mistake.stderr, what);
    }
  });
});

describe('milky say', () => {
  it('sends images, and messages of temporary sessions', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    const at = ['--control', controlOf(milky)];
    const file = join(await folder(t), 'dot.png');
    await writeFile(file, Buffer.from(PNG.slice('base64://'.length), 'base64'));
    const say = (...words) => run(['say', ...at, '--as', `${MING}`, ...words]);
    for (const words of [['--group', `${GROUP}`, '--image', file, 'look'], ['--to', `${BOT}`, '--image', file]]) {
      const { code, stderr } = await say(...words);
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual((await next('message_receive')).segments.map((s) => s.type), ['text', 'image']);
    assert.deepEqual((await next('message_receive')).segments.map((s) => s.data.width), [1]);
    await act(milky, 'create_group', { group_id: 800001, group_name: 'G', members: [{ user_id: BOT, role: 'owner' }, { user_id: MING }] });
    await act(milky, 'delete_friendship', { user_id: MING, friend_id: BOT });
    assert.equal((await say('--to', `${BOT}`, '--through', '800001', 'psst')).code, 0);
    assert.equal((await next('message_receive')).message_scene, 'temp');
    const { stdout } = await run(['world', ...at]);
    assert.match(stdout, /800001 +G \(2 members\)/);
    for (const [words, code, what] of [
      [['--group', `${GROUP}`, '--image', `${file}.none`], 1, /dot\.png\.none: No such file/],
      [['--group', `${GROUP}`, '--through', '800001', 'x'], 2, /it needs --as USER/],
      [['--to', `${BOT}`, '--through', 'x', 'x'], 2, /--through is the number of a group, from 10001 to 4294967295, not x/],
    ]) {
      const mistake = await say(...words);
      assert.equal(mistake.code, code);
      assert.match(mistake.stderr, what);
    }
  });
});

describe('people', { concurrency: 4 }, () => {
  it('send messages of all kinds, and recall them', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    const message = [
      { type: 'text', data: { text: 'look ' } },
      { type: 'mention', data: { user_id: BOT } },
      { type: 'face', data: { face_id: '76' } },
      { type: 'image', data: { uri: PNG, sub_type: 'normal', summary: '[dot]' } },
    ];
    const said = await act(milky, 'say', { as: MING, group: GROUP, message });
    checkResult('1.2', 'send_group_message', said);
    const heard = await next('message_receive');
    assert.deepEqual(heard.segments.map((s) => s.type), ['text', 'mention', 'face', 'image']);
    assert.deepEqual([heard.sender_id, heard.segments[3].data.width, heard.segments[3].data.summary], [MING, 1, '[dot]']);
    await act(milky, 'say', { as: HONG, group: GROUP, message: [{ type: 'reply', data: { message_seq: said.message_seq } }, ...text('nice')] });
    assert.equal((await next('message_receive')).segments[0].data.sender_id, MING);
    await act(milky, 'react', { as: HONG, group: GROUP, seq: said.message_seq, reaction: '76' });
    assert.deepEqual([(await next('group_message_reaction')).user_id], [HONG]);
    await act(milky, 'recall', { as: MING, group: GROUP, seq: said.message_seq });
    assert.deepEqual((await next('message_recall')).operator_id, MING);
    await act(milky, 'say', { as: MING, to: BOT, text: 'psst' });
    assert.equal((await next('message_receive')).message_scene, 'friend');
    await act(milky, 'nudge', { as: MING, to: BOT });
    assert.equal((await next('friend_nudge')).user_id, MING);
    await act(milky, 'nudge', { as: MING, group: GROUP, user: BOT });
    assert.equal((await next('group_nudge')).sender_id, MING);
    await refused(milky, -400, 'say', { as: MING, group: GROUP, message: [{ type: 'image', data: {} }] });
    await refused(milky, -104, 'recall', { as: 10003003, group: GROUP, seq: 2 });
  });

  it('ask to join groups, are accepted, invite others, and leave', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    const { user_id: stranger } = await act(milky, 'create_person', { nickname: '路人', sex: 'female' });
    await act(milky, 'join', { as: stranger, group: GROUP, comment: '让我进来' });
    const asked = await next('group_join_request');
    assert.deepEqual([asked.initiator_id, asked.comment], [stranger, '让我进来']);
    const answer = await call(`${milky.http(1)}/api`, 'accept_group_request', {
      notification_seq: asked.notification_seq, notification_type: 'join_request', group_id: GROUP });
    assert.equal(answer.body.retcode, 0, JSON.stringify(answer.body));
    assert.equal((await next('group_member_increase')).user_id, stranger);
    await act(milky, 'say', { as: stranger, to: OTHER, through: GROUP, text: 'hi' });
    await act(milky, 'leave', { as: stranger, group: GROUP });
    assert.equal((await next('group_member_decrease')).user_id, stranger);
    const { group_id: second } = await act(milky, 'create_group', {
      group_name: '二群', members: [{ user_id: MING, role: 'owner' }, { user_id: HONG }] });
    await act(milky, 'invite', { as: MING, group: second, user: BOT });
    const invited = await next('group_invitation');
    assert.deepEqual([invited.group_id, invited.initiator_id], [second, MING]);
    const accepted = await call(milky.http(1) + '/api', 'accept_group_invitation', { group_id: second, invitation_seq: invited.invitation_seq });
    assert.equal(accepted.body.retcode, 0, JSON.stringify(accepted.body));
    assert.deepEqual((await next('group_member_increase')).user_id, BOT);
    await act(milky, 'mute', { as: MING, group: second, user: BOT, duration: 60 });
    assert.deepEqual([(await next('group_mute')).duration], [60]);
    await act(milky, 'set_group_whole_mute', { as: MING, group_id: second, is_mute: true });
    assert.equal((await next('group_whole_mute')).is_mute, true);
    await act(milky, 'set_group_name', { as: MING, group_id: second, new_group_name: '新名' });
    assert.equal((await next('group_name_change')).new_group_name, '新名');
    await act(milky, 'kick', { as: MING, group: second, user: BOT });
    assert.equal((await next('group_member_decrease')).operator_id, MING);
    await refused(milky, -104, 'kick', { as: HONG, group: second, user: MING });
  });

  it('become friends and send files', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    await act(milky, 'create_person', { user_id: 20001, nickname: 'stranger' });
    await act(milky, 'friend_request', { as: 20001, to: BOT, comment: 'hello', via: '搜索' });
    const asked = await next('friend_request');
    assert.deepEqual([asked.initiator_id, asked.comment, asked.via], [20001, 'hello', '搜索']);
    await act(milky, 'accept', { as: BOT, from: 20001 });
    await act(milky, 'upload', { as: 20001, to: BOT, uri: 'base64://aGVsbG8=', name: 'hello.txt' });
    const file = await next('friend_file_upload');
    assert.deepEqual([file.file_name, file.file_size], ['hello.txt', 5]);
    assert.equal((await next('message_receive')).segments[0].type, 'file');
    await act(milky, 'upload', { as: MING, group: GROUP, uri: 'base64://aGVsbG8=', name: 'g.txt' });
    assert.equal((await next('group_file_upload')).file_name, 'g.txt');
    await next('message_receive');
    await act(milky, 'delete_friend', { as: 20001, user_id: BOT });
    await refused(milky, -100, 'say', { as: 20001, to: BOT, text: 'x' });
  });

  it('have names, and can use every other API', async (t) => {
    const milky = await serve(t, config());
    await act(milky, 'set_nickname', { as: MING, new_nickname: '大明' });
    await act(milky, 'set_group_member_card', { as: MING, group_id: GROUP, user_id: MING, card: '组长' });
    const { data } = (await call(milky.http(1) + '/api', 'get_group_member_info', { group_id: GROUP, user_id: MING })).body;
    assert.deepEqual([data.member.nickname, data.member.card], ['大明', '组长']);
    const history = await act(milky, 'get_history_messages', { as: MING, message_scene: 'group', peer_id: GROUP });
    checkResult('1.2', 'get_history_messages', history);
    await refused(milky, -400, 'set_nickname', { as: MING });
    await refused(milky, -106, 'set_nickname', { as: 20001, new_nickname: 'x' });
  });
});

describe('bots', { concurrency: 4 }, () => {
  it('go offline with an event and -403, and come back', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    const other = await connect(t, milky.ws(2));
    await act(milky, 'offline', { bot: BOT, reason: 'logged in elsewhere' });
    assert.deepEqual(await next('bot_offline'), { reason: 'logged in elsewhere' });
    const client = await connect(t, milky.ws(0));
    for (const answer of [
      (await call(milky.http(0), 'get_friend_list')).body,
      (await call(milky.http(1), 'get_friend_list')).body,
      (await call(`${milky.http(0)}/api`, 'get_login_info')).body,
      (await client.call('send_group_message', { group_id: GROUP, message: text('x') })).data,
    ]) assert.deepEqual([answer.status, answer.retcode], ['failed', -403]);
    const status = (await call(`${milky.http(0)}/api`, 'get_login_info')).status;
    assert.equal(status, 200);
    assert.equal((await call(milky.http(2), 'get_friend_list')).body.retcode, 0);
    await act(milky, 'say', { as: MING, group: GROUP, text: 'missed' });
    assert.equal((await other.events.next('the other bot hears')).data.event_type, 'message_receive');
    await act(milky, 'online', { bot: BOT });
    await act(milky, 'say', { as: MING, group: GROUP, text: 'heard' });
    assert.equal((await next('message_receive')).segments[0].data.text, 'heard');
    await refused(milky, -106, 'offline', { bot: MING });
  });

  it('have calls that fail, are answered late, or never', async (t) => {
    const milky = await serve(t, config());
    const base = milky.http(0);
    const login = async () => (await call(base, 'get_login_info')).body.retcode;
    await act(milky, 'fault', { bot: BOT, action: 'get_login_info', every: 2, retcode: -777, message: 'boom' });
    assert.deepEqual([await login(), await login(), await login(), await login()], [0, -777, 0, -777]);
    const { bots } = await act(milky, 'bots');
    assert.deepEqual([bots[0].faults[0].seen, bots[0].faults[0].struck], [4, 2]);
    await act(milky, 'clear_faults', { bot: BOT });
    assert.deepEqual([await login(), await login()], [0, 0]);
    await act(milky, 'fault', { bot: BOT, latency: 300 });
    const before = performance.now();
    assert.equal(await login(), 0);
    assert.ok(performance.now() - before >= 295, 'it came too early');
    const late = await connect(t, milky.ws(0));
    late.send({ action: 'get_login_info', echo: 1 });
    late.send({ action: 'get_impl_info', echo: 2 });
    const echoes = [(await late.responses.next()).data.echo, (await late.responses.next()).data.echo];
    assert.deepEqual(echoes.sort(), [1, 2]);
    await act(milky, 'clear_faults');
    await act(milky, 'fault', { bot: BOT, action: 'send_group_message', drop: true, times: 1 });
    const client = await connect(t, milky.ws(0));
    const other = await connect(t, milky.ws(2));
    await assert.rejects(call(base, 'send_group_message', { group_id: GROUP, message: text('lost reply') }));
    await within(client.closed, 'the other connections of the bot to break');
    assert.equal((await other.events.next()).data.data.segments[0].data.text, 'lost reply');
    assert.equal(await login(), 0);
    await refused(milky, -400, 'fault', { bot: BOT });
  });

  it('lose their connections, and outgoing ones are made again', async (t) => {
    const server = await reverse(t);
    const milky = await serve(t, {
      control: LISTEN,
      bots: [{ self_id: BOT, ...servers(), websocket_client: [{ url: `ws://127.0.0.1:${server.port}/` }] }, { self_id: OTHER, ...servers() }],
    });
    const first = await server.next();
    const client = await connect(t, milky.ws(0));
    const stream = await connect(t, `ws://${milky.address('http_server', 0)}/event`);
    const other = await connect(t, milky.ws(2));
    await act(milky, 'drop_connections', { bot: BOT });
    const broken = await within(Promise.all([first.closed, client.closed, stream.closed]), 'connections to break');
    assert.deepEqual(broken.map(({ code }) => code), [1006, 1006, 1006]);
    const again = await server.next();
    assert.equal((await again.call('get_login_info', {}, 'e')).data.retcode, 0);
    assert.equal((await other.call('get_login_info', {}, 'e')).data.retcode, 0);
    assert.equal((await call(milky.http(0), 'get_login_info')).body.retcode, 0);
  });
});

describe('time', () => {
  it('is moved, stopped and set back', async (t) => {
    const milky = await serve(t, config());
    const next = await ears(t, milky);
    await act(milky, 'clock', { set: 2000000000, stop: true });
    const said = await act(milky, 'say', { as: MING, group: GROUP, text: 'later' });
    assert.equal(said.time, 2000000000);
    assert.equal((await next('message_receive')).time, 2000000000);
    await act(milky, 'mute', { as: BOT, group: GROUP, user: HONG, duration: 600 });
    assert.equal((await next('group_mute')).duration, 600);
    await refused(milky, -107, 'say', { as: HONG, group: GROUP, text: 'x' });
    const clock = await act(milky, 'clock', { advance: 601 });
    assert.deepEqual([clock.time, clock.is_stopped], [2000000601, true]);
    await act(milky, 'say', { as: HONG, group: GROUP, text: 'free' });
    const { time, offset } = await act(milky, 'clock', { reset: true });
    assert.ok(Math.abs(time - Date.now() / 1000) < 5 && offset === 0);
    await refused(milky, -400, 'clock', { set: 1, advance: 1 });
  });
});
