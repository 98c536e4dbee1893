/** What the program does at SIGTERM; PM2 sends SIGINT. */
export type Ending = 'gracefully' | 'at_once';
export type Language = 'node' | 'python';

/** The application that is deployed, as one file. */
export interface DeployedProgram {
  readonly file: string;
  readonly command: readonly string[];
  readonly textOf: (version: string) => string;
}

export function programOf(language: Language, ends: Ending): DeployedProgram {
  if (language === 'node') {
    const file = 'server.cjs';
    return { file, command: [process.execPath, file], textOf: (version) => nodeProgram(version, ends) };
  }
  return {
    file: 'server.py',
    command: ['python3', 'server.py'],
    textOf: (version) => pythonProgram(version, ends),
  };
}

const nodeProgram = (version: string, ends: Ending): string => `
const { createServer } = require('node:http');
const { createHash } = require('node:crypto');
const sockets = new Set();
const server = createServer((request, response) => {
  response.setHeader('X-Version', '${version}');
  if (request.url === '/download') {
    let left = 50;
    const more = () => (left-- > 0 ? (response.write('x'.repeat(1000)), setTimeout(more, 100)) : response.end());
    return more();
  }
  request.resume().on('end', () => response.end('${version}'));
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept.digest('base64') + '\\r\\n\\r\\n');
  sockets.add(socket);
  socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {}).on('close', () => sockets.delete(socket));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
const end = () => {
  ${ends === 'at_once' ? 'process.exit(0);' : ''}
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  // 1001: the server goes away.
  for (const socket of sockets) socket.end(Buffer.from([0x88, 2, 0x03, 0xe9]));
};
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, end);
`;

const pythonProgram = (version: string, ends: Ending): string => `
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *_): pass
    def answer(self):
        length = int(self.headers.get('Content-Length') or 0)
        if length: self.rfile.read(length)
        self.send_response(200)
        self.send_header('X-Version', '${version}')
        if self.path == '/download':
            self.send_header('Content-Length', '50000')
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b'x' * 1000)
                time.sleep(0.1)
            return
        body = b'${version}'
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
server = ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
server.daemon_threads = ${ends === 'at_once' ? 'True' : 'False'}
def stop(*_):
    ${ends === 'at_once' ? 'os._exit(0)' : 'threading.Thread(target=lambda: (server.shutdown(), server.server_close(), os._exit(0))).start()'}
signal.signal(signal.SIGTERM, stop)
server.serve_forever()
`;
