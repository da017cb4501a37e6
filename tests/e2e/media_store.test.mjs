// Contents that nothing refers to any more are removed, from the world and from the disk; one that is in
// use, or comes back, stays.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, serve, start } from './fixtures.mjs';
import { BOT, GROUP, botConfig, call, within } from './harness.mjs';
import { base64, gif, png } from './samples.mjs';

const server = { http_server: [{ listen: '127.0.0.1:0' }] };
const sha256 = (content) => createHash('sha256').update(content).digest('hex');
const image = (uri) => ({ type: 'image', data: { uri } });
const picture = (n) => png(n + 1, n + 1);

const media = (milky) => join(milky.dir, 'data/sandbox/media');
const stored = async (milky) => (await readdir(media(milky)).catch(() => []))
  .filter((name) => !name.endsWith('.incoming')).sort();

// Until the folder has exactly these contents.
async function becomes(milky, contents) {
  const names = contents.map(sha256).sort().join();
  await mkdir(media(milky), { recursive: true });
  const changes = watch(media(milky));
  let changed;
  changes.on('change', () => changed?.());
  try {
    for (;;) {
      const next = new Promise((resolve) => { changed = resolve; });
      if ((await stored(milky)).join() === names) return;
      await within(next, `the contents to become ${names}, not ${(await stored(milky)).join()}`);
    }
  } finally {
    changes.close();
  }
}

async function ok(milky, action, params) {
  const { body } = await call(`${milky.http()}/api`, action, params);
  assert.equal(body.retcode, 0, JSON.stringify(body));
  return body.data;
}
const send = (milky, ...segments) => ok(milky, 'send_group_message', { group_id: GROUP, message: segments });
const recall = (milky, { message_seq }) => ok(milky, 'recall_group_message', { group_id: GROUP, message_seq });
const operate = async (milky, ...words) => {
  const { code, stderr, stdout } = await milky.run(['do', ...words]);
  assert.equal(code, 0, stderr);
  return stdout;
};

describe('contents', { concurrency: 4 }, () => {
  it('go when the last message with them is recalled, and their URLs answer 404', async (t) => {
    const milky = await serve(t, botConfig(server));
    const [a, b] = [picture(1), picture(2)];
    const first = await send(milky, image(base64(a)), image(base64(b)));
    const second = await send(milky, image(base64(a)));
    const { message } = await ok(milky, 'get_message',
      { message_scene: 'group', peer_id: GROUP, message_seq: second.message_seq });
    const url = message.segments[0].data.temp_url;
    assert.equal((await fetch(url)).status, 200);
    await becomes(milky, [a, b]);
    await recall(milky, first);
    await becomes(milky, [a]);
    assert.equal((await fetch(url)).status, 200);
    await recall(milky, second);
    await becomes(milky, []);
    assert.equal((await fetch(url)).status, 404);
    const third = await send(milky, image(base64(a))); // it comes back
    await becomes(milky, [a]);
    await recall(milky, third);
    await becomes(milky, []);
  });

  it('go with the forwards that they are in, also nested ones', async (t) => {
    const milky = await serve(t, botConfig(server));
    const forward = (...segments) => ({ type: 'forward', data: { messages: [
      { user_id: BOT, sender_name: 'x', segments }] } });
    const [a, b] = [picture(1), picture(2)];
    const sent = await send(milky, forward(image(base64(a)), forward(image(base64(b)))));
    const other = await send(milky, forward(image(base64(b))));
    await becomes(milky, [a, b]);
    await recall(milky, sent);
    await becomes(milky, [b]);
    await recall(milky, other);
    await becomes(milky, []);
  });

  it('go with files, avatars, announcements, people and worlds', async (t) => {
    const milky = await serve(t, botConfig(server));
    const [a, b, c, d] = [picture(1), picture(2), picture(3), picture(4)];
    const { file_id } = await ok(milky, 'upload_group_file',
      { group_id: GROUP, file_name: 'a', file_uri: base64(a) });
    await becomes(milky, [a]);
    await ok(milky, 'delete_group_file', { group_id: GROUP, file_id });
    await becomes(milky, []);
    await ok(milky, 'set_avatar', { uri: base64(a) });
    await ok(milky, 'set_avatar', { uri: base64(b) });
    await becomes(milky, [b]);
    await send(milky, image(base64(c)));
    await becomes(milky, [b, c]);
    await operate(milky, 'delete_group', `group_id=${GROUP}`);
    await becomes(milky, [b]);
    await operate(milky, 'reset');
    await becomes(milky, []);
    const world = { milky_world: 1, people: [{ user_id: BOT, nickname: 'x', is_bot: true, avatar: sha256(a) }],
      media: [{ uri: base64(a) }, { uri: base64(d) }] };
    const { code, stderr } = await milky.run(['do', 'load', '-'], { input: JSON.stringify({ world }) });
    assert.equal(code, 0, stderr);
    await becomes(milky, [a]);
  });

  it('that were left behind by a crash are removed by the start', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig(server)));
    const milky = await start(t, { dir });
    const [a, b] = [picture(1), picture(2)];
    await send(milky, image(base64(a)));
    await becomes(milky, [a]);
    await milky.stop('SIGKILL');
    const stray = randomBytes(1000);
    await writeFile(join(media(milky), sha256(stray)), stray);
    await writeFile(join(media(milky), sha256(b)), b);
    await writeFile(join(media(milky), 'sandbox.db.incoming', `${sha256(b)}.AbCdEf`), b);
    await writeFile(join(media(milky), 'sandbox.db.incoming', 'AbCdEf'), b);
    const again = await serve(t, undefined, { dir });
    await becomes(again, [a]);
    assert.deepEqual(await readdir(join(media(again), 'sandbox.db.incoming')), []);
    await send(again, image(base64(a)));
  });
});
