import { getRequestListener } from '@hono/node-server';
import type { Kit } from './kit.ts';
import type { ListenOptions } from './kit-options.ts';
import { serve as serveListener } from './serve.ts';

export interface HonoApplication {
  readonly fetch: Parameters<typeof getRequestListener>[0];
}

/** Needs `@hono/node-server`, as every application of Hono on Node does. */
export function serve(app: HonoApplication, options: ListenOptions = {}): Promise<Kit> {
  const handle = getRequestListener(app.fetch);
  return serveListener((request, response) => void handle(request, response), options);
}
