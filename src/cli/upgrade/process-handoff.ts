import type { MovedSocket } from '../../admin/admin-socket.ts';
import type { Gateway } from '../../control/gateway-status.ts';
import type { ServedAdmin } from '../served-admin.ts';
import type { ProcessHandoff } from './predecessor.ts';

/** Implements the part of an upgrade that a running gateway does. */
export function createProcessHandoff(
  gateway: Gateway,
  admin: ServedAdmin,
  ownPid: number = process.pid,
): ProcessHandoff {
  let aside: MovedSocket | null = null;
  return {
    refusal() {
      if (ownPid === 1)
        return (
          'This gateway is the first process of its container: when it ends, everything in the container does. ' +
          'Start a container of the new version instead.'
        );
      const { state } = gateway.status();
      return state === 'serving' ? null : `The gateway is ${state}.`;
    },
    async handOff(successor) {
      const moved = admin.moveAside();
      if (moved !== null && 'why' in moved) return `The new process cannot have the admin socket: ${moved.why}.`;
      aside = moved;
      // An application that cannot be handed off stays here until its requests have finished. The gateway's events report
      // it.
      await gateway.handOff(successor);
      return null;
    },
    ticketKey: () => gateway.ticketKey,
    featureStates: () => gateway.featureStates(),
    async rollBack() {
      const left = aside?.restore() ?? null;
      aside = null;
      await gateway.rollBackHandoff();
      return left === null ? null : `The admin socket could not be moved back: ${left}.`;
    },
    complete() {
      aside?.discard();
    },
  };
}

/** The addresses of a gateway's open listeners. */
export function openListeners(gateway: Gateway): { id: string; host: string; port: number }[] {
  return gateway
    .status()
    .listeners.filter(({ state }) => state === 'open')
    .map(({ id, address }) => {
      const at = address.lastIndexOf(':');
      const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
      return { id, host, port: Number(address.slice(at + 1)) };
    });
}
