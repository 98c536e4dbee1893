import type { RequestListener } from 'node:http';
import type { Kit } from './kit.ts';
import type { ListenOptions } from './kit-options.ts';
import { serve as serveListener } from './serve.ts';

export interface KoaApplication {
  callback(): (...args: Parameters<RequestListener>) => unknown;
}

export function serve(app: KoaApplication, options: ListenOptions = {}): Promise<Kit> {
  const handle = app.callback();
  return serveListener((request, response) => void handle(request, response), options);
}
