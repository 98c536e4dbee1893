import { after, before, beforeEach } from 'node:test';
import { ok, RawOrigin } from './raw-origin.ts';

/** An origin for all tests of a file: it listens from the first to the last, and is reset before each. */
export function originForTests(body: string): RawOrigin {
  const origin = new RawOrigin();
  before(() => origin.listen());
  after(() => origin.close());
  beforeEach(() => {
    origin.answer = () => ok(body);
    origin.forget();
  });
  return origin;
}
