// Connections that never ask: at a limit the oldest of them makes room for a new one, at every port.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { certificate, serve } from './fixtures.mjs';
import { botConfig, Client, within } from './harness.mjs';
import { Raw, post } from './raw.mjs';

const port = '127.0.0.1:0';
const login = post('/get_login_info', '{}');
const metrics = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

// Where the operations are served, as the banner says.
const operationsOf = (milky) => milky.banner[milky.banner.indexOf('operations') + 1].trim();

const silent = (address, count) => Promise.all(Array.from({ length: count }, () => Raw.connect(address)));
const destroy = (sockets) => sockets.forEach((socket) => socket.destroy());

async function counted(address, was) {
  const text = await (await Raw.connect(address)).write(metrics).ended();
  assert.match(text, /ended_for_others/, text.slice(0, 300));
  return Number(text.match(new RegExp(`^milky_connections_ended_for_others_total\\{was="${was}"\\} (\\d+)`, 'm'))[1]);
}

describe('silent connections', { concurrency: 1 }, () => {
  it('the oldest that has never asked makes room, in order; established ones stay', async (t) => {
    const milky = await serve(t, {
      limits: { connections: 8 },
      operations: port,
      ...botConfig({ http_server: [{ listen: port }], websocket_server: [{ listen: port }] }),
    });
    const address = milky.address('http_server');
    const bot = await Client.connect(milky.ws());
    const kept = await Raw.connect(address);
    assert.equal((await kept.write(login).response()).status, 200);
    const first = await silent(address, 2);
    first[1].write('POST /get_login'); // a part of a head is no request
    const others = await silent(address, 4);
    for (let i = 0; i < 20; i++) {
      const fresh = await Raw.connect(address);
      assert.equal((await fresh.write(login).response()).status, 200);
      fresh.destroy();
      if (i < 2) await within(first[i].ended(), `the end of connection ${i}`);
      others.push(await Raw.connect(address));
    }
    assert.equal((await kept.write(login).response()).status, 200);
    assert.equal((await bot.call('get_login_info')).data.retcode, 0);
    await milky.log.find((line) => /the oldest that waits without a request ends for a new one, 1 so far \(limits\.connections\)/.test(line));
    assert.ok(await counted(operationsOf(milky), 'silent') >= 20);
    destroy([...others, kept]);
    await bot.close();
  });

  it('where all have asked, the one that is idle for longest makes room; WebSockets do not', async (t) => {
    const milky = await serve(t, {
      limits: { connections: 3 },
      ...botConfig({ http_server: [{ listen: port }], websocket_server: [{ listen: port }] }),
    });
    const address = milky.address('http_server');
    const bot = await Client.connect(milky.ws());
    const idle = await silent(address, 2);
    for (const one of idle) assert.equal((await one.write(login).response()).status, 200);
    const fresh = await Raw.connect(address);
    assert.equal((await fresh.write(login).response()).status, 200);
    await within(idle[0].ended(), 'the end of the idle connection');
    assert.equal((await idle[1].write(login).response()).status, 200);
    assert.equal((await bot.call('get_login_info')).data.retcode, 0);
    destroy([...idle, fresh]);
    await bot.close();
  });

  it('the same for one address, whose connections end, and not those of others', async (t) => {
    const milky = await serve(t, {
      limits: { connections_per_address: 3 }, ...botConfig({ http_server: [{ listen: port }] }),
    });
    const [host, number] = milky.address('http_server').split(':');
    const other = connect({ host, port: Number(number), localAddress: '127.0.0.2' });
    await within(once(other, 'connect'), 'a connection of another address');
    const sockets = await silent(`${host}:${number}`, 3);
    const fresh = await Raw.connect(`${host}:${number}`);
    assert.equal((await fresh.write(login).response()).status, 200);
    await within(sockets[0].ended(), 'the end of the oldest');
    other.end(post('/get_login_info', '{}', { headers: ['Connection: close'] }));
    const [answer] = await within(once(other, 'data'), 'an answer for the other address');
    assert.match(`${answer}`, /^HTTP\/1\.1 200 /);
    destroy([...sockets, fresh]);
  });

  it('a TLS connection that is silent after its handshake makes room', async (t) => {
    const own = await certificate(t);
    const milky = await serve(t, {
      limits: { connections: 3 },
      ...botConfig({ http_server: [{ listen: port, tls: { certificate: own.file, key: own.keyFile } }] }),
    });
    const [host, number] = milky.address('http_server').split(':');
    const open = async () => {
      const socket = connectTls({ host, port: Number(number), rejectUnauthorized: false });
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      await within(once(socket, 'secureConnect'), 'a TLS connection');
      return socket;
    };
    const sockets = [await open(), await open(), await open()];
    const ended = once(sockets[0], 'close');
    const fresh = await open();
    fresh.write(login);
    const [answer] = await within(once(fresh, 'data'), 'an answer');
    assert.match(`${answer}`, /^HTTP\/1\.1 200 /);
    await within(ended, 'the end of the oldest');
  });

  it('the operations address stays open beside silent ones of its own and of bots', async (t) => {
    const milky = await serve(t, {
      limits: { connections: 4 }, operations: port, ...botConfig({ http_server: [{ listen: port }] }),
    });
    const sockets = await silent(milky.address('http_server'), 4);
    sockets.push(...await silent(operationsOf(milky), 100));
    assert.ok(await counted(operationsOf(milky), 'silent') >= 30);
    destroy(sockets);
  });
});
