import type { Values, Variable } from './access-fields.ts';

/**
 * One attempt of nginx to get a response. An undefined property is not in the log. Null stands for nginx's `-` (or for
 * nothing, with `escape=json`): the attempt did not come so far.
 */
export interface UpstreamAttempt {
  /** Whether no other server was tried after this attempt. */
  readonly isLast: boolean;
  readonly address: string | null | undefined;
  /** nginx writes 502 or 504 here for its own failures too. */
  readonly status: number | null | undefined;
  readonly connectTime: number | null | undefined;
  readonly headerTime: number | null | undefined;
  readonly responseTime: number | null | undefined;
  readonly responseLength: number | null | undefined;
  readonly bytesReceived: number | null | undefined;
  readonly bytesSent: number | null | undefined;
}

const attemptsMax = 64;

/** Splits the lists of one line into attempts: `, ` separates servers, ` : ` separates internal redirects. */
export function attemptsOf(values: Values): readonly UpstreamAttempt[] {
  const lists = new Map<Variable, readonly string[]>();
  let longest: readonly string[] = [];
  let isLast: readonly boolean[] = [];
  for (const [name, value] of values) {
    if (!name.startsWith('upstream_')) continue;
    const groups = value.split(' : ', attemptsMax).map((group) => group.split(', ', attemptsMax));
    const items = groups.flat();
    lists.set(name, items);
    if (items.length <= longest.length) continue;
    longest = items;
    isLast = groups.flatMap((group) => group.map((_, index) => index === group.length - 1));
  }
  return longest.map((_, index) => attemptAt(lists, index, isLast[index] ?? true));
}

function attemptAt(lists: ReadonlyMap<Variable, readonly string[]>, index: number, isLast: boolean): UpstreamAttempt {
  const text = (name: Variable): string | null | undefined => {
    const items = lists.get(name);
    if (items === undefined) return undefined;
    const item = items[index];
    return item === undefined || item === '' || item === '-' ? null : item;
  };
  const number = (name: Variable): number | null | undefined => {
    const value = text(name);
    return typeof value === 'string' ? Number(value) : value;
  };
  return {
    isLast,
    address: text('upstream_addr'),
    status: number('upstream_status'),
    connectTime: number('upstream_connect_time'),
    headerTime: number('upstream_header_time'),
    responseTime: number('upstream_response_time'),
    responseLength: number('upstream_response_length'),
    bytesReceived: number('upstream_bytes_received'),
    bytesSent: number('upstream_bytes_sent'),
  };
}

/**
 * The attempt that the client's status comes from. Of several servers only the last one counts. Of several internal
 * redirects, the last one that ended with this status counts, and otherwise the last one that failed: an error page that
 * was fetched successfully does not change the client's status.
 */
export function decisive(attempts: readonly UpstreamAttempt[], status: number | null): UpstreamAttempt | null {
  const ends = attempts.filter((attempt) => attempt.isLast);
  return (
    ends.findLast((attempt) => attempt.status === status) ??
    ends.findLast((attempt) => (attempt.status ?? 0) >= 500) ??
    ends.at(-1) ??
    null
  );
}

/** The name of a group instead of an address: nginx writes it if no server of the group was available. */
export function isGroupName(address: string): boolean {
  return /^[A-Za-z_][\w.-]{0,200}$/.test(address);
}
