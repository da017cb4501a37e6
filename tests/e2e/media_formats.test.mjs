// Every format of pictures, voices and videos: what the receiver of a message is told of it; and what is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { BOT, OTHER, done, fails, world } from './sandbox.mjs';
import * as make from './samples.mjs';

const send = (bot, type, content, params = {}) => bot.modern('send_private_message',
  { user_id: OTHER, message: [{ type, data: { uri: typeof content === 'string' ? content : make.base64(content) } }], ...params });

// Sends each, and returns what the receiver sees.
async function received(t, type, contents) {
  const { owner, next } = await world(t);
  const seen = {};
  for (const [name, content] of Object.entries(contents)) {
    await done(send(owner, type, content));
    const [{ data }] = (await next(OTHER))['1.2'].data.segments;
    const answer = await fetch(data.temp_url);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), content, name);
    seen[name] = [answer.headers.get('content-type'), data.width, data.height, data.duration];
  }
  return seen;
}

test('pictures have their size', async (t) => {
  assert.deepEqual(await received(t, 'image', {
    heic: make.heif('heic', 4032, 3024), avif: make.heif('avif', 1920, 1080), tiff: make.tiff(800, 600),
  }), {
    heic: ['image/heic', 4032, 3024, undefined], avif: ['image/avif', 1920, 1080, undefined],
    tiff: ['image/tiff', 800, 600, undefined],
  });
});

test('voices have their duration', async (t) => {
  assert.deepEqual(await received(t, 'record', {
    aac: make.aac(7), m4a: make.fragments('soun', 0, 0, 8), aiff: make.aiff(9), caf: make.caf(10), webm: make.webm(0, 0, 11),
    mka: make.webm(0, 0, 12, { type: 'matroska', inHeader: true }), ts: make.ts(13, { video: false }),
  }), {
    aac: ['audio/aac', undefined, undefined, 7], m4a: ['audio/mp4', undefined, undefined, 8],
    aiff: ['audio/aiff', undefined, undefined, 9], caf: ['audio/x-caf', undefined, undefined, 10],
    webm: ['audio/webm', undefined, undefined, 11], mka: ['audio/x-matroska', undefined, undefined, 12],
    ts: ['audio/mp2t', undefined, undefined, 13],
  });
});

test('videos have both', async (t) => {
  assert.deepEqual(await received(t, 'video', {
    mp4: make.fragments('vide', 640, 480, 7), webm: make.webm(320, 240, 8), 'webm with a duration': make.webm(320, 240, 9, { inHeader: true }),
    mkv: make.webm(1280, 720, 10, { type: 'matroska', inHeader: true }), flv: make.flv(400, 300, 11),
    'flv with a duration': make.flv(400, 300, 12, { inHeader: true }), avi: make.avi(720, 576, 13), ts: make.ts(14),
  }), {
    mp4: ['video/mp4', 640, 480, 7], webm: ['video/webm', 320, 240, 8], 'webm with a duration': ['video/webm', 320, 240, 9],
    mkv: ['video/x-matroska', 1280, 720, 10], flv: ['video/x-flv', 400, 300, 11],
    'flv with a duration': ['video/x-flv', 400, 300, 12], avi: ['video/x-msvideo', 720, 576, 13], ts: ['video/mp2t', 0, 0, 14],
  });
});

test('a format that is not known is called so, one that is known by its name', async (t) => {
  const { owner } = await world(t);
  const unknown = Buffer.concat([Buffer.from([0, 1, 2, 3, 0xfe]), randomBytes(64)]);
  for (const type of ['image', 'record', 'video'])
    for (const [content, part] of [[unknown, 'this format is not known'], [Buffer.from('{"code": 404}'), 'it is text'],
      [Buffer.from('<!DOCTYPE html><title>404'), 'it is a web page'], [Buffer.from('PK\x03\x04'), 'it is a ZIP archive'],
      [make.aac(1).subarray(0, 17), 'this format is not known']])
      await fails(send(owner, type, content), -123, part);
  await fails(send(owner, 'record', make.png(2, 2)), -123, 'is not a sound');
  await fails(send(owner, 'record', make.png(2, 2)), -123, 'it is a picture');
  await fails(send(owner, 'image', make.webm(2, 2, 2)), -123, 'it is a video');
  await fails(send(owner, 'video', make.caf(2)), -123, 'it is a sound');
  await fails(send(owner, 'video', make.webm(2, 2, 2).subarray(0, 60)), -123, 'its WebM or Matroska header is cut');
});

// What encoders of base64 write, and what they do not.
test('base64 in lines, without padding, or with the alphabet of URLs', async (t) => {
  const { owner, next } = await world(t);
  const content = make.wav(3).subarray(0, 24044);
  const plain = content.toString('base64');
  for (const text of [plain.replace(/.{76}/g, '$&\r\n'), plain.replace(/.{64}/g, '$&\n') + '\n', plain.replace(/=+$/, ''),
    content.toString('base64url'), ` ${plain.slice(0, 9)} \t${plain.slice(9)}`]) {
    await done(send(owner, 'record', `base64://${text}`));
    const [{ data }] = (await next(OTHER))['1.2'].data.segments;
    assert.deepEqual(Buffer.from(await (await fetch(data.temp_url)).arrayBuffer()), content);
  }
  for (const [text, part] of [['AAAA!', 'character 5'], ['AAAAA', 'missing at its end'], ['AA==AA', 'before its end'], ['中', 'character 1']])
    await fails(send(owner, 'record', `base64://${text}`), -120, part);
});
