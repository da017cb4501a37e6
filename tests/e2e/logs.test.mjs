// Logs: lines with a level on the standard error output, as text or JSON, and never with a secret in them.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, freePort, hook, serve, start } from './fixtures.mjs';
import { BOT, GROUP, Client, botConfig, call, run } from './harness.mjs';
import { Raw } from './raw.mjs';
import { RawServer, switching } from './raw_server.mjs';

const MING = 10003001;
const port = '127.0.0.1:0';
const servers = { http_server: [{ listen: port }], websocket_server: [{ listen: port }] };
const textLine = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) [a-z_0-9]+: \S.*$/;

const lines = (milky) => milky.stderr.split('\n').slice(0, -1);

describe('logs', { concurrency: 4 }, () => {
  it('are lines with a time, a level and a module', async (t) => {
    const config = botConfig({ ...servers, webhook: [{ url: `http://127.0.0.1:${await freePort()}/` }] });
    const milky = await start(t, { config, args: ['--log-level', 'debug'] });
    (await Client.connect(milky.ws())).socket.terminate();
    await milky.say(MING, { group: GROUP }, 'hello');
    await milky.log.find((line) => line.includes('next try'), 'a refusal');
    assert.equal(await milky.stop(), 0);
    assert.ok(lines(milky).length >= 5);
    for (const line of lines(milky)) assert.match(line, textLine);
    for (const part of [/info  websocket_server: 127\.0\.0\.1:\d+ connected/, /info  websocket_server: 127\.0\.0\.1:\d+ disconnected/,
      /warn  webhook: http:\/\/127\.0\.0\.1:\d+\/: connection refused/, /info  serve: stopping/]) {
      assert.match(milky.stderr, part);
    }
  });

  it('are JSON objects where that is configured', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}/"`;
    const byOption = { config: botConfig({ ...servers, webhook: [{ url }] }), args: ['--log-format', 'json'] };
    const byFile = { config: { ...byOption.config, log: { format: 'json' } } };
    for (const options of [byOption, byFile]) {
      const milky = await start(t, options);
      await milky.say(MING, { group: GROUP }, 'hello');
      await milky.log.find((line) => line.includes('next try'), 'a refusal');
      assert.equal(await milky.stop(), 0);
      const parsed = lines(milky).map((line) => JSON.parse(line));
      for (const entry of parsed) {
        assert.deepEqual(Object.keys(entry), ['time', 'level', 'module', 'message']);
        assert.ok(Math.abs(Date.parse(entry.time) - Date.now()) < 60000, entry.time);
        assert.match(entry.level, /^(error|warn|info|debug)$/);
      }
      const refusal = parsed.find((entry) => entry.module === 'webhook');
      assert.equal(refusal.level, 'warn');
      assert.ok(refusal.message.startsWith(`${url}: connection refused; `), refusal.message);
    }
  });

  it('have the configured level; an option wins over the file', async (t) => {
    const dead = await freePort();
    const config = (level) => ({
      ...botConfig({ ...servers, webhook: [{ url: `http://127.0.0.1:${dead}/` }] }),
      ...(level ? { log: { level } } : {}),
    });
    const seen = async (level, ...args) => {
      const milky = await start(t, { config: config(level), args });
      await milky.say(MING, { group: GROUP }, 'hello');
      if (level !== 'error' && !args.includes('error')) await milky.log.find((l) => l.includes('next try'), 'a refusal');
      assert.equal(await milky.stop(), 0);
      return [...new Set(lines(milky).map((line) => line.split(' ')[1]))].sort();
    };
    assert.deepEqual(await seen(), ['info', 'warn']);
    assert.deepEqual(await seen('warn'), ['warn']);
    assert.deepEqual(await seen('error'), []);
    assert.deepEqual(await seen('error', '--log-level', 'info'), ['info', 'warn']);
    assert.deepEqual(await seen('debug', '--log-level', 'error'), []);
  });

  it('cannot be forged by clients', async (t) => {
    const forged = '2026-01-01T00:00:00.000Z error forged: line';
    const [server, receiver] = [await RawServer.start(t), await hook(t, {
      answer: () => ({ status: 200, body: { action: `x\n${forged}`, params: { [`\n${forged}\u001b[2J`]: 1 } } }),
    })];
    const milky = await serve(t, botConfig({
      ...servers, webhook: [{ url: receiver.url }], websocket_client: [{ url: server.url }],
    }), { args: ['--log-level', 'debug'] });
    const first = await server.accept();
    const reason = Buffer.from(`\x03\xe8\n${forged}\x1b[2J`, 'latin1');
    first.send(8, reason);
    const second = await server.next();
    second.write(switching(second.key, `Sec-WebSocket-Extensions: \u001b[2J\n${forged}`));
    await milky.say(MING, { group: GROUP }, `x\n${forged}`);
    await milky.log.find((line) => line.includes('webhook:'), 'the failed call');
    await call(milky.http(), encodeURIComponent(`x\n${forged}`));
    const client = await Client.connect(milky.ws());
    await client.call(`x\n${forged}`);
    client.socket.close(1000, `\n${forged}`);
    await client.closed;
    assert.equal(await milky.stop(), 0);
    for (const line of lines(milky)) {
      assert.match(line, textLine);
      assert.doesNotMatch(line, /error forged: line$|^2026-01-01/);
      assert.ok(!line.includes('\x1b'), line);
    }
  });

  // Colours, the cursor, C1 controls, text that runs backwards, line separators.
  it('and output for people cannot control the terminal', async (t) => {
    const tricks = '\u001b[2J\u009b31m\u202egnirts\u2066\u2028\u0085\u200f\u007f\u0007end';
    const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
    const receiver = await hook(t, { answer: () => ({ status: 422, body: `gone ${tricks}\nforged` }) });
    const server = await RawServer.start(t);
    for (const format of ['text', 'json']) {
      const milky = await start(t, {
        config: botConfig({ ...servers, webhook: [{ url: receiver.url }], websocket_client: [{ url: server.url }] }),
        args: ['--log-level', 'debug', '--log-format', format],
      });
      (await server.accept()).send(8, Buffer.concat([Buffer.from([3, 0xe8]), Buffer.from(tricks)]));
      (await server.next()).write(`HTTP/1.1 500 ${tricks}\r\nX-A: ${tricks}\r\nContent-Length: 0\r\n\r\n`);
      const words = ['watch', '--url', `${milky.ws()}?since=0`, '--count', '1'];
      const client = await Client.connect(milky.ws());
      await milky.say(MING, { group: GROUP }, `hello ${tricks}`);
      const watched = [await milky.run(words), await milky.run([...words, '--pretty'])];
      for (const { stdout } of watched) {
        const event = JSON.parse(stdout);
        assert.ok(JSON.stringify(event).includes('end'), stdout);
      }
      const { data } = await client.events.next();
      assert.ok(JSON.stringify(data).includes('\u202e'), 'to a bot it is what it was');
      await client.call(tricks);
      await call(milky.http(), encodeURIComponent(tricks), {}, { headers: { 'User-Agent': 'x\u0085\u009b' } });
      await milky.log.find((line) => line.includes('set aside') || line.includes('422'), 'the refusal', 20000);
      const outputs = [...watched];
      for (const command of [['status'], ['status', '--json'], ['deliveries'], ['deliveries', '--json'], ['do', 'world'],
        ['call', '--url', milky.http(), tricks], ['do', tricks]]) {
        outputs.push(await milky.run(command));
      }
      await client.close();
      assert.equal(await milky.stop(), 0);
      outputs.push({ stdout: milky.banner.join('\n'), stderr: milky.stderr });
      for (const { stdout, stderr } of outputs) {
        assert.doesNotMatch(stdout, unsafe);
        assert.doesNotMatch(stderr, unsafe);
      }
      assert.match(outputs.map((one) => one.stdout).join(), /\\u202egnirts/);
      for (const line of lines(milky)) if (format === 'text') assert.match(line, textLine);
    }
  });

  it('hold no secret, wherever it came from', async (t) => {
    const secret = (n) => `s3cr3t${n}x`;
    const outputs = [];
    const server = await RawServer.start(t);
    const refusing = await hook(t, { answer: () => ({ status: 401, body: 'who are you?' }) });
    const address = `127.0.0.1:${await freePort()}`;
    const remote = (scheme, at, n) =>
      `${scheme}://${secret(n)}:${secret(n + 1)}@${at}/path?access_token=${secret(n + 2)}&key=${secret(n + 3)}`;
    const config = botConfig({
      http_server: [{ listen: port, access_token: secret(0) }],
      websocket_server: [{ listen: port, access_token: secret(1) }],
      websocket_client: [
        { url: remote('ws', `127.0.0.1:${server.port}`, 10), access_token: secret(2) },
        { url: remote('wss', address, 20), access_token: secret(3) },
      ],
      webhook: [
        { url: remote('http', `127.0.0.1:${refusing.port}`, 30), access_token: secret(4) },
        { url: remote('https', address, 40), access_token: secret(5) },
      ],
    });
    for (const format of ['text', 'json']) {
      const milky = await start(t, { config, args: ['--log-level', 'debug', '--log-format', format] });
      const say = () => milky.run(['say', '--as', `${MING}`, '--group', `${GROUP}`, 'hello']);
      const one = await server.next();
      one.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      outputs.push(await say());
      // Requests with right and wrong tokens, in the header and the query.
      for (const token of [secret(0), secret(6)]) {
        await call(milky.http(), 'get_friend_list', {}, { token });
        const raw = await Raw.connect(milky.address('http_server'));
        await raw.write(`POST /x?access_token=${token} HTTP/1.1\r\nAuthorization: Basic ${token}\r\nHost: x\r\n\r\n`).response();
        raw.write(`GET /\x01${token} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
        await raw.response();
      }
      for (const token of [secret(1), secret(7)]) {
        await Client.connect(`${milky.ws()}?access_token=${token}`, { headers: { Authorization: `Bearer ${token}` } })
          .then((client) => client.close(), () => {});
      }
      for (const words of [['call', '--url', milky.http(), '-t', secret(8), 'get_friend_list'],
        ['watch', '--url', `${milky.ws()}?access_token=${secret(9)}`], ['call', 'get_friend_list'], ['check']]) {
        outputs.push(await milky.run(words, { env: { MILKY_ACCESS_TOKEN: secret(50) } }));
      }
      const again = await server.accept();
      again.send(8, Buffer.from('\x03\xe8'));
      await milky.log.find((line) => line.includes('disconnected; next try'), 'the loss');
      assert.equal(await milky.stop(), 0);
      outputs.push({ stdout: milky.banner.join('\n'), stderr: milky.stderr });
      assert.match(milky.stderr, /it answered 401; next try/);
      assert.match(milky.stderr, /connection refused; next try/);
      assert.match(milky.stderr, new RegExp(`127\\.0\\.0\\.1:${server.port}/path: it answered 401: it wants an access_token`));
    }
    // Mistakes beside secrets, and in them.
    const dir = await folder(t);
    const bad = (mistake) => ({ bots: [{ self_id: BOT, ...mistake }] });
    const mistakes = [
      bad({ http_server: [{ listen: '0.0.0.0:1', access_token: ` ${secret(60)}` }] }),
      bad({ http_server: [{ listen: port, access_token: `${secret(61)}\n` }] }),
      bad({ http_server: [{ listen: port, access_token: [secret(62)] }] }),
      bad({ http_server: [{ listen: port, access_token: { token: secret(63) } }] }),
      bad({ webhook: [{ url: remote('ws', 'h', 70) }] }),
      bad({ webhook: [{ url: `${remote('http', 'h', 70)} ` }] }),
      bad({ websocket_client: [{ url: `${remote('ws', 'h:x', 70)}` }] }),
      bad({ websocket_client: [{ url: `//${secret(74)}@h/` }] }),
      bad({ websocket_client: [{ url: [remote('ws', 'h', 70)] }] }),
      `{"bots": [{"self_id": ${BOT}, "webhook": [{"access_token": "${secret(75)}`,
      `{"bots": [{"self_id": ${BOT}, "webhook": [{"access_token": ${secret(76)}}]}]}`,
      `{"bots": [{"self_id": ${BOT}, "webhook": [{"access_token": "${secret(77)}\u0001"}]}]}`,
    ];
    for (const mistake of mistakes) {
      await writeFile(join(dir, 'milky.jsonc'), typeof mistake === 'string' ? mistake : JSON.stringify(mistake));
      for (const command of ['check', 'serve']) {
        const result = await run([command], { cwd: dir });
        assert.equal(result.code, 1, result.stdout);
        assert.match(result.stderr, /^milky\.jsonc:\d+:\d+: /);
        outputs.push(result);
      }
    }
    for (const { stdout, stderr } of outputs) {
      assert.doesNotMatch(stdout, /s3cr3t/);
      assert.doesNotMatch(stderr, /s3cr3t/);
      // Not escaped or in base64 either.
      assert.doesNotMatch(stderr, /czNjcjN0|zM2NyM3|MzY3Iz/);
    }
  });
});
