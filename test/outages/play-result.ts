import type { FlowSecond } from './flows.ts';

/** An incident of the gateway as it was shown at one moment; a line for each change that matters. */
export interface SeenIncident {
  /** Seconds since the clients started. */
  readonly second: number;
  readonly key: string;
  readonly title: string;
  readonly reason: string;
  readonly whose: string;
  readonly upstream: string;
  readonly isResolved: boolean;
  readonly isJoined: boolean;
  readonly routes: readonly string[];
  readonly endpoints: readonly string[];
  readonly causes: readonly string[];
  readonly suspects: readonly SeenSuspect[];
  /** First suspects of what began to fail later. */
  readonly additions: readonly SeenSuspect[];
}

export interface SeenSuspect {
  readonly name: string;
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly nextStep: string;
}

interface SeenEvent {
  readonly second: number;
  readonly kind: string;
  readonly subject: string;
  readonly to: string | null;
}

/** What came of a play: a line of the file of a label. */
export interface PlayResult {
  readonly name: string;
  readonly isControl: boolean;
  /** Why it could not be played; absent: it was. */
  readonly failure?: string;
  /** Seconds since the clients started. */
  readonly beginSecond: number;
  readonly endSecond: number;
  readonly lastSecond: number;
  /** The names of the truth, with addresses of this play. */
  readonly names: readonly string[];
  /** Of each flow, what clients have seen, by seconds: see `encodeSeconds`. */
  readonly flows: Readonly<Record<string, string>>;
  /** What clients have seen most often of failures. */
  readonly errors: Readonly<Record<string, number>>;
  readonly incidents: readonly SeenIncident[];
  readonly events: readonly SeenEvent[];
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** Seconds in a short form: `4` are four requests, `4/1/0/2` are four of which one failed and two were slow. */
export function encodeSeconds(seconds: readonly (FlowSecond | undefined)[]): string {
  return Array.from(seconds, (one) => {
    if (one === undefined) return '';
    const { requests, failed, different, slow } = one;
    return failed + different + slow === 0 ? String(requests) : [requests, failed, different, slow].join('/');
  }).join();
}

export function decodeSeconds(text: string): FlowSecond[] {
  return text.split(',').map((one) => {
    const [requests = 0, failed = 0, different = 0, slow = 0] = one.split('/').map(Number);
    return { requests, failed, different, slow };
  });
}
