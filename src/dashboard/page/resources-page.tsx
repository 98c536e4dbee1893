import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { CostJson, UsageSeriesJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { countFigure, durationFigure, rateFigure } from '../shown-figures.ts';
import {
  byteFigure,
  coreFigure,
  cpuTimeFigure,
  moneyFigure,
  type UsageOfApplication,
  usageByApplication,
  type UsageRange,
  usageRanges,
} from '../usage-columns.ts';
import { LineChart } from './line-chart.tsx';
import { Answered, NumberHeads, Section, TableFrame } from './parts.tsx';
import { api } from './state.ts';
import { useAnswer } from './use-answer.ts';

/** A minute is over once a minute. */
const everyMs = 15_000;
const costEveryMs = 60_000;

/** What applications have used over time, by release, and what the month costs. */
export function ResourcesPage({ parameters }: { readonly parameters: Readonly<Record<string, string>> }): JSX.Element {
  const range = usageRanges.find(({ id }) => id === parameters['range']) ?? usageRanges[0];
  const asked = { since: `${range.seconds}s`, step: range.step };
  const answer = useAnswer(() => api.get<UsageSeriesJson>('/v1/usage', asked), [range.id], everyMs);
  const cost = useAnswer(() => api.get<CostJson>('/v1/cost'), [], costEveryMs);
  return (
    <>
      <h1>Resources</h1>
      <Ranges range={range} />
      <Answered answer={answer}>{(usage) => <Applications usage={usage} grouped={range.grouped} />}</Answered>
      <Section title="This month">
        <Answered answer={cost}>{(read) => <Cost cost={read} />}</Answered>
      </Section>
    </>
  );
}

function Ranges({ range }: { readonly range: UsageRange }): JSX.Element {
  return (
    <div class="chips">
      {usageRanges.map(({ id, name }) => (
        <a href={addressHash('resources', '', { range: id })} aria-current={id === range.id ? 'true' : undefined}>
          {name}
        </a>
      ))}
    </div>
  );
}

function Applications({ usage, grouped }: { readonly usage: UsageSeriesJson; readonly grouped: number }): JSX.Element {
  const applications = useMemo(() => usageByApplication(usage, grouped), [usage, grouped]);
  if (applications.length === 0)
    return (
      <p class="quiet">
        No program of an application ran in this time. The gateway runs those of <code>applications</code> in
        candor.yaml.
      </p>
    );
  return (
    <>
      {applications.map((one) => (
        <Application of={one} key={one.application} />
      ))}
    </>
  );
}

function Application({ of }: { readonly of: UsageOfApplication }): JSX.Element {
  const { application, times, lines, left, storageBytes } = of;
  const common = { times, markers: [], onSelect: () => undefined };
  const withRequests = lines.filter(({ takesRequests }) => takesRequests);
  const text = (what: string): string => `${what} of ${application}: ${lines.map(({ name }) => name).join(', ')}.`;
  const storage = storageBytes === null ? null : <span class="quiet">{byteFigure(storageBytes)} on the disk</span>;
  if (lines.length === 0)
    return (
      <Section title={application} aside={storage}>
        <p class="quiet">No program of it ran in this time.</p>
      </Section>
    );
  return (
    <Section title={application} aside={storage}>
      <Legend of={of} />
      <div class="charts">
        <figure>
          <figcaption>CPU, of one core</figcaption>
          <LineChart
            {...common}
            label={text('CPU time')}
            series={lines.map(({ name, colour, cpuPercent }) => ({
              name,
              colour,
              isFilled: false,
              values: cpuPercent,
            }))}
            valueText={coreFigure}
          />
        </figure>
        <figure>
          <figcaption>Memory</figcaption>
          <LineChart
            {...common}
            label={text('Memory')}
            series={lines.map(({ name, colour, memoryBytes }) => ({
              name,
              colour,
              isFilled: false,
              values: memoryBytes,
            }))}
            valueText={byteFigure}
          />
        </figure>
        <figure>
          <figcaption>Requests per second</figcaption>
          <LineChart
            {...common}
            label={text('Requests per second')}
            series={withRequests.map(({ name, colour, requestsPerS }) => ({
              ...{ name, colour, isFilled: false, values: requestsPerS },
            }))}
            valueText={rateFigure}
          />
        </figure>
        <figure>
          <figcaption>p99 of the durations</figcaption>
          <LineChart
            {...common}
            label={text('p99 of the durations')}
            series={withRequests.map(({ name, colour, p99Ms }) => ({
              ...{ name, colour, isFilled: false, hasPoints: true, values: p99Ms },
            }))}
            valueText={durationFigure}
          />
        </figure>
      </div>
      <Totals of={of} />
      {left > 0 && <p class="quiet">{left} more used less CPU time and are not drawn.</p>}
    </Section>
  );
}

function Legend({ of: { lines } }: { readonly of: UsageOfApplication }): JSX.Element {
  return (
    <ul class="legend">
      {lines.map(({ name, colour }) => (
        <li key={name}>
          <i class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" /> {name}
        </li>
      ))}
    </ul>
  );
}

function Totals({ of: { application, lines } }: { readonly of: UsageOfApplication }): JSX.Element {
  return (
    <TableFrame name={`What ${application} has used in this time`}>
      <table>
        <thead>
          <tr>
            <th scope="col">what</th>
            <NumberHeads
              names={['CPU time', 'most memory', 'restarts', 'requests', 'failed', 'bytes in', 'bytes out']}
            />
          </tr>
        </thead>
        <tbody>
          {lines.map(({ name, takesRequests, totals }) => (
            <tr key={name}>
              <td>{name}</td>
              <td class="number">{cpuTimeFigure(totals.cpuS)}</td>
              <td class="number">{byteFigure(totals.memoryBytesMax)}</td>
              <td class="number">{totals.restarts}</td>
              <td class="number">{takesRequests ? countFigure(totals.requests) : '–'}</td>
              <td class="number">{takesRequests ? countFigure(totals.errors) : '–'}</td>
              <td class="number">{takesRequests ? byteFigure(totals.bytesIn) : '–'}</td>
              <td class="number">{takesRequests ? byteFigure(totals.bytesOut) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Cost({ cost }: { readonly cost: CostJson }): JSX.Element {
  const { applications, currency, total, forecasts } = cost;
  const forecast = forecasts.find(({ of }) => of === 'cost');
  if (applications.length === 0) return <p class="quiet">No application has used anything in this month.</p>;
  return (
    <>
      {forecast !== undefined && (
        <p class="conclusion">
          {moneyFigure(forecast.so_far, currency)} so far; about {moneyFigure(forecast.expected, currency)} by the end
          of {forecast.month}, from {moneyFigure(forecast.low, currency)} to {moneyFigure(forecast.high, currency)}.{' '}
          <span class="quiet">{forecast.assumptions.join(' ')}</span>
        </p>
      )}
      <TableFrame name="What each application has used and costs">
        <table>
          <thead>
            <tr>
              <th scope="col">application</th>
              <NumberHeads names={['CPU-hours', 'GB-hours', 'GB to clients', 'million requests', 'cost']} />
            </tr>
          </thead>
          <tbody>
            {applications.map(({ application, items, cost: own }) => (
              <tr key={application}>
                <td>{application}</td>
                {(['cpu_hour', 'memory_gb_hour', 'bandwidth_out_gb', 'million_requests'] as const).map((unit) => (
                  <td class="number" key={unit}>
                    {(items.find((item) => item.unit === unit)?.quantity ?? 0).toPrecision(3)}
                  </td>
                ))}
                <td class="number">{own === null ? '–' : moneyFigure(own, currency)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      {total === null && (
        <p class="quiet">
          Nothing has a price: <code>prices</code> in candor.yaml gives each quantity one. <code>candor cost</code>{' '}
          shows all of them.
        </p>
      )}
    </>
  );
}
