import { connect, createServer } from 'node:net';

/**
 * Octets from one socket to the other and nothing else: the floor that no gateway on Node can go below.
 * `npm run bench -- --relay` measures it in Candor's place.
 */
createServer({ noDelay: true }, (client) => {
  const origin = connect({ port: 19_301, host: '127.0.0.1', noDelay: true });
  client.pipe(origin).pipe(client);
  for (const [one, other] of [
    [client, origin],
    [origin, client],
  ] as const)
    one.on('error', () => other.destroy());
}).listen(19_303, '127.0.0.1');
