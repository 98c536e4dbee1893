import { connectionRows, unreachableRows, tlsAsks, tlsRows } from './cases-connection.ts';
import { bodyRows } from './cases-body.ts';
import { garbageRows, headRows } from './cases-head.ts';
import { findTlsFault } from '../tls-faults.ts';
import { tortureFaults } from './faults.ts';
import {
  both,
  get,
  getAndPost,
  type Row,
  type Expectation,
  type TortureCase,
  type TorturePart,
} from './torture-case.ts';

const byName = new Map(tortureFaults.map((fault) => [fault.name, fault]));

/** All cases, in the order of the journey. */
export const tortureCases: readonly TortureCase[] = [
  ...unreachableRows.map(
    ([group, does, expects]): TortureCase => ({
      ...ofGroup('reaching', group, does, expects),
      requests: getAndPost,
    }),
  ),
  ...tlsRows.map(
    ([group, expects]): TortureCase => ({
      ...ofGroup('tls', group, findTlsFault(group)?.does ?? 'speaks TLS as it should', expects),
      asks: tlsAsks,
    }),
  ),
  ...connectionRows.map(fromRow('answering')),
  ...headRows.map(fromRow('head')),
  ...garbageRows.map(fromRow('garbage')),
  ...bodyRows.map(fromRow('body')),
];

function ofGroup(part: TorturePart, group: string, does: string, expects: Expectation): TortureCase {
  return { id: group, does, part, group, asks: group, requests: get, on: ['fresh'], expects, restMs: 0 };
}

function fromRow(part: TorturePart): (row: Row) => TortureCase {
  return ([name, expects, requests, on = both, restMs = 0]) => {
    const fault = byName.get(name);
    if (fault === undefined) throw new Error(`There is no fault called ${name}.`);
    return { id: name, does: fault.does, part, group: 'plain', asks: name, requests, on, expects, restMs };
  };
}
