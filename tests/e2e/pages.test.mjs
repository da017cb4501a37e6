// A web page that opens connections without end: those of others stay, and there is room for new ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './fixtures.mjs';
import { BOT, Client, request } from './harness.mjs';
import { Raw, handshake } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const MOST = 20;
const ask = (lines) => `GET /event HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

// What a page makes its browser send.
const kinds = {
  'images': ask(['User-Agent: Mozilla/5.0 (X11) AppleWebKit/537.36', 'Accept: image/avif,image/webp,*/*', 'Referer: http://evil.example/']),
  'fetch': ask(['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site']),
  'WebSockets': handshake({ target: '/event', extra: ['Origin: http://evil.example'] }),
  'preflights': 'OPTIONS /get_login_info HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n',
};

for (const [name, text] of Object.entries(kinds)) {
  test(`a page with many ${name}`, async (t) => {
    const milky = await serve(t, { limits: { connections: MOST }, bots: [{ self_id: BOT, http_server: [{ listen: LISTEN }], websocket_server: [{ listen: LISTEN }] }] });
    const client = await Client.connect(milky.ws());
    const page = [];
    for (let i = 0; i < 3 * MOST; i++) {
      const raw = await Raw.connect(milky.address('http_server'));
      assert.equal((await raw.write(text).response()).status, 403);
      page.push(raw);
    }
    // The program that was there goes on, and a further one is served.
    assert.equal((await client.call('get_login_info')).data.retcode, 0);
    const other = await Client.connect(milky.ws());
    assert.equal((await other.call('get_login_info')).data.retcode, 0);
    const { status } = await request(milky.address('http_server'), '/get_login_info', { headers: { 'Content-Type': 'application/json' }, body: '{}' });
    assert.equal(status, 200);
    for (const raw of page) raw.destroy();
    await other.close();
    await client.close();
  });
}
