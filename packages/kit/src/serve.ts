import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { errorText } from './error-text.ts';
import { Kit } from './kit.ts';
import { type KitOptions, type ListenOptions, listenAddress, logOf } from './kit-options.ts';
import { currentRequest } from './request-context.ts';

/** Gives the kit to a server of `node:http` or `node:https`, before or after it listens. It is ready once it listens. */
export function attach(server: Server | SecureServer, options: KitOptions = {}): Kit {
  const kit = new Kit(server, options);
  if (server.listening) kit.markReady();
  else server.once('listening', () => kit.markReady());
  return kit;
}

/** Serves a function `(request, response)`, or a server that does not listen yet, at PORT and HOST. Resolves when it listens. */
export async function serve(app: RequestListener | Server | SecureServer, options: ListenOptions = {}): Promise<Kit> {
  const server = typeof app === 'function' ? createServer(survivingAborts(app, logOf(options))) : app;
  const kit = attach(server, options);
  return listening(kit, () => {
    server.listen(listenAddress(options));
    return once(server, 'listening');
  });
}

/** What the framework closes is closed before `onClose`. */
export function closingFirst(close: () => unknown, options: ListenOptions): ListenOptions {
  const onClose = async (): Promise<void> => {
    await close();
    await options.onClose?.();
  };
  return { ...options, onClose };
}

/**
 * A function that waits with the signal of its request rejects when that aborts. Node would end the program for it, at every client that
 * leaves. Other rejections are left to Node.
 */
export function survivingAborts(
  app: (...asked: Parameters<RequestListener>) => unknown,
  log: (line: string) => void,
): RequestListener {
  return (request, response) => {
    const context = currentRequest();
    const done = app(request, response);
    if (!(done instanceof Promise)) return;
    void done.catch((error: unknown) => {
      if (context?.signal.aborted !== true) throw error;
      if (error !== context.signal.reason) log(`${request.method} after its signal had aborted: ${errorText(error)}`);
      response.destroy();
    });
  };
}

/** Resolves when the server listens. Where it cannot, the program may go on, such as with another port. */
export async function listening(kit: Kit, listen: () => PromiseLike<unknown>): Promise<Kit> {
  try {
    await listen();
    return kit;
  } catch (error) {
    kit.release();
    throw error;
  }
}
