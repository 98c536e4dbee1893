// A proxy of npm's as its own documentation has it, with connections to the origin kept. No log, no routes.
import { Agent, createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [name, folder, port, originPort, echoPort] = process.argv.slice(2);
const load = createRequire(join(folder, 'package.json'));

if (name === 'http-proxy') {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const proxy = load('http-proxy').createProxyServer({ target: `http://127.0.0.1:${originPort}`, agent, xfwd: true });
  const echo = load('http-proxy').createProxyServer({ target: `http://127.0.0.1:${echoPort}`, ws: true });
  for (const one of [proxy, echo]) one.on('error', (_error, _request, response) => response.destroy?.());
  const server = createServer((request, response) => proxy.web(request, response));
  server.on('upgrade', (request, socket, head) => echo.ws(request, socket, head));
  server.keepAliveTimeout = 3_600_000;
  server.listen(Number(port), '127.0.0.1');
} else {
  const fastify = load('fastify')({ logger: false, keepAliveTimeout: 3_600_000 });
  const plugin = load('@fastify/http-proxy');
  fastify.register(plugin, {
    upstream: `http://127.0.0.1:${echoPort}`,
    prefix: '/echo',
    rewritePrefix: '/echo',
    websocket: true,
  });
  fastify.register(plugin, { upstream: `http://127.0.0.1:${originPort}` });
  await fastify.listen({ port: Number(port), host: '127.0.0.1' });
}
