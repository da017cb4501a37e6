// Clients other than those of Node.js: Debian's python3-aiohttp and python3-websockets, and curl.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOT, GROUP, run, serve } from './harness.mjs';

const LISTEN = '127.0.0.1:0';
const TOKEN = 'a token+%';

async function start(t) {
  const guarded = [{ listen: LISTEN, access_token: TOKEN }];
  const milky = await serve(t, {
    bots: [
      { self_id: BOT, http_server: guarded, websocket_server: guarded },
      { self_id: 10001001, http_server: [{ listen: LISTEN }, { listen: 'unix:bot.sock' }] },
    ],
  });
  return milky;
}

test('Python', async (t) => {
  const milky = await start(t);
  const script = new URL('python_clients.py', import.meta.url).pathname;
  const result = await run([script, milky.http(0), milky.ws(0), milky.http(1), TOKEN], { command: '/usr/bin/python3' });
  assert.deepEqual([result.code, result.stdout], [0, 'done\n'], result.stderr);
});

test('curl', async (t) => {
  const milky = await start(t);
  const base = milky.http(1);
  const JSON_TYPE = ['-H', 'Content-Type: application/json'];
  // The body, the status and the number of connections made, of each URL.
  const curl = async (args, options) => {
    const result = await run(['-sS', '-w', '\\n%{http_code} %{num_connects}\\n', ...args], { command: 'curl', ...options });
    assert.equal(result.code, 0, result.stderr);
    const lines = result.stdout.trimEnd().split('\n');
    const answers = [];
    for (let i = 0; i < lines.length; i += 2) {
      const [status, connects] = lines[i + 1].split(' ').map(Number);
      answers.push({ status, connects, body: JSON.parse(lines[i]) });
    }
    return answers;
  };

  await t.test('the draft\'s example', async () => {
    const body = '{"user_id": 10003001, "message": [{"type": "text", "data": {"text": "Hello, world!"}}]}';
    const [{ status, body: reply }] = await curl([...JSON_TYPE, '-H', `Authorization: Bearer ${TOKEN}`, '-d', body, `${milky.http(0)}/send_private_message`]);
    assert.deepEqual([status, reply.data.message_id], [200, 'Private:10003001:1']);
  });
  await t.test('its default Content-Type is refused', async () => {
    assert.equal((await curl([`${base}/get_login_info`]))[0].status, 405);
    assert.equal((await curl(['-d', '{}', `${base}/get_login_info`]))[0].status, 406);
    assert.equal((await curl([...JSON_TYPE, '-d', '{}', `${milky.http(0)}/get_login_info`]))[0].status, 401);
  });
  await t.test('--json, keeping its connection', async () => {
    const urls = Array.from({ length: 5 }, () => `${base}/get_login_info`);
    const answers = await curl(['--json', '{}', ...urls]);
    assert.deepEqual(answers.map((answer) => [answer.status, answer.connects]), [[200, 1], [200, 0], [200, 0], [200, 0], [200, 0]]);
  });
  for (const option of ['--http1.0', '--http1.1', '--http2', '--compressed']) {
    await t.test(option, async () => {
      const [{ status, body }] = await curl([option, '--json', '{}', `${base}/get_login_info`]);
      assert.deepEqual([status, body.data.uin], [200, 10001001]);
    });
  }
  await t.test('a body with Expect: 100-continue', async () => {
    const body = JSON.stringify({ group_id: GROUP, message: [{ type: 'text', data: { text: 'hello' } }], padding: 'x'.repeat(2 << 20) });
    const [{ status, body: reply }] = await curl([...JSON_TYPE, '--expect100-timeout', '20', '--data-binary', '@-', `${base}/send_group_message`], { input: body });
    assert.deepEqual([status, reply.retcode], [200, 0]);
  });
  await t.test('a body in chunks', async () => {
    const [{ status, body }] = await curl([...JSON_TYPE, '-X', 'POST', '-T', '-', `${base}/get_friend_info`], { input: '{"user_id": 10003001}' });
    assert.deepEqual([status, body.data.nickname], [200, '小明']);
  });
  await t.test('a Unix-domain socket', async () => {
    const [{ status }] = await curl(['--unix-socket', `${milky.dir}/bot.sock`, '--json', '{}', 'http://localhost/get_login_info']);
    assert.equal(status, 200);
  });
  await t.test('HEAD and OPTIONS', async () => {
    const head = await run(['-sSI', `${base}/get_login_info`], { command: 'curl' });
    assert.match(head.stdout, /^HTTP\/1\.1 405 /);
    assert.match(head.stdout, /^Allow: POST\r$/m);
    assert.equal((await curl(['-X', 'OPTIONS', `${base}/get_login_info`]))[0].status, 405);
  });
});

test('the commands that the banner suggests work', async (t) => {
  for (const dialect of ['draft', '1.2']) {
    const milky = await serve(t, { bots: [{ self_id: BOT, http_server: [{ listen: LISTEN, dialect }] }] });
    const commands = milky.banner.map((line) => /(?:^Try: |^ +)((?:curl|.*milky say) .*)$/.exec(line)?.[1]).filter(Boolean);
    assert.ok(commands.some((command) => command.startsWith('curl')), milky.banner.join('\n'));
    for (const command of commands) {
      const result = await run(['-c', command], { command: 'sh', cwd: milky.dir });
      assert.equal(result.code, 0, `${command}: ${result.stderr}`);
      if (command.startsWith('curl')) assert.equal(JSON.parse(result.stdout).retcode, 0, command);
    }
  }
});
