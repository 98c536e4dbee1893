/** A request that opens a WebSocket (RFC 6455 §4.1). */
export const websocketRequest: string = [
  'GET /chat HTTP/1.1',
  'Host: example.org',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');
