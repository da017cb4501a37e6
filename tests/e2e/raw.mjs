// Connections byte by byte: sends what no client library would, and returns the exact answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { within } from './harness.mjs';

export class Raw {
  #data = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  // `address` is "127.0.0.1:3000", "[::1]:3000" or "unix:PATH".
  static async connect(address) {
    const raw = new Raw();
    const [, host, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(address) ?? [];
    raw.socket = connect(address.startsWith('unix:')
      ? { path: address.slice(5) }
      : { host, port: Number(port) });
    raw.socket.setNoDelay(true);
    raw.socket.on('data', (data) => {
      raw.#data = Buffer.concat([raw.#data, data]);
      raw.#wake();
    });
    const end = (error) => {
      raw.#ended = true;
      raw.error ??= error;
      raw.#wake();
    };
    raw.socket.on('end', () => end());
    raw.socket.on('error', end);
    await within(once(raw.socket, 'connect'), `a connection to ${address}`);
    return raw;
  }

  // Strings go out as UTF-8.
  write(...parts) {
    for (const part of parts) this.socket.write(part);
    return this;
  }

  // Writes `piece` again and again, each time when the kernel has taken the one before; `poured` counts.
  pour(piece, times) {
    this.poured = 0;
    const next = () => {
      if (this.poured === times || this.socket.destroyed) return;
      this.socket.write(piece, (error) => {
        if (error) return;
        this.poured++;
        next();
      });
    };
    next();
  }

  // Resolves when the kernel has taken everything.
  flush() {
    return within(new Promise((resolve) => this.socket.write('', resolve)), 'the bytes to be sent');
  }

  end() {
    this.socket.end();
    return this;
  }

  destroy() {
    this.socket.destroy();
  }

  async #until(wanted, what) {
    for (;;) {
      const found = wanted(this.#data);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the connection ended before ${what}: ${this.#data.toString('latin1')}`);
      await within(new Promise((resolve) => (this.#wake = resolve)), what);
    }
  }

  async take(length) {
    await this.#until((data) => (data.length >= length ? true : undefined), `${length} bytes`);
    const taken = this.#data.subarray(0, length);
    this.#data = this.#data.subarray(length);
    return taken;
  }

  // One HTTP response. `head`: it answers a HEAD, so it has no body.
  async response({ head = false } = {}) {
    const end = await this.#until((data) => {
      const at = data.indexOf('\r\n\r\n');
      return at < 0 ? undefined : at;
    }, 'a response');
    const lines = (await this.take(end + 4)).toString('latin1').split('\r\n').slice(0, -2);
    const [, status, phrase] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(lines.shift()) ?? assert.fail('no status line');
    const headers = {};
    for (const line of lines) {
      const [, name, value] = /^([!-9;-~]+): (.*)$/.exec(line) ?? assert.fail(`no header: ${line}`);
      assert.ok(!(name.toLowerCase() in headers), `${name} came twice`);
      headers[name.toLowerCase()] = value;
    }
    const response = { status: Number(status), phrase, headers };
    if (response.status < 200) return response;
    assert.match(headers['content-length'], /^\d+$/);
    response.body = await this.take(head ? 0 : Number(headers['content-length']));
    response.text = response.body.toString('utf8');
    if (headers['content-type'] === 'application/json' && !head) response.json = JSON.parse(response.text);
    return response;
  }

  // One WebSocket frame of a server.
  async frame() {
    const [first, second] = await this.take(2);
    assert.equal(second & 0x80, 0, 'a server does not mask');
    let length = second & 0x7f;
    if (length === 126) length = (await this.take(2)).readUInt16BE();
    else if (length === 127) length = Number((await this.take(8)).readBigUInt64BE());
    const payload = await this.take(length);
    return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 0xf, payload };
  }

  // The next frame as the text message it must be, parsed.
  async message() {
    const frame = await this.frame();
    assert.deepEqual({ ...frame, payload: undefined }, { fin: true, rsv: 0, opcode: 1, payload: undefined });
    return JSON.parse(frame.payload);
  }

  // The next frame must be a close frame, and the end of the connection must follow it.
  async closing() {
    const frame = await this.frame();
    assert.equal(frame.opcode, 8, `not a close frame: ${frame.payload}`);
    const code = frame.payload.length ? frame.payload.readUInt16BE() : 1005;
    await this.ended();
    return { code, reason: frame.payload.subarray(2).toString('utf8') };
  }

  // Resolves with the bytes before the other side ended the connection.
  async ended() {
    await this.#until(() => (this.#ended ? true : undefined), 'the end of the connection');
    return this.#data.toString('latin1');
  }

  // The other side must have ended it, having sent nothing more, and without a reset.
  async endedCleanly() {
    assert.equal(await this.ended(), '');
    assert.equal(this.error, undefined);
  }
}

// A client's frame. `length` replaces the real length of the payload; `form` forces 16 or 64 bits of length.
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, length, form } = {}) {
  const data = Buffer.from(payload);
  const size = length ?? data.length;
  const bits = form ?? (size < 126 ? 7 : size < 65536 ? 16 : 64);
  const header = Buffer.alloc(2 + (bits === 16 ? 2 : bits === 64 ? 8 : 0));
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (mask ? 0x80 : 0) | (bits === 7 ? size : bits === 16 ? 126 : 127);
  if (bits === 16) header.writeUInt16BE(size, 2);
  if (bits === 64) header.writeBigUInt64BE(BigInt(size), 2);
  if (!mask) return Buffer.concat([header, data]);
  const key = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  return Buffer.concat([header, key, data.map((byte, i) => byte ^ key[i & 3])]);
}

export function closeFrame(code, reason = '') {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(8, payload);
}

// The lines of a handshake, without what `without` names; `extra` is more lines.
export function handshake({ target = '/', without = [], extra = [], version = '1.1', host = 'localhost' } = {}) {
  const headers = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const lines = Object.entries(headers).filter(([name]) => !without.includes(name));
  return [`GET ${target} HTTP/${version}`, ...lines.map(([name, value]) => `${name}: ${value}`), ...extra, '', '']
    .join('\r\n');
}

// A connection on which the handshake has been done.
export async function rawWebSocket(address, options) {
  const raw = await Raw.connect(address);
  const response = await raw.write(handshake(options)).response();
  assert.equal(response.status, 101);
  // The value is that of the example in RFC 6455, section 1.3.
  assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  return raw;
}

// The text of a POST.
export function post(path, body, { headers = [], type = 'application/json', version = '1.1' } = {}) {
  const lines = [
    `POST ${path} HTTP/${version}`, 'Host: localhost',
    ...(type ? [`Content-Type: ${type}`] : []),
    `Content-Length: ${Buffer.byteLength(body)}`, ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

// The form of every refusal over HTTP.
export function assertRefused(response, status) {
  assert.equal(response.status, status, response.text);
  assert.equal(response.headers['content-type'], 'application/json');
  assert.deepEqual(Object.keys(response.json), ['status', 'retcode', 'message']);
  assert.equal(response.json.status, 'failed');
  assert.equal(response.json.retcode, -status);
  assert.ok(response.json.message.length > 0);
}
