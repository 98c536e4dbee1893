import type { Server } from 'node:http';
import type { Kit } from './kit.ts';
import { type ListenOptions, listenAddress } from './kit-options.ts';
import { attach, closingFirst, listening } from './serve.ts';

export interface NestApplication {
  // Nest itself says `any`.
  getHttpServer(): unknown;
  listen(port: number, host?: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/**
 * The hooks of Nest (`onModuleDestroy`, `beforeApplicationShutdown`, `onApplicationShutdown`) run after the last response. Leave
 * `enableShutdownHooks` out: it would close the application while requests are in flight.
 */
export async function serve(app: NestApplication, options: ListenOptions = {}): Promise<Kit> {
  const kit = attach(
    app.getHttpServer() as Server,
    closingFirst(() => app.close(), options),
  );
  const { port, host } = listenAddress(options);
  return listening(kit, () => (host === undefined ? app.listen(port) : app.listen(port, host)));
}
