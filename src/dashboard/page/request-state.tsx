import type { JSX } from 'preact';
import { gatewayStateTexts } from '../../diagnose/gateway-state-texts.ts';
import type { ShownRequest } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { Section, Sentence } from './parts.tsx';

/** What the gateway knew when the request failed: endpoints, pools, breaker, queues, configuration. */
export function RequestState({ record, context }: ShownRequest): JSX.Element | null {
  const configuration = context?.configuration ?? null;
  const rows = gatewayStateTexts(record, configuration);
  if (rows.length === 0) return null;
  return (
    <Section title="At that moment" aside={<span class="quiet">when the exchange ended</span>}>
      <dl class="verdict">
        {rows.map(([label, text]) => (
          <div>
            <dt>{label}</dt>
            <dd>
              <Sentence text={text} />
              {label === 'configuration' && configuration !== null && (
                <>
                  {' '}
                  <a href={addressHash('configuration', String(configuration.id))}>Configuration {configuration.id}</a>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
