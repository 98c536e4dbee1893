import { createHash } from 'node:crypto';

const keyBytes = 16;
/** RFC 6455 §1.3. */
const suffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * A Sec-WebSocket-Key (RFC 6455 §4.1) for a client that has none to send, because it speaks HTTP/2 (RFC 8441 §5). `fill` fills bytes at
 * random.
 */
export function webSocketKey(fill: (bytes: Uint8Array) => void): string {
  const bytes = Buffer.alloc(keyBytes);
  fill(bytes);
  return bytes.toString('base64');
}

/** The Sec-WebSocket-Accept that answers the key (RFC 6455 §4.2.2). */
export function webSocketAccept(key: string): string {
  return createHash('sha1').update(key).update(suffix).digest('base64');
}
