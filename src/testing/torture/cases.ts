import { connectionRows, unreachableRows } from './cases-connection.ts';
import { contentRows } from './cases-content.ts';
import { garbageRows } from './cases-garbage.ts';
import { headRows } from './cases-head.ts';
import { tortureFaults } from './faults.ts';
import { both, getAndPost, type Row } from './rows.ts';
import type { TortureCase } from './torture-case.ts';

const byName = new Map(tortureFaults.map((fault) => [fault.name, fault]));

/** Everything that a gateway is put to, in the order of the journey. */
export const tortureCases: readonly TortureCase[] = [
  ...unreachableRows.map(
    ([group, does, expects]): TortureCase => ({
      id: group,
      does,
      group,
      requests: getAndPost,
      on: ['fresh'],
      expects,
      restMs: 0,
    }),
  ),
  ...[...connectionRows, ...headRows, ...garbageRows, ...contentRows].map(fromRow),
];

function fromRow([name, expects, requests, on = both, restMs = 0]: Row): TortureCase {
  const fault = byName.get(name);
  if (fault === undefined) throw new Error(`There is no fault called ${name}.`);
  return { id: name, does: fault.does, group: 'plain', requests, on, expects, restMs };
}
