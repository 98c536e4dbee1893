import { createServer, type Server } from 'node:net';

export interface TcpListenFailure {
  readonly why: 'not_listening';
  readonly errno: string;
}

/**
 * Has `server` listen at an address. `shares` says that a predecessor of ours may still listen there, and leaves; else
 * an address that anybody listens at is refused, although the flag for sharing is always set: a successor needs it on
 * both sockets, and the kernel would share connections out between two gateways that know nothing of each other.
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
