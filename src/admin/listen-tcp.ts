import { createServer, type Server } from 'node:net';

interface TcpListenFailure {
  readonly why: 'not_listening';
  readonly errno: string;
}

/**
 * Makes `server` listen at an address. `shares`: a predecessor that will end may still listen there. Otherwise
 * an address in use is refused, although the flag for sharing is always set: a successor needs it on
 * both sockets, and without the check the kernel would divide connections between two unrelated gateways.
 */
export async function listenOverTcp(
  server: Server,
  address: { readonly host: string; readonly port: number },
  shares: boolean,
): Promise<TcpListenFailure | null> {
  try {
    if (!shares && address.port !== 0) await probe(address);
    await listening(server, { ...address, reusePort: true });
    return null;
  } catch (error) {
    return { why: 'not_listening', errno: (error as NodeJS.ErrnoException).code ?? 'EIO' };
  }
}

async function probe(address: { readonly host: string; readonly port: number }): Promise<void> {
  const server = createServer();
  await listening(server, address);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function listening(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly reusePort?: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
