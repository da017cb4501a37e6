// The limits of QQ (spec/qq-limits.json), over HTTP in the draft and in 1.3: the last value that is allowed, and the
// first one that is refused; all of them in a lenient sandbox.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { BOT, GROUP, Milky, call } from './harness.mjs';
import { MING, OTHER, done, operate, plainWorld, text } from './sandbox.mjs';
import { checkResult } from './schema.mjs';

const table = JSON.parse(readFileSync(new URL('../../spec/qq-limits.json', import.meta.url)));
const limits = new Map(table.limits.map((limit) => [limit.id, limit]));
const RETCODES = { SB_NO_PERMISSION: -104, SB_BAD_MESSAGE: -105, SB_BAD_TEXT: -108, SB_TOO_MUCH: -110, SB_BAD_VALUE: -114 };
const PIXEL = 'base64://iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const toGroup = (message) => ['send_group_message', { group_id: GROUP, message }];
const toMing = (message) => ['send_private_message', { user_id: MING, message }];
const node = { user_id: MING, name: 'n', sender_name: 'n', // as the draft and as 1.3 call it
  segments: text('x') };
const image = { type: 'image', data: { uri: PIXEL } };
const forward = (messages, more) => ({ type: 'forward', data: { messages, ...more } });
const nested = (depth) => forward([depth > 1 ? { ...node, segments: [nested(depth - 1)] } : node]);
const bytes = (n) => '😀😀😀' + '牛'.repeat((n - 12) / 3) + 'a'.repeat((n - 12) % 3); // at most 5000 characters

// Each makes the call whose measured value is `n`; of a rule, 1 breaks it.
const cases = {
  message_text_chars: [(n) => toGroup(text('a'.repeat(n))), (n) => toMing(text('a'.repeat(n)))],
  message_text_bytes: [(n) => toGroup(text(bytes(n))), (n) => toMing(text(bytes(n)))],
  message_images_count: [(n) => toGroup(Array(n).fill(image)), (n) => toMing(Array(n).fill(image))],
  forward_alone: [(n) => toGroup([forward([node]), ...(n ? text('beside') : [])])],
  forward_nodes: [(n) => toGroup([forward(Array(n).fill(node))])],
  forward_depth: [(n) => toGroup([nested(n)])],
  nickname_chars: [(n) => ['set_nickname', { new_nickname: '名'.repeat(n) }]],
  bio_chars: [(n) => ['set_bio', { new_bio: '签'.repeat(n) }]],
  announcement_chars: [(n) => ['send_group_announcement', { group_id: GROUP, content: '告'.repeat(n), image_uri: PIXEL }]],
  cookies_domain: [(n) => ['get_cookies', { domain: n ? 'pay.qq.com' : 'qun.qq.com' }]],
  history_page: [(n) => ['get_history_messages', { message_scene: 'group', peer_id: GROUP, limit: n }]],
};

class Sandbox {
  static async start(strictness) {
    const made = new Sandbox();
    const listen = () => ({ http_server: [{ listen: '127.0.0.1:0' }] });
    made.milky = await Milky.start({
      config: { backend: { strictness }, bots: [{ self_id: BOT, ...listen() }, { self_id: OTHER, ...listen() }] },
    });
    await done(made.operate('load', { world: plainWorld(BOT, OTHER) }));
    return made;
  }

  operate(action, params) {
    return operate(this.milky, action, params);
  }

  // A call of one bot: the first owns the group.
  async ask(dialect, i, action, params) {
    const { status, body } = await call(this.milky.http(i) + (dialect === '1.3' ? '/api' : ''), action, params);
    assert.equal(status, 200, JSON.stringify(body));
    if (body.retcode === 0) checkResult(dialect, action, body.data);
    return body;
  }

  async send(dialect, i) {
    const sent = await done(this.ask(dialect, i, ...toGroup(text('x'))));
    return sent.message_id ? { message_id: sent.message_id } : { group_id: GROUP, message_seq: sent.message_seq };
  }
}

// Nothing is refused of what is doubtful.
const exceeds = (body, id, isLenient) => {
  const { confidence, retcode } = limits.get(id);
  const expected = isLenient || confidence === 'low' ? 0 : RETCODES[retcode];
  assert.equal(body.retcode, expected, `${id}: ${JSON.stringify(body)}`);
};

for (const strictness of ['strict', 'lenient']) {
  const isLenient = strictness === 'lenient';
  describe(`a ${strictness} sandbox`, () => {
    let sandbox;
    before(async () => { sandbox = await Sandbox.start(strictness); });
    after(async () => assert.equal(await sandbox.milky.stop(), 0, sandbox.milky.stderr));

    for (const dialect of ['draft', '1.3']) {
      const ask = (...args) => sandbox.ask(dialect, ...args);

      for (const [id, calls] of Object.entries(cases)) {
        it(`${id}, ${dialect}`, async () => {
          const limit = limits.get(id);
          assert.equal(limit.sandbox, 'check');
          const most = limit.limit ?? 0;
          for (const make of calls) {
            await done(ask(0, ...make(most)));
            exceeds(await ask(0, ...make(most + 1)), id, isLenient);
          }
        });
      }

      it(`the time in which one recalls, ${dialect}`, async () => {
        const action = dialect === '1.3' ? 'recall_group_message' : 'recall_message';
        const most = limits.get('recall_own_group').limit;
        await done(sandbox.operate('clock', { stop: true }));
        for (const seconds of [most - 1, most, most + 1]) {
          const message = await sandbox.send(dialect, 1);
          await done(sandbox.operate('clock', { advance: seconds }));
          const body = await ask(1, action, message);
          if (seconds <= most) assert.equal(body.retcode, 0, JSON.stringify(body));
          else exceeds(body, 'recall_own_group', isLenient);
        }
      });

      it(`the form of reactions, ${dialect}`, async () => {
        const message = await sandbox.send(dialect, 1);
        const react = (reaction, reaction_type) => ask(0, 'send_group_message_reaction', {
          ...message, reaction, ...(dialect === '1.3' ? { reaction_type, is_add: true } : {}),
        });
        await done(react('14', 'face'));
        if (dialect === '1.3') await done(react('128077', 'emoji')); // the draft has faces only
        for (const reaction of ['👍', 'abc', dialect === '1.3' ? '14' : '128077']) {
          exceeds(await react(reaction, 'emoji'), 'reaction_form', isLenient);
        }
      });
    }

    it('the kinds of reactions to a message, 1.3', async () => {
      const message = await sandbox.send('1.3', 1);
      const react = (n) => sandbox.ask('1.3', 0, 'send_group_message_reaction', { ...message, reaction: `${n}`, is_add: true });
      const most = limits.get('reaction_kinds').limit;
      for (let n = 1; n <= most; n++) await done(react(n));
      exceeds(await react(most + 1), 'reaction_kinds', isLenient);
      await done(react(most)); // no other kind
    });

    it('the switch of a group that forbids temporary sessions', async () => {
      const STRANGER = 10008001;
      const answer = (dialect) => sandbox.ask(dialect, 0, 'send_private_message', { user_id: STRANGER, message: text('x') });
      const say = () => sandbox.operate('say', { as: STRANGER, to: BOT, through: GROUP, text: 'x' });
      await done(sandbox.operate('create_person', { user_id: STRANGER, nickname: '路人' }));
      await done(sandbox.operate('set_join_policy', { as: BOT, group: GROUP, policy: 'anybody' }));
      await done(sandbox.operate('join', { as: STRANGER, group: GROUP }));
      await done(say());
      for (const dialect of ['draft', '1.3']) await done(answer(dialect));
      await done(sandbox.operate('group_settings', { group: GROUP, forbids_temp: true }));
      for (const dialect of ['draft', '1.3']) exceeds(await answer(dialect), 'temp_forbidden_by_group', isLenient);
      exceeds(await say(), 'temp_forbidden_by_group', isLenient);
      const { groups } = (await done(sandbox.operate('dump'))).world;
      assert.equal(groups[0].forbids_temp, true);
      await done(sandbox.ask('1.3', 0, ...toMing(text('a friend'))));
      await done(sandbox.operate('say', { as: MING, to: BOT, through: GROUP, text: 'a friend' }));
      await done(sandbox.operate('group_settings', { group: GROUP, forbids_temp: false }));
      await done(answer('1.3'));
    });
  });
}
