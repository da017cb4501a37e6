// Run by ssrf.test.mjs in a network namespace, as its root. Exits with 0 when all went well.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Milky, botConfig, call } from './harness.mjs';
import { png } from './samples.mjs';

const PUBLIC = '93.184.216.34';
const dir = mkdtempSync(join(tmpdir(), 'milky-ssrf-'));
const sh = (...words) => execFileSync(words[0], words.slice(1));
sh('ip', 'link', 'set', 'lo', 'up');
sh('ip', 'addr', 'add', `${PUBLIC}/32`, 'dev', 'lo');
sh('ip', 'addr', 'add', '10.1.2.3/32', 'dev', 'lo');
for (const [name, text] of [['resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n'], ['hosts', '127.0.0.1 localhost\n']]) {
  writeFileSync(join(dir, name), text);
  sh('mount', '--bind', join(dir, name), `/etc/${name}`);
}

// A name server: every name has these IPv4 addresses and no other.
const names = new Map();
const dns = createSocket('udp4', (query, from) => {
  const labels = [];
  let at = 12;
  for (; query[at]; at += query[at] + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
  const isA = query.readUInt16BE(at + 1) === 1;
  const addresses = isA ? names.get(labels.join('.').toLowerCase()) ?? [] : [];
  const answer = Buffer.concat([query.subarray(0, at + 5), ...addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]))]);
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(addresses.length, 6);
  answer.writeUInt32BE(0, 8); // neither authorities nor additional records
  dns.send(answer, from.port, from.address);
});
dns.bind(53, '127.0.0.1');
await once(dns, 'listening');

// The server in the private network, which counts its requests.
const asked = [];
const secret = createServer((request, response) => {
  asked.push(`${request.headers.host}${request.url}`);
  response.end(png(2, 2));
});
secret.listen(8080, '127.0.0.1');
const inner = createServer(secret.listeners('request')[0]).listen(8080, '10.1.2.3');
let location;
const open = createServer((request, response) => {
  if (request.url === '/to') response.writeHead(302, { location }).end();
  else response.end(png(3, 3));
});
open.listen(80, PUBLIC);
await Promise.all([secret, inner, open].map((server) => server.listening || once(server, 'listening')));

const milky = await Milky.start({ config: botConfig({ http_server: [{ listen: '127.0.0.1:0' }] }) });
const ask = async (uri) => (await call(`${milky.http()}/api`, 'set_avatar', { uri })).body;
const refused = async (uri, what = uri) => {
  const { retcode, message } = await ask(uri);
  assert.equal(retcode, -121, `${what}: ${message}`);
  assert.deepEqual(asked, [], what);
};
let tried = 0;
try {
  // The public one is reached, by address and by name: else nothing below would prove anything.
  names.set('open.example', [PUBLIC]);
  names.set('xn--fsqu00a.example', [PUBLIC]);
  for (const host of [PUBLIC, 'open.example', '例子.example', '%e4%be%8b%e5%ad%90。EXAMPLE']) assert.equal((await ask(`http://${host}/a.png`)).retcode, 0, host);
  location = `http://${PUBLIC}/b.png`;
  assert.equal((await ask(`http://${PUBLIC}/to`)).retcode, 0);
  // Redirects.
  names.set('inner.example', ['127.0.0.1']);
  names.set('deep.example', ['10.1.2.3']);
  names.set('xn--nner-4pa.example', ['127.0.0.1']);
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '0177.1', '10.1.2.3', '[::1]', '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '１２７.０.０.１', '①②⑦。0。0。1', '%31%32%37.0.0.1', 'ｌｏｃａｌｈｏｓｔ', 'ïnner.example',
    'LOCALHOST', 'xn--nner-4pa.example', '0.0.0.0', 'inner.example', 'INNER.example.', 'deep.example', `${PUBLIC}@127.0.0.1`]) {
    location = Buffer.from(`http://${host}:8080/secret`).toString('latin1');
    await refused(`http://${PUBLIC}/to`, location);
    location = `http://${host}:8080/secret`;
    await refused(location);
    tried += 2;
  }
  for (location of ['file:///etc/passwd', 'gopher://127.0.0.1:8080/', '//127.0.0.1:8080/', 'ftp://127.0.0.1:8080/x']) {
    await refused(`http://${PUBLIC}/to`, location);
    tried++;
  }
  // One address is public, but nothing listens there; the other is private.
  names.set('both.example', [PUBLIC, '127.0.0.1']);
  names.set('other.example', ['127.0.0.1', PUBLIC]);
  for (const host of ['both.example', 'other.example']) await refused(`http://${host}:8080/secret`);
  // A name that has a public address at first, and a private one the next time (DNS rebinding).
  names.set('moving.example', [PUBLIC]);
  assert.equal((await ask('http://moving.example/a.png')).retcode, 0);
  names.set('moving.example', ['127.0.0.1']);
  await refused('http://moving.example:8080/secret');
  names.set('twice.example', [PUBLIC]);
  location = 'http://twice-inner.example:8080/secret';
  names.set('twice-inner.example', ['10.1.2.3']);
  await refused('http://twice.example/to', location);
  console.log(`${tried + 4} ways, none of them led in`);
} finally {
  await milky.stop();
  for (const server of [secret, inner, open]) server.close();
  dns.close();
  rmSync(dir, { recursive: true });
}
