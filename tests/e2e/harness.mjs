// Shared by the end-to-end tests: a milky for each test that wants one, and clients.
// Nothing here waits for time to pass: everything waits for something to happen.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket, WebSocketServer } from 'ws';

export const BOT = 10001000;
export const GROUP = 700000001;
const MILKY = process.env.MILKY;
const TESTEE = process.env.TESTEE;

// The language of the environment is ignored: milky speaks English here, unless a test chooses another language.
const { LC_ALL, LC_MESSAGES, ...REST } = process.env;
const ENV = { ...REST, LANG: 'en_US.UTF-8' };
assert.ok(MILKY && TESTEE, 'run the tests with tests/e2e/run');

// Fails with a description of the wait instead of hanging for ever.
export function within(promise, what, ms = 15000) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

// A queue that can be waited on: push(item), await next().
export class Inbox {
  #items = [];
  #waiting = [];

  push(item) {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(item);
    else this.#items.push(item);
  }

  get size() {
    return this.#items.length;
  }

  next(what = 'an item', ms = undefined) {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return within(new Promise((resolve) => this.#waiting.push(resolve)), what, ms);
  }

  // The first item that `wanted` accepts; those before it are dropped.
  async find(wanted, what = 'a certain item', ms = undefined) {
    for (;;) {
      const item = await this.next(what, ms);
      if (wanted(item)) return item;
    }
  }
}

// Runs a command to its end.
export async function run(args, { cwd, env, input, command = MILKY } = {}) {
  const child = spawn(command, args, { cwd, env: { ...ENV, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8'); // a character may come in two pieces
  child.stderr.setEncoding('utf8');
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  child.stdin.on('error', () => {}); // it need not read it
  child.stdin.end(input ?? '');
  const [code, signal] = await within(once(child, 'close'), `${args.join(' ')} to end`, 30000);
  return { code, signal, stdout, stderr };
}

export class Milky {
  // Starts `milky serve` in a folder of its own. `config` goes into milky.jsonc (an object, or
  // text as it is); without one the built-in default is served, on its port 3000.
  static async start({ config, args = [], env = {}, dir, fileBlocks, descriptors } = {}) {
    const milky = new Milky();
    milky.dir = dir ?? (await mkdtemp(join(tmpdir(), 'milky-e2e-')));
    milky.ownDir = dir === undefined;
    if (config !== undefined) {
      const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
      await writeFile(join(milky.dir, 'milky.jsonc'), text);
    }
    // `fileBlocks`: no file may become longer than that many KiB. `descriptors`: no more may be open.
    const limit = fileBlocks ? `-f ${fileBlocks}` : `-n ${descriptors}`;
    const limited = ['-c', `ulimit ${limit} && exec "$0" "$@"`, MILKY];
    const [program, before] = fileBlocks || descriptors ? ['bash', limited] : [MILKY, []];
    milky.child = spawn(program, [...before, 'serve', ...args], {
      cwd: milky.dir,
      env: { ...ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    milky.exit = once(milky.child, 'exit');
    milky.stderr = '';
    milky.log = new Inbox();
    createInterface({ input: milky.child.stderr }).on('line', (line) => {
      milky.stderr += `${line}\n`;
      milky.log.push(line);
    });
    milky.banner = [];
    const lines = createInterface({ input: milky.child.stdout });
    const ready = new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        milky.banner.push(line);
        if (line === 'ready') resolve();
      });
      milky.exit.then(([code]) =>
        reject(new Error(`milky ended with ${code} before it was ready:\n${milky.stderr}`)));
    });
    await within(ready, 'milky to be ready');
    return milky;
  }

  // "127.0.0.1:34567" or "unix:PATH": where the index-th server of this kind listens, as the banner says.
  address(transport, index = 0) {
    const lines = this.banner.filter((line) => line.trim().startsWith(transport));
    const match = /(?:https?|wss?):\/\/([^/]+)\/|(unix:.+)/.exec(lines[index] ?? '');
    assert.ok(match, `no ${transport} in the banner:\n${this.banner.join('\n')}`);
    return match[1] ?? match[2];
  }

  http(index = 0) {
    return `http://${this.address('http_server', index)}`;
  }

  ws(index = 0) {
    return `ws://${this.address('websocket_server', index)}/`;
  }

  // A person sends a message: `milky say` against this daemon. Returns its parsed output.
  async say(as, where, text) {
    const to = where.group ? ['--group', `${where.group}`] : ['--to', `${where.to}`];
    const result = await run(['say', '--as', `${as}`, ...to, text], { cwd: this.dir });
    assert.equal(result.code, 0, result.stderr);
    return JSON.parse(result.stdout);
  }

  run(args, options = {}) {
    return run(args, { cwd: this.dir, ...options });
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    const [code, by] = await within(this.exit, 'milky to end');
    if (this.ownDir) await rm(this.dir, { recursive: true, force: true });
    return by ?? code;
  }
}

// The configuration of one bot with these transports, and free ports.
export function botConfig(transports, selfId = BOT) {
  return { bots: [{ self_id: selfId, ...transports }] };
}

// A milky for one test. After the test it must end with 0.
export async function serve(t, config, options = {}) {
  const milky = await Milky.start({ config, ...options });
  t.after(async () => assert.equal(await milky.stop(), 0, milky.stderr));
  return milky;
}

// Any HTTP request, on a connection of its own, to "HOST:PORT" or "unix:PATH". `body` of the answer
// is parsed where it is JSON.
export async function request(address, path, { method = 'POST', headers = {}, body, patience } = {}) {
  const [, host, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(address) ?? [];
  const to = address.startsWith('unix:') ? { socketPath: address.slice(5) } : { host, port };
  // As bytes: a string would take the headers with it into UTF-8. Not every method has a length by itself.
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const length = bytes ? { 'Content-Length': bytes.length } : {};
  const sent = httpRequest({ ...to, path, method, headers: { ...length, ...headers }, agent: false });
  sent.end(bytes);
  const [response] = await within(once(sent, 'response'), `the answer to ${method} ${path}`, patience);
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const json = text !== '' && response.headers['content-type'] === 'application/json';
  return { status: response.statusCode, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
}

// POST of an API call; the parsed reply with its status.
export async function call(base, action, params = {}, { token, headers = {}, body, patience = 60000 } = {}) {
  const response = await fetch(`${base}/${action}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: body ?? JSON.stringify(params),
    // The first fetch of a process never ends when its server dies while the parser is still compiled.
    signal: AbortSignal.timeout(patience),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

// A WebSocket whose messages are parsed and kept, from the first on.
export class Client {
  static async connect(url, options = {}) {
    const client = new Client();
    client.attach(new WebSocket(url, options));
    await within(once(client.socket, 'open'), `a connection to ${url}`);
    return client;
  }

  // Around an existing socket (one that a server accepted).
  attach(socket) {
    this.socket = socket;
    this.events = new Inbox();
    this.responses = new Inbox();
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: `${reason}` }));
    });
    socket.on('error', () => {});
    socket.on('message', (data, binary) => {
      assert.equal(binary, false);
      const message = JSON.parse(data);
      (message.post_type === 'event' ? this.events : this.responses).push(message);
    });
    return this;
  }

  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async call(action, params, echo) {
    this.send({ action, params, ...(echo === undefined ? {} : { echo }) });
    return this.responses.next(`the response to ${action}`);
  }

  close() {
    this.socket.close();
    return within(this.closed, 'the connection to close');
  }
}

// A WebSocket server for milky's websocket_client: await next() for each connection.
export class ReverseServer {
  static async start({ port = 0, verifyClient, tls, perMessageDeflate = false } = {}) {
    const server = new ReverseServer();
    server.connections = new Inbox();
    server.http = tls ? createTlsServer(tls) : createServer();
    server.wss = new WebSocketServer({ server: server.http, verifyClient, perMessageDeflate });
    server.wss.on('connection', (socket, request) => {
      const client = new Client().attach(socket);
      client.request = request;
      server.connections.push(client);
    });
    server.http.listen(port, '127.0.0.1');
    await once(server.http, 'listening');
    server.port = server.http.address().port;
    return server;
  }

  next() {
    return this.connections.next('milky to connect');
  }

  async stop() {
    for (const socket of this.wss.clients) socket.terminate();
    this.http.closeAllConnections?.();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

// A webhook receiver. `answer(request)` gives {status, headers, body}; requests are kept. `tls`: {key, cert}.
export class HookServer {
  static async start({ port = 0, host = '127.0.0.1', answer = () => ({ status: 204 }), tls } = {}) {
    const hook = new HookServer();
    hook.requests = new Inbox();
    hook.sockets = new Set();
    hook.answer = answer;
    const create = tls ? (listener) => createTlsServer(tls, listener) : createServer;
    hook.server = create(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('utf8');
      const kept = { method: request.method, url: request.url, headers: request.headers, text };
      const { status = 200, headers = {}, body } = (await hook.answer(kept)) ?? {};
      response.writeHead(status, headers);
      response.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
      hook.requests.push({ ...kept, body: text ? JSON.parse(text) : undefined });
    });
    hook.server.on('connection', (socket) => hook.sockets.add(socket));
    hook.server.listen(port, host);
    await once(hook.server, 'listening');
    hook.port = hook.server.address().port;
    hook.address = `${host}:${hook.port}`;
    hook.url = `${tls ? 'https' : 'http'}://${hook.address}/hook`;
    return hook;
  }

  next() {
    return this.requests.next('an event at the webhook');
  }

  async stop() {
    this.server.closeAllConnections?.();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export class Testee {
  static async start() {
    const testee = new Testee();
    testee.child = spawn(TESTEE, ['0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await within(once(createInterface({ input: testee.child.stdout }), 'line'), 'testee');
    testee.address = line.replace('listening on ', '');
    return testee;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const [code] = await within(once(this.child, 'exit'), 'testee to end');
    return code;
  }
}

// MiB of this field of /proc/PID/status (VmRSS, VmHWM, RssAnon); 0, which is below every bound, where
// AddressSanitizer keeps freed memory.
export async function memory(milky, field = 'VmRSS') {
  if (/libasan/.test(await readFile(`/proc/${milky.child.pid}/maps`, 'utf8'))) return 0;
  const status = await readFile(`/proc/${milky.child.pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)[1]) / 1024;
}
