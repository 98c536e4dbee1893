import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { failedLines, failedRanges } from './failed-lines.ts';

const kinds: readonly (readonly [line: string, failed: boolean])[] = [
  ['{"id":"a","status":200}', false],
  ['{"id":"b","path":"/\\"shape\\":\\"x","status":200}', false],
  ['{"id":"c","status":503,"shape":"app_error"}', true],
  ['{"id":"d","attempts":[{"cause":"connect_refused"},{}],"status":200}', true],
  ['{"id":"e","attempts":[{"cause":"connect_refused"}],"shape":"unreachable","cause":"connect_refused"}', true],
];

test('exactly the lines of failures and retries are found', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...kinds)), (lines) => {
      const bytes = Buffer.from(lines.map(([line]) => `${line}\n`).join(''), 'latin1');
      const failed = lines.filter(([, isFailed]) => isFailed).map(([line]) => `${line}\n`);
      assert.equal(Buffer.from(failedLines(bytes)).toString('latin1'), failed.join(''));
      const ranges = failedRanges(bytes);
      assert.equal(ranges.length, 2 * failed.length);
      for (let index = 0; index < ranges.length; index += 2) {
        assert.equal(bytes.toString('latin1', ranges[index], ranges[index + 1]), failed[index / 2]);
      }
    }),
  );
});
