import { describe, test } from 'node:test';
import { tortureCandor } from './put-to-torture.ts';

describe('Candor under torture, with clients within TLS', { timeout: 120_000 }, () => {
  test('mislabels no failure, harms no client and keeps none waiting', (context) => tortureCandor(context, 'https'));
});
