import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { after, type Clock } from '../core/time.ts';
import { systemClock } from './system.ts';

/** An address that stays unreachable in the same way until it is closed. */
export interface UnreachableAddress {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A port without a listener: connections to it are refused. An end of an open connection is bound to the port, so that the
 * system gives it to no listener. A port that was only opened and closed could be given to the next one.
 */
export async function refusingAddress(): Promise<UnreachableAddress> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const holder = connect(portOf(server), '127.0.0.1');
  await once(holder, 'connect');
  const [peer] = await accepted;
  server.close();
  return {
    host: '127.0.0.1',
    port: holder.localPort!,
    close: async () => {
      const gone = [once(holder, 'close'), once(peer, 'close')];
      holder.resetAndDestroy();
      peer.destroy();
      await Promise.all(gone);
    },
  };
}

/**
 * An address at which connecting neither succeeds nor fails: the accept queue of a listener that never accepts is filled,
 * and Linux then drops further SYNs. Throws if the queue does not fill, as on other systems, and if `wantedPort` is taken; 0
 * is a free port.
 */
export async function unansweringAddress(clock: Clock = systemClock, wantedPort = 0): Promise<UnreachableAddress> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { role: blockedListener, port: wantedPort } });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  };
  while (await connects(port, fillers, clock)) {
    if (fillers.length < fillersMax) continue;
    await close();
    throw new Error('This system keeps accepting connections that nobody takes.');
  }
  return { host: '127.0.0.1', port, close };
}

/** Adds a connection to the queue. False if it stays unanswered, because the queue is full. */
async function connects(port: number, fillers: Socket[], clock: Clock): Promise<boolean> {
  const filler = connect(port, '127.0.0.1');
  filler.on('error', () => {});
  fillers.push(filler);
  return new Promise((resolve) => {
    const timer = clock.schedule(after(clock.now(), unansweredMs), resolve, false);
    filler.once('connect', () => {
      timer.cancel();
      resolve(true);
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** Loopback answers within a millisecond; the rest is for a busy machine. */
const unansweredMs = 150;
/** The queue of a backlog of 1 holds two. */
const fillersMax = 16;
const blockedListener = 'candor:blocked-listener';

/** In the worker: listens, sends its port, and blocks its thread, so that it never accepts. */
const blocked = workerData as { readonly role?: string; readonly port: number } | null;
if (!isMainThread && blocked?.role === blockedListener) {
  const server = createServer();
  server.listen({ port: blocked.port, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort!.postMessage(portOf(server));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}
