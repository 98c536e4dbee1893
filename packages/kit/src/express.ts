import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Kit } from './kit.ts';
import type { ListenOptions } from './kit-options.ts';
import { serve as serveListener } from './serve.ts';

/** An application of Express is a function of request and response. */
export type ExpressApplication = (request: IncomingMessage, response: ServerResponse) => unknown;

export function serve(app: ExpressApplication, options: ListenOptions = {}): Promise<Kit> {
  return serveListener((request, response) => void app(request, response), options);
}
