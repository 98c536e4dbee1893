import type { ConnectTarget } from '../../src/core/connector.ts';

/** What the transport of `puppet.ts` can be told. */
export type Order =
  /** Answers with the port; whatever connects there is the transport from then on. */
  | { readonly do: 'listen' }
  /** Answers 'connected', or the error's code. */
  | { readonly do: 'connect'; readonly to: ConnectTarget }
  /** What it does in `onBytes`. */
  | { readonly do: 'manners'; readonly as: 'plain' | 'changes its mind' | 'pauses' }
  /** Answers with how many writes said that bytes are pending. */
  | ({ readonly do: 'send' } & Sending)
  /** The event loop stands still first. */
  | ({ readonly do: 'sleep, then send'; readonly ms: number } & Sending)
  /** Answers with how many bytes came back. */
  | { readonly do: 'write and take back'; readonly bytes: number; readonly salt: number }
  | { readonly do: 'state' }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  | { readonly do: 'end' }
  | { readonly do: 'is quiet' }
  | { readonly do: 'close'; readonly how: 'close' | 'reset' }
  | { readonly do: 'end and close'; readonly how: 'close' | 'reset' };

/** Bytes of `pattern`, in pieces. */
interface Sending {
  readonly bytes: number;
  readonly salt: number;
  readonly piece: number;
  readonly ownership: 'borrowed' | 'owned';
  /** For `onWritten` after a write that asks for it, as a writer ought to. */
  readonly waits: boolean;
}

/** What the transport has told so far. */
export interface State {
  readonly bytes: number;
  /** SHA-256 of them. */
  readonly digest: string;
  readonly ended: boolean;
  /** How often `onWritten` came. */
  readonly written: number;
  readonly closings: number;
  readonly errno: string | null;
  readonly pendingBytes: number;
  readonly sentBytes: number;
  /** Calls that came from inside a call. */
  readonly nested: number;
}

/** Bytes that differ wherever something is lost, doubled or out of order. */
export function pattern(bytes: number, salt: number): Uint8Array {
  const made = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) made[at] = (at * 7 + (at >> 10) * 13 + salt) & 0xff;
  return made;
}
