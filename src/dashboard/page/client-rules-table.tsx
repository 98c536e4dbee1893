import type { JSX } from 'preact';
import { type ClientRule, clientRules } from '../client-rules.ts';
import type { StatusJson } from '../model.ts';
import { addressHash } from '../page-address.ts';
import { countFigure } from '../shown-figures.ts';
import type { SortedColumn } from '../sorted-rows.ts';
import { Section, SortedTable } from './parts.tsx';

const columns: readonly SortedColumn<ClientRule>[] = [
  { name: 'rule' },
  { name: 'admitted', isNumber: true, sortBy: ({ admitted }) => admitted },
  { name: 'refused', isNumber: true, sortBy: ({ refused }) => refused },
  { name: 'mostly' },
];

/** What the rules of a route have admitted and refused; without a route the limits that refuse now, of all routes. */
export function ClientRules({
  status,
  route,
}: {
  readonly status: StatusJson;
  readonly route?: string;
}): JSX.Element | null {
  const rows = clientRules(status).filter((one) => (route === undefined ? one.isRefusing : one.route === route));
  if (rows.length === 0) return null;
  return (
    <Section title={route === undefined ? 'Limits that refuse' : 'Who may enter'}>
      <SortedTable
        name="Rules about clients"
        columns={columns}
        rows={rows}
        first={{ column: 'refused', isDescending: true }}
      >
        {(row) => (
          <tr key={row.route + row.rule}>
            <th scope="row" class="said">
              {route === undefined && (
                <>
                  <a href={addressHash('routes', row.route)} data-row>
                    {row.route}
                  </a>{' '}
                </>
              )}
              {row.rule}
            </th>
            <td class="number" data-name="admitted">
              {row.admitted === null ? '–' : countFigure(row.admitted)}
            </td>
            <td class="number" data-name="refused">
              {countFigure(row.refused)}
            </td>
            <td class="said">{row.most}</td>
          </tr>
        )}
      </SortedTable>
    </Section>
  );
}
