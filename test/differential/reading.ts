import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';

/** How a reader reads the bytes of one connection: message by message, then how it continues. */
export interface Reading {
  readonly messages: readonly ReadMessage[];
  /**
   * `over`: the reader reads no more, or no more bytes came. `partial`: it waits for more. `refused`: the bytes after
   * the messages are no message.
   */
  readonly end: 'over' | 'partial' | 'refused';
  /** The rule or code of the refusal; '' if it is unknown. */
  readonly why: string;
}

/** A message without the parts that a gateway may change. */
export interface ReadMessage {
  /** Method and target in origin-form, or the status. */
  readonly start: string;
  /** Lowercase, without a port, which nginx does not report; '' if there is none. */
  readonly host: string;
  /** Length and a digest. */
  readonly body: string;
}

export function readRequest(method: string, target: string, host: string, body: Buffer): ReadMessage {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '') || (method === 'OPTIONS' ? '*' : '/');
  const start = `${method} ${path.startsWith('?') ? `/${path}` : path}`;
  return { start, host: host.toLowerCase().replace(/:\d*$/, ''), body: bodyText(body) };
}

export function readResponse(status: number, body: Buffer): ReadMessage {
  return { start: String(status), host: '', body: bodyText(body) };
}

function bodyText(body: Buffer): string {
  if (body.length === 0) return '0';
  return `${body.length} ${createHash('sha1').update(body).digest('hex').slice(0, 8)}`;
}

/** Follows all bytes: a reader that reports it as a request has found the end of everything before it. */
export const endMark = 'GET /the-end HTTP/1.1\r\nHost: end.test\r\nConnection: close\r\n\r\n';

/**
 * Resolves when the peer has closed the connection (true), or has sent nothing for this long (false), in which case
 * this side closes it.
 */
export function untilQuiet(socket: Socket, quietMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    socket.setTimeout(quietMs, () => {
      resolve(false);
      socket.destroy();
    });
    socket.on('close', () => resolve(true));
  });
}
