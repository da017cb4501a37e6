// The operator's requests, as spec/sandbox.json describes them: each example works in the built-in world, each
// operation and API refuses a field that it does not have, and `milky do` explains all of them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { folder, serve } from './fixtures.mjs';
import { BOT, call, run } from './harness.mjs';

const read = async (name) => JSON.parse(await readFile(new URL(`../../spec/${name}`, import.meta.url), 'utf8'));
const { operations, structs, groups } = await read('sandbox.json');
const { apis } = await read('milky-1.2.json');
const shell = promisify(execFile);

const start = (t) => serve(t, { control: '127.0.0.1:0', bots: [{ self_id: BOT, http_server: [{ listen: '127.0.0.1:0' }] }] });
const controlOf = (milky) => /127\.0\.0\.1:\d+/.exec(milky.banner[milky.banner.indexOf('control') + 1])[0];

// The fields of an operation: those of the struct that it is like, too.
const fieldsOf = ({ like, fields }) => ({ ...(like ? structs[like].fields : {}), ...fields });

describe('each example of spec/sandbox.json', () => {
  it('works in the built-in world, for one operation after the other', async (t) => {
    const milky = await start(t);
    const base = `http://${controlOf(milky)}/sandbox`;
    const act = async (operation, params = {}) => {
      const { body } = await call(base, operation, params);
      assert.equal(body.retcode, 0, JSON.stringify(body));
    };
    for (const [name, { example }] of Object.entries(operations)) {
      for (const line of example) {
        const words = `exec "$MILKY" do --control ${controlOf(milky)} ${line}`;
        const { stdout } = await shell('sh', ['-c', words], { cwd: milky.dir, env: { ...process.env, LANG: 'C' } })
          .catch((error) => assert.fail(`${name}: ${line}: ${error.stderr}`));
        assert.equal(typeof JSON.parse(stdout), 'object', line);
      }
      assert.equal(example.at(-1).split(' ')[0], name);
      await act('clock', { reset: true });
      await act('online', { bot: BOT });
      await act('clear_faults');
      await act('reset');
    }
  });
});

describe('a field that an operation does not have', () => {
  it('is refused with its path, for each operation and API', async (t) => {
    const milky = await start(t);
    const base = `http://${controlOf(milky)}/sandbox`;
    const before = await call(base, 'dump', {});
    const refused = async (action, params, message) => {
      const { status, body } = await call(base, action, params);
      assert.deepEqual([status, body.retcode], [400, -400], `${action}: ${JSON.stringify(body)}`);
      assert.ok(body.message.startsWith(message), `${action}: ${body.message}`);
    };
    for (const [name, operation] of Object.entries(operations)) {
      await refused(name, { as_if: 1, no_such_field: 1 }, groups[operation.group].person ? 'as_if: unknown field' : 'as_if: unknown');
      for (const field of Object.keys(fieldsOf(operation))) {
        if (field.length < 4) continue;
        await refused(name, { [`${field}x`]: 1 }, `${field}x: unknown field; did you mean ${field}?`);
      }
    }
    for (const [name, { params }] of Object.entries(apis)) {
      await refused(name, { as: 10003001, no_such_field: 1 }, 'no_such_field: unknown field');
      for (const field of Object.keys(params)) await refused(name, { as: 10003001, [`${field}x`]: 1 }, `${field}x: unknown field; did you mean`);
    }
    assert.deepEqual(await call(base, 'dump', {}), before);
  });

  it('is refused at whatever depth', async (t) => {
    const milky = await start(t);
    const base = `http://${controlOf(milky)}/sandbox`;
    for (const [action, params, message] of [
      ['say', { as: 10003001, group: 700000001, message: [{ type: 'text', data: { text: 'x' } }, { type: 'text', data: { txt: 'x' } }] },
        'message[1].data.txt: unknown field; did you mean text?'],
      ['say', { as: 10003001, group: 700000001, message: [{ type: 'forward', data: { messages: [{ user_id: 10003001, sender_name: 'x', segments: [], seconds: 1 }] } }] },
        'message[0].data.messages[0].seconds: unknown field (here are: user_id, sender_name, time, segments)'],
      ['create_group', { group_name: 'G', members: [{ user_id: 10003001, role: 'owner' }, { user_id: 10003002, rol: 'admin' }] },
        'members[1].rol: unknown field; did you mean role?'],
      ['load', { world: { milky_world: 1, conversations: [{ message_scene: 'group', peer_id: 700000001, messages: [{ sender_id: 10003001, segmnts: [] }] }] } },
        'world.conversations[0].messages[0].segmnts: unknown field; did you mean segments?'],
    ]) {
      const { body } = await call(base, action, params);
      assert.deepEqual([body.retcode, body.message], [-400, message]);
    }
  });
});

describe('milky do', () => {
  it('lists and explains all operations without a daemon, in both languages', async (t) => {
    const cwd = await folder(t);
    for (const [language, locale] of [['en', 'C'], ['zh', 'zh_CN.UTF-8']]) {
      const ask = async (...words) => {
        const { code, stdout, stderr } = await run(words, { cwd, env: { LANG: locale } });
        assert.deepEqual([code, stderr], [0, ''], words.join(' '));
        return stdout;
      };
      const lists = [await ask('do'), await ask('do', '--help')];
      for (const [name, operation] of Object.entries(operations)) {
        for (const list of lists) assert.match(list, new RegExp(`^  ${name} +${operation[language].replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, 'm'));
        const text = await ask('do', name, '--help');
        assert.ok(text.includes(operation[language]), text);
        for (const [field, spec] of Object.entries(fieldsOf(operation))) {
          assert.ok(text.split('\n').some((line) => line.startsWith(`  ${field} `) && line.includes(spec[language])), `${name}.${field}: ${text}`);
        }
        if (groups[operation.group].person) assert.match(text, /^ {2}as /m);
        for (const line of operation.example) assert.ok(text.includes(`do ${line}\n`), text);
      }
      for (const { [language]: title } of Object.values(groups)) assert.ok(lists[0].includes(title));
      const api = await ask('do', 'set_group_name', '--help');
      assert.match(api, /^ {2}as .*\n {2}group_id .*\n {2}new_group_name /m);
    }
    const help = await run(['help', 'do', 'say'], { cwd });
    assert.equal(help.stdout, (await run(['do', 'say', '--help'], { cwd })).stdout);
  });

  it('says types, defaults and what is needed', async (t) => {
    const { stdout } = await run(['do', 'fault', '--help'], { cwd: await folder(t) });
    for (const line of [
      /^ {2}bot +a bot that is served \(QQ number; needed\)$/m,
      /^ {2}every .* \(number from 1; 1 unless given\)$/m,
      /^ {2}latency .* \(number from 0 to 600000; 0 unless given\)$/m,
      /^ {2}message .* \(text of at most 255 bytes; injected fault unless given\)$/m,
      /^ {2}drop .* \(true or false; false unless given\)$/m,
    ]) assert.match(stdout, line);
    const say = await run(['do', 'say', '--help'], { cwd: await folder(t) });
    assert.match(say.stdout, /needed: to, group\n.*needed: text, message\n/);
  });

  it('guesses at mistyped words without a daemon', async (t) => {
    const cwd = await folder(t);
    for (const [words, message] of [
      [['do', 'clok'], 'milky: no such operation: clok; did you mean clock?\n'],
      [['do', 'set_nicknam', 'as=10003001'], 'milky: no such operation: set_nicknam; did you mean set_nickname?\n'],
      [['do', 'clok', '--help'], 'milky: no such operation: clok; did you mean clock?\n'],
      [['do', 'say', 'as=10003001', 'txt=hi'], 'milky: say has no field txt; did you mean text?\n'],
      [['do', 'set_nickname', 'as=10003001', 'new_nicknme=hi'], 'milky: set_nickname has no field new_nicknme; did you mean new_nickname?\n'],
    ]) {
      const { code, stderr } = await run(words, { cwd });
      assert.deepEqual([code, stderr], [1, message]);
    }
    const chinese = await run(['do', 'clok'], { cwd, env: { LANG: 'zh_CN.UTF-8' } });
    assert.equal(chinese.stderr, 'milky: 没有这个操作：clok；是否想用 clock？\n');
  });
});
