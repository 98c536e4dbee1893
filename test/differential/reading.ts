import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';

/** How somebody reads bytes that one connection brought: message by message, then how it goes on. */
export interface Reading {
  readonly messages: readonly ReadMessage[];
  /**
   * `over`: nothing more is read, or nothing more came. `partial`: more is awaited. `refused`: what follows the
   * messages is none.
   */
  readonly end: 'over' | 'partial' | 'refused';
  /** The rule or code of the refusal; '' where it is not told. */
  readonly why: string;
}

/** A message without what a gateway may change on its way. */
export interface ReadMessage {
  /** Method and target in origin-form, or the status. */
  readonly start: string;
  /** Lowercase, without a port, which nginx does not tell; '' where there is none. */
  readonly host: string;
  /** Length and a digest. */
  readonly content: string;
}

export function readRequest(method: string, target: string, host: string, content: Buffer): ReadMessage {
  const path = target.replace(/^https?:\/\/[^/?]*/i, '') || (method === 'OPTIONS' ? '*' : '/');
  const start = `${method} ${path.startsWith('?') ? `/${path}` : path}`;
  return { start, host: host.toLowerCase().replace(/:\d*$/, ''), content: contentText(content) };
}

export function readResponse(status: number, content: Buffer): ReadMessage {
  return { start: String(status), host: '', content: contentText(content) };
}

function contentText(content: Buffer): string {
  if (content.length === 0) return '0';
  return `${content.length} ${createHash('sha1').update(content).digest('hex').slice(0, 8)}`;
}

/** Goes behind all bytes: who sees it as a request has found the end of everything before it. */
export const endMark = 'GET /the-end HTTP/1.1\r\nHost: end.test\r\nConnection: close\r\n\r\n';

/** Resolves when the peer has closed the connection (true), or has said nothing for so long (false); then it closes it. */
export function untilQuiet(socket: Socket, quietMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    socket.setTimeout(quietMs, () => {
      resolve(false);
      socket.destroy();
    });
    socket.on('close', () => resolve(true));
  });
}
