import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { listeningLines } from '../../src/deploy/listening.ts';

/** The listening TCP sockets of a port that a process has open: how many descriptors, and how many different sockets. */
export function listeningDescriptors(pid: number, port: number): { descriptors: number; sockets: number } {
  const listening = listeningLines(readFileSync('/proc/net/tcp', 'latin1'));
  const inodes = new Set(listening.filter(([, place]) => place.port === port).map(([inode]) => inode));
  const found = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? '';
      return inodes.has(inode) ? [inode] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
  return { descriptors: found.length, sockets: new Set(found).size };
}
