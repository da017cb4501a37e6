// Another configuration without a restart: SIGHUP and `milky reload`. Unchanged transports are not interrupted.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePort, hook, reverse, serve, start, text, textOf } from './fixtures.mjs';
import { BOT, Client, GROUP, ReverseServer, call, request, within } from './harness.mjs';
import { Raw, assertRefused, handshake, post } from './raw.mjs';
import { base64, png } from './samples.mjs';

const OTHER = 10002000;
const MING = 10003001;
const JSON_TYPE = { 'Content-Type': 'application/json' };

const change = (milky, config) =>
  writeFile(join(milky.dir, 'milky.jsonc'), typeof config === 'string' ? config : JSON.stringify(config, null, 1));

async function reload(milky, config) {
  await change(milky, config);
  const { code, stderr } = await milky.run(['reload']);
  assert.equal(code, 0, stderr);
}

const ask = async (port, options) => (await call(`http://127.0.0.1:${port}`, 'get_login_info', {}, options)).status;
const refused = (port) => assert.rejects(ask(port), 'no server should listen there');
const bot = (transports, self_id = BOT) => ({ self_id, ...transports });
const at = (port, more) => [{ listen: `127.0.0.1:${port}`, ...more }];

// Whether milky was built with io_uring, and this kernel has it and lets every process use it. Linux before 6.6 does
// not say.
async function mayUseRing() {
  if (!(await readFile(process.env.MILKY)).includes('liburing.so')) return false;
  const disabled = await readFile('/proc/sys/kernel/io_uring_disabled', 'utf8').catch(() => '?');
  return disabled === '0\n' && /^Seccomp:\t0$/m.test(await readFile('/proc/self/status', 'utf8'));
}

describe('reload', { concurrency: 4 }, () => {
  it('keeps the connections of unchanged transports, and adds and removes others', async (t) => {
    const [stays, goes, comes] = [await freePort(), await freePort(), await freePort()];
    const receiver = await reverse(t);
    const config = (port) => ({
      bots: [bot({
        http_server: [...at(stays), ...at(port)], websocket_server: at(stays),
        websocket_client: [{ url: `ws://127.0.0.1:${receiver.port}/` }],
      })],
    });
    const milky = await serve(t, config(goes));
    const [client, reversed] = [await Client.connect(`ws://127.0.0.1:${stays}/`), await receiver.next()];
    const leaving = await ask(goes);
    assert.equal(leaving, 200);
    await reload(milky, config(comes));
    assert.equal(await ask(comes), 200);
    await refused(goes);
    assert.equal((await client.call('get_login_info', {}, 1)).data.status, 'ok');
    assert.equal((await reversed.call('get_login_info', {}, 1)).data.status, 'ok');
    await milky.say(MING, { to: BOT }, 'still here');
    await Promise.all([client.events.next(), reversed.events.next()]);
    assert.equal(receiver.connections.size, 0);
    await client.close();
  });

  it('new tokens count for new requests; open connections stay', async (t) => {
    const port = await freePort();
    const config = (access_token) => ({
      bots: [bot({ http_server: at(port, { access_token }), websocket_server: at(port, { access_token }) })],
    });
    const milky = await serve(t, config('old'));
    const client = await Client.connect(`ws://127.0.0.1:${port}/?access_token=old`);
    await reload(milky, config('new'));
    assert.equal(await ask(port, { token: 'old' }), 403);
    assert.equal(await ask(port, { token: 'new' }), 200);
    assert.equal((await client.call('get_login_info', {}, 1)).data.status, 'ok');
    await assert.rejects(Client.connect(`ws://127.0.0.1:${port}/?access_token=old`));
    await client.close();
  });

  it('a server with a changed dialect or prefix is a new one: connections of the old one end', async (t) => {
    const port = await freePort();
    const milky = await serve(t, { bots: [bot({ websocket_server: at(port) })] });
    const client = await Client.connect(`ws://127.0.0.1:${port}/`);
    await reload(milky, { bots: [bot({ websocket_server: at(port, { prefix: '/milky' }) })] });
    assert.equal((await within(client.closed, 'the connection to end')).code, 1001);
    await assert.rejects(Client.connect(`ws://127.0.0.1:${port}/`));
    await (await Client.connect(`ws://127.0.0.1:${port}/milky/`)).close();
  });

  it('a partially received request is checked with the tokens of the server that received it', async (t) => {
    const port = await freePort();
    const config = (more) => ({ bots: [bot({ http_server: at(port, { access_token: 'a-token-of-32-characters-or-more', ...more }) })] });
    const milky = await serve(t, config());
    const half = async (token) => {
      const raw = await Raw.connect(`127.0.0.1:${port}`);
      const [begin, end] = post('/get_login_info', '{}', { headers: [`Authorization: Bearer ${token}`] }).split('\r\n\r\n');
      await raw.write(`${begin}\r\n`).flush();
      return { raw, rest: `\r\n${end}` };
    };
    const [right, wrong] = [await half('a-token-of-32-characters-or-more'), await half('another')];
    await ask(port, { token: 'x' }); // so milky has read the bytes before it
    await reload(milky, config({ prefix: '/milky' }));
    assert.equal((await right.raw.write(right.rest).response()).status, 200);
    assert.equal((await wrong.raw.write(wrong.rest).response()).status, 403);
  });

  for (const how of ['reload', 'stop']) {
    it(`a partially received handshake at a ${how} opens no lasting connection`, async (t) => {
      const port = await freePort();
      const config = (more) => ({ bots: [bot({ http_server: at(port, more), websocket_server: at(port, more) })] });
      const milky = await start(t, { config: config() });
      const event = 'GET /event HTTP/1.1\r\nHost: localhost\r\n\r\n';
      const asked = [handshake(), handshake({ target: '/event' }), event];
      const half = await Promise.all(asked.map(async (text) => {
        const raw = await Raw.connect(`127.0.0.1:${port}`);
        await raw.write(text.slice(0, -2)).flush();
        return raw;
      }));
      assert.equal(await ask(port), 200); // so milky has read the bytes before it
      if (how === 'reload') await reload(milky, config({ prefix: '/milky' }));
      else milky.child.kill('SIGTERM');
      await milky.log.find((line) => /reloaded|serve: stopping/.test(line), 'the log to say so');
      for (const raw of half) {
        const answer = await raw.write('\r\n').response();
        assertRefused(answer, 503);
        assert.equal(answer.headers.connection, 'close');
        await raw.endedCleanly();
        raw.destroy();
      }
      if (how === 'reload') milky.child.kill('SIGTERM');
      assert.equal((await within(milky.exit, 'milky to end'))[0], 0);
    });
  }

  it('adds bots, which are in the world, and removes them', async (t) => {
    const [first, second] = [await freePort(), await freePort()];
    const one = bot({ http_server: at(first) });
    const two = bot({ http_server: at(second), websocket_server: at(second) }, OTHER);
    const milky = await serve(t, { bots: [one] });
    for (let round = 0; round < 3; round++) {
      await reload(milky, { bots: [two, one] });
      const client = await Client.connect(`ws://127.0.0.1:${second}/`);
      const sent = await call(`http://127.0.0.1:${second}`, 'send_group_message', { group_id: GROUP, message: text('hi') });
      assert.equal(sent.body.status, 'ok');
      await reload(milky, { bots: [one] });
      assert.equal((await within(client.closed, 'the connection to end')).code, 1001);
      await refused(second);
      assert.equal(await ask(first), 200);
    }
    await reload(milky, { bots: [two] });
    await refused(first);
    assert.equal(await ask(second), 200);
  });

  it('a webhook keeps its position; a changed websocket_client reconnects', async (t) => {
    const receiver = await hook(t);
    const [was, is] = [await reverse(t), await ReverseServer.start({ port: await freePort() })];
    t.after(() => is.stop());
    const config = (access_token, port) => ({
      bots: [bot({ webhook: [{ url: receiver.url, access_token }], websocket_client: [{ url: `ws://127.0.0.1:${port}/` }] })],
    });
    const milky = await serve(t, config('a', was.port));
    const old = await was.next();
    await milky.say(MING, { to: BOT }, 'one');
    const first = await receiver.next();
    await reload(milky, config('b', is.port));
    assert.equal((await within(old.closed, 'the old one to be closed')).code, 1001);
    await is.next();
    await milky.say(MING, { to: BOT }, 'two');
    const next = await receiver.next();
    assert.equal(first.headers.authorization, 'Bearer a');
    assert.equal(next.headers.authorization, 'Bearer b');
    assert.equal(Number(next.headers['x-milky-delivery']), Number(first.headers['x-milky-delivery']) + 1);
    // Removed for one event, and added again: it gets the event that it missed.
    await reload(milky, { bots: [bot({})] });
    await milky.say(MING, { to: BOT }, 'three');
    await reload(milky, config('b', is.port));
    assert.equal(Number((await receiver.next()).headers['x-milky-delivery']), Number(first.headers['x-milky-delivery']) + 2);
  });

  it('refuses a configuration with a mistake, reports it, and keeps the old one', async (t) => {
    const [port, taken] = [await freePort(), await hook(t)];
    const good = { bots: [bot({ http_server: at(port) })] };
    const milky = await serve(t, good);
    const same = async (config, said) => {
      await change(milky, config);
      milky.child.kill('SIGHUP');
      await milky.log.find((line) => said.test(line), `the log to say ${said}`);
      await milky.log.find((line) => /refused: nothing has changed/.test(line), 'the log to end it');
      assert.equal(await ask(port), 200);
    };
    await same('{ "bots": [ {', /milky\.jsonc:\d+:\d+: this is not JSON/);
    await same({ bots: [{ self_id: 1 }] }, /bots\[0\]\.self_id: expected a QQ number/);
    await same({ bots: [bot({ http_server: at(taken.port) })] }, new RegExp(`cannot listen on 127.0.0.1:${taken.port}`));
    await same({ bots: [bot({ http_server: at(port) }), bot({ http_server: at(taken.port) }, OTHER)] },
      new RegExp(`cannot listen on 127.0.0.1:${taken.port}`));
    // The file is valid, but an address is not free.
    await change(milky, { bots: [bot({ http_server: at(taken.port) })] });
    const held = await milky.run(['reload']);
    assert.equal(held.code, 1);
    assert.match(held.stderr, new RegExp('^milky: bots\\[0\\]\\.http_server\\[0\\]\\.listen: ' +
      `cannot listen on 127\\.0\\.0\\.1:${taken.port}: Address already in use \\(is another milky running\\?.*\\)\n$`));
    assert.doesNotMatch(milky.stderr, /milky\.jsonc: Address already in use/);
    // The command reports it where it was run.
    await change(milky, { bots: [{ self_id: 1 }] });
    const { code, stderr } = await milky.run(['reload']);
    assert.equal(code, 1);
    assert.match(stderr, /bots\[0\]\.self_id: expected a QQ number/);
  });

  it('an address moves from one bot to another, and back, and is never closed', async (t) => {
    const [one, two] = [await freePort(), await freePort()];
    const config = (a, b) => ({
      bots: [bot({ http_server: at(a), websocket_server: at(a) }), bot({ http_server: at(b), websocket_server: at(b) }, OTHER)],
    });
    const milky = await serve(t, config(one, two));
    const uin = async (port) => (await call(`http://127.0.0.1:${port}`, 'get_login_info')).body.data.uin;
    // A client that connects again and again: there is always a server that listens.
    let asking = true;
    const asked = (async () => {
      let count = 0;
      for (; asking; count++) (await Raw.connect(`127.0.0.1:${one}`)).destroy();
      return count;
    })();
    for (let round = 0; round < 5; round++) {
      const client = await Client.connect(`ws://127.0.0.1:${one}/`);
      assert.equal(await uin(one), BOT);
      await reload(milky, config(two, one));
      assert.equal((await within(client.closed, 'the old connection to end')).code, 1001);
      assert.deepEqual([await uin(one), await uin(two)], [OTHER, BOT]);
      await reload(milky, config(one, two));
      assert.deepEqual([await uin(one), await uin(two)], [BOT, OTHER]);
    }
    // To a new bot, from one that is removed.
    const third = 10004000;
    await reload(milky, { bots: [bot({ http_server: at(one) }, third), bot({ http_server: at(two) }, OTHER)] });
    assert.equal(await uin(one), third);
    asking = false;
    assert.ok(await asked > 0);
    // To another transport.
    await reload(milky, { bots: [bot({ websocket_server: at(two) }, third), bot({ websocket_server: at(one) }, OTHER)] });
    for (const [port, self] of [[two, third], [one, OTHER]]) {
      const client = await Client.connect(`ws://127.0.0.1:${port}/`);
      assert.equal((await client.call('get_login_info', {}, 1)).data.data.uin, self);
      await client.close();
    }
    // On a Unix socket.
    const socket = [{ listen: 'unix:s.sock' }];
    const whose = async () => (await request(`unix:${milky.dir}/s.sock`, '/get_login_info', { body: '{}', headers: JSON_TYPE })).body.data.uin;
    await reload(milky, { bots: [bot({ http_server: socket }), bot({ http_server: at(one) }, OTHER)] });
    assert.equal(await whose(), BOT);
    await reload(milky, { bots: [bot({ http_server: at(one) }), bot({ http_server: socket }, OTHER)] });
    assert.equal(await whose(), OTHER);
    assert.equal(await uin(one), BOT);
  });

  it('an address that overlaps with another one of milky is refused, with advice', async (t) => {
    const port = await freePort();
    const config = (host) => ({ bots: [bot({ http_server: [{ listen: `${host}:${port}`, access_token: 'x' }] })] });
    const milky = await serve(t, config('0.0.0.0'));
    await change(milky, config('127.0.0.1'));
    assert.equal((await milky.run(['reload'])).code, 1);
    const said = `127.0.0.1:${port} overlaps with 0.0.0.0:${port}, where bot ${BOT} listens: ` +
      'take that out and reload, then put this in and reload again';
    await milky.log.find((line) => line.includes(said), 'the log to say it');
    assert.equal(await ask(port, { token: 'x' }), 200);
    await reload(milky, { bots: [bot({})] });
    await reload(milky, config('127.0.0.1'));
    assert.equal(await ask(port, { token: 'x' }), 200);
  });

  it('the base of file URLs changes immediately, and files can always be fetched', async (t) => {
    const port = await freePort();
    const config = (resource_url, transports = { http_server: at(port) }) => ({ resource_url, bots: [bot(transports)] });
    const milky = await serve(t, config(undefined));
    const content = png(5, 5);
    const ask = async (address, action, params) => (await request(address, `/api/${action}`, {
      body: JSON.stringify(params), headers: JSON_TYPE,
    })).body.data;
    const url = async (address = `127.0.0.1:${port}`) => (await ask(address, 'get_resource_temp_url', {
      resource_id: createHash('sha256').update(content).digest('hex'),
    })).url;
    await ask(`127.0.0.1:${port}`, 'set_avatar', { uri: base64(content) });
    assert.ok((await url()).startsWith(`http://127.0.0.1:${port}/resource/`));
    await reload(milky, config('https://bots.example/files/'));
    assert.ok((await url()).startsWith('https://bots.example/files/resource/'));
    assert.doesNotMatch(milky.stderr, /needs a restart/);
    await reload(milky, config('https://bots.example'));
    assert.ok((await url()).startsWith('https://bots.example/resource/'));
    await reload(milky, config(undefined, { http_server: [{ listen: 'unix:s.sock' }] }));
    const own = await url(`unix:${milky.dir}/s.sock`);
    assert.ok(!own.startsWith(`http://127.0.0.1:${port}/`), own);
    const fetched = await fetch(own);
    assert.deepEqual([fetched.status, Buffer.from(await fetched.arrayBuffer())], [200, content]);
  });

  it('lists the changes that need a restart', async (t) => {
    const config = { bots: [bot({ http_server: at(await freePort()) })] };
    const milky = await serve(t, config);
    await reload(milky, { ...config, limits: { connections: 7 }, journal: { max_events: 9 } });
    const warnings = milky.stderr.split('\n').filter((line) => /needs a restart/.test(line));
    assert.deepEqual(warnings.map((line) => /`(\w+)`/.exec(line)[1]), ['journal', 'limits']);
  });

  it('reaches the daemon at its old address when `control` or `data_dir` has changed in the file', async (t) => {
    const [port, was, is] = [await freePort(), await freePort(), await freePort()];
    const config = (transports, more) => ({ control: `127.0.0.1:${was}`, bots: [bot(transports)], ...more });
    const milky = await serve(t, config({}));
    await change(milky, config({ http_server: at(port) }, { control: { listen: `127.0.0.1:${is}` } }));
    const away = await milky.run(['reload']);
    assert.equal(away.code, 1);
    assert.match(away.stderr, new RegExp(`there is no answer at 127\\.0\\.0\\.1:${is}`));
    const there = await milky.run(['reload', '--control', `127.0.0.1:${was}`]);
    assert.equal(there.code, 0, there.stderr);
    assert.equal(await ask(port), 200);
    const own = await serve(t, { bots: [bot({})] });
    await change(own, { data_dir: 'moved', bots: [bot({})] });
    assert.equal((await own.run(['reload'])).code, 1);
    const socket = await own.run(['reload', '--control', 'unix:data/control.sock']);
    assert.equal(socket.code, 0, socket.stderr);
    assert.match(own.stderr, /`data_dir` has changed: that needs a restart/);
  });

  it('busy_poll_us keeps the loop awake after a call, and a reload lets it sleep again', async (t) => {
    const [port, operations] = [await freePort(), await freePort()];
    const config = (busy_poll_us) =>
      ({ busy_poll_us, operations: `127.0.0.1:${operations}`, bots: [bot({ http_server: at(port) })] });
    const milky = await serve(t, config(20000));
    const turns = async () => {
      const { text } = await request(`127.0.0.1:${operations}`, '/metrics', { method: 'GET' });
      return Number(/^milky_loop_turns_total (\d+)$/m.exec(text)[1]);
    };
    const turnsOfCalls = async () => {
      const before = await turns();
      for (let i = 0; i < 20; i++) assert.equal(await ask(port), 200);
      return (await turns()) - before;
    };
    const awake = await turnsOfCalls();
    assert.ok(awake > 2000, `${awake} turns while it polls`);
    await reload(milky, config(0));
    const asleep = await turnsOfCalls();
    assert.ok(asleep < 500, `${asleep} turns while it sleeps`);
  });

  it('io_uring sends to many connections at once, and a reload can disable it', async (t) => {
    const port = await freePort();
    const config = (io_uring) => ({ io_uring, bots: [bot({ http_server: at(port), websocket_server: at(port) })] });
    const milky = await serve(t, config(true));
    const clients = await Promise.all(Array.from({ length: 8 }, () => Client.connect(`ws://127.0.0.1:${port}/`)));
    const rings = async (of = milky) => {
      const folder = `/proc/${of.child.pid}/fd`;
      const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
      return links.filter((link) => link.includes('[io_uring]')).length;
    };
    const send = async (word) => {
      await milky.say(MING, { to: BOT }, word);
      for (const client of clients) await client.events.find(({ data }) => textOf(data.data) === word, `a client to hear ${word}`);
    };
    await send('together');
    if (await mayUseRing()) assert.equal(await rings(), 1);
    await reload(milky, config(false));
    assert.equal(await rings(), 0);
    await send('one by one');
    assert.equal(await rings(), 0);
    // It has none either when it starts with it disabled.
    const without = await serve(t, { io_uring: false, bots: [bot({ http_server: at(await freePort()) })] });
    assert.equal(await rings(without), 0);
    for (const client of clients) client.socket.terminate();
  });

  it('does not disturb calls and events, however often it is requested', async (t) => {
    const port = await freePort();
    const config = { bots: [bot({ http_server: at(port), websocket_server: at(port) })] };
    const milky = await serve(t, config);
    const client = await Client.connect(`ws://127.0.0.1:${port}/`);
    const calls = (async () => {
      for (let i = 0; i < 300; i++) assert.equal((await client.call('get_login_info', {}, i)).data.echo, i);
    })();
    for (let i = 0; i < 50; i++) {
      milky.child.kill('SIGHUP');
      await milky.log.find((line) => /reloaded/.test(line), 'the log to say so');
    }
    await calls;
    await client.close();
  });
});
