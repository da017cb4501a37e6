// Private files and files of groups: each API over HTTP in both dialects, the events and messages that it
// causes, and downloads from the URLs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { GROUP } from './harness.mjs';
import { BOT, HONG, MING, UNKNOWN_USER, OTHER, done, fails, isNow, world } from './sandbox.mjs';

const CONTENT = Buffer.from('一份文件的内容\n');
const URI = `base64://${CONTENT.toString('base64')}`;
const size = Buffer.alloc(8);
size.writeBigUInt64LE(BigInt(CONTENT.length));
const HASH = createHash('sha1').update(CONTENT).update(size).digest('hex');

async function downloads(url, name) {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), CONTENT);
  assert.ok(url.endsWith(`/${encodeURIComponent(name)}`), url);
}

test('private files', async (t) => {
  const { owner, other, operate, hears, next, silence } = await world(t);
  const uploads = {
    draft: () => owner.draft('upload_private_file', { user_id: OTHER, file_uri: URI, file_name: '报告.txt' }),
    '1.2': () => owner.modern('upload_private_file', { user_id: OTHER, file_uri: URI, file_name: '报告.txt' }),
  };
  for (const upload of Object.values(uploads)) {
    const { file_id } = await done(upload());
    const file = { file_id, file_name: '报告.txt', file_size: CONTENT.length };
    await hears(BOT, 'friend_file_upload', { user_id: OTHER, ...file, file_hash: HASH, is_self: true }, { user_id: OTHER, ...file, is_self: true });
    await hears(OTHER, 'friend_file_upload', { user_id: BOT, ...file, file_hash: HASH, is_self: false }, { user_id: BOT, ...file, is_self: false });
    const { draft, '1.2': modern } = await next(OTHER);
    assert.deepEqual(modern.data.segments, [{ type: 'file', data: { ...file, file_hash: HASH } }]);
    assert.deepEqual(draft.data.segments, [{ type: 'text', data: { text: '[file: 报告.txt]' } }]);
    const { message } = await done(owner.modern('get_message', { message_scene: 'friend', peer_id: OTHER, message_seq: modern.data.message_seq }));
    assert.deepEqual(message.segments, modern.data.segments);

    await downloads((await done(other.modern('get_private_file_download_url', { user_id: BOT, file_id, file_hash: HASH }))).download_url, '报告.txt');
    await downloads((await done(owner.draft('get_private_file_download_url', { user_id: OTHER, file_id }))).download_url, '报告.txt');
    await fails(other.modern('get_private_file_download_url', { user_id: BOT, file_id, file_hash: 'f'.repeat(40) }), -115, 'file_hash');
    await fails(other.modern('get_private_file_download_url', { user_id: MING, file_id, file_hash: HASH }), -115);
    await fails(other.modern('get_private_file_download_url', { user_id: UNKNOWN_USER, file_id, file_hash: HASH }), -100);
  }
  for (const [, call] of Object.entries(owner)) {
    await fails(call('upload_private_file', { user_id: UNKNOWN_USER, file_uri: URI, file_name: 'x' }), -100);
    await fails(call('upload_private_file', { user_id: OTHER, file_uri: URI, file_name: '../x' }), -108, 'slashes');
    await fails(call('upload_private_file', { user_id: OTHER, file_uri: URI, file_name: 'x'.repeat(300) }), -108, 'too long');
    await fails(call('upload_private_file', { user_id: OTHER, file_uri: 'nonsense', file_name: 'x' }), -120);
    await fails(call('upload_private_file', { user_id: OTHER, file_uri: 'base64://', file_name: 'x' }), -123);
  }
  silence();

  // The draft has no name parameter; and a person sends a file to a bot.
  await done(owner.draft('upload_private_file', { user_id: OTHER, file_uri: URI }));
  assert.equal((await next(BOT))['1.2'].data.file_name, 'file');
  await next(OTHER);
  await next(OTHER);
  const { file_id } = await done(operate('upload', { as: MING, to: BOT, uri: URI, name: '歌.mp3' }));
  const { '1.2': event } = await next(BOT);
  assert.deepEqual([event.data.user_id, event.data.file_id, event.data.is_self], [MING, file_id, false]);
  assert.equal((await next(BOT))['1.2'].data.segments[0].type, 'file');
  await downloads((await done(owner.modern('get_private_file_download_url', { user_id: MING, file_id, file_hash: event.data.file_hash }))).download_url, '歌.mp3');
});

test('group files', async (t) => {
  const { owner, other, operate, hears, next, silence } = await world(t);
  for (const call of [other.draft, other.modern]) {
    const isDraft = call === other.draft;
    const { file_id } = await done(call('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'a b.txt' }));
    const file = { group_id: GROUP, user_id: OTHER, file_id, file_name: 'a b.txt', file_size: CONTENT.length };
    await hears(BOT, 'group_file_upload', file);
    await hears(OTHER, 'group_file_upload', file);
    const { draft, '1.2': modern } = await next(BOT);
    assert.deepEqual(modern.data.segments, [{ type: 'file', data: { file_id, file_name: 'a b.txt', file_size: CONTENT.length } }]);
    assert.deepEqual(draft.data.segments, [{ type: 'text', data: { text: '[file: a b.txt]' } }]);

    const list = async () => {
      const { files, folders, folder } = await done(call('get_group_files', { group_id: GROUP }));
      assert.deepEqual(folders ?? folder, []);
      return files;
    };
    const [listed, ...rest] = await list();
    assert.deepEqual(rest, []);
    isNow(listed.uploaded_time);
    assert.deepEqual(listed, {
      group_id: GROUP, file_id, file_name: 'a b.txt', parent_folder_id: '/', file_size: CONTENT.length,
      uploaded_time: listed.uploaded_time, ...(isDraft && { expire_time: 0 }), uploader_id: OTHER, downloaded_times: 0,
    });
    await downloads((await done(call('get_group_file_download_url', { group_id: GROUP, file_id }))).download_url, 'a b.txt');
    assert.equal((await list())[0].downloaded_times, 1);

    const rename = (name) => call('rename_group_file', { group_id: GROUP, file_id, ...(isDraft ? { new_name: name } : { new_file_name: name }) });
    await done(rename('b.txt'));
    assert.equal((await list())[0].file_name, 'b.txt');
    await fails(rename('a/b'), -108);
    await done(owner.modern('delete_group_file', { group_id: GROUP, file_id }));
    await fails(call('delete_group_file', { group_id: GROUP, file_id }), -115);
    await fails(call('get_group_file_download_url', { group_id: GROUP, file_id }), -115);
    await fails(rename('c'), -115);
    assert.deepEqual(await list(), []);

    const { file_id: theirs } = await done(owner.modern('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'x' }));
    for (const bot of [BOT, OTHER, OTHER]) await next(bot);
    await fails(call('delete_group_file', { group_id: GROUP, file_id: theirs }), -104, 'delete files of others');
    await done(owner.draft('delete_group_file', { group_id: GROUP, file_id: theirs }));

    await fails(call('upload_group_file', { group_id: 700000002, file_uri: URI, file_name: 'x' }), -101);
    await fails(call('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: '' }), -108);
    await fails(call('upload_group_file', { group_id: GROUP, file_uri: URI, file_name: 'x', parent_folder_id: '/none' }), -116);
    await fails(call('get_group_files', { group_id: 700000002 }), -101);
  }
  silence();
  await done(operate('upload', { as: HONG, group: GROUP, uri: URI, name: '照片.png' }));
  assert.equal((await next(BOT))['1.2'].data.user_id, HONG);
});

test('folders', async (t) => {
  const { owner, other, next, silence } = await world(t);
  for (const call of [owner.draft, owner.modern]) {
    const isDraft = call === owner.draft;
    const listed = async (parent_folder_id) => {
      const { files, folders, folder } = await done(call('get_group_files', { group_id: GROUP, ...(parent_folder_id ? { parent_folder_id } : {}) }));
      return { files: files.map((file) => file.file_name), folders: folders ?? folder };
    };
    const { folder_id } = await done(call('create_group_folder', { group_id: GROUP, folder_name: '资料' }));
    const { folders: [made] } = await listed();
    isNow(made.created_time);
    assert.deepEqual(made, {
      group_id: GROUP, folder_id, parent_folder_id: '/', folder_name: '资料', created_time: made.created_time,
      last_modified_time: made.created_time, creator_id: BOT, file_count: 0,
    });
    await fails(call('create_group_folder', { group_id: GROUP, folder_name: '资料' }), -111);
    await fails(call('create_group_folder', { group_id: GROUP, folder_name: 'a/b' }), -108);
    await fails(other.modern('create_group_folder', { group_id: GROUP, folder_name: 'x' }), -104, 'only the owner or an admin');

    const { file_id } = await done(call('upload_group_file', { group_id: GROUP, parent_folder_id: folder_id, file_uri: URI, file_name: 'x' }));
    for (const bot of [BOT, OTHER, OTHER]) await next(bot);
    assert.deepEqual(await listed(folder_id), { files: ['x'], folders: [] });
    assert.equal((await listed()).folders[0].file_count, 1);
    // The draft does not give the old folder.
    const from = isDraft ? {} : { parent_folder_id: folder_id };
    await fails(call('move_group_file', { group_id: GROUP, file_id, ...from, target_folder_id: '/none' }), -116);
    await done(call('move_group_file', { group_id: GROUP, file_id, ...from, target_folder_id: '/' }));
    assert.deepEqual([(await listed()).files, (await listed()).folders[0].file_count], [['x'], 0]);
    await done(call('move_group_file', { group_id: GROUP, file_id, target_folder_id: folder_id }));
    if (!isDraft) await fails(call('move_group_file', { group_id: GROUP, file_id, target_folder_id: '/' }), -115, 'not in the folder');

    const rename = (name) => call('rename_group_folder', { group_id: GROUP, folder_id, ...(isDraft ? { new_name: name } : { new_folder_name: name }) });
    await done(rename('新资料'));
    assert.equal((await listed()).folders[0].folder_name, '新资料');
    await fails(rename(''), -108);
    await fails(call('delete_group_folder', { group_id: GROUP, folder_id: '/' }), -116);
    await fails(other.modern('delete_group_folder', { group_id: GROUP, folder_id }), -104);
    await done(call('delete_group_folder', { group_id: GROUP, folder_id }));
    assert.deepEqual(await listed(), { files: [], folders: [] });
    await fails(call('get_group_file_download_url', { group_id: GROUP, file_id }), -115);
    await fails(call('get_group_files', { group_id: GROUP, parent_folder_id: folder_id }), -116);
  }
  silence();
});
