import assert from 'node:assert/strict';
import { it } from 'node:test';
import { webSocketAccept, webSocketKey } from './websocket-key.ts';

it('a WebSocket key is 16 bytes in base64, and its answer is that of RFC 6455 §1.3', () => {
  const key = webSocketKey((bytes) => bytes.set(Buffer.from('the sample nonce')));
  assert.equal(key, 'dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(webSocketAccept(key), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});
