import { errnoSentence } from '../core/errno-text.ts';
import { type PortHolder, portHolderText } from '../deploy/port-holder.ts';

export interface ListenFacts {
  readonly listener: string;
  readonly address: string;
  readonly errno: string;
}

/** Why a listener could not be opened, and what to do: one or two sentences. */
export function listenFailureText(failure: ListenFacts, holderOf?: (port: number) => PortHolder | null): string {
  const port = portOf(failure.address);
  switch (failure.errno) {
    case 'EADDRINUSE':
      return `${failure.address} is taken: ${port === null ? 'another process listens there' : portHolderText(port, holderOf)}.`;
    case 'EACCES':
      return port !== null && port < 1024
        ? `${failure.address} needs a privilege: ports below 1024 are reserved. Listen on a higher port, or give the ` +
            `gateway the capability CAP_NET_BIND_SERVICE (under systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).`
        : `The system does not permit listening on ${failure.address} (EACCES).`;
    case 'EADDRNOTAVAIL':
      return (
        `${failure.address} cannot be opened: this machine has no such address. ` +
        'Use an address that `ip addr` shows, or all of them with `:port`.'
      );
    case 'EMFILE':
    case 'ENFILE':
      return `${failure.address} cannot be opened: ${errnoSentence(failure.errno)}`;
    default:
      return `The listener ${failure.listener} cannot open ${failure.address}: ${errnoSentence(failure.errno)}`;
  }
}

/** Null if the address has no port. */
export function portOf(address: string): number | null {
  const digits = /:(\d{1,5})$/.exec(address)?.[1];
  return digits === undefined ? null : Number(digits);
}
