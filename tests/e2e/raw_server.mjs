// A WebSocket server byte by byte, for milky's websocket_client: sends what no server library would, and returns
// the exact bytes of milky.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Inbox, within } from './harness.mjs';
import { frame } from './raw.mjs';

const accepted = (key) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

// The answer that opens a WebSocket.
export const switching = (key, ...lines) => ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket',
  'Connection: Upgrade', `Sec-WebSocket-Accept: ${accepted(key)}`, ...lines, '', ''].join('\r\n');

// The first whole frame in `data`: {fin, opcode, masked, payload, size}, or undefined.
function parseFrame(data) {
  if (data.length < 2) return undefined;
  const masked = (data[1] & 0x80) !== 0;
  const form = data[1] & 0x7f;
  const extra = form === 126 ? 2 : form === 127 ? 8 : 0;
  const start = 2 + extra + (masked ? 4 : 0);
  if (data.length < start) return undefined;
  const length = extra === 2 ? data.readUInt16BE(2) : extra === 8 ? Number(data.readBigUInt64BE(2)) : form;
  if (data.length < start + length) return undefined;
  const key = masked ? data.subarray(start - 4, start) : Buffer.alloc(4);
  const payload = Buffer.from(data.subarray(start, start + length).map((byte, i) => byte ^ key[i & 3]));
  return { fin: (data[0] & 0x80) !== 0, rsv: data[0] & 0x70, opcode: data[0] & 0x0f, masked, key, payload,
    size: start + length };
}

// A connection of milky's, byte by byte.
class Connection {
  constructor(socket) {
    this.socket = socket;
    this.heads = new Inbox();
    this.frames = new Inbox();
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    let data = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      data = Buffer.concat([data, piece]);
      if (this.head === undefined) {
        const end = data.indexOf('\r\n\r\n');
        if (end < 0) return;
        this.head = data.subarray(0, end).toString('latin1');
        data = data.subarray(end + 4);
        this.heads.push(this.head);
      }
      for (let one = parseFrame(data); one; one = parseFrame(data)) {
        this.frames.push(one);
        data = data.subarray(one.size);
      }
    });
  }

  get target() {
    return this.head.split(' ')[1];
  }

  header(name) {
    return new RegExp(`^${name}: *(.*)$`, 'im').exec(this.head)?.[1];
  }

  get key() {
    return this.header('Sec-WebSocket-Key');
  }

  write(...parts) {
    for (const part of parts) this.socket.write(part);
    return this;
  }

  // A frame as a server sends it.
  send(opcode, payload, options) {
    return this.write(frame(opcode, payload, { mask: false, ...options }));
  }

  async message() {
    const one = await this.frames.next('a message');
    assert.equal(one.opcode, 1);
    return JSON.parse(one.payload);
  }

  ended() {
    return within(this.closed, 'milky to close the connection');
  }
}

export class RawServer {
  static async start(t, port = 0) {
    const server = new RawServer();
    const open = new Set();
    server.connections = new Inbox();
    server.server = createServer((socket) => {
      open.add(socket);
      server.connections.push(new Connection(socket));
    });
    server.server.listen(port, '127.0.0.1');
    await once(server.server, 'listening');
    server.port = server.server.address().port;
    server.url = `ws://127.0.0.1:${server.port}`;
    t.after(() => {
      for (const socket of open) socket.destroy();
      server.server.close();
    });
    return server;
  }

  // The next connection, once its request is there.
  async next() {
    const connection = await this.connections.next('milky to connect');
    await connection.heads.next('a handshake');
    return connection;
  }

  async accept() {
    const connection = await this.next();
    return connection.write(switching(connection.key));
  }
}
