// As much of PostgreSQL's protocol as one query without a password needs: https://www.postgresql.org/docs/current/protocol-flow.html
import { connect } from 'node:net';

const [host, port] = (process.env.DATABASE ?? '127.0.0.1:5432').split(':');

const message = (type, body) => {
  const bytes = Buffer.alloc(type.length + 4 + body.length);
  bytes.write(type, 0, 'latin1');
  bytes.writeUInt32BE(4 + body.length, type.length);
  body.copy(bytes, type.length + 4);
  return bytes;
};

const startup = message('', Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from('user\0shop\0database\0shop\0\0')]));

/** The first value of the first row; rejects with what the server says. */
export function query(text) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: 2000 });
    let read = Buffer.alloc(0);
    let value = null;
    let asked = false;
    const end = (done, result) => {
      socket.destroy();
      done(result);
    };
    socket.on('connect', () => socket.write(startup));
    socket.on('timeout', () => end(reject, new Error('PostgreSQL did not answer within 2 s')));
    socket.on('error', (error) => end(reject, error));
    socket.on('close', () => reject(new Error('PostgreSQL closed the connection')));
    socket.on('data', (bytes) => {
      read = Buffer.concat([read, bytes]);
      while (read.length >= 5 && read.length > read.readUInt32BE(1)) {
        const type = String.fromCharCode(read[0]);
        const body = read.subarray(5, 1 + read.readUInt32BE(1));
        read = read.subarray(1 + read.readUInt32BE(1));
        if (type === 'E') return end(reject, new Error(/M([^\0]*)/.exec(body.toString())?.[1] ?? 'an error'));
        if (type === 'D') value = body.subarray(6).toString();
        if (type === 'Z' && asked) return end(resolve, value);
        if (type === 'Z') socket.write(message('Q', Buffer.from(`${text}\0`)));
        if (type === 'Z') asked = true;
      }
    });
  });
}
