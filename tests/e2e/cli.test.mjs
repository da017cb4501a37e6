// The command line: help, configurations and their mistakes, and the commands that talk to a running
// daemon.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { certificate, folder, freePort, hook, reverse, serve, text, textOf } from './fixtures.mjs';
import { BOT, GROUP, Inbox, botConfig, call, run, within } from './harness.mjs';

const OTHER = 10002000;
const MING = 10003001;
const port = '127.0.0.1:0';
const commands = ['serve', 'check', 'init', 'call', 'watch', 'say', 'world', 'do', 'sandbox'];
const chinese = { LANG: 'zh_CN.UTF-8', LC_ALL: '', LC_MESSAGES: '' };
const english = { LANG: 'en_US.UTF-8', LC_ALL: '', LC_MESSAGES: '' };

// A command that runs on: its lines as they come.
function background(t, args, options = {}) {
  const child = spawn(process.env.MILKY, args, { ...options, env: { ...process.env, LC_ALL: '', LC_MESSAGES: '', LANG: 'en_US.UTF-8', ...options.env } });
  t.after(() => child.kill('SIGKILL'));
  const lines = (stream) => {
    const inbox = new Inbox();
    createInterface({ input: stream }).on('line', (line) => inbox.push(line));
    return inbox;
  };
  return { child, stdout: lines(child.stdout), stderr: lines(child.stderr), exit: once(child, 'exit') };
}

async function ends(milky, code) {
  const [got] = await within(milky.exit, 'the command to end');
  assert.equal(got, code);
}

describe('help', { concurrency: 4 }, () => {
  it('exists for every command, in English and Chinese', async () => {
    for (const words of [['--help'], ['help'], ['-h'], ...commands.flatMap((c) => [[c, '--help'], [c, '-h'], ['help', c]])]) {
      for (const [env, usage, other] of [[english, /Usage: /, /\p{Script=Han}/u], [chinese, /用法/, /Usage|Options/]]) {
        const { code, stdout, stderr } = await run(words, { env });
        assert.equal(code, 0);
        assert.equal(stderr, '');
        assert.match(stdout, usage);
        assert.doesNotMatch(stdout, other);
        const about = commands.find((c) => words.includes(c));
        if (about) assert.ok(stdout.includes(`milky ${about}`), stdout);
        else for (const c of commands) assert.match(stdout, new RegExp(`^  ${c} +\\S`, 'm'));
      }
    }
  });

  it('follows LC_ALL before LC_MESSAGES before LANG', async () => {
    const of = async (env) => (/用法/.test((await run(['--help'], { env })).stdout) ? 'zh' : 'en');
    assert.equal(await of({ LANG: 'zh_CN.UTF-8', LC_MESSAGES: 'en_US.UTF-8', LC_ALL: '' }), 'en');
    assert.equal(await of({ LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_TW', LC_ALL: '' }), 'zh');
    assert.equal(await of({ LANG: 'zh_CN.UTF-8', LC_MESSAGES: '', LC_ALL: 'C' }), 'en');
    assert.equal(await of({ LANG: '', LC_MESSAGES: '', LC_ALL: '' }), 'en');
  });

  it('has a version', async () => {
    for (const words of [['--version'], ['version'], ...commands.map((c) => [c, '--version'])]) {
      const { code, stdout } = await run(words);
      assert.equal(code, 0);
      assert.match(stdout, /^milky \d+\.\d+\.\d+\n$/);
    }
  });

  it('is mentioned after a mistyped command line', async () => {
    const mistakes = [
      [[], /Usage: .*COMMAND/],
      [['sreve'], /no command sreve; did you mean serve\?[^]*--help/],
      [['frobnicate'], /no command frobnicate\n[^]*--help/],
      [['help', 'chekc'], /no command chekc; did you mean check\?/],
      [['serve', '--confg', 'x'], /no option --confg; did you mean --config\?[^]*milky serve --help/],
      [['serve', '-c'], /-c needs an argument/],
      [['serve', 'milky.jsonc'], /one word too many: milky\.jsonc/],
      [['serve', '--log-level', 'loud'], /error\|warn\|info\|debug/],
      [['serve', '--log-format', 'xml'], /text\|json/],
      [['call'], /something is missing: call ACTION/],
      [['call', 'a', '{}', 'b'], /one word too many: b/],
      [['call', 'get_friend_list', '{'], /the params are not JSON: 1:2: /],
      [['call', 'get_friend_list', '[]'], /the params must be a JSON object/],
      [['call', '--bot', 'x', 'a'], /--bot is a QQ number, not x/],
      [['call', '--url', 'ftp://x', 'a'], /--url: /],
      [['watch', '--count', '0'], /--count is a number from 1 on, not 0/],
      [['watch', '--url', 'http://x'], /ws:\/\/ or wss:\/\/ is needed/],
      [['say', 'hello'], /it needs --as USER/],
      [['say', '--as', `${MING}`, '--to', `${BOT}`, '--group', `${GROUP}`, 'hello'], /--group GROUP or --to BOT/],
      [['say', '--as', 'ming', '--to', `${BOT}`, 'hello'], /--as is a QQ number from 10001 to 4294967295, not ming/],
      [['say', '--as', '999', '--to', `${BOT}`, 'hello'], /--as is a QQ number from 10001 to 4294967295, not 999/],
      [['say', '--as', `${MING}`, '--group', '1', 'hello'], /--group is the number of a group, from 10001/],
      [['say', '--as', `${MING}`, '--to', `${BOT}`], /something is missing/],
      [['watch', '-n', '-1'], /--count is a number from 1 on, not -1/],
      [['watch', '-n', '18446744073709551616'], /--count is a number from 1 on, not 18446744073709551616/],
      [['deliveries', 'drop', '99999999999999999999'], /expected the number of a delivery, or all, got 99999999999999999999/],
      [['sandbox', '--bot', ''], /--bot is empty/],
      [['sandbox', '-t', ''], /--access-token is empty/],
      [['sandbox', '-t', 's3\ncret'], /--access-token has a control character at byte 3, [^]*--help\n$/],
      [['sandbox', '--control-token', ' x'], /--control-token has a space at byte 1/],
    ];
    for (const [words, pattern] of mistakes) {
      const { code, stdout, stderr } = await run(words);
      assert.equal(code, 2, words.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, pattern);
    }
  });
});

describe('check', { concurrency: 4 }, () => {
  it('prints what would be served', async (t) => {
    const dir = await folder(t);
    const builtin = await run(['check'], { cwd: dir });
    assert.equal(builtin.code, 0);
    assert.match(builtin.stdout, /^\(built in\): ok\n[^]*bot 10001000\n  http_server +http:\/\/127\.0\.0\.1:3000\/:api\n  websocket_server +ws:\/\/127\.0\.0\.1:3000\/\n/);
    await writeFile(join(dir, 'milky.jsonc'), `// 注释
      { "bots": [ { "self_id": ${BOT}, /* one */ "websocket_client": [ { "url": "wss://example.org/?token=hidden", }, ], }, ], }`);
    for (const words of [['check'], ['check', '-c', 'milky.jsonc'], ['check', '--config=milky.jsonc']]) {
      const { code, stdout, stderr } = await run(words, { cwd: dir });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^milky\.jsonc: ok\n/);
      assert.match(stdout, /^ {2}websocket_client +wss:\/\/example\.org\/\?\*\*\*$/m);
    }
  });

  const one = (rest) => `{"bots": [{"self_id": ${BOT}, ${rest}}]}`;
  const uin = 'expected a QQ number from 10001 to 4294967295, got';
  const address = 'expected HOST:PORT, [IPV6]:PORT or unix:PATH, got';
  const mistakes = {
    '{"bots": []}': ['1:10: bots: expected at least one element'],
    '{}': ['1:1: bots: missing: expected a list of objects'],
    '[]': ['1:1: expected an object, got a list'],
    '{"bots": 7}': ['1:10: bots: expected a list of objects, got 7'],
    '{"bots": [7]}': ['1:11: bots[0]: expected an object, got 7'],
    '{"bots": [{}]}': ['1:11: bots[0].self_id: missing: expected a QQ number from 10001 to 4294967295'],
    '{"bots": [{"self_id": 10000}]}': [`1:23: bots[0].self_id: ${uin} 10000`],
    '{"bots": [{"self_id": 4294967296}]}': [`1:23: bots[0].self_id: ${uin} 4294967296`],
    '{"bots": [{"self_id": "10001000"}]}': [`1:23: bots[0].self_id: ${uin} "10001000"`],
    '{"bots": [{"self_id": -10001000}]}': [`1:23: bots[0].self_id: ${uin} -10001000`],
    '// 一\n{\n  "bots": [\n    { "self_id": 10001000, "http_servr": [] },\n    /* 二 */ { "self_id": 10001000, },\n  ],\n  "x": 1,\n}': [
      '4:28: bots[0].http_servr: unknown key (did you mean `http_server`?)',
      '5:26: bots[1].self_id: 10001000 is bots[0] already',
      '7:3: x: unknown key (here are: `data_dir`, `control`, `operations`, `resource_url`, `language`, `backend`, `journal`, `limits`, `compression_threshold`, `busy_poll_us`, `io_uring`, `log`, `bots`)'],
    [one('"http_server": [{"listen": "0.0.0.0:3000"}]')]: [
      '1:60: bots[0].http_server[0].listen: expected an access_token beside it, got none: other machines can reach 0.0.0.0:3000 (set access_token, or "allow_anonymous": true if anyone may use this bot)'],
    [one('"http_server": [{"listen": "127.0.0.1:65536"}]')]: [
      `1:60: bots[0].http_server[0].listen: ${address} "127.0.0.1:65536" (the port is not a number from 0 to 65535)`],
    [one('"http_server": [{"listen": "127.0.0.1"}]')]: [
      `1:60: bots[0].http_server[0].listen: ${address} "127.0.0.1" (the port is missing)`],
    [one('"http_server": [{}]')]: [
      '1:49: bots[0].http_server[0].listen: missing: expected HOST:PORT, [IPV6]:PORT or unix:PATH'],
    [one('"http_server": [{"listen": "[::1]:1"}, {"listen": "[0::1]:1"}]')]: [
      '1:83: bots[0].http_server[1].listen: expected another address, got [0::1]:1, which is http_server[0] already'],
    [`{"bots": [{"self_id": 10001, "http_server": [{"listen": "127.0.0.1:1"}]},\n{"self_id": 10002, "websocket_server": [{"listen": "127.0.0.1:1"}]}]}`]: [
      '2:52: bots[1].websocket_server[0].listen: expected a port of its own, got 127.0.0.1:1, which serves bots[0] (a port serves one bot)'],
    [one('"webhook": [{"url": "ws://127.0.0.1/"}]')]: [
      '1:53: bots[0].webhook[0].url: expected an http:// or https:// URL, got a ws:// URL'],
    [one('"webhook": [{"url": "http://a b/?hidden"}]')]: [
      '1:53: bots[0].webhook[0].url: expected an http:// or https:// URL, got another string (a space, control character or byte beyond ASCII (escape it as %XX))'],
    [one('"websocket_client": [{"url": "ws://"}]')]: [
      '1:62: bots[0].websocket_client[0].url: expected a ws:// or wss:// URL, got another string (no host)'],
    [one('"websocket_client": [{}]')]: [
      '1:54: bots[0].websocket_client[0].url: missing: expected a ws:// or wss:// URL'],
    [one('"webhook": [{"url": "http://h/", "dialect": "1.1"}]')]: [
      '1:77: bots[0].webhook[0].dialect: expected "draft", "1.2" or "1.3", got "1.1"'],
    [one('"webhook": [{"url": "http://h/", "access_token": 123456}]')]: [
      '1:82: bots[0].webhook[0].access_token: expected a string without control characters or spaces around it, got a number (put it in quotes)'],
    '{"bots": [{"self_id": 10001000}], "log": {"level": "loud", "format": 1}}': [
      '1:52: log.level: expected "error", "warn", "info" or "debug", got "loud"',
      '1:70: log.format: expected "text" or "json", got 1'],
    '{"bots": [{"self_id": 10001000}], "data_dir": ""}': ['1:47: data_dir: expected a path, got an empty string'],
    '{"bots": [{"self_id": 10001000}], "control": 1}': [
      '1:46: control: expected HOST:PORT, [IPV6]:PORT or unix:PATH, an object with its `listen`, or null, got 1'],
    '{"bots": [{"self_id": 10001000}], "backend": {"type": "qq"}}': [
      '1:55: backend.type: expected "sandbox", got "qq"'],
    '{"bots": [{"self_id": 10001000}],\n"bots": []}': ['2:1: bots: this key is here twice'],
    '{"bots": [': ['1:11: this is not JSON: unexpected end of data'],
    '{"bots":\n  [{"self_id": 10001000},\n  what?]}': [/^3:3: this is not JSON: /],
  };

  it('reports a mistake with file, line, column, key and the expected value', async (t) => {
    const dir = await folder(t);
    const file = join(dir, 'bot.jsonc');
    for (const [config, lines] of Object.entries(mistakes)) {
      await writeFile(file, config);
      const { code, stdout, stderr } = await run(['check', '-c', 'bot.jsonc'], { cwd: dir });
      assert.equal(code, 1, config);
      assert.equal(stdout, '');
      const got = stderr.trimEnd().split('\n');
      assert.equal(got.length, lines.length, stderr);
      for (const [i, line] of lines.entries()) {
        assert.ok(got[i].startsWith('bot.jsonc:'), got[i]);
        const rest = got[i].slice('bot.jsonc:'.length);
        if (typeof line === 'string') assert.equal(rest, line);
        else assert.match(rest, line);
      }
    }
  });

  it('does so in Chinese, and for every command that reads a configuration', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), '{"bots": [{"self_id": 1}]}');
    for (const words of [['serve'], ['call', 'x'], ['watch'], ['world'], ['say', '--as', '10003001', '--to', '10001000', 'x']]) {
      const { code, stderr } = await run(words, { cwd: dir, env: chinese });
      assert.equal(code, 1);
      assert.equal(stderr, 'milky.jsonc:1:23: bots[0].self_id: 应为10001 到 4294967295 之间的 QQ 号，实际为1\n');
    }
    const { stderr } = await run(['check', '-c', 'none.jsonc'], { cwd: dir });
    assert.match(stderr, /none\.jsonc: no such file \(write one with `.*milky init none\.jsonc`\)/);
  });

  it('refuses a file that is not UTF-8', async (t) => {
    const file = join(await folder(t), 'x.jsonc');
    await writeFile(file, Buffer.from('{"bots": [{"self_id": 10001000}], "data_dir": "\xff"}', 'latin1'));
    const { code, stderr } = await run(['check', '-c', file]);
    assert.equal(code, 1);
    assert.match(stderr, /x\.jsonc:1:48: .*UTF-8/);
  });

  it('prints a schema that accepts working configurations', async () => {
    const { code, stdout } = await run(['check', '--schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(stdout);
    assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
    assert.deepEqual(schema.required, ['bots']);
    assert.deepEqual(Object.keys(schema.properties.bots.items.properties),
      ['self_id', 'backend', 'http_server', 'websocket_server', 'websocket_client', 'webhook']);
  });
});

describe('init', { concurrency: 4 }, () => {
  it('writes a working configuration that only its owner can read', async (t) => {
    const dir = await folder(t);
    const tokens = [];
    for (const [words, name] of [[[], 'milky.jsonc'], [['my.jsonc'], 'my.jsonc']]) {
      const { code, stdout, stderr } = await run(['init', ...words], { cwd: dir });
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`milky serve -c ${name}`));
      const file = join(dir, name);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      const config = await readFile(file, 'utf8');
      tokens.push(/"access_token": "([0-9a-f]{32})"/.exec(config)[1]);
      assert.doesNotMatch(stdout, new RegExp(tokens.at(-1)));
      const again = await run(['init', ...words], { cwd: dir });
      assert.equal(again.code, 1);
      assert.match(again.stderr, new RegExp(`${name} exists already`));
      assert.equal(await readFile(file, 'utf8'), config);
      assert.equal((await run(['init', '--force', ...words], { cwd: dir })).code, 0);
      assert.notEqual(await readFile(file, 'utf8'), config);
      assert.equal((await run(['check', '-c', name], { cwd: dir })).code, 0);
    }
    assert.notEqual(tokens[0], tokens[1]);
    const config = (await readFile(join(dir, 'my.jsonc'), 'utf8')).replaceAll('127.0.0.1:3000', port);
    const milky = await serve(t, config, { dir });
    const [, token] = /"access_token": "([0-9a-f]{32})"/.exec(config);
    assert.equal((await call(milky.http(), 'get_friend_list')).status, 401);
    assert.equal((await call(milky.http(), 'get_friend_list', {}, { token })).body.status, 'ok');
  });

  it('offers every key, and all of them work when uncommented', async (t) => {
    const dir = await folder(t);
    await run(['init'], { cwd: dir });
    const file = join(dir, 'milky.jsonc');
    const all = (await readFile(file, 'utf8')).split('\n')
      .map((line) => line.replace(/^(\s*)\/\/ (\s*["[\]{}].*)$/, '$1$2')
        .replace(/^(\s*"[^"]+": (?:"[^"]*"|\d+|false|true))$/, '$1,'))
      .join('\n').replace(/([\]}])\n(\s*")/g, '$1,\n$2');
    await writeFile(file, all);
    const { key, cert } = await certificate(t);
    const files = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': cert, 'client.pem': cert, 'client.key': key };
    for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
    const { code, stdout, stderr } = await run(['check'], { cwd: dir });
    assert.equal(code, 0, `${stderr}${all}`);
    for (const transport of ['http_server', 'websocket_server', 'websocket_client', 'webhook']) {
      assert.match(stdout, new RegExp(`^  ${transport} `, 'm'));
    }
  });
});

describe('call', { concurrency: 4 }, () => {
  it('prints the reply, and exits with an error for a failure', async (t) => {
    const milky = await serve(t, {
      bots: [
        { self_id: BOT, http_server: [{ listen: 'unix:a.sock', access_token: 'a b' }] },
        { self_id: OTHER, http_server: [{ listen: 'unix:b.sock', dialect: '1.2' }] },
        { self_id: 10002001 },
      ],
    });
    const first = await milky.run(['call', 'get_login_info']);
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stderr, '');
    assert.equal(JSON.parse(first.stdout).data.uin, BOT);
    const second = await milky.run(['call', '--bot', `${OTHER}`, 'get_login_info', '{}']);
    assert.equal(JSON.parse(second.stdout).data.uin, OTHER);
    const params = JSON.stringify({ group_id: GROUP, message: text('你好 \u{1F95B}') });
    const sent = await milky.run(['call', 'send_group_message', '-'], { input: params });
    assert.equal(sent.code, 0, sent.stderr);
    const { message_id } = JSON.parse(sent.stdout).data;
    const got = await milky.run(['call', '--pretty', 'get_message', JSON.stringify({ message_id })]);
    assert.ok(got.stdout.includes('\n  "status": "ok"'), got.stdout);
    assert.equal(textOf(JSON.parse(got.stdout).data.message), '你好 \u{1F95B}');
    const failures = [
      [['get_message', '{"message_id": "Group:1:1"}'], /milky: get_message failed: .*\(retcode -\d+\)/],
      [['get_frend_list'], /get_frend_list failed: .*\(retcode -404\)\nmilky: did you mean get_friend_list\?/],
      [['--access-token', 'wrong', 'get_friend_list'], /the access token is not the server's/],
      [['--bot', '10009999', 'x'], /there is no bot 10009999/],
      [['--bot', '10002001', 'x'], /no http_server for it/],
    ];
    for (const [words, pattern] of failures) {
      const { code, stderr } = await milky.run(['call', ...words]);
      assert.equal(code, 1);
      assert.match(stderr, pattern);
    }
  });

  it('reaches a server by its URL, with the token of the environment', async (t) => {
    const milky = await serve(t, botConfig({ http_server: [{ listen: port, access_token: 'sesame' }] }));
    const words = ['call', '--url', milky.http(), 'get_login_info'];
    const without = await run(words);
    assert.equal(without.code, 1);
    assert.match(without.stderr, /the server wants an access token: MILKY_ACCESS_TOKEN=/);
    const env = { MILKY_ACCESS_TOKEN: 'sesame' };
    assert.equal((await run(words, { env })).code, 0);
    assert.equal((await run(['call', '--url', `${milky.http()}/`, '-t', 'sesame', 'get_login_info'])).code, 0);
    const fixed = await milky.run(['call', 'get_login_info']);
    assert.equal(fixed.code, 1);
    assert.match(fixed.stderr, /no fixed port: use --url/);
    const absent = await run(['call', '--url', `http://127.0.0.1:${await freePort()}`, 'x']);
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /there is no answer at http:\/\/127\.0\.0\.1:\d+: is `.*milky serve` running\?/);
  });

  it('uses the proxy of the environment, except for this machine and for no_proxy', async (t) => {
    const proxy = await hook(t, { answer: () => ({ body: { status: 'ok', retcode: 0, data: 'of the proxy' } }) });
    const through = { MILKY_ACCESS_TOKEN: 'sesame', http_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: '', NO_PROXY: '' };
    // A documentation address (RFC 5737): only the proxy answers for it.
    const outside = ['call', '--url', 'http://192.0.2.1:3000/', 'x'];
    const proxied = await run(outside, { env: through });
    assert.equal(proxied.code, 0, proxied.stderr);
    assert.equal(JSON.parse(proxied.stdout).data, 'of the proxy');
    assert.equal((await proxy.next()).url, 'http://192.0.2.1:3000/x');
    const answer = () => ({ body: { status: 'ok', retcode: 0, data: 'of the server' } });
    const [server, other] = [await hook(t, { answer }), await hook(t, { host: '127.0.0.2', answer })];
    const asked = async (host, env) => {
      const { stdout, stderr } = await run(['call', '--url', `http://${host}/`, 'x'], { env: { ...through, ...env } });
      assert.equal(JSON.parse(stdout || '{}').data, 'of the server', stderr);
    };
    for (const host of [server.address, `localhost:${server.port}`, `127.1:${server.port}`, other.address]) await asked(host);
    // For a name that is not known to be this machine no_proxy counts.
    await asked(`0.0.0.0:${server.port}`, { no_proxy: '0.0.0.0' });
    assert.equal(proxy.requests.size, 0);
  });

  it('and the operator commands use no proxy for configured addresses', async (t) => {
    const proxy = await hook(t);
    const env = { http_proxy: `http://127.0.0.1:${proxy.port}`, no_proxy: '', NO_PROXY: '' };
    const at = await freePort();
    const milky = await serve(t, {
      control: `127.0.0.1:${await freePort()}`,
      bots: [{ self_id: BOT, http_server: [{ listen: `127.0.0.1:${at}` }] }],
    });
    for (const words of [['call', 'get_login_info'], ['status'], ['world']]) {
      const { code, stderr } = await milky.run(words, { env });
      assert.equal(code, 0, stderr);
    }
    assert.equal(proxy.requests.size, 0);
  });
});

describe('watch', { concurrency: 4 }, () => {
  it('prints each event as a line, up to the requested number', async (t) => {
    const milky = await serve(t, botConfig({ websocket_server: [{ listen: port, access_token: 'a&b' }] }));
    const words = ['watch', '--url', milky.ws()];
    const env = { MILKY_ACCESS_TOKEN: 'a&b' };
    const [two, one, pretty, endless] = [['-n', '2'], ['--once'], ['--once', '--pretty'], []]
      .map((more) => background(t, [...words, ...more], { env }));
    for (const { stderr } of [two, one, pretty, endless]) {
      assert.match(await stderr.next('a connection'), /^milky: connected to ws:\/\/127\.0\.0\.1:\d+\/$/);
    }
    const { message_seq } = await milky.say(MING, { to: BOT }, '你好\n"');
    const event = JSON.parse(await two.stdout.next());
    assert.equal(event.data.data.message_id, `Private:${MING}:${message_seq}`);
    assert.equal(textOf(event.data.data), '你好\n"');
    assert.deepEqual(JSON.parse(await one.stdout.next()), event);
    assert.equal(await pretty.stdout.next(), '{');
    await Promise.all([ends(one, 0), ends(pretty, 0)]);
    await milky.say(MING, { to: BOT }, 'again');
    assert.equal(textOf(JSON.parse(await two.stdout.next()).data.data), 'again');
    await ends(two, 0);
    endless.child.kill('SIGINT');
    await ends(endless, 0);
    const refused = background(t, words);
    await ends(refused, 1);
    assert.match(await refused.stderr.next(), /: the server wants an access token: MILKY_ACCESS_TOKEN=/);
    const wrong = background(t, words, { env: { MILKY_ACCESS_TOKEN: 'wrong' } });
    await ends(wrong, 1);
    assert.match(await wrong.stderr.next(), /the access token is not the server's/);
    const unknown = await milky.run(['watch', '--bot', '99999']);
    assert.deepEqual([unknown.code, unknown.stderr], [1, 'milky: there is no bot 99999 in the configuration\n']);
    const nowhere = await milky.run(['watch']);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /it needs a TCP port that is fixed, or --url/);
  });

  it('reconnects when the connection is lost', async (t) => {
    const server = await reverse(t);
    const watch = background(t, ['watch', '-n', '2', '-u', `ws://127.0.0.1:${server.port}/bot?x=1`]);
    const first = await server.next();
    assert.equal(first.request.url, '/bot?x=1');
    first.send({ n: 1 });
    assert.equal(await watch.stdout.next(), '{"n":1}');
    first.socket.terminate();
    const lost = await watch.stderr.find((line) => line.includes('next try'), 'the loss');
    assert.match(lost, /disconnected .*next try in 0\.\d s/);
    (await server.next()).send({ n: 2 });
    assert.equal(await watch.stdout.next(), '{"n":2}');
    await ends(watch, 0);
  });
});

describe('say and world', { concurrency: 4 }, () => {
  it('talk to the running daemon', async (t) => {
    const milky = await serve(t, {
      bots: [{ self_id: BOT, http_server: [{ listen: port }] }, { self_id: OTHER }],
    });
    const said = await milky.run(['say', '--as', `${MING}`, '--group', `${GROUP}`, '你好，', 'world ', "it's"]);
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stdout, /^\{"message_seq":1,"time":\d+\}\n$/);
    const { body } = await call(milky.http(), 'get_history_group_message', { group_id: GROUP });
    assert.equal(textOf(body.data.messages[0]), "你好， world  it's");
    const world = await milky.run(['world']);
    assert.equal(world.code, 0, world.stderr);
    assert.match(world.stdout, /^ {2}10003001 +小明$/m);
    assert.match(world.stdout, /^ {2}10001000 +.* \(bot\)$/m);
    assert.match(world.stdout, /^ {2}700000001 +牛奶小屋 \(8 members\)\n {4}10001000 +Milky 10001000 \(admin\)\n(?: {4}10002000 .*\n)? {4}10003001 +小明 \(owner\)$/m);
    const wrong = [
      [['--as', '10009999', '--to', `${BOT}`, 'x'], /10009999/],
      [['--as', `${MING}`, '--to', '10009999', 'x'], /10009999/],
      [['--as', `${MING}`, '--group', '799999999', 'x'], /799999999/],
      [['--as', `${MING}`, '--to', `${BOT}`, 'x'.repeat(6000)], /too long/],
    ];
    for (const [words, pattern] of wrong) {
      const { code, stdout, stderr } = await milky.run(['say', ...words]);
      assert.equal(code, 1, stdout);
      assert.match(stderr, pattern);
    }
  });

  it('refuse text that is not UTF-8', async (t) => {
    const milky = await serve(t, botConfig({}));
    const { code, stderr } = await milky.run(['-c', `"$MILKY" say --as ${MING} --to ${BOT} "$(printf 'a\\377b')"`], { command: 'sh' });
    assert.equal(code, 1);
    assert.match(stderr, /not UTF-8/);
  });

  it('report an address where no daemon answers', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig({})));
    const { code, stderr } = await run(['world'], { cwd: dir });
    assert.equal(code, 1);
    assert.match(stderr, /there is no answer at unix:data\/control\.sock: is `.*milky serve -c milky\.jsonc` running\?/);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify({ ...botConfig({}), control: null }));
    const none = await run(['say', '--as', `${MING}`, '--to', `${BOT}`, 'x'], { cwd: dir });
    assert.equal(none.code, 1);
    assert.match(none.stderr, /`control` is null/);
  });
});
