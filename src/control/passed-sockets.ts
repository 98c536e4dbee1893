import { closeSync, readlinkSync } from 'node:fs';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';

/** Those of them that this process has, as sockets. */
export function readPassed(sockets: readonly OwnSocket[]): readonly PassedSocket[] {
  return sockets.flatMap((socket) => {
    const link = socketLink(socket.fd);
    return link === null ? [] : [{ ...socket, link }];
  });
}

/** Closes those that nobody has closed. A number that has come to be something else's is left alone. */
export function closePassed(sockets: readonly PassedSocket[]): void {
  for (const { fd, link } of sockets) if (linkOf(fd) === link) closeSync(fd);
}

/** What a descriptor of this process is (proc_pid_fd(5)); null where it is not open, or nobody can tell. */
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
