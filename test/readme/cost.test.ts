import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfiguration } from '../../src/config/parse.ts';
import { pricesOf } from '../../src/features/prices/settings.ts';
import { noAmounts } from '../../src/usage/amounts.ts';
import { costReport } from '../../src/usage/cost.ts';
import { blocksOf, readDocument } from './markdown.ts';

// The price lists of docs/cost.md give the costs that stand below them.

const document = readDocument('docs/cost.md');
const start = Date.UTC(2026, 10, 1);
const end = Date.UTC(2026, 11, 1);

/** The application of which the document speaks. */
const used = {
  owner: { application: 'shop', kind: 'instances', name: '', release: '' } as const,
  steps: new Map([
    [
      start / 3_600_000,
      {
        ...noAmounts(),
        ...{ cpuMs: 100 * 3_600_000, byteSeconds: 300e9 * 3600, bytesOut: 50e9, requests: 10e6, busyMs: 10e6 * 36 },
      },
    ],
  ]),
};

const lists = blocksOf(document).filter(({ language }) => language === 'yaml');
const costs = [...document.matchAll(/^\| .+ \| (\d+\.\d\d) ([A-Z]{3}) \|$/gm)].map(
  ([, cost, currency]) => `${cost} ${currency}`,
);

test('each price list of the document has its cost in the table', () => assert.equal(lists.length, costs.length));

for (const [index, { text, line }] of lists.entries())
  test(`the price list in line ${line} gives ${costs[index]}`, () => {
    const parsing = parseConfiguration(text, {
      ...{ file: 'candor.yaml', directory: '/', environment: {}, hostname: 'gateway' },
    });
    assert.ok(parsing.ok, JSON.stringify(parsing));
    const prices = pricesOf(parsing.configuration.features);
    const { total, currency } = costReport({ series: [used], prices, since: start, until: end, knownSince: start });
    assert.equal(`${total?.toFixed(2)} ${currency}`, costs[index]);
  });
