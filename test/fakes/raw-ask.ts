import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer as it came, read without any forgiveness for what it is. */
export interface RawAnswer {
  readonly status: number;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes to a path or a port of 127.0.0.1, and resolves with all that came until the other side closed. */
export async function sendRaw(place: string | number, bytes: string): Promise<string> {
  const socket = connectTo(place);
  socket.write(bytes, 'latin1');
  return readAll(socket);
}

export function connectTo(place: string | number): Socket {
  const socket = typeof place === 'string' ? connect({ path: place }) : connect({ host: '127.0.0.1', port: place });
  socket.on('error', () => {});
  return socket;
}

export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

/** One request on a connection that is closed after it. */
export async function askRaw(
  place: string | number,
  line: string,
  headers: readonly (readonly [name: string, value: string])[],
  body = '',
): Promise<RawAnswer> {
  const length = body === '' ? [] : [['Content-Length', String(body.length)] as const];
  const all = [...headers, ...length, ['Connection', 'close'] as const];
  const head = [`${line} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return parseAnswer(await sendRaw(place, `${head}\r\n\r\n${body}`));
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...rest] = text.slice(0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const one of rest) {
    const colon = one.indexOf(':');
    headers[one.slice(0, colon).toLowerCase()] = one.slice(colon + 1).trim();
  }
  return { status: Number(line.split(' ')[1] ?? 0), headers, body: text.slice(end + 4) };
}
