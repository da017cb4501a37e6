// The start of the program, its stop, and the world after a crash.
import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, folder, freePort, hook, reverse, serve, start, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Inbox, botConfig, call, run, within } from './harness.mjs';
import { Raw } from './raw.mjs';
import { RawServer } from './raw_server.mjs';

const OTHER = 10002000;
const PEOPLE = [10003001, 10003002, 10003003, 10003004, 10003005];
const STRANGER = 10008001;
const MING = PEOPLE[0];
const port = '127.0.0.1:0';
const servers = { http_server: [{ listen: port }], websocket_server: [{ listen: port }] };

// A start that must fail: returns its standard error output and exit code.
async function fails(dir, { config, args = [], env } = {}) {
  if (config !== undefined) await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(config));
  const { code, stdout, stderr } = await run(['serve', ...args], { cwd: dir, env });
  assert.equal(code, 1, stderr);
  assert.doesNotMatch(stdout, /^ready$/m);
  return stderr;
}

const ids = (list, key = 'user_id') => list.map((one) => one[key]).sort();

describe('a start', { concurrency: 4 }, () => {
  it('prints what is served, at which addresses, and working examples', async (t) => {
    const dir = await folder(t);
    const config = botConfig({
      http_server: [{ listen: port, access_token: 'token-1' }, { listen: 'unix:api.sock' }],
      websocket_server: [{ listen: port }],
      websocket_client: [{ url: 'ws://user:hidden@127.0.0.1:9/bot?hidden=1', access_token: 'token-2' }],
      webhook: [{ url: 'https://127.0.0.1:9/hook?hidden', access_token: 'token-3' }],
    });
    config.bots.push({ self_id: OTHER });
    const milky = await serve(t, config, { dir });
    const banner = milky.banner.join('\n');
    const expected = [
      /^milky \d+\.\d+\.\d+: sandbox, milky\.jsonc, data in data$/m,
      new RegExp(`^bot ${BOT}$`, 'm'),
      /^ {2}http_server +http:\/\/127\.0\.0\.1:[1-9]\d+\/:api$/m,
      /^ {2}http_server +unix:api\.sock$/m,
      /^ {2}websocket_server +ws:\/\/127\.0\.0\.1:[1-9]\d+\/$/m,
      /^ {2}websocket_client +ws:\/\/\*\*\*@127\.0\.0\.1:9\/bot\?\*\*\*$/m,
      /^ {2}webhook +https:\/\/127\.0\.0\.1:9\/hook\?\*\*\*$/m,
      new RegExp(`^bot ${OTHER}\n  \\(no transport\\)$`, 'm'),
      /^control\n {2}unix:data\/control\.sock$/m,
      /^Try: .*milky say .*hello$/m,
    ];
    for (const pattern of expected) assert.match(banner, pattern);
    assert.doesNotMatch(banner, /hidden|token-\d/);
    assert.equal(milky.banner.at(-1), 'ready');
    const observer = await connect(t, milky.ws());
    const lines = milky.banner.slice(milky.banner.findIndex((line) => line.startsWith('Try: ')), -1);
    assert.equal(lines.length, 2);
    const tried = [];
    for (const line of lines) {
      const command = line.replace(/^Try:/, '').trim().replace('ACCESS_TOKEN', 'token-1');
      const { code, stdout, stderr } = await run(['-c', command], { cwd: dir, command: 'sh' });
      assert.equal(code, 0, stderr);
      tried.push(JSON.parse(stdout));
    }
    assert.equal(textOf((await observer.events.next()).data.data), 'hello');
    assert.equal(tried[1].status, 'ok');
    assert.deepEqual(ids(tried[1].data.friends), [OTHER, ...PEOPLE]);
  });

  it('prints Chinese in a Chinese locale', async (t) => {
    const milky = await serve(t, botConfig(servers), { env: { LANG: 'zh_CN.UTF-8' } });
    assert.match(milky.banner.join('\n'), /^试试：.*milky say /m);
    assert.equal(milky.banner.at(-1), 'ready');
  });

  it('creates a world with friends, a group of a person in which the first bot is an admin, and a stranger', async (t) => {
    const milky = await serve(t, {
      bots: [{ self_id: BOT, ...servers }, { self_id: OTHER, ...servers }],
    });
    for (const [i, self, other] of [[0, BOT, OTHER], [1, OTHER, BOT]]) {
      const ask = async (action, params) => (await call(milky.http(i), action, params)).body.data;
      assert.deepEqual(ids((await ask('get_friend_list')).friends), [other, ...PEOPLE]);
      const { groups } = await ask('get_group_list');
      assert.deepEqual(ids(groups, 'group_id'), [GROUP]);
      const { members } = await ask('get_group_member_list', { group_id: GROUP });
      assert.deepEqual(ids(members), [BOT, OTHER, ...PEOPLE, STRANGER].sort());
      const roles = new Map([[BOT, 'admin'], [PEOPLE[0], 'owner']]);
      for (const member of members) assert.equal(member.role, roles.get(member.user_id) ?? 'member');
      const own = await ask('get_login_info');
      assert.equal(own.uin, self);
    }
  });

  it('refuses a port in use and names it', async (t) => {
    const busy = await serve(t, botConfig(servers));
    const listen = busy.address('http_server');
    const dir = await folder(t);
    const stderr = await fails(dir, { config: botConfig({ http_server: [{ listen }] }) });
    assert.match(stderr, new RegExp(`error server: bot ${BOT}: cannot listen on ${listen}: .*in use`));
    const { body } = await call(busy.http(), 'get_friend_list');
    assert.equal(body.status, 'ok');
  });

  it('refuses an address that this machine does not have', async (t) => {
    const stderr = await fails(await folder(t), {
      config: botConfig({ http_server: [{ listen: '192.0.2.1:3000', access_token: 'x' }] }),
    });
    assert.match(stderr, /cannot listen on 192\.0\.2\.1:3000: .*[Cc]an.*not .*assign|not available/);
  });

  it('refuses a data_dir that cannot be created', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'file'), 'not a folder');
    assert.match(await fails(dir, { config: { data_dir: 'file', ...botConfig(servers) } }), /file/);
    assert.match(await fails(dir, { config: { data_dir: 'file/data', ...botConfig(servers) } }),
      /data_dir file\/data: Not a directory/);
    assert.match(await fails(dir, { config: { data_dir: '/proc/1/data', ...botConfig(servers) } }),
      /data_dir \/proc\/1\/data: /);
  });

  it('refuses a world that is no database, and does not change it', async (t) => {
    const words = 'this is no database, whatever its name says\n'.repeat(100);
    for (const where of ['data', 'data/sandbox']) { // of an older version, and of this one
      const dir = await folder(t);
      await mkdir(join(dir, where), { recursive: true });
      const file = join(dir, where, 'sandbox.db');
      await writeFile(file, words);
      assert.match(await fails(dir, { config: botConfig(servers) }), new RegExp(`${where}/sandbox\\.db.*not a database`));
      assert.equal(await readFile(file, 'utf8'), words);
    }
  });

  it('refuses a world that another process serves, with a clear reason', async (t) => {
    const first = await serve(t, { ...botConfig(servers), data_dir: 'world' });
    const dir = await folder(t);
    for (const data_dir of [join(first.dir, 'world'), join(dir, 'link')]) {
      await symlink(first.dir, join(dir, 'link')).catch(() => {});
      const where = data_dir.endsWith('link') ? `${data_dir}/world` : data_dir;
      const stderr = await fails(dir, { config: { ...botConfig(servers, OTHER), data_dir: where } });
      assert.match(stderr, /another process has (it|this world) open/);
    }
    // The first one is not affected: neither its world, nor its control socket.
    await first.say(MING, { group: GROUP }, 'still here');
    const { body } = await call(first.http(), 'get_history_group_message', { group_id: GROUP });
    assert.equal(textOf(body.data.messages.at(-1)), 'still here');
  });

  it('keeps data_dir beside the configuration, wherever it is started from', async (t) => {
    const [dir, elsewhere] = [await folder(t), await folder(t)];
    await mkdir(join(dir, 'etc'));
    const file = join(dir, 'etc', 'bot.jsonc');
    await writeFile(file, JSON.stringify({ ...botConfig(servers), data_dir: '../var/milky' }));
    const milky = await start(t, { dir: elsewhere, args: ['-c', file] });
    assert.ok((await stat(join(dir, 'var', 'milky', 'sandbox', 'sandbox.db'))).isFile());
    assert.equal((await stat(join(dir, 'var', 'milky'))).mode & 0o777, 0o700);
    const line = milky.banner.find((l) => l.includes(' say '));
    assert.ok(line.includes(` -c ${file} `), line);
    const said = await run(['say', '-c', file, '--as', `${MING}`, '--to', `${BOT}`, 'hi'], { cwd: '/' });
    assert.equal(said.code, 0, said.stderr);
    assert.equal(await milky.stop(), 0);
  });

  it('is not ended by a closed pipe of its output', async (t) => {
    const milky = await serve(t, botConfig(servers));
    milky.child.stdout.destroy();
    milky.child.stderr.destroy();
    for (let i = 0; i < 3; i++) (await connect(t, milky.ws())).socket.terminate(); // each is logged
    assert.equal((await call(milky.http(), 'get_friend_list')).body.status, 'ok');
  });

  it('works with closed standard streams', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig({ http_server: [{ listen: 'unix:api.sock' }] })));
    const script = `
      "$MILKY" serve <&- >&- 2>&- &
      i=0
      until "$MILKY" call get_login_info 2>/dev/null; do [ $((i += 1)) -lt 500 ] || exit 9; done
      kill $!
      wait $!`;
    const { code, stdout } = await run(['-c', script], { cwd: dir, command: 'sh' });
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).status, 'ok');
  });
});

describe('a stop', { concurrency: 4 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    it(`by ${signal} answers calls in flight, closes with 1001 and exits with 0`, async (t) => {
      const receiver = await hook(t);
      const remote = await reverse(t);
      const milky = await start(t, {
        config: botConfig({
          ...servers,
          webhook: [{ url: receiver.url }],
          websocket_client: [{ url: `ws://127.0.0.1:${remote.port}/` }],
        }),
      });
      const [near, far] = [await connect(t, milky.ws()), await remote.next()];
      const idle = await Raw.connect(milky.address('http_server'));
      t.after(() => idle.destroy());
      const busy = await Raw.connect(milky.address('http_server'));
      t.after(() => busy.destroy());
      // In flight in one turn of the loop: calls that write, and the signal right after them.
      const message = (n) => ({ group_id: GROUP, message: text(`${n}`) });
      const body = JSON.stringify(message(0));
      busy.write(`POST /send_group_message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      for (let i = 1; i <= 20; i++) {
        for (const socket of [near, far]) socket.send({ action: 'send_group_message', params: message(i), echo: i });
      }
      for (const socket of [near, far]) assert.equal((await socket.responses.next()).data.echo, 1);
      const began = process.hrtime.bigint();
      milky.child.kill(signal);
      for (const socket of [near, far]) {
        const { code } = await within(socket.closed, 'a close frame');
        assert.equal(code, 1001);
        // Calls that were read before the signal are answered: the answers have no gap.
        for (let i = 2; socket.responses.size > 0; i++) {
          const { data } = await socket.responses.next();
          assert.equal(data.echo, i);
          assert.equal(data.status, 'ok');
        }
      }
      assert.equal((await busy.response()).status, 200);
      const [code] = await within(milky.exit, 'milky to end');
      assert.equal(code, 0);
      assert.ok(process.hrtime.bigint() - began < 2_000_000_000n);
      const log = milky.stderr.split('\n');
      assert.ok(log.some((line) => /info  serve: stopping/.test(line)), milky.stderr);
      await assert.rejects(fetch(milky.http()));
    });
  }

  it('takes at most five seconds, however its clients and receivers behave', async (t) => {
    const silent = await RawServer.start(t);
    const stuck = await hook(t, { answer: () => new Promise(() => {}) });
    const milky = await start(t, {
      config: botConfig({
        ...servers,
        websocket_client: [{ url: silent.url }],
        webhook: [{ url: stuck.url }, { url: `http://127.0.0.1:${await freePort()}/` }],
      }),
    });
    await silent.accept(); // and never answers a close frame
    const half = await Raw.connect(milky.address('http_server'));
    t.after(() => half.destroy());
    half.write('POST /get_friend_list HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{');
    const watcher = await connect(t, milky.ws());
    watcher.socket.pause();
    await milky.say(MING, { group: GROUP }, 'hello');
    await milky.log.find((line) => /webhook: .*refused/.test(line), 'the webhooks to be at work');
    const began = process.hrtime.bigint();
    const address = milky.address('http_server');
    const ended = milky.stop();
    await milky.log.find((line) => line.includes('stopping'), 'it to stop');
    await assert.rejects(Raw.connect(address), /ECONNREFUSED/); // while it still waits for the others
    assert.equal(await ended, 0);
    assert.ok(process.hrtime.bigint() - began < 5_000_000_000n);
    assert.match(milky.stderr, /info  webhook: http:\/\/127\.0\.0\.1:\d+\/hook: stopped; events from number 1 on wait/);
  });

  it('is immediate after a second signal', async (t) => {
    const silent = await RawServer.start(t);
    const milky = await start(t, { config: botConfig({ ...servers, websocket_client: [{ url: silent.url }] }) });
    const one = await silent.accept();
    one.send(1, '{"action":"get_login_info"}');
    await one.message();
    milky.child.kill('SIGTERM');
    await milky.log.find((line) => line.includes('stopping'), 'it to stop');
    milky.child.kill('SIGTERM');
    const [code] = await within(milky.exit, 'milky to end', 3000);
    assert.equal(code, 128 + 15);
  });

  it('finishes the post of a webhook, and executes the calls of its response', async (t) => {
    const dir = await folder(t);
    const posted = new Inbox();
    const receiver = await hook(t, { answer: () => new Promise((resolve) => posted.push(resolve)) });
    const milky = await start(t, { dir, config: botConfig({ ...servers, webhook: [{ url: receiver.url }] }) });
    await milky.say(MING, { group: GROUP }, 'one');
    const answer = await posted.next('the event');
    const ended = milky.stop();
    await milky.log.find((line) => line.includes('stopping'), 'it to stop');
    answer({
      status: 200,
      body: { action: 'send_group_message', params: { group_id: GROUP, message: text('goodbye') } },
    });
    assert.equal(await ended, 0);
    const again = await serve(t, botConfig(servers), { dir });
    const { body } = await call(again.http(), 'get_history_group_message', { group_id: GROUP });
    assert.deepEqual(body.data.messages.map(textOf), ['one', 'goodbye']);
  });
});

describe('a world', { concurrency: 4 }, () => {
  it('survives a restart, and gains a bot that was added to the configuration', async (t) => {
    const dir = await folder(t);
    const first = await start(t, { dir, config: botConfig(servers) });
    const { body } = await call(first.http(), 'send_group_message', { group_id: GROUP, message: text('你好') });
    assert.equal(await first.stop(), 0);
    const config = { bots: [{ self_id: OTHER, ...servers }, { self_id: BOT, ...servers }] };
    const second = await serve(t, config, { dir });
    for (const [i, other] of [[0, BOT], [1, OTHER]]) {
      const ask = async (action, params) => (await call(second.http(i), action, params)).body.data;
      assert.deepEqual(ids((await ask('get_friend_list')).friends), [other, ...PEOPLE]);
      const { members } = await ask('get_group_member_list', { group_id: GROUP });
      assert.deepEqual(ids(members), [BOT, OTHER, ...PEOPLE, STRANGER].sort());
      assert.deepEqual(members.filter(({ role }) => role === 'admin').map(({ user_id }) => user_id), [BOT]);
      const { message } = await ask('get_message', { message_id: body.data.message_id });
      assert.equal(textOf(message), '你好');
    }
    const next = await call(second.http(), 'send_group_message', { group_id: GROUP, message: text('again') });
    const sequence = (reply) => Number(reply.data.message_id.split(':')[2]);
    assert.equal(sequence(next.body), sequence(body) + 1);
  });

  it('has after kill -9 every message that was acknowledged', async (t) => {
    const dir = await folder(t);
    let milky = await start(t, { dir, config: botConfig(servers) });
    const replied = new Map();
    let sent = 0;
    for (let round = 0; round < 3; round++) {
      const client = await connect(t, milky.ws());
      client.socket.on('message', (message) => {
        const { post_type, data } = JSON.parse(message);
        if (post_type === 'action_response') replied.set(data.data.message_id, data.echo);
      });
      const ended = within(milky.exit, 'milky to be killed');
      for (let i = 0; i < 200; i++, sent++) {
        client.send({ action: 'send_group_message', params: { group_id: GROUP, message: text(`m${sent}`) }, echo: `m${sent}` });
      }
      for (let i = 0; i < 50; i++) await client.responses.next(); // the others are in flight
      milky.child.kill('SIGKILL');
      await ended;
      await client.closed;
      milky = await start(t, { dir, config: botConfig(servers) });
    }
    assert.ok(replied.size >= 150);
    for (const [message_id, words] of replied) {
      const { body } = await call(milky.http(), 'get_message', { message_id });
      assert.equal(body.status, 'ok', message_id);
      assert.equal(textOf(body.data.message), words);
    }
    await milky.say(MING, { group: GROUP }, 'the control socket of the dead is no hindrance');
    assert.equal(await milky.stop(), 0);
  });
});
