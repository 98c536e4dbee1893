import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

interface ShapeCounts {
  readonly first: number;
  readonly last: number;
  readonly instances: number;
}

/**
 * Code that meets one hidden class reads a property in two instructions; with several it compares, and with more than
 * four it calls the runtime. A property that is added later, or that holds sometimes a fraction and sometimes an
 * object, makes one more.
 */
test('all instances of a hot class have one hidden class, from their construction to their end', async () => {
  const counts = JSON.parse(await runMain('hidden-classes-main.ts', ['--allow-natives-syntax'])) as Record<
    string,
    ShapeCounts
  >;
  for (const name of hotClasses) assert.ok((counts[name]?.instances ?? 0) >= 12, `${name} has instances`);
  // Including those that exist on some systems only.
  for (const [name, { first, last }] of Object.entries(counts)) {
    assert.deepEqual({ first, last }, { first: 1, last: 1 }, name);
  }
});

/** The objects that an exchange creates, and those that every exchange uses. */
const hotClasses = [
  'HandleTransport',
  'Preface',
  'Http1ClientConnection',
  'RequestReader',
  'RequestHeadParser',
  'BodyReader',
  'ResponseWriter',
  'ClientTimeouts',
  'request head',
  'client facts',
  'Exchange',
  'Attempt',
  'ForwardedRequest',
  'ParsedHeaders',
  'Http1Connection',
  'Http1Stream',
  'ResponseHeadParser',
  'response head',
  'ForwardedResponse',
];
