import { descriptorsStep } from './descriptor-need.ts';
import type { ConnectionRefusalReason } from './event.ts';

/** Why clients are refused, and what an operator can do. */
interface ConnectionRefusalText {
  /** A clause. `limit`: how many connections, or descriptors, are allowed; null: not known. */
  readonly reason: (limit: number | null) => string;
  /** One sentence. `privateAddress`: that of the last refused client, if it is a private one; else null. */
  readonly nextStep: (privateAddress: string | null) => string;
}

export const connectionRefusals: Readonly<Record<ConnectionRefusalReason, ConnectionRefusalText>> = {
  connections_max: {
    reason: (limit) =>
      limit === null
        ? 'as many connections were open as are allowed'
        : `${limit} connections were open, as many as are allowed`,
    nextStep: () =>
      'See where the connections come from (`ss -tn`), and raise `client.connections_max` if the clients are welcome.',
  },
  connections_per_address_max: {
    reason: (limit) =>
      limit === null
        ? 'one address had as many connections open as it may have'
        : `one address had ${limit} connections open, as many as it may have`,
    nextStep: (privateAddress) =>
      `See which address with \`candor events\`; raise \`client.connections_per_address_max\` if many clients share it${privateAddress === null ? '' : `; ${trustAdvice(privateAddress)}`}.`,
  },
  descriptors: {
    reason: (limit) => `hardly any descriptor was left${limit === null ? '' : ` of ${limit}`} (ulimit -n)`,
    nextStep: () => descriptorsStep(null),
  },
  memory: {
    reason: () => 'a worker had hardly any memory left',
    nextStep: () => 'Raise `workers.memory_max`, or lower `client.connections_max`.',
  },
  not_counted: {
    reason: () =>
      'they could not be counted, because the thread that held the lock of the counters was suspended by the system, or had ended',
    nextStep: () => 'See with `top` whether the machine has processor time left for the gateway.',
  },
};

/** For private addresses only: a trusted address of the internet could forge the address of any client. */
export function trustAdvice(address: string): string {
  return `if ${address} is a load balancer or another proxy of yours, name it in \`trusted_peers\`: the gateway then no longer counts its connections by address, and believes its X-Forwarded-For, which every program at that address can write`;
}
