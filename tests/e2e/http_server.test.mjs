// The draft's HTTP server, sentence by sentence: calls, credentials, status codes, JSON.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { BOT, GROUP, botConfig, call, request, run, serve } from './harness.mjs';
import { Raw, assertRefused, handshake, post } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const text = (words) => [{ type: 'text', data: { text: words } }];

function refused(response, status) {
  assertRefused({ ...response, json: response.body }, status);
}

test('the draft\'s example: a call with a token', async (t) => {
  const milky = await serve(t, botConfig({ http_server: [{ listen: LISTEN, access_token: '123456' }] }, 123456789));
  const example = (user) => `{
  "user_id": ${user},
  "message": [
    {
      "type": "text",
      "data": {
        "text": "Hello, world!"
      }
    }
  ]
}`;
  const connection = await Raw.connect(milky.address('http_server'));
  t.after(() => connection.destroy());
  const ask = (user) => connection
    .write(post('/send_private_message', example(user), { headers: ['Authorization: Bearer 123456'] }))
    .response();

  await t.test('succeeds: 200 and {status, retcode, data}', async () => {
    const before = Math.floor(Date.now() / 1000);
    const response = await ask(10003001);
    assert.equal(response.status, 200);
    assert.equal(response.phrase, 'OK');
    assert.equal(response.headers['content-type'], 'application/json');
    const { time } = response.json.data;
    assert.ok(Number.isInteger(time) && time >= before && time <= Date.now() / 1000);
    assert.deepEqual(response.json,
      { status: 'ok', retcode: 0, data: { message_id: 'Private:10003001:1', time } });
  });

  await t.test('fails: 200 and {status, retcode, message}', async () => {
    const response = await ask(987654321);
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(response.json), ['status', 'retcode', 'message']);
    assert.equal(response.json.status, 'failed');
    assert.equal(response.json.retcode, -100);
    assert.match(response.json.message, /^\d+ is not a friend of \d+$/);
  });
});

test('credentials', async (t) => {
  const token = 's3cret-Token';
  const milky = await serve(t, botConfig({ http_server: [{ listen: LISTEN, access_token: token }] }));
  const address = milky.address('http_server');
  const ask = (authorization, path = '/get_login_info') =>
    request(address, path, { headers: { ...JSON_TYPE, ...authorization }, body: '{}' });

  for (const [what, headers] of [
    ['none', {}],
    ['another scheme', { Authorization: 'Basic czNjcmV0LVRva2Vu' }],
    ['the token without a scheme', { Authorization: token }],
    ['an empty header', { Authorization: '' }],
  ]) {
    await t.test(`401: ${what}`, async () => {
      const response = await ask(headers);
      refused(response, 401);
      assert.equal(response.headers['www-authenticate'], 'Bearer');
    });
  }

  await t.test('401: a token in the query, which counts for WebSockets alone', async () => {
    refused(await ask({}, `/get_login_info?access_token=${token}`), 401);
  });

  for (const wrong of ['wrong', token.slice(0, -1), `${token}x`, token.toLowerCase(), `${token} ${token}`, `"${token}"`]) {
    await t.test(`403: ${wrong}`, async () => refused(await ask({ Authorization: `Bearer ${wrong}` }), 403));
  }

  await t.test('403: two headers, one of them right', async () => {
    const response = await ask({ Authorization: [`Bearer ${token}`, 'Bearer wrong'] });
    assert.ok([400, 403].includes(response.status), `${response.status}`);
  });

  for (const right of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`]) {
    await t.test(`200: ${right.split(' ')[0]}`, async () => {
      const response = await ask({ Authorization: right });
      assert.equal(response.status, 200);
      assert.equal(response.body.data.uin, BOT);
    });
  }

  await t.test('the refusal of a request with a body keeps the connection', async () => {
    const connection = await Raw.connect(address);
    const header = `Authorization: Bearer ${token}`;
    connection.write(post('/get_login_info', '{"x":1}'), post('/get_login_info', '{}', { headers: [header] }));
    assertRefused(await connection.response(), 401);
    assert.equal((await connection.response()).json.data.uin, BOT);
    connection.destroy();
  });

  await t.test('no answer and no line of the log has the token', async () => {
    const { text } = await ask({ Authorization: `Bearer ${token}x` });
    assert.ok(!text.includes(token));
    assert.ok(!milky.stderr.includes(token));
    assert.ok(!milky.banner.join('\n').includes(token));
  });
});

test('tokens of all kinds of characters', async (t) => {
  const tokens = ['two words', 'a+b', '100%', 'a&b=c', '牛奶🥛', '%41', '"quoted"', '#?/'];
  const config = {
    bots: tokens.map((access_token, i) => ({ self_id: BOT + i, http_server: [{ listen: LISTEN, access_token }] })),
  };
  const milky = await serve(t, config);
  for (const [i, token] of tokens.entries()) {
    await t.test(token, async () => {
      // A header is bytes: those of UTF-8, as the configuration is.
      const bytes = Buffer.from(`Bearer ${token}`).toString('latin1');
      const address = milky.address('http_server', i);
      const ask = (Authorization) => request(address, '/get_login_info', { headers: { ...JSON_TYPE, Authorization }, body: '{}' });
      assert.equal((await ask(bytes)).body.data.uin, BOT + i);
      refused(await ask(`${bytes}.`), 403);
      // A header is not percent-encoded, unlike a query.
      const encoded = encodeURIComponent(token);
      if (encoded !== token) refused(await ask(`Bearer ${encoded}`), 403);
    });
  }
});

test('without a token', async (t) => {
  const milky = await serve(t, botConfig({ http_server: [{ listen: LISTEN }] }));
  const address = milky.address('http_server');
  const base = milky.http();
  const port = address.split(':')[1];

  await t.test('the Content-Type', async (t) => {
    for (const type of [
      'application/json', 'application/json; charset=utf-8', 'application/json;charset=UTF-8',
      'application/json; charset="utf-8"', 'Application/JSON', 'application/json ; charset=utf-8; x=y',
    ]) {
      await t.test(`200: ${type}`, async () => {
        const response = await call(base, 'get_login_info', {}, { headers: { 'Content-Type': type } });
        assert.equal(response.status, 200);
      });
    }
    for (const type of [
      'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx',
      'application/vnd.api+json', 'json', 'text/json', '', 'application/json; charset=gbk', 'application/json, text/plain',
    ]) {
      await t.test(`406: ${type || 'empty'}`, async () => {
        refused(await request(address, '/get_login_info', { headers: { 'Content-Type': type }, body: '{}' }), 406);
      });
    }
    await t.test('406: none', async () => {
      refused(await request(address, '/get_login_info', { body: '{}' }), 406);
    });
    await t.test('406: two of them', async () => {
      const connection = await Raw.connect(address);
      const response = await connection
        .write(post('/get_login_info', '{}', { headers: ['Content-Type: text/plain'] })).response();
      assert.ok([400, 406].includes(response.status));
      connection.destroy();
    });
  });

  await t.test('400: malformed JSON and params', async (t) => {
    for (const [what, action, body, named] of [
      ['nothing', 'get_login_info', ''],
      ['no JSON', 'get_login_info', 'hello'],
      ['half of it', 'get_friend_info', '{"user_id": 10003001'],
      ['something behind it', 'get_login_info', '{} {}'],
      ['a trailing comma', 'get_friend_info', '{"user_id": 10003001,}'],
      ['a comment', 'get_login_info', '{} // hello'],
      ['single quotes', 'get_friend_info', "{'user_id': 10003001}"],
      ['an array', 'get_login_info', '[]'],
      ['a string', 'get_login_info', '"{}"'],
      ['null', 'get_login_info', 'null'],
      ['a param missing', 'get_friend_info', '{}', 'user_id'],
      ['a param null', 'get_friend_info', '{"user_id": null}', 'user_id'],
      ['a string for a number', 'get_friend_info', '{"user_id": "10003001"}', 'user_id'],
      ['a fraction', 'get_friend_info', '{"user_id": 10003001.5}', 'user_id'],
      ['a number below', 'get_friend_info', '{"user_id": 10000}', 'user_id'],
      ['a number above', 'get_friend_info', '{"user_id": 4294967296}', 'user_id'],
      ['a negative number', 'get_friend_info', '{"user_id": -10003001}', 'user_id'],
      ['a string for a boolean', 'get_friend_list', '{"no_cache": "true"}', 'no_cache'],
      ['an object for an array', 'send_group_message', `{"group_id": ${GROUP}, "message": {}}`, 'message'],
      ['a segment that is none', 'send_group_message', `{"group_id": ${GROUP}, "message": ["hi"]}`, 'message[0]'],
      ['a segment without a type', 'send_group_message', `{"group_id": ${GROUP}, "message": [{"data": {}}]}`, 'message[0].type'],
      ['a segment of an unknown type', 'send_group_message', `{"group_id": ${GROUP}, "message": [{"type": "smell", "data": {}}]}`, 'message[0].type'],
      ['a segment without data', 'send_group_message', `{"group_id": ${GROUP}, "message": [{"type": "text"}]}`, 'message[0].data'],
      ['a segment with wrong data', 'send_group_message', `{"group_id": ${GROUP}, "message": [{"type": "at", "data": {"user_id": "all"}}]}`, 'message[0].data.user_id'],
      ['a message_id that is none', 'get_message', '{"message_id": "hello"}', 'message_id'],
      ['a message_id of no scene', 'get_message', '{"message_id": "Guild:10003001:1"}', 'message_id'],
      ['a message_id with a sign', 'get_message', '{"message_id": "Private:10003001:+1"}', 'message_id'],
      ['a message_id that goes on', 'get_message', '{"message_id": "Private:10003001:1:2"}', 'message_id'],
      ['a message_id as a number', 'get_message', '{"message_id": 1}', 'message_id'],
      ['a message_id of another chat', 'get_history_group_message', `{"group_id": ${GROUP}, "start_message_id": "Private:10003001:1"}`, 'start_message_id'],
    ]) {
      await t.test(what, async () => {
        const response = await request(address, `/${action}`, { headers: JSON_TYPE, body });
        refused(response, 400);
        if (named) assert.ok(response.body.message.includes(`${named}:`), response.body.message);
      });
    }
  });

  await t.test('404: an unknown API', async (t) => {
    for (const path of [
      '/no_such_api', '/', '/send_private_messages', '/send_private_messag', '/Send_Private_Message', '//send_private_message',
      '/send_private_message/x', '/send_private_message%00', '/send_private_message%2F..', '/x'.repeat(2000), '/%e7%89%9b',
    ]) {
      await t.test(path.slice(0, 40), async () => refused(await request(address, path, { headers: JSON_TYPE, body: '{}' }), 404));
    }
  });

  await t.test('404: a WebSocket, on a server for HTTP alone', async () => {
    const connection = await Raw.connect(address);
    assertRefused(await connection.write(handshake()).response(), 404);
    connection.destroy();
  });

  await t.test('405: another method, with Allow', async (t) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      await t.test(method, async () => {
        const response = await request(address, '/get_login_info', { method, headers: JSON_TYPE });
        refused(response, 405);
        assert.equal(response.headers.allow, 'POST');
      });
    }
    await t.test('HEAD, without a body', async () => {
      const connection = await Raw.connect(address);
      const bytes = 'HEAD /get_login_info HTTP/1.1\r\nHost: localhost\r\n\r\n';
      for (let i = 0; i < 2; i++) {
        const response = await connection.write(bytes).response({ head: true });
        assert.equal(response.status, 405);
        assert.equal(response.headers.allow, 'POST');
        assert.ok(Number(response.headers['content-length']) > 0);
      }
      connection.destroy();
    });
    await t.test('in lower case, post is another method', async () => {
      const connection = await Raw.connect(address);
      const response = await connection.write(post('/get_login_info', '{}').replace('POST', 'post')).response();
      assertRefused(response, 405);
      connection.destroy();
    });
  });

  await t.test('200 for every other call, whether it succeeds or fails', async () => {
    for (const [action, params, retcode] of [
      ['send_group_message', { group_id: 700000002, message: text('hi') }, -101],
      ['get_group_member_info', { group_id: GROUP, user_id: 10009999 }, -102],
      ['get_message', { message_id: `Group:${GROUP}:4000000` }, -103],
      ['get_friend_info', { user_id: 10009999 }, -100],
    ]) {
      const response = await call(base, action, params);
      assert.equal(response.status, 200, action);
      assert.deepEqual({ ...response.body, message: '' }, { status: 'failed', retcode, message: '' });
      assert.ok(response.body.message.length > 0);
    }
  });

  await t.test('data is {} where there is no output', async () => {
    const { body: sent } = await call(base, 'send_group_message', { group_id: GROUP, message: text('oops') });
    const { status, body } = await call(base, 'recall_message', { message_id: sent.data.message_id });
    assert.equal(status, 200);
    assert.deepEqual(body, { status: 'ok', retcode: 0, data: {} });
  });

  await t.test('params: defaults, null, unknown ones', async () => {
    for (const params of [{}, { no_cache: null }, { no_cache: true }, { no_cache: false, hello: [1] }]) {
      const { status, body } = await call(base, 'get_friend_list', params);
      assert.equal(status, 200);
      assert.equal(body.data.friends.length, 5);
    }
  });

  await t.test('all is UTF-8', async () => {
    const words = 'Grüße, 世界! 𝄞🥛 \u0001\u007f"\\/ \u2028';
    const { body } = await call(base, 'send_group_message', { group_id: GROUP, message: text(words) });
    const got = await request(address, '/get_message', {
      headers: JSON_TYPE, body: JSON.stringify({ message_id: body.data.message_id }),
    });
    assert.equal(got.body.data.message.segments[0].data.text, words);
    assert.equal(Number(got.headers['content-length']), Buffer.byteLength(got.text));
    // The same, with every character escaped.
    const escaped = words.split('').map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const again = await request(address, '/send_group_message', {
      headers: JSON_TYPE, body: `{"group_id":${GROUP},"message":[{"type":"text","data":{"text":"${escaped}"}}]}`,
    });
    const { body: second } = await call(base, 'get_message', { message_id: again.body.data.message_id });
    assert.equal(second.data.message.segments[0].data.text, words);
  });

  await t.test('paths: percent-encoding, a trailing slash, a query', async () => {
    for (const path of ['/get%5Flogin_info', '/%67et_login_info', '/get_login_info/', '/get_login_info?x=1', `http://${address}/get_login_info`]) {
      const response = await request(address, path, { headers: JSON_TYPE, body: '{}' });
      assert.equal(response.status, 200, path);
      assert.equal(response.body.data.uin, BOT);
    }
  });

  await t.test('APIs that only 1.x has', async () => {
    assert.deepEqual((await call(base, 'get_impl_info')).body.data.milky_version, '1.3');
    const { body } = await call(base, 'get_history_messages', { message_scene: 'group', peer_id: GROUP, limit: 1 });
    assert.equal(body.data.messages[0].peer_id, GROUP);
  });

  await t.test('connections: kept, closed when asked, HTTP/1.0', async () => {
    const connection = await Raw.connect(address);
    for (let i = 0; i < 3; i++) {
      const response = await connection.write(post('/get_login_info', '{}')).response();
      assert.equal(response.status, 200);
      assert.equal(response.headers.connection, undefined);
      assert.ok(Math.abs(Date.parse(response.headers.date) - Date.now()) < 5000);
    }
    const last = await connection.write(post('/get_login_info', '{}', { headers: ['Connection: close'] })).response();
    assert.equal(last.headers.connection, 'close');
    await connection.endedCleanly();

    const old = await Raw.connect(address);
    const kept = await old.write(post('/get_login_info', '{}', { version: '1.0', headers: ['Connection: keep-alive'] })).response();
    assert.equal(kept.headers.connection, 'keep-alive');
    assert.equal((await old.write(post('/get_login_info', '{}', { version: '1.0' })).response()).status, 200);
    await old.endedCleanly();
  });

  await t.test('an upgrade to something else is ignored', async () => {
    const connection = await Raw.connect(address);
    const headers = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'];
    const response = await connection.write(post('/get_login_info', '{}', { headers })).response();
    assert.equal(response.status, 200);
    connection.destroy();
  });

  await t.test('100 calls at once', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) =>
      (i % 2 ? call(base, 'get_friend_info', { user_id: 10003001 + (i % 5) })
        : call(base, 'send_group_message', { group_id: GROUP, message: text(`${i}`) }))));
    const seqs = new Set();
    for (const [i, { status, body }] of replies.entries()) {
      assert.equal(status, 200);
      if (i % 2) assert.equal(body.data.user_id, 10003001 + (i % 5));
      else seqs.add(body.data.message_id);
    }
    assert.equal(seqs.size, 50);
  });

  await t.test('web pages of other origins are not answered', async (t) => {
    const ask = (headers, action = 'get_login_info') => request(address, `/${action}`, { headers: { ...JSON_TYPE, ...headers }, body: '{}' });
    for (const [what, headers] of [
      ['another site', { Origin: 'https://evil.example' }],
      ['another port of this machine', { Origin: 'http://127.0.0.1:1' }],
      ['a sandboxed frame', { Origin: 'null' }],
      ['another name for it', { Origin: `http://localhost:${port}` }],
      ['DNS rebinding', { Origin: `http://evil.example:${port}`, Host: `evil.example:${port}` }],
      ['a longer name', { Origin: `http://${address}.evil.example` }],
      ['with credentials in it', { Origin: `http://${address}@evil.example` }],
      ['no URL', { Origin: address }],
    ]) {
      await t.test(`403: ${what}`, async () => refused(await ask(headers), 403));
    }
    for (const [what, headers] of [
      ['its own', { Origin: `http://${address}` }],
      ['its own, by name', { Origin: `http://localhost:${port}`, Host: `localhost:${port}` }],
      ['none: no browser', { Host: 'milky.example' }],
    ]) {
      await t.test(`200: ${what}`, async () => assert.equal((await ask(headers)).status, 200));
    }
    await t.test('the answer to a preflight allows nothing', async () => {
      const response = await request(address, '/get_login_info', {
        method: 'OPTIONS',
        headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' },
      });
      assert.ok(response.status >= 400);
      for (const name of Object.keys(response.headers)) assert.ok(!name.startsWith('access-control-'), name);
    });
  });
});

test('the order of the checks', async (t) => {
  const milky = await serve(t, botConfig({ http_server: [{ listen: LISTEN, access_token: 'x' }] }));
  const address = milky.address('http_server');
  const BIG = 17 * 1024 * 1024;
  const right = ['Authorization: Bearer x'];
  // Each request has one mistake, and every one that is checked later.
  for (const [status, method, path, type, length, authorization] of [
    [401, 'GET', '/nothing', 'text/plain', BIG, []],
    [403, 'GET', '/nothing', 'text/plain', BIG, ['Authorization: Bearer y']],
    [404, 'GET', '/nothing', 'text/plain', BIG, right],
    [405, 'GET', '/get_friend_info', 'text/plain', BIG, right],
    [406, 'POST', '/get_friend_info', 'text/plain', BIG, right],
    [413, 'POST', '/get_friend_info', 'application/json', BIG, right],
    [400, 'POST', '/get_friend_info', 'application/json', 2, right],
  ]) {
    await t.test(`${status}`, async () => {
      const connection = await Raw.connect(address);
      const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', `Content-Type: ${type}`, `Content-Length: ${length}`, ...authorization];
      connection.write(`${lines.join('\r\n')}\r\n\r\n{}`);
      assertRefused(await connection.response(), status);
      connection.destroy();
    });
  }
  await t.test('413 in a body of unknown length', async () => {
    const connection = await Raw.connect(address);
    const lines = ['POST /get_friend_info HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Transfer-Encoding: chunked', ...right];
    const mebibyte = `100000\r\n${' '.repeat(1 << 20)}\r\n`;
    connection.write(`${lines.join('\r\n')}\r\n\r\n`);
    for (let i = 0; i < 17; i++) connection.write(mebibyte);
    assertRefused(await connection.response(), 413);
    connection.destroy();
  });
  await t.test('a body of 15 MiB is accepted', async () => {
    const body = `{"user_id": 10003001${' '.repeat(15 << 20)}}`;
    const response = await request(address, '/get_friend_info', { headers: { ...JSON_TYPE, Authorization: 'Bearer x' }, body });
    assert.equal(response.body.data.user_id, 10003001);
  });
});

test('where it listens', async (t) => {
  const milky = await serve(t, {
    bots: [
      { self_id: BOT, http_server: [{ listen: LISTEN }, { listen: '[::1]:0' }, { listen: LISTEN, access_token: 'second' }, { listen: 'unix:bot.sock' }, { listen: 'localhost:0', dialect: '1.2' }] },
      { self_id: 10001001, http_server: [{ listen: LISTEN }] },
    ],
  });
  const ask = (index, action = 'get_login_info', headers = {}) =>
    request(milky.address('http_server', index), `/${action}`, { headers: { ...JSON_TYPE, ...headers }, body: '{}' });

  await t.test('IPv4', async () => {
    assert.match(milky.address('http_server', 0), /^127\.0\.0\.1:\d{4,5}$/);
    assert.equal((await ask(0)).body.data.uin, BOT);
  });
  await t.test('IPv6', async () => {
    assert.match(milky.address('http_server', 1), /^\[::1\]:\d{4,5}$/);
    assert.equal((await ask(1)).body.data.uin, BOT);
    const origin = milky.address('http_server', 1);
    assert.equal((await ask(1, 'get_login_info', { Origin: `http://${origin}` })).status, 200);
    refused(await ask(1, 'get_login_info', { Origin: 'http://[::1]:1' }), 403);
  });
  await t.test('several addresses of one bot, each with its own token', async () => {
    refused(await ask(2), 401);
    assert.equal((await ask(2, 'get_login_info', { Authorization: 'Bearer second' })).body.data.uin, BOT);
  });
  await t.test('a Unix-domain socket', async () => {
    const address = milky.address('http_server', 3);
    assert.match(address, /^unix:(.*\/)?bot\.sock$/);
    const path = `unix:${resolve(milky.dir, address.slice(5))}`;
    const response = await request(path, '/get_login_info', { headers: JSON_TYPE, body: '{}' });
    assert.equal(response.body.data.uin, BOT);
    const connection = await Raw.connect(path);
    assertRefused(await connection.write(post('/nothing', '{}')).response(), 404);
    connection.destroy();
  });
  await t.test('a dialect for each', async () => {
    assert.ok('sex' in (await ask(4, 'get_friend_list')).body.data.friends[0]);
    assert.ok(!('sex' in (await ask(0, 'get_friend_list')).body.data.friends[0]));
  });
  await t.test('several bots, which know each other', async () => {
    assert.equal((await ask(5)).body.data.uin, 10001001);
    const { body } = await ask(5, 'get_friend_list');
    assert.ok(body.data.friends.some((friend) => friend.user_id === BOT));
  });
});

test('the world without a configuration is served on port 3000', async () => {
  // In a network namespace where possible, since port 3000 may be in use.
  const script = new URL('default_config.mjs', import.meta.url).pathname;
  const isolated = await run(['-rn', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, script],
    { command: 'unshare' }).catch(() => ({ code: 127 }));
  const result = [1, 127].includes(isolated.code) && !isolated.stderr?.includes('default_config')
    ? await run([script], { command: process.execPath }) : isolated;
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^(served|taken)$/m);
});
