// TLS on both servers and both clients: trust, refusals, and their messages.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { promisify } from 'node:util';
import { certificate, folder, freePort, reverse, serve, start } from './fixtures.mjs';
import { BOT, Client, Inbox, ReverseServer, botConfig, call, run, within } from './harness.mjs';
import { Raw } from './raw.mjs';

const port = '127.0.0.1:0';
const openssl = (...args) => promisify(execFile)('openssl', args);

// A certificate authority, and a certificate that it signed.
async function authority(t) {
  const dir = await folder(t);
  const at = (name) => join(dir, name);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...ec, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=ca');
  const issue = async (name) => {
    await openssl('req', ...ec, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
    await writeFile(at(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    await openssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'),
      '-CAcreateserial', '-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`));
    return {
      certificate: at(`${name}.pem`), keyFile: at(`${name}.key`),
      cert: await readFile(at(`${name}.pem`), 'utf8'), key: await readFile(at(`${name}.key`), 'utf8'),
    };
  };
  return { ca: at('ca.pem'), text: await readFile(at('ca.pem'), 'utf8'), issue };
}

// A bot whose two servers share a TLS port.
async function secure(t, tls, extra = {}) {
  const listen = [{ listen: port, tls, ...extra }];
  return serve(t, botConfig({ http_server: listen, websocket_server: [{ listen: port, tls, ...extra }] }));
}

async function https(milky, path, options) {
  const [host, number] = milky.address('http_server').split(':');
  const sent = httpsRequest({
    host, port: number, path, method: 'POST', agent: false,
    headers: { 'Content-Type': 'application/json', ...options.headers }, ...options,
  });
  sent.end('{}');
  const [response] = await within(once(sent, 'response'), 'an answer over TLS');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, body: JSON.parse(text), socket: response.socket };
}

function shake(milky, options, address = milky.address('http_server')) {
  const [host, number] = address.split(':');
  const socket = tlsConnect({ host, port: Number(number), servername: 'localhost', ...options });
  socket.on('error', () => {});
  return within(new Promise((resolve) => {
    socket.on('secureConnect', () => resolve({
      protocol: socket.getProtocol(), cipher: socket.getCipher().name, alpn: socket.alpnProtocol, socket,
      fingerprint: socket.getPeerCertificate().fingerprint256,
    }));
    socket.on('error', (error) => resolve({ error: error.code ?? error.message }));
    socket.on('close', () => resolve({ error: 'closed' }));
  }), 'a handshake');
}

// Another configuration without a restart. Returns how many transports it has changed.
async function reload(milky, config) {
  await writeFile(join(milky.dir, 'milky.jsonc'), JSON.stringify(config, null, 1));
  const { code, stderr } = await milky.run(['reload']);
  assert.equal(code, 0, stderr);
  const line = await milky.log.find((text) => /reloaded: /.test(text), 'the log to say that it has reloaded');
  return Number(/reloaded: (\d+) of/.exec(line)[1]);
}

describe('tls', { concurrency: 4 }, () => {
  it('shares no free port with a server without TLS', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const milky = await serve(t, botConfig({ http_server: [{ listen: port }], websocket_server: [{ listen: port, tls }] }));
    assert.notEqual(milky.address('http_server'), milky.address('websocket_server'));
    const client = await Client.connect(`wss://${milky.address('websocket_server')}/`, { ca: own.cert });
    assert.equal((await client.call('get_login_info', {}, 'e')).data.echo, 'e');
    await client.close();
    assert.equal((await call(milky.http(), 'get_login_info')).status, 200);
  });

  it('serves calls and WebSockets', async (t) => {
    const own = await certificate(t);
    const milky = await secure(t, { certificate: own.file, key: own.keyFile });
    assert.match(milky.banner.join('\n'), /https:\/\/127.0.0.1:\d+\/:api/);
    assert.match(milky.banner.join('\n'), /wss:\/\/127.0.0.1:\d+\//);
    const { status, body } = await https(milky, '/get_login_info', { ca: own.cert });
    assert.deepEqual([status, body.data.user_id ?? body.data.uin], [200, BOT]);
    const client = await Client.connect(`wss://${milky.address('websocket_server')}/`, { ca: own.cert });
    assert.equal((await client.call('get_login_info', {}, 'e')).data.echo, 'e');
    await client.close();
  });

  it('speaks TLS 1.2 and 1.3 with forward secrecy, and nothing older', async (t) => {
    const own = await certificate(t);
    const milky = await secure(t, { certificate: own.file, key: own.keyFile });
    const of = (version, more) => shake(milky, { ca: own.cert, minVersion: version, maxVersion: version, ...more });
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const { protocol, cipher, socket, error } = await of(version);
      assert.equal(protocol, version, error);
      assert.match(cipher, /GCM|CHACHA20/);
      socket.destroy();
    }
    assert.ok((await of('TLSv1.1', { ciphers: 'ALL@SECLEVEL=0' })).error);
    assert.ok((await of('TLSv1.2', { ciphers: 'AES128-SHA' })).error);
    assert.ok((await of('TLSv1.2', { ciphers: 'AES128-GCM-SHA256' })).error);
  });

  it('negotiates HTTP/1.1, and refuses clients that offer only other protocols', async (t) => {
    const own = await certificate(t);
    const milky = await secure(t, { certificate: own.file, key: own.keyFile });
    const both = await shake(milky, { ca: own.cert, ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(both.alpn, 'http/1.1');
    both.socket.destroy();
    assert.match((await shake(milky, { ca: own.cert, ALPNProtocols: ['h2'] })).error, /ALPN|alert/i);
  });

  it('sends the chain behind the certificate', async (t) => {
    const ours = await authority(t);
    const leaf = await ours.issue('server');
    const milky = await secure(t, { certificate: leaf.certificate, key: leaf.keyFile });
    assert.equal((await https(milky, '/get_login_info', { ca: ours.text })).status, 200);
  });

  it('closes after plain HTTP, and after invalid bytes', async (t) => {
    const own = await certificate(t);
    const milky = await secure(t, { certificate: own.file, key: own.keyFile });
    for (const bytes of ['POST /get_login_info HTTP/1.1\r\nHost: h\r\n\r\n', '\x16\x03\x01\x00', '\0'.repeat(3000)]) {
      const raw = await Raw.connect(milky.address('http_server'));
      raw.write(bytes).end();
      assert.doesNotMatch(await raw.ended(), /HTTP|login/);
    }
    assert.equal((await https(milky, '/get_login_info', { ca: own.cert })).status, 200);
  });

  it('ends a stalled handshake', async (t) => {
    const own = await certificate(t);
    const tls = { certificate: own.file, key: own.keyFile };
    const milky = await serve(t, { limits: { header_seconds: 1 }, ...botConfig({ http_server: [{ listen: port, tls }] }) });
    const silent = await Raw.connect(milky.address('http_server'));
    const begun = await Raw.connect(milky.address('http_server'));
    begun.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
    assert.equal(await silent.ended(), '');
    assert.equal(await begun.ended(), '');
    // After the handshake the limit is for the head of a request: an idle connection outlives a later one that is
    // still in its handshake.
    const idle = await shake(milky, { ca: own.cert });
    const later = await Raw.connect(milky.address('http_server'));
    assert.equal(await later.ended(), '');
    assert.equal(idle.socket.readyState, 'open');
    idle.socket.destroy();
  });

  it('reloads its certificates on SIGHUP, and keeps connections', async (t) => {
    const [first, second] = [await certificate(t), await certificate(t)];
    const dir = await folder(t);
    const tls = { certificate: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
    const use = async (which) => {
      await copyFile(which.keyFile, tls.key);
      await copyFile(which.file, tls.certificate);
    };
    await use(first);
    const milky = await secure(t, tls);
    const client = await Client.connect(`wss://${milky.address('websocket_server')}/`, { ca: first.cert });
    await use(second);
    milky.child.kill('SIGHUP');
    await milky.log.find((line) => /reloaded/.test(line), 'the log to say that it has reloaded');
    assert.equal((await https(milky, '/get_login_info', { ca: second.cert })).status, 200);
    assert.equal((await client.call('get_login_info', {}, 1)).data.status, 'ok');
    // A certificate that does not match its key is refused, and the old one stays.
    await copyFile(first.file, tls.certificate);
    milky.child.kill('SIGHUP');
    const line = await milky.log.find((text) => /key\.pem/.test(text), 'the log to name the file');
    assert.match(line, /tls\.key: .*key\.pem: this key is not the certificate's/);
    assert.equal((await https(milky, '/get_login_info', { ca: second.cert })).status, 200);
    assert.equal((await client.call('get_login_info', {}, 2)).data.status, 'ok');
    await client.close();
  });

  it('a server that gains or loses TLS by a reload ends its old connections', async (t) => {
    const own = await certificate(t);
    const listen = `127.0.0.1:${await freePort()}`;
    const config = (tls) => botConfig({ http_server: [{ listen, tls }], websocket_server: [{ listen, tls }] });
    const [plain, safe] = [config(undefined), config({ certificate: own.file, key: own.keyFile })];
    const works = async (client) => assert.equal((await client.call('get_login_info', {}, 1)).data.status, 'ok');
    const milky = await serve(t, plain);
    const open = await Client.connect(`ws://${listen}/`);
    await works(open);
    assert.equal(await reload(milky, safe), 2);
    assert.equal((await within(open.closed, 'the plain connection to end')).code, 1001);
    await assert.rejects(call(`http://${listen}`, 'get_login_info'));
    const secured = await Client.connect(`wss://${listen}/`, { ca: own.cert });
    await works(secured);
    assert.equal((await https(milky, '/get_login_info', { ca: own.cert })).status, 200);
    assert.equal(await reload(milky, safe), 0);
    await works(secured);
    assert.equal(await reload(milky, plain), 2);
    assert.equal((await within(secured.closed, 'the connection with TLS to end')).code, 1001);
    assert.ok((await shake(milky, { ca: own.cert })).error);
    assert.equal((await call(`http://${listen}`, 'get_login_info')).status, 200);
    const again = await Client.connect(`ws://${listen}/`);
    await works(again);
    await again.close();
  });

  it('on port 0 a server keeps its port and its files, whatever servers precede it', async (t) => {
    const [one, other] = [await certificate(t), await certificate(t)];
    const entry = (which) => ({ listen: port, tls: which && { certificate: which.file, key: which.keyFile } });
    const config = (...servers) => botConfig({ websocket_server: servers.map(entry) });
    const milky = await serve(t, config(one, other));
    const addresses = [0, 1].map((i) => milky.address('websocket_server', i));
    const clients = await Promise.all([one, other].map(({ cert }, i) => Client.connect(`wss://${addresses[i]}/`, { ca: cert })));
    const check = async () => {
      for (const [i, { cert }] of [one, other].entries()) {
        const { socket, error } = await shake(milky, { ca: cert }, addresses[i]);
        assert.ok(!error, `${i}: ${error}`);
        socket.destroy();
        assert.equal((await clients[i].call('get_login_info', {}, 1)).data.status, 'ok');
      }
    };
    assert.equal(await reload(milky, config(undefined, other, one)), 1);
    await check();
    assert.equal(await reload(milky, config(one, undefined, other)), 0);
    await check();
    // Other certificate files alone do not make it a new server.
    const third = await certificate(t);
    assert.equal(await reload(milky, config(third, undefined, other)), 0);
    const { socket, error } = await shake(milky, { ca: third.cert }, addresses[0]);
    assert.ok(!error, error);
    socket.destroy();
    for (const client of clients) await client.close();
  });

  it('reports what is wrong with a file before anything starts', async (t) => {
    const [one, other] = [await certificate(t), await certificate(t)];
    const dir = await folder(t);
    const keyOf = (which) => which.keyFile;
    await openssl('ec', '-in', keyOf(one), '-aes128', '-passout', 'pass:x', '-out', join(dir, 'locked.pem'));
    const check = async (tls, kind = 'http_server', entry = { listen: port }) => {
      await writeFile(join(dir, 'milky.jsonc'), JSON.stringify(botConfig({ [kind]: [{ ...entry, tls }] }), null, 1));
      const checked = await run(['check'], { cwd: dir });
      const served = await run(['serve'], { cwd: dir });
      assert.deepEqual([checked.code, served.code], [1, 1]);
      assert.equal(checked.stderr, served.stderr);
      return checked.stderr;
    };
    assert.match(await check({ certificate: 'gone.pem', key: keyOf(one) }),
      /^milky\.jsonc:\d+:\d+: bots\[0\]\.http_server\[0\]\.tls\.certificate: gone\.pem: No such file or directory$/m);
    assert.match(await check({ certificate: keyOf(one), key: keyOf(one) }), /tls\.certificate: .*key\.pem: no certificate in PEM/);
    assert.match(await check({ certificate: one.file, key: one.file }), /tls\.key: .*cert\.pem: no private key in PEM/);
    assert.match(await check({ certificate: one.file, key: keyOf(other) }), /tls\.key: .*this key is not the certificate's/);
    assert.match(await check({ certificate: one.file, key: 'locked.pem' }), /tls\.key: locked\.pem: no private key in PEM without a password/);
    assert.match(await check({ certificate: '/dev/zero', key: keyOf(one) }), /tls\.certificate: \/dev\/zero: this is not a file/);
    const client = { url: 'wss://127.0.0.1:1/' };
    assert.match(await check({ ca: 'milky.jsonc' }, 'websocket_client', client), /websocket_client\[0\]\.tls\.ca: milky\.jsonc: no certificate in PEM/);
    assert.match(await check({ certificate: one.file, key: keyOf(other) }, 'webhook', { url: 'https://127.0.0.1:1/' }),
      /webhook\[0\]\.tls\.key: .*this key is not the certificate's/);
  });

  it('call and watch trust the given authority, and say how to give one', async (t) => {
    const ours = await authority(t);
    const [leaf, other] = [await ours.issue('server'), await certificate(t)];
    const milky = await secure(t, { certificate: leaf.certificate, key: leaf.keyFile });
    const url = (scheme) => ['--url', `${scheme}://${milky.address('http_server')}/`];
    const calling = (words, env) => run(['call', ...url('https'), ...words, 'get_login_info'], { env });
    const hint = /milky: to trust the server, name its certificate or its authority's: --ca FILE or SSL_CERT_FILE=FILE\n$/;
    for (const [words, env] of [[['--ca', ours.ca]], [['--ca', leaf.certificate]], [[], { SSL_CERT_FILE: ours.ca }],
      [['--ca', ours.ca], { SSL_CERT_FILE: other.file }]]) {
      const { code, stderr } = await calling(words, env);
      assert.equal(code, 0, `${words} ${stderr}`);
    }
    for (const [words, env] of [[[]], [['--ca', other.file]], [[], { SSL_CERT_FILE: other.file }],
      [['--ca', other.file], { SSL_CERT_FILE: ours.ca }]]) {
      const { code, stderr } = await calling(words, env);
      assert.equal(code, 1);
      assert.match(stderr, /^milky: SSL .*certificate/);
      assert.match(stderr, hint);
      assert.doesNotMatch(stderr, /running/);
    }
    const watching = async (words, env) => {
      const watch = spawn(process.env.MILKY, ['watch', ...url('wss'), ...words], { env: { ...process.env, LC_ALL: 'en_US.UTF-8', ...env } });
      t.after(() => watch.kill('SIGKILL'));
      const lines = new Inbox();
      createInterface({ input: watch.stderr }).on('line', (line) => lines.push(line));
      const said = [await lines.next('watch to speak')];
      if (!/connected to/.test(said[0])) said.push(await lines.next('watch to say more'));
      watch.kill('SIGINT');
      await within(once(watch, 'exit'), 'watch to end');
      return said.map((line) => `${line}\n`).join('');
    };
    for (const [words, env] of [[['--ca', ours.ca]], [['--ca', leaf.certificate]], [[], { SSL_CERT_FILE: ours.ca }]]) {
      assert.match(await watching(words, env), /^milky: connected to wss:/);
    }
    for (const words of [[], ['--ca', other.file]]) {
      const said = await watching(words);
      assert.match(said, /certificate verify failed: .*; next try in/);
      assert.match(said, hint);
    }
    for (const words of [['call', 'get_login_info'], ['watch']]) {
      for (const [file, why] of [['/nowhere.pem', 'No such file or directory'], [leaf.keyFile, 'no certificate in PEM was found in it']]) {
        const { code, stderr } = await run([...words, ...url(words[0] === 'call' ? 'https' : 'wss'), '--ca', file]);
        assert.equal(code, 1);
        assert.equal(stderr, `milky: --ca ${file}: ${why}\n`);
      }
    }
  });

  it('commands that only talk to the daemon do not read its certificate files', async (t) => {
    const own = await certificate(t);
    const dir = await folder(t);
    const tls = { certificate: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
    await copyFile(own.keyFile, tls.key);
    await copyFile(own.file, tls.certificate);
    const plain = `127.0.0.1:${await freePort()}`;
    const milky = await serve(t, botConfig({
      http_server: [{ listen: plain }, { listen: port, tls }],
      websocket_server: [{ listen: plain }],
      websocket_client: [{ url: 'wss://127.0.0.1:1/', tls: { ca: tls.certificate } }],
    }));
    await rename(tls.key, join(dir, 'gone.pem'));
    await rename(tls.certificate, join(dir, 'gone too.pem'));
    const asking = [['status'], ['world'], ['deliveries'], ['do', 'dump'], ['say', '--as', '10003001', '--to', `${BOT}`, 'hi'],
      ['call', 'get_login_info']];
    for (const words of asking) {
      const { code, stderr } = await milky.run(words);
      assert.equal(code, 0, `${words[0]}: ${stderr}`);
    }
    let watching = true;
    const watch = milky.run(['watch', '--once']).finally(() => (watching = false));
    while (watching) await milky.say(10003001, { to: BOT }, 'hi');
    assert.equal((await watch).code, 0);
    for (const words of [['check'], ['serve'], ['reload']]) {
      const { code, stderr } = await milky.run(words);
      assert.equal(code, 1);
      assert.match(stderr, /tls\.certificate: .*cert\.pem: No such file/);
    }
  });

  it('a websocket_client trusts its configured authority, and presents its certificate', async (t) => {
    const ours = await authority(t);
    const [server, bot] = [await ours.issue('server'), await ours.issue('bot')];
    const tls = { cert: server.cert, key: server.key, ca: ours.text, requestCert: true, rejectUnauthorized: true };
    const peer = await ReverseServer.start({ tls });
    t.after(() => peer.stop());
    await serve(t, botConfig({
      websocket_client: [{
        url: `wss://localhost:${peer.port}/`,
        tls: { ca: ours.ca, certificate: bot.certificate, key: bot.keyFile },
      }],
    }));
    const client = await peer.next();
    assert.equal(client.request.socket.getPeerCertificate().subject.CN, 'bot');
    assert.equal((await client.call('get_login_info', {}, 1)).data.status, 'ok');
  });

  it('a websocket_client trusts no other, unless verification is off, which it logs', async (t) => {
    const own = await certificate(t);
    const ours = await authority(t);
    const peer = await ReverseServer.start({ tls: own });
    t.after(() => peer.stop());
    const url = `wss://localhost:${peer.port}/`;
    const careful = await serve(t, botConfig({ websocket_client: [{ url, tls: { ca: ours.ca } }] }));
    await careful.log.find((line) => /certificate verify failed/.test(line), 'it to be refused');
    const careless = await serve(t, botConfig({ websocket_client: [{ url, tls: { insecure_skip_verify: true } }] }));
    await peer.next();
    assert.match(careless.stderr, /WARN.*localhost: INSECURE: .*ANY certificate is accepted/i);
  });

  it('a webhook does the same', async (t) => {
    const { HookServer } = await import('./harness.mjs');
    const ours = await authority(t);
    const own = await certificate(t);
    const [server, bot] = [await ours.issue('server'), await ours.issue('bot')];
    const tls = { cert: server.cert, key: server.key, ca: ours.text, requestCert: true, rejectUnauthorized: true };
    const [strict, loose] = [await HookServer.start({ tls }), await HookServer.start({ tls: own })];
    t.after(() => Promise.all([strict.stop(), loose.stop()]));
    const url = `https://localhost:${loose.port}/hook`;
    const milky = await serve(t, botConfig({
      webhook: [
        { url: `https://localhost:${strict.port}/hook`, tls: { ca: ours.ca, certificate: bot.certificate, key: bot.keyFile } },
        { url, tls: { insecure_skip_verify: true } },
        { url: `${url}/careful`, tls: { ca: ours.ca } },
      ],
    }));
    assert.match(milky.stderr, /INSECURE/);
    await milky.say(10003001, { to: BOT }, 'over TLS');
    assert.equal((await strict.next()).headers['x-self-id'], `${BOT}`);
    assert.equal((await loose.next()).url, '/hook');
    await milky.log.find((line) => /careful.*certificate/i.test(line), 'the third to be refused');
    assert.equal(loose.requests.size, 0);
  });

  it('after a reload a webhook trusts the new authority, and not the old one', async (t) => {
    const { HookServer } = await import('./harness.mjs');
    const [old, fresh] = [await authority(t), await authority(t)];
    const ca = join(await folder(t), 'ca.pem');
    await copyFile(old.ca, ca);
    const server = await old.issue('server');
    let receiver = await HookServer.start({ tls: { cert: server.cert, key: server.key } });
    t.after(() => receiver.stop());
    const config = botConfig({ webhook: [{ url: `https://localhost:${receiver.port}/hook`, tls: { ca } }] });
    const milky = await serve(t, config);
    await milky.say(10003001, { to: BOT }, 'one');
    await receiver.next();
    // The receiver's certificate is from another authority now, under the same URL.
    const next = await fresh.issue('server');
    await receiver.stop();
    receiver = await HookServer.start({ port: receiver.port, tls: { cert: next.cert, key: next.key } });
    await milky.say(10003001, { to: BOT }, 'two');
    await milky.log.find((line) => /localhost.*certificate/i.test(line), 'the new one to be refused');
    assert.equal(receiver.requests.size, 0);
    await copyFile(fresh.ca, ca);
    await reload(milky, config);
    assert.equal((await receiver.next()).headers['x-self-id'], `${BOT}`);
  });
});
