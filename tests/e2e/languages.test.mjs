// English and Chinese, one at a time: the program follows the environment, replies to bots the configuration.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, freePort, hook, serve, start } from './fixtures.mjs';
import { BOT, botConfig, call, run } from './harness.mjs';

const UNKNOWN_USER = 10009999;
const server = { http_server: [{ listen: '127.0.0.1:0' }] };
const locale = (name) => ({ LC_ALL: '', LC_MESSAGES: '', LANG: name });
const en = locale('en_US.UTF-8');
const zh = locale('zh_CN.UTF-8');
const han = /\p{Script=Han}/u;

// The reason of a call that is refused; it is in one language.
async function refusal(milky) {
  const { body } = await call(milky.http(), 'get_friend_info', { user_id: UNKNOWN_USER });
  assert.equal(body.retcode, -100);
  return body.message;
}
const english = `${UNKNOWN_USER} is not a friend of ${BOT}`;
const chinese = `${UNKNOWN_USER} 不是 ${BOT} 的好友`;

describe('the language of the program', { concurrency: 4 }, () => {
  it('is that of `milky check`', async (t) => {
    const dir = await folder(t);
    const mistakes = {
      '{"bots": [{"self_id": 5}]}': [
        '1:23: bots[0].self_id: expected a QQ number from 10001 to 4294967295, got 5',
        '1:23: bots[0].self_id: 应为10001 到 4294967295 之间的 QQ 号，实际为5'],
      '{"bots": [{"self_id": 10001, "http_server": [{"listen": "0.0.0.0:1"}]}]}': [
        '1:57: bots[0].http_server[0].listen: expected an access_token beside it, got none: other machines can reach 0.0.0.0:1 (set access_token, or "allow_anonymous": true if anyone may use this bot)',
        '1:57: bots[0].http_server[0].listen: 应同时设置 access_token，因为其他机器可以访问 0.0.0.0:1（请设置 access_token；若确实允许任何人操作此 Bot，请设置 "allow_anonymous": true）'],
      '{"bots": [{"self_id": 10001, "webhook": [{"url": "http://"}]}]}': [
        '1:50: bots[0].webhook[0].url: expected an http:// or https:// URL, got another string (no host)',
        '1:50: bots[0].webhook[0].url: 应为http:// 或 https:// 地址，实际为其他字符串（缺少主机）'],
      '{"bots": [{"self_id": 10001}], "languge": "en"}': [
        '1:32: languge: unknown key (did you mean `language`?)', '1:32: languge: 未知的键（是否想写 `language`？）'],
      '{"bots": [{"self_id": 10001}], "language": "fr"}': [
        '1:44: language: expected "en" or "zh", got "fr"', '1:44: language: 应为"en" 或 "zh"，实际为"fr"'],
    };
    for (const [config, lines] of Object.entries(mistakes)) {
      await writeFile(join(dir, 'milky.jsonc'), config);
      for (const [i, env] of [en, zh].entries()) {
        const { code, stderr } = await run(['check'], { cwd: dir, env });
        assert.deepEqual([code, stderr], [1, `milky.jsonc:${lines[i]}\n`]);
      }
    }
  });

  it('is that of JSON that is none, wherever it comes from', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), '{\n  "bots" [\n');
    await writeFile(join(dir, 'world.json'), '{\n  "milky_world": 1,\n');
    const commands = [
      [['check'], /^milky\.jsonc:2:10: this is not JSON: unexpected character/, /^milky\.jsonc:2:10: JSON 语法错误：意外的字符，键之后应为冒号\n$/],
      [['call', 'get_login_info', '{'], /the params are not JSON: 1:2: unexpected end of data/, /参数不是 JSON：1:2：内容不完整/],
      [['do', 'say', '{"as": }'], /the params are not JSON: 1:8: unexpected character/, /参数不是 JSON：1:8：意外的字符/],
      [['sandbox', '--world', 'world.json'], /^milky: world\.json:3:1: not JSON: unexpected end of data/, /^milky: world\.json:3:1：不是 JSON：内容不完整/],
    ];
    for (const [words, inEnglish, inChinese] of commands) {
      const [first, second] = [await run(words, { cwd: dir, env: en }), await run(words, { cwd: dir, env: zh })];
      assert.match(first.stderr, inEnglish);
      assert.match(second.stderr, inChinese);
      assert.doesNotMatch(first.stderr, han);
    }
  });

  it('is that of the log, in both formats', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    const config = { ...botConfig({ ...server, webhook: [{ url }] }), language: 'en' };
    for (const [env, lost, stopping] of [
      [en, /connection refused; next try in \d+\.\d s$/, /stopping \(signal 15; a second one ends it at once\)$/],
      [zh, /连接被拒绝；\d+\.\d 秒后重试$/, /正在停止（信号 15；再来一次则立即结束）$/]]) {
      for (const format of ['text', 'json']) {
        const milky = await start(t, { config, env, args: ['--log-format', format] });
        await milky.say(10003001, { to: BOT }, 'hello');
        await milky.log.find((line) => line.includes('webhook'), 'a line about the webhook');
        assert.equal(await milky.stop(), 0);
        const lines = milky.stderr.trimEnd().split('\n');
        const messages = format === 'text' ? lines : lines.map((line) => JSON.parse(line).message);
        assert.ok(messages.some((message) => lost.test(message)), milky.stderr);
        assert.ok(messages.some((message) => stopping.test(message)), milky.stderr);
        for (const message of messages) assert.equal(han.test(message), env === zh, message);
        if (format === 'json') for (const line of lines) assert.deepEqual(Object.keys(JSON.parse(line)), ['time', 'level', 'module', 'message']);
      }
    }
  });

  it('is that of a start that fails', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const listen = `127.0.0.1:${taken.address().port}`;
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig({ http_server: [{ listen }] })));
    const inEnglish = await run(['serve'], { cwd: dir, env: en });
    assert.match(inEnglish.stderr, /milky: cannot start: bots\[0\]\.http_server\[0\]\.listen: cannot listen on \S+: Address already in use \(is another milky running\?/);
    const inChinese = await run(['serve'], { cwd: dir, env: zh });
    assert.match(inChinese.stderr, /milky: 无法启动：bots\[0\]\.http_server\[0\]\.listen：无法监听 \S+：地址已在使用（是否有另一个 milky 正在运行？/);
  });

  it('is that of the last error in `milky status`', async (t) => {
    const receiver = await hook(t, { answer: () => ({ status: 503 }) });
    const milky = await serve(t, botConfig({ ...server, webhook: [{ url: receiver.url }] }), { env: zh });
    await milky.say(10003001, { to: BOT }, 'hello');
    await milky.log.find((line) => line.includes('对方应答 503；'), 'a refusal');
    assert.match((await milky.run(['status'], { env: zh })).stdout, /最近的错误（.*）：对方应答 503\n +-> 对方要求等待/);
  });
});

describe('the language of replies', { concurrency: 4 }, () => {
  it('is that of the configuration, whatever the environment', async (t) => {
    for (const [language, words] of [['en', english], ['zh', chinese]]) {
      for (const env of [en, zh]) {
        const milky = await serve(t, { ...botConfig(server), language }, { env });
        assert.equal(await refusal(milky), words);
        const operator = await milky.run(['do', 'delete_group', 'group_id=799999999'], { env });
        assert.equal(operator.code, 1);
        assert.equal(han.test(operator.stderr), language === 'zh', operator.stderr);
      }
    }
  });

  it('is that of the environment where the configuration names none, else Chinese', async (t) => {
    for (const [env, words] of [[en, english], [locale('de_DE.UTF-8'), english], [zh, chinese], [locale('C'), chinese],
      [locale('C.UTF-8'), chinese], [locale('POSIX'), chinese], [locale(''), chinese],
      [{ LC_ALL: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8', LANG: 'zh_CN.UTF-8' }, english]]) {
      const milky = await serve(t, botConfig(server), { env });
      assert.equal(await refusal(milky), words, JSON.stringify(env));
    }
  });

  it('is that of the reasons for what media cannot be had, and of a bot that is offline', async (t) => {
    for (const [language, missing, offline] of [
      ['en', 'message[0].data.uri: the file cannot be read: No such file or directory', 'the bot is offline'],
      ['zh', 'message[0].data.uri：无法读取文件：没有那个文件或目录', 'Bot 已离线']]) {
      const milky = await serve(t, { ...botConfig(server), backend: { media: { roots: ['.'] } }, language });
      const message = [{ type: 'image', data: { uri: `file://${milky.dir}/none.png` } }];
      const { body } = await call(milky.http(), 'send_group_message', { group_id: 700000001, message });
      assert.deepEqual([body.retcode, body.message], [-121, missing]);
      assert.equal((await milky.run(['do', 'offline', `bot=${BOT}`])).code, 0);
      const login = await call(milky.http(), 'get_login_info');
      assert.deepEqual([login.body.retcode, login.body.message], [-403, offline]);
    }
  });

  it('changes with a reload', async (t) => {
    const milky = await serve(t, { ...botConfig(server), language: 'zh' });
    assert.equal(await refusal(milky), chinese);
    await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify({ ...botConfig(server), language: 'en' }));
    const { code, stdout } = await milky.run(['reload']);
    assert.deepEqual([code, stdout], [0, 'reloaded\n']);
    assert.equal(await refusal(milky), english);
  });
});
