import type { Random } from '../core/random.ts';
import type { TlsHostSettings } from '../core/tls-server.ts';

/** The parts of OpenSSL's context that concern tickets. Node does not document the callback. */
export interface TicketContext {
  setTicketKeys(keys: Uint8Array): void;
  enableTicketKeyCallback(): void;
  onticketkeycallback?: TicketKeyCallback;
}

/** Called within OpenSSL, for each ticket that it makes or reads. `name` is the name of the key of a ticket that is read. */
type TicketKeyCallback = (name: Uint8Array, iv: Uint8Array, isMade: boolean) => TicketKeyAnswer;

/** What OpenSSL does: 0: nothing, the ticket is not known; 1: it uses the key; 2: it does, and gives the client a new ticket. */
type TicketKeyAnswer = [does: 0 | 1 | 2, hmac: Uint8Array, aes: Uint8Array, name: Uint8Array, iv: Uint8Array];

/** Of the name, of the key of HMAC and of that of AES, in this order. */
const partBytes = 16;

/** Initialization vectors that are drawn at once: each draw is a system call. */
const ivsDrawn = 256;

let renews = true;

/**
 * Runs `read`, in which OpenSSL reads the ClientHello of a client that has TLS 1.2 and nothing later: its ticket is not replaced. Clients of
 * TLS 1.3 use a ticket once (RFC 8446 §C.4): without a new one they make a full handshake after every second resumed one. Their ticket may
 * be read a second time, with the ClientHello that follows a HelloRetryRequest.
 */
export function keepingTicket(read: () => void): void {
  renews = false;
  try {
    read();
  } finally {
    renews = true;
  }
}

/**
 * The key of a host's tickets, given to OpenSSL for each ticket. Node's own way, `setTicketKeys`, never replaces a ticket that it has
 * accepted.
 */
export class HostTicketKey {
  readonly #context: TicketContext;
  readonly #random: Random;
  readonly #ivs = new Uint8Array(ivsDrawn * partBytes);
  #ivAt = this.#ivs.length;
  #answer: TicketKeyAnswer;

  constructor(context: TicketContext, { ticketKeys }: Pick<TlsHostSettings, 'ticketKeys'>, random: Random) {
    this.#context = context;
    this.#random = random;
    this.#answer = answerOf(ticketKeys);
    this.change(ticketKeys);
    context.onticketkeycallback = (name, _, isMade) => (isMade ? this.#keyOfNext() : this.#keyNamed(name));
    context.enableTicketKeyCallback();
  }

  change(ticketKeys: Uint8Array): void {
    this.#answer = answerOf(ticketKeys);
    this.#context.setTicketKeys(Buffer.from(ticketKeys));
  }

  #keyOfNext(): TicketKeyAnswer {
    if (this.#ivAt === this.#ivs.length) {
      this.#random.fill(this.#ivs);
      this.#ivAt = 0;
    }
    const answer = this.#answer;
    answer[0] = 1;
    for (let index = 0; index < partBytes; index++) answer[4][index] = this.#ivs[this.#ivAt++] as number;
    return answer;
  }

  #keyNamed(name: Uint8Array): TicketKeyAnswer {
    const answer = this.#answer;
    answer[0] = !equals(name, answer[3]) ? 0 : renews ? 2 : 1;
    return answer;
  }
}

function answerOf(ticketKeys: Uint8Array): TicketKeyAnswer {
  const part = (index: number): Uint8Array => Buffer.from(ticketKeys.slice(index * partBytes, (index + 1) * partBytes));
  return [0, part(1), part(2), part(0), Buffer.alloc(partBytes)];
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < partBytes; index++) if (a[index] !== b[index]) return false;
  return true;
}
