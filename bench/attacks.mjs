#!/usr/bin/env node
// bench/attacks.mjs MILKY [OLDER_MILKY] [--only NAME] [--seconds N]
// What one attacker costs everybody else: while each attack lasts, a second bot's calls are timed (median, 99th
// percentile, longest), and the memory of the process is read. All traffic stays on 127.0.0.1, and each attack ends by
// itself. Uses the test clients of tests/e2e (make test installs them).
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer as createHttp, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';

const need = createRequire(new URL('../tests/e2e/package.json', import.meta.url));
const { WebSocket } = need('ws');
const [VICTIM, ATTACKED] = [10001000, 10002000];
const GROUP = 700000001;
const args = process.argv.slice(2);
const option = (name, usual) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : usual);
const only = option('--only');
const apart = option('--apart'); // in a process of its own: this attack, against --port
const apartPort = Number(option('--port', 0));
const SECONDS = Number(option('--seconds', 4));
const text = (words) => [{ type: 'text', data: { text: words } }];
const image = (uri) => ({ type: 'image', data: { uri } });

// --- milky, and its clients ---

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function start(binary, { bot = {}, more = {}, stderr = 'ignore' } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'milky-attack-'));
  const [calls, hit] = [await freePort(), await freePort()];
  writeFileSync(join(dir, 'milky.jsonc'), JSON.stringify({
    backend: { media: { allow_private_addresses: true } }, ...more,
    bots: [
      { self_id: VICTIM, http_server: [{ listen: `127.0.0.1:${calls}` }] },
      { self_id: ATTACKED, http_server: [{ listen: `127.0.0.1:${hit}` }], websocket_server: [{ listen: `127.0.0.1:${hit}` }], ...bot },
    ],
  }));
  const child = spawn(binary, ['serve'], { cwd: dir, stdio: ['ignore', 'pipe', stderr] });
  for await (const chunk of child.stdout) if (`${chunk}`.includes('ready')) break;
  const agent = new Agent({ keepAlive: true });
  const call = (port, action, params = {}, headers = {}) => new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path: `/${action}`, method: 'POST', agent: port === calls ? agent : undefined, headers: { 'Content-Type': 'application/json', ...headers } }, async (answer) => {
      let body = '';
      for await (const chunk of answer) body += chunk;
      done({ status: answer.statusCode, body });
    }).on('error', fail);
    sent.end(JSON.stringify(params));
  });
  const memory = (field) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
  const stop = async () => {
    const began = performance.now();
    if (child.exitCode === null) child.kill('SIGTERM');
    await Promise.race([child.exitCode === null ? once(child, 'exit') : null, wait(30000)]);
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
    return performance.now() - began;
  };
  return { child, dir, calls, hit, call, memory, stop, agent };
}

// --- hostile peers ---

// A server whose connections get `serve(socket)` once a request has come.
async function peer(serve) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket)).once('data', () => serve(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/a.png`, close: () => { server.close(); sockets.forEach((s) => s.destroy()); } };
}

// A server that answers each request with a text.
async function answering(body) {
  const server = createHttp((asked, answer) => asked.resume().on('end', () => answer.end(body))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => { server.close(); server.closeAllConnections(); } };
}

// Writes `piece` for ever, as fast as it is read.
function pour(socket, piece) {
  const more = () => { while (!socket.destroyed && socket.write(piece)); };
  socket.on('drain', more);
  more();
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n';
const endless = (head, piece) => (socket) => { socket.write(head); pour(socket, piece); };
const ONE_BYTE = Buffer.from('1\r\nx\r\n'.repeat(10000));
const TRAILERS = Buffer.from(`X-T: ${'t'.repeat(1000)}\r\n`.repeat(60));
const EXTENSIONS = Buffer.from(';a=b'.repeat(16000));
const INFORMATIONAL = Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: ${'l'.repeat(500)}\r\n\r\n`.repeat(100));

const picture = (serve, count = 1) => async (milky) => {
  const { url, close } = await peer(serve);
  for (let i = 0; i < count; i++) milky.call(milky.hit, 'send_group_message', { group_id: GROUP, message: [image(`${url}?${i}`)] }).catch(() => {});
  return close;
};

const receiver = (serve) => ({
  async prepare() { const { url, close } = await peer(serve); return { options: { bot: { webhook: [{ url }] } }, close }; },
  async attack(milky) { await milky.call(milky.calls, 'send_group_message', { group_id: GROUP, message: text('hello') }); return () => {}; },
});

async function fill(milky, events) {
  for (let i = 0; i < events; i += 100)
    await Promise.all(Array.from({ length: 100 }, () => milky.call(milky.calls, 'send_group_message', { group_id: GROUP, message: text('an event of usual length, as people write them') })));
}

function webSockets(milky, count, path, options = {}) {
  return Array.from({ length: count }, () => new WebSocket(`ws://127.0.0.1:${milky.hit}${path}`, options).on('error', () => {}));
}

const largeMessage = (segment, perMessageDeflate = false) => ({
  apart: true,
  async attack(milky) {
    const [socket] = webSockets(milky, 1, '/', { perMessageDeflate });
    await once(socket, 'open');
    socket.send(JSON.stringify({ action: 'send_group_message', params: { group_id: GROUP, message: [segment()] } }));
  },
});

const attacks = {
  'nothing': { attack: async () => () => {} },
  'picture: 1-byte chunks': { attack: picture(endless(CHUNKED, ONE_BYTE)) },
  'picture: endless trailers': { attack: picture(endless(`${CHUNKED}0\r\n`, TRAILERS)) },
  'picture: endless extensions': { attack: picture(endless(`${CHUNKED}1`, EXTENSIONS)) },
  'picture: endless 103': { attack: picture(endless('', INFORMATIONAL)) },
  'webhook: 1-byte chunks': receiver(endless(CHUNKED, ONE_BYTE)),
  'webhook: endless trailers': receiver(endless(`${CHUNKED}0\r\n`, TRAILERS)),
  'webhook: endless extensions': receiver(endless(`${CHUNKED}1`, EXTENSIONS)),
  'webhook: endless 103': receiver(endless('', INFORMATIONAL)),
  '50,000 URIs in one call': { async attack(milky) {
    const message = Array.from({ length: 50000 }, (_, i) => image(`http://127.0.0.1:9/${i}`));
    milky.call(milky.hit, 'send_group_message', { group_id: GROUP, message }).catch(() => {});
    return () => {};
  } },
  '200 pictures that hang': {
    attack: picture(() => {}, 200),
    probe: async (milky) => { // a picture of the other bot
      const server = createHttp((_, answer) => answer.end(Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'))).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const sent = milky.call(milky.calls, 'send_group_message', { group_id: GROUP, message: [image(`http://127.0.0.1:${server.address().port}/b.png`)] });
      const answer = await Promise.race([sent, wait(SECONDS * 1000)]);
      server.close();
      return `the other bot's picture: ${answer && JSON.parse(answer.body).retcode === 0 ? 'sent' : 'not sent'}`;
    },
  },
  'a log that is not read': {
    prepare: async () => { const words = await answering('words'); const stalled = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] }); return { options: { stderr: stalled.stdin, bot: { webhook: Array.from({ length: 10 }, (_, i) => ({ url: `${words.url}${i}${'long'.repeat(50)}` })) } }, close: () => { stalled.kill(); words.close(); } }; },
    async attack(milky) { for (let i = 0; i < 400; i++) await milky.call(milky.calls, 'send_group_message', { group_id: GROUP, message: text('a line in the log of each webhook') }); return () => {}; },
  },
  '300 clients with since=0': {
    before: (milky) => fill(milky, 20000),
    apart: true, // the attacker's work must not delay the clock of the other bot's calls
    async attack(milky) { webSockets(milky, 300, '/?since=0').forEach((socket) => socket.on('message', () => {})); },
  },
  '40 compressed calls with pending URIs': {
    apart: true,
    async attack(milky) {
      const { url, close } = await peer(() => {});
      const [socket] = webSockets(milky, 1, '/', { perMessageDeflate: { threshold: 0 } });
      await Promise.race([once(socket, 'open'), wait(1000)]);
      const message = [image(url), ...text(' '.repeat(40000000))];
      const one = JSON.stringify({ action: 'send_group_message', params: { group_id: GROUP, message } });
      for (let i = 0; i < 40; i++) socket.send(one);
      process.on('exit', close);
    },
  },
  'one message of 60 MiB: a picture': largeMessage(() => image(`base64://${'A'.repeat(60 << 20)}`)),
  'one message of 60 MiB: text': largeMessage(() => text('x'.repeat(60 << 20))[0]),
  'one message of 60 MiB, compressed': largeMessage(() => image(`base64://${randomBytes(45 << 20).toString('base64')}`), { threshold: 0 }),
  '20,000 calls in one write': { async attack(milky) {
    const one = 'POST /get_friend_list HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const socket = connect(milky.hit, '127.0.0.1').on('error', () => {}).on('data', () => {});
    socket.write(one.repeat(20000));
    return () => socket.destroy();
  } },
  'silent connections': {
    options: { more: { limits: { connections: 1000 } } },
    async attack(milky) {
      milky.agent.destroy();
      const all = Array.from({ length: 1500 }, () => connect(milky.hit, '127.0.0.1').on('error', () => {}));
      await wait(500);
      return () => all.forEach((socket) => socket.destroy());
    },
  },
  '110 wrong tokens': {
    options: { bot: { http_server: undefined } },
    async prepare() { const port = await freePort(); return { options: { bot: { http_server: [{ listen: `127.0.0.1:${port}`, access_token: 's3cret' }], websocket_server: [] } }, port, close: () => {} }; },
    async attack(milky, { port }) {
      milky.hit = port;
      for (let i = 0; i < 110; i++) await milky.call(port, 'get_login_info', {}, { Authorization: 'Bearer wrong' });
      return () => {};
    },
    probe: async (milky) => `the right token: ${(await milky.call(milky.hit, 'get_login_info', {}, { Authorization: 'Bearer s3cret' })).status}`,
  },
};

// Runs it in a process of its own, until the function that is returned is called.
async function attackApart(attack, milky) {
  const name = Object.keys(attacks).find((key) => attacks[key] === attack);
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'none', '--apart', name, '--port', `${milky.hit}`], { stdio: 'inherit' });
  await wait(500);
  return () => child.kill('SIGKILL');
}

if (apart) {
  await attacks[apart].attack({ hit: apartPort });
  await wait(60000);
  process.exit(0);
}

// --- measuring ---

async function measure(binary, attack) {
  const prepared = (await attack.prepare?.()) ?? {};
  const milky = await start(binary, { ...attack.options, ...prepared.options });
  await attack.before?.(milky);
  await milky.call(milky.calls, 'get_login_info');
  const before = milky.memory('VmRSS');
  const times = [];
  let failed = 0, peak = before, on = true;
  const timed = (async () => {
    while (on) {
      const began = performance.now();
      const answer = await Promise.race([milky.call(milky.calls, 'get_login_info').catch(() => null), wait(20000)]);
      if (answer?.status === 200) times.push(performance.now() - began);
      else failed++;
      await wait(2);
    }
  })();
  await wait(100);
  times.length = 0;
  const end = await (attack.apart ? attackApart(attack, milky) : attack.attack(milky, prepared));
  const watch = setInterval(() => { try { peak = Math.max(peak, milky.memory('VmRSS')); } catch { /* it has ended */ } }, 50);
  const note = await attack.probe?.(milky);
  await wait(SECONDS * 1000);
  on = false;
  const gaveUp = (await Promise.race([timed.then(() => false), wait(25000).then(() => true)]));
  clearInterval(watch);
  const crashed = milky.child.exitCode !== null || milky.child.signalCode !== null;
  const stopping = await milky.stop();
  end();
  prepared.close?.();
  times.sort((a, b) => a - b);
  const at = (share) => (times.length ? times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1) : '-');
  return [at(0.5), at(0.99), gaveUp ? '>25000' : at(1), `${failed}`, `${before.toFixed(0)} -> ${peak.toFixed(0)}`, crashed ? 'ended!' : stopping.toFixed(0), note ?? ''];
}

const binaries = args.map((path) => resolve(path));
if (binaries.length === 0) {
  console.error('bench/attacks.mjs MILKY [OLDER_MILKY] [--only NAME] [--seconds N]');
  process.exit(2);
}
console.log('| attack | binary | median ms | p99 ms | longest ms | failed | MiB | stop ms | |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |');
for (const [name, attack] of Object.entries(attacks)) {
  if (only && !name.includes(only)) continue;
  for (const binary of binaries)
    console.log(`| ${[name, binaries.indexOf(binary) ? 'older' : 'this', ...(await measure(binary, attack))].join(' | ')} |`);
}
process.exit(0);
