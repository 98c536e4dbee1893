import { closeSync, readlinkSync } from 'node:fs';
import type { OwnSocket, PassedSocket } from '../core/passed-socket.ts';

/** Returns the passed sockets that are open in this process. */
export function readPassed(sockets: readonly OwnSocket[]): readonly PassedSocket[] {
  return sockets.flatMap((socket) => {
    const link = socketLink(socket.fd);
    return link === null ? [] : [{ ...socket, link }];
  });
}

/** Closes sockets that are still open. A descriptor that now belongs to another file is left open. */
export function closePassed(sockets: readonly PassedSocket[]): void {
  for (const { fd, link } of sockets) if (linkOf(fd) === link) closeSync(fd);
}

/** The link of a descriptor of this process (proc_pid_fd(5)); null if it is not open, or the system has no /proc. */
export function linkOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

/** The same for sockets; null for other descriptors. */
export function socketLink(fd: number): string | null {
  const link = linkOf(fd);
  return link?.startsWith('socket:') === true ? link : null;
}
