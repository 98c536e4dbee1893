// Starts processes: nginx and Caddy, to whose answers Candor's are compared.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadPatterns } from '../../src/core/pattern.ts';
import { parseConfiguration } from '../../src/config/parse.ts';
import { findPeer } from '../../scripts/peers.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { type Applications, startApplications } from './configurations/applications.ts';
import { isShortEnough, linesOf, readCases, servedFolder } from './configurations/cases.ts';
import { compareCase, isExplained } from './configurations/compare.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// In this process a gateway starts in a tenth of the time.
const startCandor = async (_side: string, text: string): Promise<{ stop(): Promise<void> }> => startFromYaml(text);

let applications: Applications;
before(async () => {
  await loadPatterns();
  applications = await startApplications();
});
after(() => applications.close());

/** `npm test` compares the answers of a third of them: nginx and Caddy start for each. */
const compared = new Set(sampled(readCases(), 3).map(({ name }) => name));

for (const one of readCases()) {
  const { name, peer, candor, from, requests } = one;
  if (candor === null) continue;
  describe(`Candor's configuration for ${name}`, () => {
    const found = findPeer(peer);
    test('is no more than a third longer, and one that `candor check` says nothing of', () => {
      assert.ok(from.startsWith('https://') && requests.length > 0);
      assert.ok(isShortEnough(one), `${linesOf(candor)} lines for ${linesOf(one.text)}`);
      const context = { file: 'candor.yaml', directory: '/etc/candor', environment: {}, hostname: 'gateway' };
      const parsing = parseConfiguration(candor.replaceAll('/srv/www', servedFolder), context);
      assert.deepEqual(parsing.ok ? parsing.warnings : parsing.errors, []);
    });

    if (!compared.has(name)) return;
    test('gets the answers that the other one gets', { skip: 'missing' in found ? found.missing : false }, async () => {
      const { answers } = await compareCase(one, applications, startCandor);
      assert.deepEqual(
        answers.filter((answer) => !isExplained(answer)),
        [],
      );
    });
  });
}
