import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Kit } from './kit.ts';
import type { ListenOptions } from './kit-options.ts';
import { closingFirst, serve as serveListener } from './serve.ts';

export interface NextApplication {
  prepare(): Promise<unknown>;
  getRequestHandler(): (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;
  close?(): Promise<unknown>;
}

/** For a custom server: `await serve(next({ dev: false }))`. */
export async function serve(app: NextApplication, options: ListenOptions = {}): Promise<Kit> {
  await app.prepare();
  const handle = app.getRequestHandler();
  return serveListener(
    (request, response) => void handle(request, response),
    closingFirst(() => app.close?.(), options),
  );
}
