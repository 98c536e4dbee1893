// Only `npm run test:complete` runs this file: other-clients-bytes.test.ts has the same features with fewer and smaller bodies.

import { describe, it } from 'node:test';
import { assertNothingMixed, kib, runMarked } from './marked-bodies.ts';
import { bodyFeatures } from './marked-features.ts';

/** Those with a bound on the size, or whose time grows with it, stay as they are. */
const grows = /^(?!.*(?:bandwidth|compress|decompress|replace_text|authentication|retry|files))/;

const large = bodyFeatures.map((feature) => {
  if (!grows.test(feature.settings)) return feature;
  return { ...feature, got: 3000 * kib, ...(feature.sent === undefined ? {} : { sent: 3000 * kib }) };
});

describe('many clients at once, each with several requests and bodies of up to 3 MB', () => {
  for (const seed of ['one', 'two', 'three'])
    it(`have and send their own bytes (${seed})`, async () => {
      assertNothingMixed(await runMarked({ features: large, requests: 3, seed }));
    });
});
