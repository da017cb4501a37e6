// Worlds in files: `milky sandbox` for the tests of bots, dumps that load again, and a large world that answers as
// fast as a small one.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, folder, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Milky, botConfig, call, run, within } from './harness.mjs';
import { checkEvent, checkResult } from './schema.mjs';

const MING = 10003001;
const PNG = 'base64://iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const small = {
  milky_world: 1,
  people: [
    { user_id: 20001, nickname: '甲' },
    { user_id: 20002, nickname: '乙', sex: 'female' },
    { user_id: 30001, nickname: 'the bot', is_bot: true },
    { user_id: 30002, nickname: 'another', is_bot: true },
  ],
  friendships: [{ user_id: 20001, friend_id: 30001, friend_remark: 'boss' }],
  groups: [{ group_id: 800001, group_name: 'G', members: [
    { user_id: 20001, role: 'owner' }, { user_id: 20002 }, { user_id: 30001, role: 'admin' }] }],
  conversations: [{ message_scene: 'group', peer_id: 800001, messages: [
    { sender_id: 20001, time: 1700000000, segments: [{ type: 'text', data: { text: 'first' } }] },
    { sender_id: 30001, time: 1700000001, segments: [{ type: 'text', data: { text: 'second' } }] }] }],
};

// `milky sandbox`, ready: {child, base, bots, control, stderr, exit}.
async function sandbox(t, args, options = {}) {
  const child = spawn(process.env.MILKY, ['sandbox', '--port', '0', ...args], {
    env: { ...process.env, LC_ALL: 'en_US.UTF-8' }, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  t.after(() => child.kill('SIGKILL'));
  const made = { child, exit: once(child, 'exit'), stderr: '', lines: [] };
  child.stderr.on('data', (data) => (made.stderr += data));
  const lines = createInterface({ input: child.stdout });
  const first = once(lines, 'line');
  lines.on('line', (line) => made.lines.push(line));
  const [line] = await within(Promise.race([first, made.exit.then(([code]) => {
    throw new Error(`it ended with ${code}: ${made.stderr}`);
  })]), 'the ready line');
  const match = /^ready (http:\/\/127\.0\.0\.1:\d+) bots=(\S+) control=(\S+)$/.exec(line);
  assert.ok(match, line);
  made.base = match[1];
  made.bots = Object.fromEntries(match[2].split(',').map((pair) => pair.split('=')));
  made.control = match[3];
  made.act = async (operation, params) => (await call(`${made.control}/sandbox`, operation, params)).body;
  made.do = async (operation, params) => {
    const body = await made.act(operation, params);
    assert.equal(body.retcode, 0, JSON.stringify(body));
    return body.data;
  };
  made.stop = async () => {
    child.kill('SIGTERM');
    return (await within(made.exit, 'the sandbox to end'))[0];
  };
  return made;
}

describe('milky sandbox', { concurrency: 4 }, () => {
  it('loads a world and serves its bots', async (t) => {
    const file = join(await folder(t), 'world.json');
    await writeFile(file, `// by hand\n${JSON.stringify(small)}`);
    const box = await sandbox(t, ['--world', file]);
    assert.deepEqual(Object.keys(box.bots), ['30001', '30002']);
    assert.equal(box.bots[30001], box.base);
    const { body: { data: { friends } } } = await call(`${box.base}/api`, 'get_friend_list');
    assert.deepEqual(friends.map((f) => [f.user_id, f.remark]), [[20001, 'boss']]);
    const { body: { data: history } } = await call(`${box.base}/api`, 'get_history_messages', { message_scene: 'group', peer_id: 800001 });
    checkResult('1.2', 'get_history_messages', history);
    assert.deepEqual(history.messages.map((m) => [m.message_seq, m.time, textOf(m)]), [[1, 1700000000, 'first'], [2, 1700000001, 'second']]);
    const client = await connect(t, `${box.base.replace('http', 'ws')}/`);
    await box.do('say', { as: 20002, group: 800001, text: 'hi' });
    const { data: event } = await client.events.next();
    checkEvent('draft', event);
    assert.equal(event.data.sender_id ?? event.data.user_id, 20002);
    await box.do('reset');
    const { body: { data: again } } = await call(`${box.base}/api`, 'get_history_messages', { message_scene: 'group', peer_id: 800001 });
    assert.equal(again.messages.length, 2);
    assert.equal(await box.stop(), 0, box.stderr);
  });

  it('reads the example of the documentation, in both languages', async (t) => {
    const dir = await folder(t);
    for (const name of ['SANDBOX.md', 'SANDBOX.zh-CN.md']) {
      const page = await readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
      const [, example] = /```jsonc\n(\{\n {2}"milky_world"[^]*?)```/.exec(page);
      const file = join(dir, name);
      await writeFile(file, example);
      const box = await sandbox(t, ['--world', file]);
      assert.deepEqual(Object.keys(box.bots), ['30001']);
      const { world } = await box.do('dump');
      assert.equal(world.conversations[0].messages[0].message_seq, 1);
      assert.equal(await box.stop(), 0);
    }
  });

  it('repeats its ids with a seed', async (t) => {
    const ids = async (seed) => {
      const box = await sandbox(t, seed === undefined ? [] : ['--seed', seed]);
      const forward = [{ type: 'forward', data: { messages: [{ user_id: MING, sender_name: 'x', segments: text('in') }] } }];
      await box.do('say', { as: MING, group: GROUP, message: forward });
      const { body } = await call(`${box.base}/api`, 'get_message', { message_scene: 'group', peer_id: GROUP, message_seq: 1 });
      const upload = await box.do('upload', { as: MING, group: GROUP, uri: 'base64://aGk=', name: 'hi.txt' });
      assert.equal(await box.stop(), 0);
      return [body.data.message.segments[0].data.forward_id, upload.file_id];
    };
    const [first, again, other, free] = await Promise.all([ids('7'), ids('7'), ids('8'), ids()]);
    assert.deepEqual(first, again);
    assert.notDeepEqual(first, other);
    assert.notDeepEqual(first, free);
  });

  it('does not start where its world could not be written', async (t) => {
    const dir = await folder(t);
    for (const [name, why] of [['no/where.json', /No such file/], ['.', /Is a directory/]]) {
      const { code, stdout, stderr } = await run(['sandbox', '--port', '0', '--dump', join(dir, name)]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, why);
    }
    const late = join(dir, 'late.json');
    const box = await sandbox(t, ['--dump', late]);
    await assert.rejects(readFile(late), /ENOENT/); // a program that waits for the file never reads half of it
    assert.equal(await box.stop(), 0, box.stderr);
    assert.equal(JSON.parse(await readFile(late, 'utf8')).milky_world, 1);
  });

  it('loads every form of world', async (t) => {
    const box = await sandbox(t, []);
    const load = (input) => run(['do', '--control', box.control.replace('http://', ''), 'load', '-'], { input });
    for (const input of [`// by hand\n${JSON.stringify(small).replace(/\}$/, ',}')}`, JSON.stringify({ world: small })]) {
      const { code, stderr } = await load(input);
      assert.equal(code, 0, stderr);
      const { people } = await box.do('world');
      assert.deepEqual(people.filter((p) => p.user_id < 30000 && p.user_id > 20000).map((p) => p.nickname), ['甲', '乙']);
      await box.do('reset');
    }
    const wrong = await load('{"milky_world": 2}');
    assert.deepEqual([wrong.code, /version 1, not 2/.test(wrong.stderr)], [1, true], wrong.stderr);
    const broken = await load('{\n"milky_world": }');
    assert.deepEqual([broken.code, /the params are not JSON: 2:16: /.test(broken.stderr)], [1, true], broken.stderr);
  });

  it('writes its world at the end, and loads the output of a dump', async (t) => {
    const dir = await folder(t);
    const [end, printed] = [join(dir, 'end.json'), join(dir, 'printed.json')];
    const box = await sandbox(t, ['--dump', end, '--bot', `${BOT},10005000`, '--control-token', 's3cret', '--access-token', 'b0t']);
    assert.equal((await call(box.base, 'get_login_info')).status, 401);
    assert.equal((await call(box.base, 'get_login_info', {}, { token: 'b0t' })).body.data.uin, BOT);
    assert.equal((await box.act('world')).retcode, -401);
    const env = { MILKY_ACCESS_TOKEN: 's3cret' };
    const address = box.control.replace('http://', '');
    const say = await run(['do', '--control', address, 'say', `as=${MING}`, `group=${GROUP}`, 'text=kept'], { env });
    assert.equal(say.code, 0, say.stderr);
    // In the form of the `ready` line too, with the slash of a URL or without.
    for (const printed of [box.control, `${box.control}/`]) {
      const world = await run(['world', '--control', printed], { env });
      assert.equal(world.code, 0, world.stderr);
    }
    const dump = await run(['do', '--control', address, 'dump'], { env });
    await writeFile(printed, dump.stdout);
    assert.equal(await box.stop(), 0, box.stderr);
    const world = JSON.parse(await readFile(end, 'utf8'));
    assert.deepEqual(JSON.parse(dump.stdout).world, world);
    assert.equal(world.milky_world, 1);
    for (const file of [end, printed]) {
      const next = await sandbox(t, ['--world', file]);
      assert.deepEqual(Object.keys(next.bots), [`${BOT}`, '10005000']);
      assert.deepEqual((await next.do('dump')).world, world);
      assert.equal(await next.stop(), 0);
    }
  });

  it('reports what is wrong', async (t) => {
    const dir = await folder(t);
    const file = async (world) => {
      const path = join(dir, `${Math.random()}.json`);
      await writeFile(path, typeof world === 'string' ? world : JSON.stringify(world));
      return path;
    };
    const bad = structuredClone(small);
    bad.groups[0].members[1].user_id = 20009;
    for (const [args, code, what] of [
      [['--world', join(dir, 'none.json')], 1, /none\.json: /],
      [['--world', await file('{"milky_world": 1')], 1, /\.json:1:18: not JSON: unexpected end of data\n/],
      [['--world', await file('{\n  // 世界\n  "people": [ {"nickname": "中" 1} ]\n}')], 1, /\.json:3:32: not JSON: /],
      [['--world', await file('')], 1, /\.json:1:1: not JSON: /],
      [['--world', await file({ milky_world: 1 })], 1, /none of its people is a bot/],
      [['--world', await file({ milky_world: 2 }), '--bot', '30001'], 1, /milky_world: this milky reads worlds of version 1, not 2/],
      [['--world', await file(bad)], 1, /groups\[0\]\.members\[1\]\.user_id: there is no person 20009/],
      [['--port', 'x'], 2, /--port is a number from 0 to 65535, not x/],
      [['--port', '65536'], 2, /--port is a number/],
      [['--seed', '-1'], 2, /--seed is a number, not -1/],
      [['--bot', '5'], 2, /--bot takes QQ numbers, not 5/],
      [['--dialect', '2.0'], 2, /--dialect draft\|1\.2/],
      [['--log-level', 'loud'], 2, /--log-level error\|warn\|info\|debug/],
    ]) {
      const { code: got, stderr, stdout } = await run(['sandbox', ...args]);
      assert.deepEqual([got, stdout], [code, ''], stderr);
      assert.match(stderr, what);
    }
  });

  it('serves both dialects', async (t) => {
    const box = await sandbox(t, ['--dialect', '1.2', '--bot', `${BOT}`]);
    const client = await connect(t, `${box.base.replace('http', 'ws')}/`);
    await box.do('say', { as: MING, group: GROUP, text: 'hi' });
    checkEvent('1.2', (await client.events.next()).data);
    assert.equal(await box.stop(), 0);
  });
});

describe('a world', { concurrency: 4 }, () => {
  it('is restored from its dump, media included', async (t) => {
    const milky = await serve(t, { ...botConfig({ http_server: [{ listen: '127.0.0.1:0' }] }), control: '127.0.0.1:0' });
    const address = milky.banner[milky.banner.indexOf('control') + 1].trim();
    const act = async (operation, params) => {
      const { body } = await call(`http://${address}/sandbox`, operation, params);
      assert.equal(body.retcode, 0, JSON.stringify(body));
      return body.data;
    };
    const api = async (action, params) => {
      const { body } = await call(`${milky.http()}/api`, action, params);
      assert.equal(body.retcode, 0, JSON.stringify(body));
      checkResult('1.2', action, body.data);
      return body.data;
    };
    await act('say', { as: MING, group: GROUP, message: [{ type: 'image', data: { uri: PNG, sub_type: 'normal' } }] });
    await api('set_avatar', { uri: PNG });
    await api('set_group_essence_message', { group_id: GROUP, message_seq: 1 });
    await api('send_group_announcement', { group_id: GROUP, content: '公告', image_uri: PNG });
    const { file_id } = await act('upload', { as: MING, group: GROUP, uri: 'base64://aGVsbG8=', name: 'hello.txt' });
    const { world } = await act('dump');
    assert.deepEqual(Object.keys(world).slice(0, 3), ['milky_world', 'media', 'people']);
    await act('reset');
    assert.notDeepEqual((await act('dump')).world, world);
    await act('load', { world });
    assert.deepEqual((await act('dump')).world, world);
    const { message } = await api('get_message', { message_scene: 'group', peer_id: GROUP, message_seq: 1 });
    assert.equal((await fetch(message.segments[0].data.temp_url)).status, 200);
    const { download_url } = await api('get_group_file_download_url', { group_id: GROUP, file_id });
    assert.equal(await (await fetch(download_url)).text(), 'hello');
    assert.equal((await api('get_group_announcements', { group_id: GROUP })).announcements.length, 1);
    assert.equal((await api('get_group_essence_messages', { group_id: GROUP, page_index: 0, page_size: 20 })).messages.length, 1);
    const before = await act('dump'); // it has been downloaded once since
    const { body } = await call(`http://${address}/sandbox`, 'load', { world: { milky_world: 1, people: [{ user_id: 1, nickname: 'x' }] } });
    assert.equal(body.retcode, -400);
    assert.match(body.message, /people\[0\]\.user_id: expected integer from 10001/);
    assert.deepEqual(await act('dump'), before);
  });
});

// 1,000 groups, 100,000 people, 1,000,000 messages, made by SQL (tests/tools/large_world.py).
describe('a large world', () => {
  const config = botConfig({ http_server: [{ listen: '127.0.0.1:0' }] });

  // Milliseconds of processor time so far: other processes do not count.
  const computed = async (milky) => {
    const [ns] = (await readFile(`/proc/${milky.child.pid}/schedstat`, 'utf8')).split(' ');
    return Number(ns) / 1e6;
  };

  // A milky on a new database, which `fill` may fill first.
  async function on(t, fill = async () => {}) {
    const dir = await folder(t);
    const first = await Milky.start({ config, dir });
    assert.equal(await first.stop(), 0);
    await fill(join(dir, 'data', 'sandbox', 'sandbox.db'));
    return serve(t, config, { dir });
  }

  it('loads immediately and answers as fast as a small one', async (t) => {
    const make = fileURLToPath(new URL('../tools/large_world.py', import.meta.url));
    const little = await on(t);
    const big = await on(t, (database) => promisify(execFile)('python3', [make, database, `${BOT}`]));
    assert.ok(await computed(big) < 500, `it computed ${await computed(big)} ms to start`);
    const groupOf = { little: GROUP, big: 710000000 };
    const ask = async (milky, action, params) => {
      const { body } = await call(`${milky.http()}/api`, action, params);
      assert.equal(body.retcode, 0, JSON.stringify(body).slice(0, 300));
      return body.data;
    };
    const history = await ask(big, 'get_history_messages', { message_scene: 'group', peer_id: groupOf.big, limit: 30 });
    assert.equal(history.messages.length, 30);
    assert.equal(history.messages[29].message_seq, 1000);
    const dump = await big.run(['do', 'dump']);
    assert.deepEqual([dump.code, dump.stdout], [1, '']);
    assert.match(dump.stderr, /the world is larger than \d+ bytes as JSON: copy its database instead/);
    const sent = await ask(big, 'send_group_message', { group_id: groupOf.big, message: text('x') });
    assert.equal(sent.message_seq, 1001);
    const { groups } = await ask(big, 'get_group_list');
    assert.equal(groups.length, 1001);
    // The processor time of 200 calls in each. A scan would take a thousand times more, so a bound of ten times is
    // far from both.
    const cost = async (milky, group, action, params) => {
      const before = await computed(milky);
      for (let i = 0; i < 200; i++) await ask(milky, action, { ...params, ...(group && { group_id: group }) });
      return (await computed(milky)) - before;
    };
    for (let i = 0; i < 30; i++) await ask(little, 'send_group_message', { group_id: GROUP, message: text('x') });
    for (const [action, params, byGroup] of [
      ['send_group_message', { message: text('x') }, true],
      ['get_group_info', {}, true],
      ['get_group_member_info', { user_id: BOT }, true],
      ['get_user_profile', { user_id: BOT }, false],
    ]) {
      const slow = await cost(big, byGroup && groupOf.big, action, params);
      const fast = await cost(little, byGroup && GROUP, action, params);
      assert.ok(slow < fast * 10, `${action}: ${slow} ms in the large world, ${fast} in the small one`);
    }
    const page = { message_scene: 'group', limit: 30 };
    const slow = await cost(big, 0, 'get_history_messages', { ...page, peer_id: groupOf.big, start_message_seq: 500 });
    const fast = await cost(little, 0, 'get_history_messages', { ...page, peer_id: GROUP });
    assert.ok(slow < fast * 10, `history: ${slow} ms in the large world, ${fast} in the small one`);
  });
});
