import { connect, type TLSSocket } from 'node:tls';
import type { LoadResult } from './load.ts';

// Connects again and again, each time with a TLS handshake and one request, and prints the result as JSON:
// node bench/handshakes.ts PORT SECONDS TLSv1.2|TLSv1.3 full|resumed PATH

const [port = '', seconds = '', version = '', mode = '', path = '/'] = process.argv.slice(2);
const concurrent = 16;
const tlsVersion = version as 'TLSv1.2' | 'TLSv1.3';
const resumes = mode === 'resumed';
const startedAt = performance.now();
const endsAt = startedAt + Number(seconds) * 1000;
const request = `GET ${path} HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n`;

let requests = 0;
let failures = 0;

/** Resolves with the newest session that the server has issued; undefined: it has issued none. */
function visit(session: Buffer | undefined): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let issued: Buffer | undefined;
    let isRight = false;
    const socket: TLSSocket = connect({
      ...{ port: Number(port), host: '127.0.0.1', servername: 'bench.test', rejectUnauthorized: false },
      // Groups that all gateways have: nginx of Debian 12 knows no ML-KEM, which takes another 100 µs of those that do.
      ecdhCurve: 'X25519:P-256',
      // In the order of browsers: nginx lets the client choose, Candor does not, and both are to have the same hash to compute.
      ciphers:
        'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
      ...{ minVersion: tlsVersion, maxVersion: tlsVersion, ALPNProtocols: ['http/1.1'] },
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', (one) => void (issued = one));
    socket.on('secureConnect', () => {
      isRight = socket.isSessionReused() === (session !== undefined);
      socket.write(request);
    });
    let status = '';
    socket.on('data', (bytes: Buffer) => {
      if (status === '') status = bytes.toString('latin1', 9, 12);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      requests++;
      if (!isRight || status !== '200') failures++;
      resolve(issued);
    });
  });
}

async function client(): Promise<void> {
  let session: Buffer | undefined;
  while (performance.now() < endsAt) {
    const issued = await visit(session);
    // A server that issues none on a resumed connection gets the last one again. Otherwise the next handshake would be a full one.
    if (resumes) session = issued ?? session;
  }
}

await Promise.all(Array.from({ length: concurrent }, client));
const result: LoadResult = { requests, failures, perSecond: requests / ((performance.now() - startedAt) / 1000) };
console.log(JSON.stringify(result));
