import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { mediaTypesFile } from '../../../scripts/write-media-types.ts';

it('has the types of mime-db', () => {
  assert.equal(readFileSync(join(import.meta.dirname, 'worker-media-types.ts'), 'utf8'), mediaTypesFile());
});
