import type { JSX } from 'preact';
import type { ExchangeRecord } from '../../core/schemas/record.ts';
import { conditionText } from '../../core/exchange-query.ts';
import { addressHash } from '../page-address.ts';
import { Section } from './parts.tsx';

/** Where to look next. */
export function RelatedRequests({ record }: { readonly record: ExchangeRecord }): JSX.Element {
  const { upstream, route, cause, at, trace_id: trace, client } = record;
  const around = Date.parse(at);
  const time = { since: new Date(around - 60_000).toISOString(), until: new Date(around + 60_000).toISOString() };
  const queries: (readonly [string, string])[] = [
    ...(trace === null ? [] : [['of the same trace', conditionText('trace', trace)] as const]),
    ...(cause === null ? [] : [['with the same cause', conditionText('cause', cause)] as const]),
    ...(route === null
      ? []
      : [
          [
            'of this route, within a minute',
            `${conditionText('route', route)} since:${time.since} until:${time.until}`,
          ] as const,
        ]),
    ['of this client', conditionText('client', client.address)],
  ];
  return (
    <Section title="Other requests">
      <p class="links">
        {queries.map(([name, query]) => (
          <a href={addressHash('requests', '', { query })}>{name}</a>
        ))}
        {upstream !== null && <a href={addressHash('upstreams', upstream)}>upstream {upstream}</a>}
      </p>
    </Section>
  );
}
