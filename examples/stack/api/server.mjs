// An API that reads the time from PostgreSQL for each order. It tells nobody its key, only a digest of it.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { query } from './postgres.mjs';

const key = createHash('sha256')
  .update(process.env.SESSION_KEY ?? '')
  .digest('hex')
  .slice(0, 12);

const server = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/healthz' || pathname === '/api/hello') return void response.end(`hello ${key}\n`);
  if (pathname !== '/api/orders') return void response.writeHead(404).end('no such page\n');
  try {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ at: await query('select now()') }));
  } catch (error) {
    console.error(`orders: ${error.message}`);
    response.writeHead(500, { 'content-type': 'text/plain' }).end('The orders cannot be read.\n');
  }
}

server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
process.once('SIGTERM', () => server.close(() => process.exit(0)));
