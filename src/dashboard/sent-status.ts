import type { Dated, StatusJson } from './model.ts';

/** A status, or members of one, as a gateway has sent it. */
type SentStatus = Partial<StatusJson>;

/** The elements of lists that have changed, by the name of the list. */
export type ChangedElements = Readonly<Record<string, readonly Identified[]>>;

interface Identified {
  readonly id: string | number;
}

/** Ages become moments: they grow while nothing is sent. `at`: when it was sent, in milliseconds since the Unix epoch. */
export function withMoments<S extends SentStatus>(sent: S, at: number): S {
  const dated = <T extends { readonly since_s: number }>(one: T): T & Dated => ({
    ...one,
    since: at - one.since_s * 1000,
  });
  return {
    ...sent,
    ...(sent.problems === undefined ? {} : { problems: sent.problems.map(dated) }),
    ...(sent.upstreams === undefined
      ? {}
      : { upstreams: sent.upstreams.map((one) => ({ ...one, endpoints: one.endpoints.map(dated) })) }),
  };
}

/** The members of a status in which these elements take the places of those with the same ids. */
export function withElements(status: StatusJson, changed: ChangedElements): SentStatus {
  const lists = status as unknown as Readonly<Record<string, readonly Identified[]>>;
  const replaced = Object.entries(changed).map(([name, elements]) => {
    const byId = new Map(elements.map((one) => [one.id, one]));
    return [name, (lists[name] ?? []).map((one) => byId.get(one.id) ?? one)];
  });
  return Object.fromEntries(replaced) as SentStatus;
}
