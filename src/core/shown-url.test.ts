import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shownUrl } from './shown-url.ts';

describe('a URL is shown', () => {
  for (const [url, shown] of [
    ['http://127.0.0.1:4318', 'http://127.0.0.1:4318'],
    ['http://127.0.0.1:4318/', 'http://127.0.0.1:4318'],
    ['https://otlp.example.org/SECRET/v2', 'https://otlp.example.org/***'],
    ['https://otlp.example.org/?key=SECRET', 'https://otlp.example.org/***'],
    ['https://user:SECRET@[::1]:4318', 'https://[::1]:4318'],
    ['SECRET', '***'],
  ] as const) {
    test(`as ${shown} for ${url}`, () => assert.equal(shownUrl(url), shown));
  }
});
