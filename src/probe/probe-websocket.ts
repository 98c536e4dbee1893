import type { Random } from '../core/random.ts';

/** A close frame with code 1000, masked with zeros (RFC 6455 §5.5.1): a probe has nothing to hide in it. */
export const closeFrame: Uint8Array = Uint8Array.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

/** The headers of a WebSocket handshake (RFC 6455 §4.1) beside Upgrade and Connection. */
export function webSocketHeaders(random: Random): readonly (readonly [name: string, value: string])[] {
  const key = new Uint8Array(16);
  random.fill(key);
  return [
    ['Sec-WebSocket-Key', Buffer.from(key).toString('base64')],
    ['Sec-WebSocket-Version', '13'],
  ];
}
