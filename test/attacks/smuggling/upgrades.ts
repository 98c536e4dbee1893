import { answered, get, hidden, message, pause, post, refused, type SmugglingPayload, taken } from './payload.ts';

const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'];
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** A SETTINGS frame without settings, the first frame of HTTP/2. */
const settings = '\0\0\0\x04\0\0\0\0\0';

/**
 * Upgrades that the origin does not accept. A gateway that takes a connection for a tunnel because the client has asked
 * forwards the following bytes unread. Here they are parsed, and are a request.
 */
export const upgrades: readonly SmugglingPayload[] = [
  taken(1, 'a WebSocket that the origin ignores', get(...handshake)),
  taken(2, 'a WebSocket, and a request after it', get(...handshake) + hidden),
  taken(2, 'a WebSocket, and after a pause a request', [get(...handshake), pause, hidden]),
  taken(2, 'a WebSocket of an unknown version', [
    get(...handshake.slice(0, 3), 'Sec-WebSocket-Version: 777'),
    pause,
    hidden,
  ]),
  taken(1, 'a WebSocket without a key', get('Connection: Upgrade', 'Upgrade: websocket')),
  taken(2, 'a WebSocket without a version', [get(...handshake.slice(0, 3)), pause, hidden]),
  answered([426, 200], 'a WebSocket that is refused with 426, then a request', [
    message('GET /status/426 HTTP/1.1', 'Host: a', ...handshake) + hidden,
  ]),
  answered([404, 200], 'a WebSocket that is not found, then a request', [
    message('GET /status/404 HTTP/1.1', 'Host: a', ...handshake),
    pause,
    hidden,
  ]),
  answered([204, 200], 'a WebSocket that is answered with nothing, then a request', [
    message('GET /status/204 HTTP/1.1', 'Host: a', ...handshake) + hidden,
  ]),
  taken(2, 'a HEAD that asks for a WebSocket, then a request', [
    message('HEAD /h HTTP/1.1', 'Host: a', ...handshake) + hidden,
  ]),
  taken(2, 'a POST without content that asks for a WebSocket, then a request', [post(...handshake), pause, hidden]),
  refused(
    'method-token',
    'a WebSocket, and a frame before there is one',
    `${get(...handshake)}\x81\x85\0\0\0\0 GET \r\n\r\n${hidden}`,
    1,
  ),
  taken(1, 'a WebSocket that is over with its answer', get(...handshake, 'Connection: close') + hidden),
  taken(1, 'a WebSocket of HTTP/1.0', message('GET /g HTTP/1.0', 'Host: a', ...handshake) + hidden),
  taken(2, 'two protocols in a list', get('Connection: Upgrade', 'Upgrade: websocket, h2c') + hidden),
  taken(2, 'two protocols in two fields', get('Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: websocket') + hidden),
  taken(2, 'an unknown protocol', [get('Connection: Upgrade', 'Upgrade: tls/1.0, x/1'), pause, hidden]),
  taken(2, 'an upgrade to HTTP/1.1', get('Connection: Upgrade', 'Upgrade: HTTP/1.1') + hidden),
  taken(2, 'an upgrade to nothing', get('Connection: Upgrade', 'Upgrade: ,') + hidden),
  taken(2, 'an upgrade that Connection does not name', get('Upgrade: h2c') + hidden),
  taken(2, 'an upgrade that Connection names but that is missing', get('Connection: upgrade') + hidden),
  taken(2, 'a WebSocket key without an upgrade', get('Sec-WebSocket-Key: AAAA', 'Sec-WebSocket-Version: 777') + hidden),
  taken(
    2,
    'an upgrade with content',
    `${post('Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 3')}abc${hidden}`,
  ),
  taken(1, 'an upgrade with a request as content', post(...handshake, `Content-Length: ${hidden.length}`) + hidden),
  taken(
    2,
    'an upgrade with chunks',
    `${post('Connection: upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`,
  ),
  taken(
    2,
    'an upgrade to HTTP/2.0 with content',
    `${post('Connection: upgrade', 'Upgrade: HTTP/2.0', 'Content-Length: 3')}abc${hidden}`,
  ),
  taken(2, 'an upgrade with content, and after a pause a request', [
    `${message('PUT /p HTTP/1.1', 'Host: a', ...handshake, 'Content-Length: 3')}abc`,
    pause,
    hidden,
  ]),
  taken(2, 'an upgrade whose content comes after a pause, and a request behind it', [
    post('Connection: upgrade', 'Upgrade: x/1', 'Content-Length: 3'),
    pause,
    `abc${hidden}`,
  ]),
  taken(2, 'an upgrade with a request in a chunk, and one behind the last chunk', [
    post(...handshake, 'Transfer-Encoding: chunked'),
    `${hidden.length.toString(16)}\r\n${hidden}\r\n`,
    pause,
    `0\r\n\r\n${hidden}`,
  ]),
  taken(2, 'an upgrade to h2c among others, with content', [
    `${post('Connection: upgrade', 'Upgrade: x/1, h2c', 'Content-Length: 3')}abc`,
    hidden,
  ]),
  answered([426, 200], 'an upgrade with content that is refused with 426, then a request', [
    `${message('POST /status/426 HTTP/1.1', 'Host: a', ...handshake, 'Content-Length: 3')}abc${hidden}`,
  ]),
  taken(1, 'an upgrade with content that is over with its answer', [
    `${post(...handshake, 'Content-Length: 3', 'Connection: close')}abc${hidden}`,
  ]),
  taken(1, 'an upgrade with content of HTTP/1.0', [
    `${message('POST /p HTTP/1.0', 'Host: a', ...handshake, 'Content-Length: 3')}abc${hidden}`,
  ]),
  refused('chunk-size', 'an upgrade with a request for a chunk', [
    post(...handshake, 'Transfer-Encoding: chunked') + hidden,
  ]),
  refused(
    'length-and-transfer-encoding',
    'an upgrade with two framings',
    post(...handshake, 'Content-Length: 5', 'Transfer-Encoding: chunked') + `0\r\n\r\n${hidden}`,
  ),
  taken(1, 'h2c', get(...h2c)),
  taken(2, 'h2c, and a request after it', get(...h2c) + hidden),
  taken(
    2,
    'h2c in capitals',
    get('Connection: UPGRADE, HTTP2-SETTINGS', 'UPGRADE: H2C', 'HTTP2-SETTINGS: AA') + hidden,
  ),
  taken(2, 'h2c without its settings', [get('Connection: Upgrade', 'Upgrade: h2c'), pause, hidden]),
  taken(2, 'h2c whose settings Connection does not name', get('Connection: Upgrade', ...h2c.slice(1)) + hidden),
  refused('http2-not-offered', 'h2c, and the preface of HTTP/2 after it', get(...h2c) + preface + settings, 1),
  refused('http2-not-offered', 'h2c, and the preface after a pause', [get(...h2c), pause, preface + settings], 1),
  taken(2, 'h2c and chunks, then a request', `${post(...h2c, 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`),
  taken(1, 'h2c with a request as content', post(...h2c, `Content-Length: ${hidden.length}`) + hidden),
];
