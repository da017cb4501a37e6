// A client of /cache for the tests: two bots, the first with a token.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { freePort, serve } from './fixtures.mjs';
import { BOT, GROUP, call, request } from './harness.mjs';

export const CHUNK = 4 * 1024 * 1024;
export const OTHER = 10001001;
export const TOKEN = 'cache-secret';
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const bytes = (size) => randomBytes(size);

const JSON_TYPE = { 'Content-Type': 'application/json' };

export async function cached(t, { limits, options = {}, server = {}, ...rest } = {}) {
  const ports = [await freePort(), await freePort()];
  const milky = await serve(t, {
    ...(limits ? { limits } : {}), ...rest,
    bots: [
      { self_id: BOT, http_server: [{ listen: `127.0.0.1:${ports[0]}`, access_token: TOKEN, ...server }] },
      { self_id: OTHER, http_server: [{ listen: `127.0.0.1:${ports[1]}` }] },
    ],
  }, options);
  return client(milky, ports);
}

export function client(milky, ports) {
  const address = (bot) => `127.0.0.1:${ports[bot]}`;
  const credentials = (bot) => (bot === 0 ? { Authorization: `Bearer ${TOKEN}` } : {});
  // Any request to /cache: {status, body, headers}.
  const send = (method, path, { bot = 0, headers = {}, body } = {}) => request(address(bot), `/cache${path}`,
    { method, headers: { ...credentials(bot), ...headers }, body, patience: 60000 });
  const announce = async (order, bot = 0) => {
    const answer = await send('POST', '', { bot, headers: JSON_TYPE, body: JSON.stringify(order) });
    assert.deepEqual([answer.status, answer.body.status, answer.body.retcode], [200, 'ok', 0], answer.text);
    return answer.body.data;
  };
  const refused = async (order, bot = 0) => send('POST', '', { bot, headers: JSON_TYPE, body: JSON.stringify(order) });
  const status = async (id, bot = 0) => {
    const answer = await send('GET', `/${id}`, { bot });
    return answer.status === 200 ? answer.body.data : answer.status;
  };
  const chunk = (id, number, content, hash = sha256(content), bot = 0) => send('PUT', `/${id}/${number}`,
    { bot, headers: { 'X-Content-SHA256': hash }, body: content });
  const whole = (id, content, headers = {}, bot = 0) => send('PUT', `/${id}`, { bot, headers, body: content });
  // All of it; gives its URI.
  const upload = async (content, order = {}, bot = 0) => {
    const { cache_id, uri } = await announce({ size: content.length, ...order }, bot);
    const answer = await whole(cache_id, content, {}, bot);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.data.complete, true);
    return uri;
  };
  const api = async (action, params, bot = 0) => (await call(`http://${address(bot)}/api`, action, params,
    { token: bot === 0 ? TOKEN : undefined })).body;
  const file = (uri, bot = 0) => api('upload_group_file', { group_id: GROUP, file_name: 'a.bin', file_uri: uri }, bot);
  const image = (...uris) => api('send_group_message', {
    group_id: GROUP, message: uris.map((uri) => ({ type: 'image', data: { uri } })) });
  return { milky, ports, address, credentials, send, announce, refused, status, chunk, whole, upload, api, file, image };
}

// The content of a group file, as others download it.
export async function downloaded({ api }, fileId) {
  const { data, message } = await api('get_group_file_download_url', { group_id: GROUP, file_id: fileId });
  assert.ok(data, message);
  const response = await fetch(data.download_url);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}
