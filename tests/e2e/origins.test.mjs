// Web pages of the origins that a server lists (CORS): preflights, the headers of each answer, and WebSockets.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, freePort } from './fixtures.mjs';
import { BOT, Client, request, run, serve } from './harness.mjs';
import { Raw, handshake, post } from './raw.mjs';
import { base64, png } from './samples.mjs';

const LISTEN = '127.0.0.1:0';
const PAGE = 'https://console.example';
const OTHER_PAGE = 'http://192.168.1.9:8080';
const EVIL = 'https://evil.example';
const json = { 'Content-Type': 'application/json' };

const bot = (http, websocket) => ({
  bots: [{
    self_id: BOT, http_server: [{ listen: LISTEN, ...http }],
    ...(websocket ? { websocket_server: [{ listen: LISTEN, ...websocket }] } : {}),
  }],
});
const preflight = (address, path, headers = {}) => request(address, path, {
  method: 'OPTIONS',
  headers: { Origin: PAGE, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,content-type', ...headers },
});
// Where it listens for operators or for monitoring: the line behind that word.
const own = ({ banner }, name) => banner[banner.indexOf(name) + 1].trim();
const control = (headers) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

function assertAllowed({ headers }, origin, what) {
  assert.equal(headers['access-control-allow-origin'], origin, what);
  assert.equal(headers.vary, origin === '*' ? undefined : 'Origin', what);
  assert.match(headers['access-control-expose-headers'], /Retry-After/, what);
  assert.equal(headers['access-control-allow-credentials'], undefined, what);
}

function assertNone({ headers }, what) {
  assert.deepEqual(control(headers), [], what);
}

test('a preflight is answered before credentials, on every path', async (t) => {
  const milky = await serve(t, bot({ access_token: 'right', origins: [PAGE, OTHER_PAGE] }));
  const address = milky.address('http_server');
  for (const path of ['/get_login_info', '/api/get_login_info', '/event', '/nothing', '/resource/x']) {
    for (const origin of [PAGE, OTHER_PAGE]) {
      const answer = await preflight(address, path, { Origin: origin });
      assert.deepEqual([answer.status, answer.text, answer.headers['content-length']], [204, '', undefined], path);
      assertAllowed(answer, origin, path);
      assert.match(answer.headers['access-control-allow-methods'], /\bPOST\b/);
      for (const name of ['Authorization', 'Content-Type', 'Last-Event-ID']) {
        assert.match(answer.headers['access-control-allow-headers'], new RegExp(`\\b${name}\\b`));
      }
      assert.ok(answer.headers['access-control-max-age'] > 0);
      assert.equal(answer.headers['access-control-allow-private-network'], undefined);
    }
  }
  const inside = await preflight(address, '/get_login_info', { 'Access-Control-Request-Private-Network': 'true' });
  assert.equal(inside.headers['access-control-allow-private-network'], 'true');
  // No preflight, and one of another origin.
  const plain = await request(address, '/get_login_info', { method: 'OPTIONS', headers: { Origin: PAGE } });
  assert.equal(plain.status, 401);
  assertAllowed(plain, PAGE);
  for (const origin of [EVIL, 'null', `${PAGE}:443`, `${PAGE}.evil.example`, PAGE.toUpperCase(), `${PAGE}/`]) {
    const answer = await preflight(address, '/get_login_info', { Origin: origin });
    assert.equal(answer.status, 401, origin);
    assertNone(answer, origin);
    assert.equal(answer.headers.vary, 'Origin');
  }
  // The connection serves the request that follows.
  const raw = await Raw.connect(address);
  raw.write(`OPTIONS /get_login_info HTTP/1.1\r\nHost: x\r\nOrigin: ${PAGE}\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
    post('/get_login_info', '{}', { headers: [`Origin: ${PAGE}`, 'Authorization: Bearer right'] }));
  assert.match(`${await raw.take(24)}`, /^HTTP\/1\.1 204 No Content/);
  raw.destroy();
});

test('every answer of a listed origin can be read, failures too', async (t) => {
  const milky = await serve(t, {
    limits: { failed_credentials: 4, body_bytes: 1024 }, ...bot({ access_token: 'right', origins: [PAGE] }, { access_token: 'right', origins: [PAGE] }),
  });
  const address = milky.address('http_server');
  const token = { Authorization: 'Bearer right' };
  const cases = [
    [200, 'POST', '/get_login_info', { ...json, ...token }, '{}'],
    [200, 'POST', '/api/get_login_info', { ...json, ...token }, '{'],
    [400, 'POST', '/get_login_info', { ...json, ...token }, '{'],
    [401, 'POST', '/get_login_info', json, '{}'],
    [403, 'POST', '/get_login_info', { ...json, Authorization: 'Bearer wrong' }, '{}'],
    [401, 'GET', '/event?access_token=wrong', {}],
    [429, 'GET', '/event?access_token=wrong', {}],
    [404, 'POST', '/nothing', { ...json, ...token }, '{}'],
    [405, 'GET', '/get_login_info', token],
    [405, 'DELETE', '/event', token],
    [406, 'POST', '/get_login_info', token, '{}'],
    [415, 'POST', '/api/get_login_info', { ...token, 'Content-Type': 'text/plain' }, '{}'],
    [413, 'POST', '/get_login_info', { ...json, ...token }, ' '.repeat(1025)],
    [404, 'GET', '/resource/nothing', {}],
    [405, 'PUT', '/resource/nothing', {}],
  ];
  for (const [status, method, path, headers, body] of cases) {
    const what = `${status} ${method} ${path}`;
    const answer = await request(address, path, { method, headers: { ...headers, Origin: PAGE }, body });
    assert.equal(answer.status, status, what);
    assertAllowed(answer, PAGE, what);
    const other = await request(address, path, { method, headers: { ...headers, Origin: EVIL }, body });
    assertNone(other, what);
    assert.equal(other.headers.vary, 'Origin', what);
  }
  const upgrade = await request(milky.address('websocket_server'), '/', { method: 'GET', headers: { ...token, Origin: PAGE } });
  assert.equal(upgrade.status, 426);
  assertAllowed(upgrade, PAGE);
  // A body that turns out too long, behind an answer to another origin on the same connection.
  const raw = await Raw.connect(address);
  const head = (origin) => `POST /get_login_info HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer right\r\nOrigin: ${origin}\r\n`;
  raw.write(`${head(EVIL)}Content-Length: 2\r\n\r\n{}`);
  assertNone(await raw.response());
  raw.write(`${head(PAGE)}Transfer-Encoding: chunked\r\n\r\n500\r\n${' '.repeat(0x500)}\r\n0\r\n\r\n`);
  const long = await raw.response();
  assert.equal(long.status, 413);
  assertAllowed(long, PAGE);
  raw.destroy();
  // The next request on a connection gets the answer of its own origin.
  const again = await Raw.connect(address);
  again.write(`${head(PAGE)}Content-Length: 2\r\n\r\n{}${head(EVIL)}Content-Length: 2\r\n\r\n{}GET /\r\n\r\n`);
  assertAllowed(await again.response(), PAGE);
  assertNone(await again.response());
  assertNone(await again.response());
  again.destroy();
});

test('what is sent before a request is complete: with the headers where its head was read, else without', async (t) => {
  const milky = await serve(t, { limits: { body_bytes: 1024, body_seconds: 1, header_seconds: 1 }, ...bot({ access_token: 'right', origins: [PAGE] }) });
  const head = (more, first = 'POST /get_login_info HTTP/1.1') => `${first}\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer right\r\nOrigin: ${PAGE}\r\n${more}\r\n`;
  const cases = [
    [413, true, head('Content-Length: 1025\r\n')],
    [413, true, `${head('Transfer-Encoding: chunked\r\n')}500\r\n`],
    [400, true, `${head('Transfer-Encoding: chunked\r\n')}x\r\n`],
    [408, true, `${head('Content-Length: 10\r\n')}{`],
    [408, true, `${head('Transfer-Encoding: chunked\r\n')}5\r\n`],
    [408, false, head('').slice(0, -2)],
    [400, false, head('a b: c\r\n')],
    [400, false, head('Content-Length: 1\r\nContent-Length: 2\r\n')],
    [417, false, head('Expect: tea\r\n')],
    [431, false, head(`a: ${'x'.repeat(70000)}\r\n`)],
    [414, false, head('', `POST /${'x'.repeat(9000)} HTTP/1.1`)],
    [505, false, head('', 'POST /get_login_info HTTP/2.0')],
  ];
  await Promise.all(cases.map(async ([status, allowed, text]) => {
    const raw = await Raw.connect(milky.address('http_server'));
    // Behind an answer that had the headers: none of its lines is left.
    assertAllowed(await raw.write(post('/get_login_info', '{}', { headers: [`Origin: ${PAGE}`, 'Authorization: Bearer right'] })).response(), PAGE);
    const answer = await raw.write(text).response();
    assert.equal(answer.status, status, text.slice(0, 200));
    if (allowed) assertAllowed(answer, PAGE, text.slice(-40));
    else assertNone(answer, text.slice(-40));
    raw.destroy();
  }));
});

test('event streams and files of a listed origin', async (t) => {
  const milky = await serve(t, bot({ origins: [PAGE] }));
  const address = milky.address('http_server');
  const controller = new AbortController();
  for (const [origin, expected] of [[PAGE, PAGE], [undefined, null]]) {
    const { status, headers } = await fetch(`http://${address}/event`, { headers: origin ? { Origin: origin } : {}, signal: controller.signal });
    assert.deepEqual([status, headers.get('content-type'), headers.get('access-control-allow-origin')], [200, 'text/event-stream', expected]);
    assert.equal(headers.get('vary'), 'Origin');
  }
  controller.abort();
  const ask = async (action, params) => {
    const { body } = await request(address, `/api/${action}`, { headers: { ...json, Origin: PAGE }, body: JSON.stringify(params) });
    assert.equal(body.retcode, 0, body.message);
    return body.data;
  };
  const content = png(4, 4, 3000);
  await ask('set_avatar', { uri: base64(content) });
  const { url } = await ask('get_resource_temp_url', { resource_id: createHash('sha256').update(content).digest('hex') });
  const { pathname } = new URL(url);
  const get = (headers) => request(address, pathname, { method: 'GET', headers });
  const part = await get({ Origin: PAGE, Range: 'bytes=0-9' });
  assert.equal(part.status, 206);
  assertAllowed(part, PAGE);
  // A picture has its token in its URL: a page may show it, and only listed ones read it.
  const shown = await get({ Origin: EVIL });
  assert.equal(shown.status, 200);
  assertNone(shown);
});

test('without a token only listed origins are answered', async (t) => {
  const milky = await serve(t, bot({ origins: PAGE }, { origins: [OTHER_PAGE] }));
  const [http, websocket] = [milky.address('http_server'), milky.address('websocket_server')];
  const status = async (origin) => (await request(http, '/get_login_info', { headers: { ...json, Origin: origin }, body: '{}' })).status;
  assert.deepEqual([await status(PAGE), await status(OTHER_PAGE), await status(EVIL), await status('null')], [200, 403, 403, 403]);
  await (await Client.connect(`ws://${websocket}/`, { headers: { Origin: OTHER_PAGE } })).close();
  await (await Client.connect(`ws://${http}/event`, { headers: { Origin: PAGE } })).close();
  for (const origin of [PAGE, EVIL, 'null']) await assert.rejects(Client.connect(`ws://${websocket}/`, { headers: { Origin: origin } }), /403/);
  // The page of a listed origin may use any name of the server; that of another cannot come in by its own name.
  const named = (headers) => request(http, '/get_login_info', { headers: { ...json, ...headers }, body: '{}' });
  assert.equal((await named({ Host: 'bots.example', Origin: PAGE })).status, 200);
  assert.equal((await named({ Host: 'evil.example', Origin: 'http://evil.example' })).status, 403);
  // A request without an Origin does not show its page.
  assert.equal((await request(http, '/event', { method: 'GET', headers: { 'Sec-Fetch-Site': 'cross-site', Referer: `${PAGE}/` } })).status, 403);
});

test('"*" is every origin, where the token decides', async (t) => {
  const milky = await serve(t, bot({ access_token: 'right', origins: ['*'] }));
  const address = milky.address('http_server');
  for (const origin of [PAGE, EVIL, 'null', 'http://localhost:5173']) {
    const asked = await preflight(address, '/get_login_info', { Origin: origin });
    assert.equal(asked.status, 204);
    assertAllowed(asked, '*', origin);
    const ask = (token) => request(address, '/get_login_info', { headers: { ...json, Origin: origin, Authorization: `Bearer ${token}` }, body: '{}' });
    for (const [token, status] of [['right', 200], ['wrong', 403]]) {
      const answer = await ask(token);
      assert.equal(answer.status, status);
      assertAllowed(answer, '*', origin);
    }
  }
});

test('without `origins` there are no such headers', async (t) => {
  const milky = await serve(t, bot({ access_token: 'right' }));
  const address = milky.address('http_server');
  const answer = await preflight(address, '/get_login_info');
  assert.equal(answer.status, 401);
  assertNone(answer);
  assert.equal(answer.headers.vary, undefined);
  const called = await request(address, '/get_login_info', { headers: { ...json, Origin: PAGE, Authorization: 'Bearer right' }, body: '{}' });
  assert.equal(called.status, 200);
  assertNone(called);
});

test('a server that shares its port has origins of its own', async (t) => {
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const milky = await serve(t, bot({ listen, origins: [PAGE] }, { listen, origins: [OTHER_PAGE] }));
  const answer = await request(listen, '/get_login_info', { headers: { ...json, Origin: OTHER_PAGE }, body: '{}' });
  assert.equal(answer.status, 403);
  await (await Client.connect(milky.ws(), { headers: { Origin: OTHER_PAGE } })).close();
  await assert.rejects(Client.connect(milky.ws(), { headers: { Origin: PAGE } }), /403/);
  for (const origin of [PAGE, OTHER_PAGE]) {
    assertAllowed(await request(listen, '/resource/x', { method: 'GET', headers: { Origin: origin } }), origin);
  }
});

test('a reload applies other origins, on open connections too', async (t) => {
  const config = (origins) => bot({ listen: `127.0.0.1:${port}`, access_token: 'right', origins });
  const port = await freePort();
  const milky = await serve(t, config([PAGE]));
  const raw = await Raw.connect(`127.0.0.1:${port}`);
  const ask = (origin) => raw.write(post('/get_login_info', '{}', { headers: [`Origin: ${origin}`, 'Authorization: Bearer right'] })).response();
  assertAllowed(await ask(PAGE), PAGE);
  assertNone(await ask(OTHER_PAGE));
  for (const [origins, allowed, refused] of [[[OTHER_PAGE], OTHER_PAGE, PAGE], [undefined, undefined, OTHER_PAGE]]) {
    await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config(origins)));
    const { code, stderr } = await milky.run(['reload']);
    assert.equal(code, 0, stderr);
    if (allowed) assertAllowed(await ask(allowed), allowed);
    assertNone(await ask(refused));
  }
  raw.destroy();
});

test('the addresses of operators and of monitoring have origins of their own', async (t) => {
  const milky = await serve(t, {
    control: { listen: LISTEN, access_token: 'right', origins: [PAGE] }, operations: { listen: LISTEN, access_token: 'right', origins: OTHER_PAGE }, ...bot({}),
  });
  const token = { Authorization: 'Bearer right' };
  const places = [
    [own(milky, 'control'), PAGE, [
      [200, 'POST', '/endpoint/status', { ...json, ...token }, '{}'],
      [400, 'POST', '/endpoint/status', { ...json, ...token }, '{'],
      [200, 'POST', '/endpoint/nothing', { ...json, ...token }, '{}'],
      [404, 'POST', '/nothing/status', { ...json, ...token }, '{}'],
      [405, 'GET', '/endpoint/status', token],
      [415, 'POST', '/endpoint/status', { ...token, 'Content-Type': 'text/plain' }, '{}'],
      [401, 'POST', '/endpoint/status', json, '{}'],
      [403, 'POST', '/endpoint/status', { ...json, Authorization: 'Bearer wrong' }, '{}'],
      [401, 'OPTIONS', '/endpoint/status', {}],
    ]],
    [own(milky, 'operations'), OTHER_PAGE, [
      [200, 'GET', '/metrics', token],
      [200, 'HEAD', '/metrics', token],
      [200, 'GET', '/healthz', {}],
      [200, 'GET', '/readyz', { 'Sec-Fetch-Site': 'cross-site' }],
      [404, 'GET', '/nothing', {}],
      [405, 'POST', '/metrics', token, 'x'],
      [405, 'PUT', '/healthz', {}, 'x'],
      [401, 'GET', '/metrics', {}],
      [403, 'GET', '/metrics', { Authorization: 'Bearer wrong' }],
    ]],
  ];
  for (const [address, page, cases] of places) {
    for (const path of new Set(cases.map(([, , name]) => name))) {
      const answer = await preflight(address, path, { Origin: page });
      assert.deepEqual([answer.status, answer.text], [204, ''], path);
      assertAllowed(answer, page, path);
      const other = await preflight(address, path, { Origin: EVIL });
      assert.ok(other.status >= 400, path);
      assertNone(other, path);
    }
    for (const [status, method, path, headers, body] of cases) {
      const what = `${status} ${method} ${path}`;
      const answer = await request(address, path, { method, headers: { ...headers, Origin: page }, body });
      assert.equal(answer.status, status, what);
      assertAllowed(answer, page, what);
      const other = await request(address, path, { method, headers: { ...headers, Origin: EVIL }, body });
      assertNone(other, what);
      assert.equal(other.headers.vary, 'Origin', what);
      if (/z$/.test(path)) assert.equal(other.status, 403, what);
    }
  }
});

test('without a token the addresses of operators and of monitoring answer listed origins only', async (t) => {
  const milky = await serve(t, { control: { listen: LISTEN, origins: [PAGE] }, operations: { listen: LISTEN, origins: [PAGE] }, ...bot({}) });
  const ask = (origin) => Promise.all([
    request(own(milky, 'control'), '/endpoint/status', { headers: { ...json, Origin: origin }, body: '{}' }),
    ...['/metrics', '/readyz'].map((path) => request(own(milky, 'operations'), path, { method: 'GET', headers: { Origin: origin } })),
  ]);
  for (const [origin, status] of [[PAGE, 200], [EVIL, 403], ['null', 403]]) {
    const answers = await ask(origin);
    assert.deepEqual(answers.map((answer) => answer.status), [status, status, status], origin);
    for (const answer of answers) status === 200 ? assertAllowed(answer, PAGE) : assertNone(answer);
  }
  // Off by default: a page gets no permission, with the right token neither.
  const plain = await serve(t, { control: { listen: LISTEN, access_token: 'right' }, operations: { listen: LISTEN, access_token: 'right' }, ...bot({}) });
  for (const [place, path] of [['control', '/endpoint/status'], ['operations', '/metrics'], ['operations', '/healthz']]) {
    const answer = await preflight(own(plain, place), path);
    assert.ok(answer.status >= 400, path);
    assertNone(answer, path);
    assertNone(await request(own(plain, place), path, { method: 'GET', headers: { Origin: PAGE, Authorization: 'Bearer right' } }), path);
  }
});

test('a reload says that other origins of these addresses need a restart', async (t) => {
  const config = (origins) => ({ control: { listen: 'unix:control.sock', origins }, operations: { listen: LISTEN, origins }, ...bot({ listen: `127.0.0.1:${port}` }) });
  const port = await freePort();
  const milky = await serve(t, config([PAGE]));
  for (const [origins, expected] of [[[PAGE], false], [[PAGE, OTHER_PAGE], true], [[OTHER_PAGE], true], [undefined, true]]) {
    await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config(origins)));
    const { code, stdout, stderr } = await milky.run(['reload']);
    assert.equal(code, 0, stderr);
    for (const key of ['control', 'operations']) assert.equal(new RegExp(`\\b${key}\\b`).test(stdout + stderr), expected, `${key} ${origins}: ${stdout}${stderr}`);
  }
});

test('mistakes of the configuration', async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'milky.jsonc');
  const check = async (entry, env = { LANG: 'en_US.UTF-8' }) => {
    await writeFile(file, `{"bots": [{"self_id": ${BOT}, "http_server": [{"listen": "127.0.0.1:1",\n${entry}}]}]}`);
    return run(['check', '-c', file], { cwd: dir, env });
  };
  for (const [origin, why] of Object.entries({
    'https://console.example/': 'leave out the / at its end',
    'https://console.example/admin': 'leave out the path',
    'https://console.example?x': 'leave out the query',
    'https://console.example#x': 'leave out the query',
    'https://*.example': 'stands alone',
    '*.example': 'stands alone',
    'https://console.example:*': 'stands alone',
    'https://console.example:443': 'leave out the port',
    'http://console.example:80': 'leave out the port',
    'https://console.example:0443': 'number without zeros',
    'https://console.example:': '',
    'https://console.example:65536': '',
    'HTTPS://console.example': 'lower case',
    'https://Console.example': 'lower case',
    'https://user@console.example': 'no user name',
    'https://@console.example': '',
    'https://console.example https://b.example': '',
    'https://console.example,https://b.example': '',
    'console.example': '',
    '//console.example': '',
    'ws://console.example': 'http:// or https://',
    'ftp://console.example': '',
    'file://': '',
    'https://': '',
    'https://127.1': 'in another way',
    'https://[0:0:0:0:0:0:0:1]': 'in another way',
    'https://console.example\u0000': '',
    'https://bücher.example': '',
    null: 'sandboxed frame',
    '': '',
  })) {
    const { code, stderr } = await check(`"origins": [${JSON.stringify(PAGE)}, ${JSON.stringify(origin)}]`);
    assert.equal(code, 1, origin);
    assert.match(stderr, /2:\d+: bots\[0\]\.http_server\[0\]\.origins\[1\]: expected an origin like "https:\/\/console\.example", or "\*", got /, origin);
    assert.ok(stderr.includes(why), `${origin}: ${stderr}`);
  }
  const every = await check('"origins": ["*"]');
  assert.equal(every.code, 1);
  assert.match(every.stderr, /2:12: bots\[0\]\.http_server\[0\]\.origins: "\*" lets every web page use this address: set an access_token, or list the origins/);
  assert.match((await check('"origins": "*"', { LANG: 'zh_CN.UTF-8' })).stderr, /请设置 access_token/);
  for (const key of ['control', 'operations']) {
    for (const [own, why] of [['"*"', /origins: "\*" lets every web page use this address: set an access_token/], [`["${PAGE}/"]`, /origins\[0\]: .*leave out the \/ at its end/]]) {
      await writeFile(file, `{"${key}": {"listen": "127.0.0.1:2", "origins": ${own}}, "bots": [{"self_id": ${BOT}}]}`);
      const { code, stderr } = await run(['check', '-c', file], { cwd: dir, env: { LANG: 'en_US.UTF-8' } });
      assert.equal(code, 1, key);
      assert.match(stderr, why);
      assert.ok(stderr.includes(`${key}.origins`), stderr);
    }
  }
  for (const wrong of ['7', '[]', '[7]', 'true', '{}', '""', '"null"']) assert.equal((await check(`"origins": ${wrong}`)).code, 1, wrong);
  for (const right of ['"https://console.example"', '["http://localhost:5173", "http://[::1]:8080", "http://127.0.0.1"]', '["https://xn--bcher-kva.example"]', '"*", "access_token": "x"']) {
    const { code, stderr } = await check(`"origins": ${right}`);
    assert.equal(code, 0, stderr);
  }
});

test('a handshake with a token is answered for pages of every origin', async (t) => {
  const milky = await serve(t, bot({}, { access_token: 'right', origins: [PAGE] }));
  for (const origin of [PAGE, EVIL]) {
    const raw = await Raw.connect(milky.address('websocket_server'));
    const head = `${await raw.write(handshake({ target: '/?access_token=right', extra: [`Origin: ${origin}`] })).take(12)}`;
    assert.equal(head, 'HTTP/1.1 101');
    raw.destroy();
  }
});
