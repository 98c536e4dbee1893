import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Kit } from './kit.ts';
import { type ListenOptions, listenAddress } from './kit-options.ts';
import { attach, closingFirst, listening } from './serve.ts';

export interface FastifyApplication {
  readonly server: Server | SecureServer;
  listen(address: { port: number; host?: string }): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
}

/** The hooks `onClose` of the application run after its last response. */
export async function serve(app: FastifyApplication, options: ListenOptions = {}): Promise<Kit> {
  const kit = attach(
    app.server,
    closingFirst(() => app.close(), options),
  );
  // Without a host Fastify listens on localhost alone, which no gateway of another container reaches.
  return listening(kit, () => app.listen({ host: '::', ...listenAddress(options) }));
}
