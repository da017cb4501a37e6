// Servers, clients, folders and certificates that end with their test.
// Start them before milky: then those that hang have ended when it is stopped.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, HookServer, Milky, ReverseServer } from './harness.mjs';

export async function folder(t) {
  const dir = await mkdtemp(join(tmpdir(), 'milky-e2e-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

// The paths of all files below a folder, without it, sorted. (Node.js 18 fails on sockets by itself.)
export async function filesBelow(dir) {
  const entries = await readdir(dir, { withFileTypes: true });
  const paths = await Promise.all(entries.map(async (entry) => (entry.isDirectory()
    ? (await filesBelow(join(dir, entry.name))).map((path) => join(entry.name, path)) : [entry.name])));
  return paths.flat().sort();
}

// A milky for one test. When the test has ended, milky must end well.
export async function serve(t, config, options = {}) {
  const milky = await Milky.start({ config, ...options });
  t.after(async () => assert.equal(await milky.stop(), 0, milky.stderr));
  return milky;
}

// A milky that the test itself may end, in any way.
export async function start(t, options = {}) {
  const milky = await Milky.start(options);
  t.after(() => milky.stop('SIGKILL'));
  return milky;
}

export async function hook(t, options) {
  const server = await HookServer.start(options);
  t.after(() => server.stop());
  return server;
}

export async function reverse(t, options) {
  const server = await ReverseServer.start(options);
  t.after(() => server.stop());
  return server;
}

export async function connect(t, url, options) {
  const client = await Client.connect(url, options);
  t.after(() => client.socket.terminate());
  return client;
}

// A self-signed certificate: {key, cert} as texts, and the paths of both.
export async function certificate(t, name = 'DNS:localhost,IP:127.0.0.1') {
  const dir = await folder(t);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
    'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=milky test', '-addext', `subjectAltName=${name}`]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8'), file: cert, keyFile: key };
}

const given = new Set();

// A port of 127.0.0.1 that is free, and that the kernel does not choose for a program that asks for any port:
// other tests run beside this one.
export async function freePort() {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 10000);
    if (given.has(port)) continue;
    given.add(port);
    const server = await HookServer.start({ port }).catch(() => undefined);
    await server?.stop();
    if (server) return port;
  }
}

export const text = (words) => [{ type: 'text', data: { text: words } }];

// The text of the text segments.
export const textOf = (message) =>
  message.segments.filter((s) => s.type === 'text').map((s) => s.data.text).join('');

// One file with these certificates in it, for SSL_CERT_FILE.
export async function bundleOf(t, certificates) {
  const file = join(await folder(t), 'bundle.pem');
  await writeFile(file, certificates.map(({ cert }) => cert).join('\n'));
  return file;
}
