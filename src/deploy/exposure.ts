import type { ListeningSocket } from './host.ts';
import { listenAdvice, socketText } from './listening.ts';

/** Addresses that stand for every address of the machine. */
const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Where strangers reach the port of an application without the gateway: '0.0.0.0:41213'. Null where none can. */
export function exposedAt(sockets: readonly ListeningSocket[], port: number): string | null {
  const open = sockets.find((socket) => socket.port === port && everyAddress.has(socket.host));
  return open === undefined ? null : socketText(open);
}

/** What it means, and what to do. */
export function exposureText(at: string): string {
  return `the application listens on every address (${at}), so that whoever reaches this machine on that port goes around the gateway: ${listenAdvice}`;
}
