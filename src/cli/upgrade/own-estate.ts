import type { PlaceSetAside } from '../../admin/socket-file.ts';
import type { Gateway } from '../../gateway/control.ts';
import type { ServedAdmin } from '../serve-admin.ts';
import type { Estate } from './predecessor.ts';

/** What a gateway that runs does about an upgrade of itself. */
export function estateOf(gateway: Gateway, admin: ServedAdmin, ownPid: number = process.pid): Estate {
  let aside: PlaceSetAside | null = null;
  return {
    objection() {
      if (ownPid === 1)
        return (
          'This gateway is the first process of its container: when it ends, everything in the container does. ' +
          'Start a container of the new version instead.'
        );
      const { state } = gateway.status();
      return state === 'serving' ? null : `The gateway is ${state}.`;
    },
    async release(heir) {
      const place = admin.setAside();
      if (place !== null && 'why' in place) return `The new process cannot have the admin socket: ${place.why}.`;
      aside = place;
      // What cannot be handed over is told by the gateway, and stays here until its requests are over.
      await gateway.handOver(heir);
      return null;
    },
    async takeBack() {
      const left = aside?.restore() ?? null;
      aside = null;
      await gateway.takeBack();
      return left === null ? null : `The admin socket is not where it was: ${left}.`;
    },
    leave() {
      aside?.giveUp();
    },
  };
}

/** The ports that a gateway has open. */
export function openPlaces(gateway: Gateway): { id: string; host: string; port: number }[] {
  return gateway
    .status()
    .listeners.filter(({ state }) => state === 'open')
    .map(({ id, address }) => {
      const at = address.lastIndexOf(':');
      const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
      return { id, host, port: Number(address.slice(at + 1)) };
    });
}
