import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Shape, Whose } from '../core/shape.ts';
import { shapeWords, verdictAndWhose, whoseWords } from './record-words.ts';

const everyWhose = [...(Object.keys(whoseWords) as Whose[]), null];

describe('a verdict and whose it was', () => {
  for (const shape of Object.keys(shapeWords) as Shape[]) {
    test(`${shape}: nobody is named twice`, () => {
      for (const whose of everyWhose) {
        const text = verdictAndWhose({ shape, cause: null, whose });
        for (const owner of Object.values(whoseWords)) {
          assert.ok(text.split(owner).length <= 2, `"${text}" names ${owner} twice`);
        }
        assert.ok(text.startsWith(shapeWords[shape]));
      }
    });
  }

  test("the application's own error is said once", () => {
    const record = { shape: 'app_error', cause: null, whose: 'application' } as const;
    assert.equal(verdictAndWhose(record), "the application's own error");
  });
});
