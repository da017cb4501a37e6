// Monitoring: /healthz, /readyz, /metrics, `milky status`, `milky deliveries`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, valueOf } from './exposition.mjs';
import { connect, folder, freePort, hook, reverse, serve, start, text } from './fixtures.mjs';
import { BOT, GROUP, call, request, run, within } from './harness.mjs';
import { Raw } from './raw.mjs';

const OTHER = 10002000; // a second bot, which causes events
const port = '127.0.0.1:0';

const watched = (transports, more = {}) => ({
  operations: port,
  bots: [
    { self_id: BOT, ...transports },
    { self_id: OTHER, http_server: [{ listen: port }] },
  ],
  ...more,
});

// Where the operations are served, as the banner says.
function operationsOf(milky) {
  const line = milky.banner[milky.banner.indexOf('operations') + 1];
  return line.trim();
}

const get = (milky, path, headers = {}) =>
  request(operationsOf(milky), path, { method: 'GET', headers });

async function metrics(milky) {
  const response = await get(milky, '/metrics');
  assert.equal(response.status, 200);
  assert.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  return parse(response.text);
}

// Repeats the request until its answer is as wanted: something is counted a moment after a client sees it.
async function until(ask, fits, what) {
  const wait = async () => {
    for (;;) {
      const answer = await ask();
      if (fits(answer)) return answer;
    }
  };
  return within(wait(), what);
}

async function speak(milky, index, ...words) {
  for (const word of words) {
    const { body } = await call(milky.http(index), 'send_group_message', { group_id: GROUP, message: text(word) });
    assert.equal(body.status, 'ok');
  }
}

async function status(milky) {
  const { code, stdout, stderr } = await milky.run(['status', '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const transportOf = (all, kind) => all.bots[0].transports.find((one) => one.transport === kind);

describe('operations', { concurrency: 6 }, () => {
  it('are not served unless they are configured', async (t) => {
    const milky = await serve(t, { bots: [{ self_id: BOT, http_server: [{ listen: port }] }] });
    assert.ok(!milky.banner.includes('operations'));
    const { status } = await request(milky.address('http_server'), '/metrics', { method: 'GET' });
    assert.equal(status, 404);
  });

  it('reports that it is healthy and ready', async (t) => {
    const milky = await serve(t, watched({}));
    for (const [path, word] of [['/healthz', 'ok\n'], ['/readyz', 'ready\n']]) {
      const response = await get(milky, path);
      assert.equal(response.status, 200);
      assert.equal(response.text, word);
      assert.match(response.headers['content-type'], /^text\/plain/);
    }
    const head = await request(operationsOf(milky), '/readyz', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.equal((await get(milky, '/')).status, 404);
    assert.equal((await get(milky, '/metrics/')).status, 404);
    const post = await request(operationsOf(milky), '/metrics', { body: '{}' });
    assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
  });

  it('requires the token for metrics, and refuses web pages', async (t) => {
    const milky = await serve(t, watched({}, { operations: { listen: port, access_token: 's3cret' } }));
    assert.equal((await get(milky, '/metrics')).status, 401);
    assert.equal((await get(milky, '/metrics', { Authorization: 'Bearer wrong' })).status, 403);
    assert.equal((await get(milky, '/metrics?access_token=s3cret')).status, 401);
    assert.equal((await get(milky, '/metrics', { Authorization: 'Bearer s3cret' })).status, 200);
    assert.equal((await get(milky, '/readyz')).status, 200);
    const open = await serve(t, watched({}));
    assert.equal((await get(open, '/metrics', { Origin: 'http://evil.example' })).status, 403);
    assert.equal((await get(open, '/metrics', { Host: 'evil.example' })).status, 403);
  });

  it('lists the bots that are offline, and is not ready when all are', async (t) => {
    const milky = await serve(t, watched({ http_server: [{ listen: port }] }));
    const act = async (action, params) => {
      const { code, stderr } = await milky.run(['do', action, JSON.stringify(params)]);
      assert.equal(code, 0, stderr);
    };
    const online = async (bot) => valueOf(await metrics(milky), 'milky_bot_online', { bot: `${bot}` });
    assert.deepEqual([await online(BOT), await online(OTHER)], [1, 1]);
    await act('offline', { bot: OTHER, reason: 'kicked\nready' });
    let ready = await get(milky, '/readyz');
    assert.deepEqual([ready.status, ready.text], [200, `ready\nbot ${OTHER} is offline: kicked\\u000aready\n`]);
    assert.deepEqual([await online(BOT), await online(OTHER)], [1, 0]);
    const { bots } = await status(milky);
    assert.deepEqual(bots.map((bot) => [bot.backend, bot.state, bot.reason]),
      [['sandbox', 'online', undefined], ['sandbox', 'offline', 'kicked\nready']]);
    assert.ok(Math.abs(bots[1].since - Date.now() / 1000) < 60);
    assert.match((await milky.run(['status'], { env: { LC_ALL: 'C.UTF-8' } })).stdout,
      /^bot 10002000: .*\n {2}OFFLINE since 2\d{3}-\S+ \S+: kicked\\u000aready\n/m);
    assert.match((await milky.run(['status'], { env: { LC_ALL: 'zh_CN.UTF-8' } })).stdout,
      /^Bot 10002000：.*\n {2}已离线，自 \S+ \S+ 起：kicked\\u000aready\n/m);
    await act('offline', { bot: BOT });
    ready = await get(milky, '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.text, /^no bot is online\nbot 10001000 is offline: the account was taken offline\nbot 10002000 is offline/);
    const { body } = await call(milky.http(0), 'get_friend_list');
    assert.deepEqual([body.retcode, body.message], [-403, 'the bot is offline']);
    await act('online', { bot: BOT });
    assert.equal((await get(milky, '/readyz')).status, 200);
  });

  it('is not ready while it stops, and answers until the end', async (t) => {
    const milky = await start(t, { config: watched({ websocket_server: [{ listen: port }] }) });
    const address = operationsOf(milky);
    // A WebSocket that never answers the close: milky waits for it.
    const silent = await Raw.connect(milky.address('websocket_server'));
    t.after(() => silent.socket.destroy());
    silent.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
    await milky.log.find((line) => line.includes('connected'), 'the WebSocket to be open');
    milky.child.kill('SIGTERM');
    const ready = () => request(address, '/readyz', { method: 'GET' });
    const answer = await until(ready, ({ status }) => status === 503, 'it to be unready');
    assert.equal(answer.text, 'stopping\n');
    assert.equal((await request(address, '/healthz', { method: 'GET' })).status, 200);
    silent.socket.destroy();
    assert.equal((await within(milky.exit, 'milky to end'))[0], 0);
  });

  it('refuses to serve metrics to other machines without a token', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(watched({}, { operations: '0.0.0.0:3009' })));
    const { code, stderr } = await run(['check'], { cwd: dir });
    assert.equal(code, 1);
    assert.match(stderr, /operations: expected an access_token beside it, got none/);
  });
});

describe('metrics', { concurrency: 6 }, () => {
  it('count calls by API and retcode, and their durations', async (t) => {
    const milky = await serve(t, watched({ http_server: [{ listen: port }] }));
    const of = { bot: BOT, action: 'get_group_info' };
    assert.equal(valueOf(await metrics(milky), 'milky_calls_total', of), undefined);
    for (let i = 0; i < 3; i++) await call(milky.http(), 'api/get_group_info', { group_id: GROUP });
    await call(milky.http(), 'api/get_group_info', { group_id: 1234567 });
    await call(milky.http(), 'api/get_group_info', { group_id: 'x' });
    const now = await metrics(milky);
    assert.equal(valueOf(now, 'milky_calls_total', { ...of, retcode: 0 }), 3);
    assert.equal(valueOf(now, 'milky_calls_total', { ...of, retcode: -400 }), 1);
    const counted = now.get('milky_calls_total').samples.filter((s) => s.labels.action === 'get_group_info');
    assert.equal(counted.reduce((sum, s) => sum + s.value, 0), 5);
    assert.equal(valueOf(now, 'milky_call_duration_seconds_count', of), 5);
    const sum = valueOf(now, 'milky_call_duration_seconds_sum', of);
    assert.ok(sum > 0 && sum < 5, `${sum}`);
    assert.equal(valueOf(now, 'milky_calls_in_flight', { bot: BOT }), 0);
    assert.equal(valueOf(now, 'milky_build_info'), 1);
  });

  it('count unknown APIs over HTTP under one name, and malformed calls under the name of their API', async (t) => {
    const milky = await serve(t, watched({ http_server: [{ listen: port }] }));
    const sent = async (path, body) => (await request(milky.address('http_server'), path, {
      body, headers: { 'Content-Type': 'application/json' },
    })).status;
    assert.deepEqual([await sent('/no_such', '{}'), await sent('/api/nor_this', '{}')], [404, 404]);
    // 1.x answers in the body.
    assert.deepEqual([await sent('/send_group_message', '{'), await sent('/api/get_group_info', '{')], [400, 200]);
    const now = await metrics(milky);
    const counted = (action, retcode) => valueOf(now, 'milky_calls_total', { bot: BOT, action, retcode });
    assert.equal(counted('unknown', -404), 2);
    assert.equal(counted('send_group_message', -400), 1);
    assert.equal(counted('get_group_info', -400), 1);
    assert.equal(counted('unknown', -400), undefined);
  });

  it('count a call of the draft under its name in 1.2, and unknown APIs under one name', async (t) => {
    const milky = await serve(t, watched({ websocket_server: [{ listen: port }] }));
    const client = await connect(t, milky.ws());
    await client.call('send_group_message', { group_id: GROUP, message: text('hello') });
    for (const name of ['no_such', 'nor_this', '\u0007"\\\n']) await client.call(name, {});
    client.send('{');
    await client.responses.next();
    const now = await metrics(milky);
    assert.equal(valueOf(now, 'milky_calls_total', { bot: BOT, action: 'send_group_message', retcode: 0 }), 1);
    assert.equal(valueOf(now, 'milky_calls_total', { bot: BOT, action: 'unknown', retcode: -404 }), 3);
    assert.equal(valueOf(now, 'milky_calls_total', { bot: BOT, action: 'unknown', retcode: -400 }), 1);
  });

  it('count events by type, connections, and the journal', async (t) => {
    const milky = await serve(t, watched({
      http_server: [{ listen: port }],
      websocket_server: [{ listen: port }],
    }));
    const clients = [await connect(t, milky.ws()), await connect(t, milky.ws())];
    await speak(milky, 1, 'one', 'two', 'three');
    for (const client of clients) for (let i = 0; i < 3; i++) await client.events.next();
    let now = await metrics(milky);
    assert.equal(valueOf(now, 'milky_events_total', { bot: BOT, type: 'message_receive' }), 3);
    assert.equal(valueOf(now, 'milky_connections', { bot: BOT, transport: 'websocket_server' }), 2);
    assert.equal(valueOf(now, 'milky_connections', { bot: BOT, transport: 'event_stream' }), 0);
    assert.equal(valueOf(now, 'milky_sink_lag_events', { bot: BOT, transport: 'websocket_server' }), 0);
    assert.equal(valueOf(now, 'milky_sink_lag_bytes', { bot: BOT, transport: 'websocket_server' }), 0);
    assert.equal(valueOf(now, 'milky_journal_events', { bot: BOT }), 3);
    assert.equal(valueOf(now, 'milky_journal_first_number', { bot: BOT }), 1);
    assert.equal(valueOf(now, 'milky_journal_last_number', { bot: BOT }), 3);
    assert.ok(valueOf(now, 'milky_journal_bytes') > 4096);
    assert.equal(valueOf(now, 'milky_journal_failing'), 0);
    const fds = valueOf(now, 'process_open_fds');
    const turns = valueOf(now, 'milky_loop_turns_total');
    await clients[0].close();
    now = await until(() => metrics(milky),
      (m) => valueOf(m, 'milky_connections', { bot: BOT, transport: 'websocket_server' }) === 1, 'one to be gone');
    assert.ok(valueOf(now, 'process_open_fds') < fds);
    assert.ok(valueOf(now, 'milky_loop_turns_total') > turns);
    assert.ok(valueOf(now, 'process_resident_memory_bytes') > 1e6);
    assert.ok(valueOf(now, 'process_cpu_seconds_total') > 0);
    assert.ok(Math.abs(valueOf(now, 'process_start_time_seconds') - Date.now() / 1000) < 600);
    assert.ok(valueOf(now, 'process_max_fds') >= 256);

    const since = new URL(milky.ws());
    since.searchParams.set('since', '1');
    const late = await connect(t, since.href);
    await late.events.next();
    await late.events.next();
    assert.equal(valueOf(await metrics(milky), 'milky_events_replayed_total', { bot: BOT }), 2);
  });

  it('have the lag of a webhook, its posts, retries and deliveries', async (t) => {
    let answer = { status: 503 };
    const receiver = await hook(t, { answer: () => answer });
    const milky = await serve(t, watched({ webhook: [{ url: `${receiver.url}?key=s3cret` }] }));
    await speak(milky, 0, 'one', 'two', 'three');
    await receiver.next();
    const of = { bot: BOT, transport: 'webhook' };
    let now = await until(() => metrics(milky), (m) => valueOf(m, 'milky_webhook_failing', of) === 1, 'a failure');
    assert.equal(valueOf(now, 'milky_sink_lag_events', of), 3);
    assert.ok(valueOf(now, 'milky_sink_lag_bytes', of) > 300);
    assert.equal(valueOf(now, 'milky_webhook_deliveries_total', of), 0);
    const [sample] = now.get('milky_sink_lag_events').samples.filter((s) => s.labels.transport === 'webhook');
    assert.equal(sample.labels.name, receiver.url);
    answer = { status: 204 };
    now = await until(() => metrics(milky),
      (m) => valueOf(m, 'milky_webhook_deliveries_total', of) === 3, 'three deliveries');
    assert.equal(valueOf(now, 'milky_sink_lag_events', of), 0);
    assert.equal(valueOf(now, 'milky_sink_lag_bytes', of), 0);
    assert.equal(valueOf(now, 'milky_webhook_failing', of), 0);
    const posts = valueOf(now, 'milky_webhook_posts_total', of);
    assert.ok(posts >= 4);
    assert.equal(valueOf(now, 'milky_webhook_retries_total', of), posts - 3);
    assert.ok(!(await get(milky, '/metrics')).text.includes('s3cret'));
  });

  it('count connections that were lost and made again', async (t) => {
    const server = await reverse(t);
    const milky = await serve(t, watched({ websocket_client: [{ url: `ws://127.0.0.1:${server.port}/` }] }));
    const of = { bot: BOT, transport: 'websocket_client' };
    const first = await server.next();
    let now = await until(() => metrics(milky), (m) => valueOf(m, 'milky_connections', of) === 1, 'a connection');
    assert.equal(valueOf(now, 'milky_websocket_client_connects_total', of), 1);
    assert.equal(valueOf(now, 'milky_websocket_client_reconnects_total', of), 0);
    first.socket.terminate();
    await server.next();
    now = await until(() => metrics(milky), (m) => valueOf(m, 'milky_connections', of) === 1 &&
      valueOf(m, 'milky_websocket_client_connects_total', of) === 2, 'a second one');
    assert.equal(valueOf(now, 'milky_websocket_client_reconnects_total', of), 1);
    assert.equal(valueOf(now, 'milky_websocket_client_failing', of), 0);
  });

  it('distinguish two webhooks of one name', async (t) => {
    const receiver = await hook(t);
    const milky = await serve(t, watched({
      webhook: [{ url: `${receiver.url}?a` }, { url: `${receiver.url}?b` }],
    }));
    await speak(milky, 0, 'hello');
    await receiver.next();
    await receiver.next();
    const of = { bot: BOT, transport: 'webhook' };
    for (const index of [0, 1])
      await until(() => metrics(milky),
        (m) => valueOf(m, 'milky_webhook_deliveries_total', { ...of, index }) === 1, 'its delivery');
  });
});

describe('status', { concurrency: 6 }, () => {
  it('shows every transport, in English, in Chinese and as JSON', async (t) => {
    const server = await reverse(t);
    const unused = await freePort();
    const receiver = await hook(t, { answer: () => ({ status: 401 }) });
    const milky = await serve(t, watched({
      http_server: [{ listen: port }],
      websocket_server: [{ listen: port }],
      websocket_client: [{ url: `ws://user:pass@127.0.0.1:${server.port}/?token=s3cret` }, { url: `ws://127.0.0.1:${unused}/` }],
      webhook: [{ url: receiver.url }],
    }));
    await connect(t, milky.ws());
    await server.next();
    await speak(milky, 1, 'hello');
    await receiver.next();
    const json = await until(() => status(milky), (all) =>
      transportOf(all, 'websocket_client').state === 'connected' &&
      transportOf(all, 'websocket_server').connections === 1 &&
      transportOf(all, 'webhook').state === 'waiting', 'all to be as it should');
    assert.equal(json.state, 'running');
    assert.equal(json.bots.length, 2);
    assert.equal(json.bots[0].last_event, 1);
    const webhook = transportOf(json, 'webhook');
    assert.equal(webhook.behind_events, 1);
    assert.equal(webhook.last_error, 'it answered 401');
    assert.equal(webhook.trouble, 'token');
    const [fine, failing] = json.bots[0].transports.filter((one) => one.transport === 'websocket_client');
    assert.equal(fine.url, `ws://127.0.0.1:${server.port}/`);
    assert.equal(failing.trouble, 'unreachable');

    const english = await milky.run(['status']);
    assert.equal(english.code, 0, english.stderr);
    assert.match(english.stdout, /^milky [0-9.]+: sandbox, running, /);
    assert.match(english.stdout, /http_server +127\.0\.0\.1:\d+ +listening, connections: \d/);
    assert.match(english.stdout, /websocket_server +127\.0\.0\.1:\d+ +listening, connections: 1/);
    assert.match(english.stdout, /webhook +http:\/\/127\.0\.0\.1:\d+\/hook +(waiting, next try in [0-9.]+ s|delivering), events behind: 1/);
    assert.match(english.stdout, /last error, .*: connection refused\n +-> there is no answer/);
    assert.match(english.stdout, /it answered 401\n +-> it does not accept the credentials/);
    assert.ok(!/s3cret|pass/.test(english.stdout));
    const chinese = await milky.run(['status'], { env: { LANG: 'zh_CN.UTF-8', LC_ALL: '' } });
    assert.match(chinese.stdout, /正在运行/);
    assert.match(chinese.stdout, /-> 对方无应答/);
    assert.ok(!/s3cret|pass/.test(JSON.stringify(json)));
  });

  it('reports that no daemon runs', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(watched({})));
    const { code, stderr } = await run(['status'], { cwd: dir });
    assert.equal(code, 1);
    assert.match(stderr, /there is no answer at unix:data\/control\.sock/);
  });

  it('knows only its own requests', async (t) => {
    const milky = await serve(t, watched({}));
    const control = `unix:${join(milky.dir, 'data/control.sock')}`;
    const headers = { 'Content-Type': 'application/json' };
    const unknown = await request(control, '/endpoint/say', { headers, body: '{}' });
    assert.equal(unknown.body.retcode, -404);
    assert.match(unknown.body.message, /knows no request "say"/);
    const root = await request(control, '/endpoint', { headers, body: '{}' });
    assert.equal(root.status, 404);
    const odd = await request(control, '/endpoint/deliveries', { headers, body: '{"retry": "1"}' });
    assert.equal(odd.body.retcode, -400);
  });
});

describe('deliveries', { concurrency: 6 }, () => {
  // Refuses every event until `answer` is replaced.
  async function refusing(t, more = {}, query = '') {
    const state = { answer: { status: 422, body: 'gone\u0007 for good' } };
    const receiver = await hook(t, { answer: (asked) => (state.of ? state.of(asked) : state.answer) });
    const config = watched({ webhook: [{ url: receiver.url + query, secret: 'whsec_c2VjcmV0' }] }, more);
    return { state, receiver, config };
  }
  const list = async (milky) => {
    const { code, stdout, stderr } = await milky.run(['deliveries', '--json']);
    assert.equal(code, 0, stderr);
    return stdout.split('\n').filter((line) => line).map((line) => JSON.parse(line));
  };
  const aside = (milky, count) => until(() => list(milky), (all) => all.length === count, `${count} to be set aside`);

  it('are listed, refused again, and accepted in the end', async (t) => {
    const { state, receiver, config } = await refusing(t, {}, '?key=s3cret');
    const milky = await serve(t, config);
    assert.equal((await milky.run(['deliveries'])).stdout, 'no event is set aside\n');
    await speak(milky, 0, 'hello');
    const posts = [await receiver.next(), await receiver.next(), await receiver.next()];
    const [letter] = await aside(milky, 1);
    const { id, time, ...rest } = letter;
    assert.ok(Math.abs(time - Date.now() / 1000) < 60);
    assert.deepEqual(rest, { self_id: BOT, webhook: receiver.url, number: 1, status: 422, response: 'gone\u0007 for good' });
    const output = await milky.run(['deliveries']);
    assert.match(output.stdout, /^\d+ {2}\d{4}-.* bot 10001000 {2}event 1 {2}http:.*\/hook {2}answered 422: gone\\u0007 for good\n$/);

    const again = await milky.run(['deliveries', 'retry', `${id}`]);
    assert.equal(again.code, 1);
    assert.equal(again.stdout, `${id}  refused again, and kept (422)\n`);
    assert.equal((await list(milky)).length, 1);
    const refused = await receiver.next();
    assert.equal(refused.text, posts[0].text);
    assert.equal(refused.headers['x-milky-delivery'], '1');
    assert.equal(refused.headers['webhook-id'], posts[0].headers['webhook-id']);
    assert.equal(refused.url, '/hook?key=s3cret');

    state.answer = { status: 204 };
    const taken = await milky.run(['deliveries', 'retry', `${id}`]);
    assert.deepEqual([taken.code, taken.stdout], [0, `${id}  taken (204)\n`]);
    assert.deepEqual(await list(milky), []);
    assert.equal(valueOf(await metrics(milky), 'milky_dead_letters', { bot: BOT }), 0);
    assert.equal(valueOf(await metrics(milky), 'milky_webhook_dead_letters_total', { bot: BOT, transport: 'webhook' }), 1);
    const none = await milky.run(['deliveries', 'retry', `${id}`]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /there is no delivery/);
    assert.ok(!milky.stderr.includes('s3cret'));
  });

  it('execute the calls of the response to a retry, and do not delay others meanwhile', async (t) => {
    const { state, receiver, config } = await refusing(t);
    const milky = await serve(t, config);
    await speak(milky, 0, 'hello');
    const [{ id }] = await aside(milky, 1);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const say = { action: 'send_group_message', params: { group_id: GROUP, message: text('heard') } };
    state.of = async ({ headers }) => {
      if (headers['x-milky-delivery'] !== '1') return { status: 204 };
      await held;
      return { status: 200, body: say };
    };
    const retried = milky.run(['deliveries', 'retry', 'all']);
    await speak(milky, 0, 'and now this');
    for (let i = 0; i < 3; i++) await receiver.next();
    const next = await receiver.next();
    assert.equal(next.headers['x-milky-delivery'], '2');
    release();
    const { code, stdout } = await retried;
    assert.deepEqual([code, stdout], [0, `${id}  taken (200)\n`]);
    await until(() => metrics(milky), (m) =>
      valueOf(m, 'milky_calls_total', { bot: BOT, action: 'send_group_message', retcode: 0 }) === 1, 'the call');
  });

  it('are retried and dropped one by one or all together', async (t) => {
    const { state, config } = await refusing(t);
    const milky = await serve(t, config);
    await speak(milky, 0, 'one', 'two', 'three');
    const letters = await aside(milky, 3);
    assert.deepEqual(letters.map((one) => one.number), [1, 2, 3]);
    const one = await milky.run(['deliveries', 'drop', `${letters[1].id}`]);
    assert.deepEqual([one.code, one.stdout], [0, '1 dropped\n']);
    assert.equal((await milky.run(['deliveries', 'drop', `${letters[1].id}`])).code, 1);
    state.of = ({ headers }) => ({ status: headers['x-milky-delivery'] === '1' ? 204 : 422 });
    const all = await milky.run(['deliveries', 'retry', 'all']);
    assert.equal(all.code, 1);
    assert.equal(all.stdout, `${letters[0].id}  taken (204)\n${letters[2].id}  refused again, and kept (422)\n`);
    const dropped = await milky.run(['deliveries', 'drop', 'all']);
    assert.deepEqual([dropped.code, dropped.stdout], [0, '1 dropped\n']);
    assert.deepEqual(await list(milky), []);
    for (const words of [['forget', '1'], ['retry'], ['drop', 'some'], ['retry', '1', '2']])
      assert.equal((await milky.run(['deliveries', ...words])).code, 2, words.join(' '));
  });

  it('survive a restart, and are kept without their webhook or receiver', async (t) => {
    const dir = await folder(t);
    const { receiver, config } = await refusing(t);
    const first = await start(t, { config, dir });
    await speak(first, 0, 'hello');
    const [{ id }] = await aside(first, 1);
    assert.equal(await first.stop(), 0);
    await receiver.stop();
    const second = await start(t, { config, dir });
    const failed = await second.run(['deliveries', 'retry', `${id}`]);
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /not delivered, and kept \(.*refused.*\)/i);
    assert.equal(await second.stop(), 0);
    const third = await start(t, { config: watched({}), dir });
    const alone = await third.run(['deliveries', 'retry', 'all']);
    assert.equal(alone.code, 1);
    assert.match(alone.stdout, /no webhook of this URL is configured any more/);
    assert.equal((await list(third)).length, 1);
    assert.equal(await third.stop(), 0);
  });

  it('report an event that is gone from the journal', async (t) => {
    const { state, config } = await refusing(t, { journal: { max_events: 1 } });
    const milky = await serve(t, config);
    state.of = ({ headers }) => ({ status: headers['x-milky-delivery'] === '1' ? 422 : 204 });
    await speak(milky, 0, 'hello');
    const [{ id }] = await aside(milky, 1);
    const words = Array.from({ length: 600 }, (_, i) => `${i}`);
    await speak(milky, 0, ...words);
    const gone = await milky.run(['deliveries', 'retry', `${id}`]);
    assert.equal(gone.code, 1);
    assert.match(gone.stdout, /its event is not in the journal any more/);
    assert.equal((await list(milky)).length, 1);
  });

  it('do not delay a stop', async (t) => {
    const { state, receiver, config } = await refusing(t);
    const milky = await start(t, { config });
    await speak(milky, 0, 'hello');
    await aside(milky, 1);
    for (let i = 0; i < 3; i++) await receiver.next();
    let asked;
    const arrived = new Promise((resolve) => (asked = resolve));
    state.of = () => {
      asked();
      return new Promise(() => {});
    };
    const retried = milky.run(['deliveries', 'retry', 'all']);
    await within(arrived, 'the retry');
    assert.equal(await milky.stop(), 0);
    const { code } = await retried;
    assert.equal(code, 1);
  });
});
