import { closeSync, readlinkSync } from 'node:fs';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';

/** Those of the descriptors that are sockets of this process. */
export function readPassed(sockets: readonly OwnSocket[]): readonly PassedSocket[] {
  return sockets.flatMap((socket) => {
    const link = socketLink(socket.fd);
    return link === null ? [] : [{ ...socket, link }];
  });
}

/** Closes sockets that are still open. A descriptor that by now belongs to another file is left alone. */
export function closePassed(sockets: readonly PassedSocket[]): void {
  for (const { fd, link } of sockets) if (linkOf(fd) === link) closeSync(fd);
}

/** What a descriptor of this process refers to (proc_pid_fd(5)); null: it is not open, or the system does not say. */
export function linkOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

/** The same of a descriptor that is a socket; null for any other. */
export function socketLink(fd: number): string | null {
  const link = linkOf(fd);
  return link?.startsWith('socket:') === true ? link : null;
}
