import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isErrorLine } from './error-line.ts';

const lines: readonly (readonly [line: string, isError: boolean])[] = [
  ['FATAL: cannot read the signing key keys/signing.pem', true],
  ['{"level":60,"time":1,"msg":"start failed"}', true],
  ['{"level":50,"msg":"exit"}', true],
  ['{"time":"2026-11-28T03:12:01Z","level":"ERROR","msg":"bye"}', true],
  ['{"severity": "CRITICAL", "message": "bye"}', true],
  ['2026-11-28 03:12:01,123 [main] ERROR com.shop.Main - bye', true],
  ['26-Nov-2026 02:07:46.350 SEVERE [main] Cannot start server', true],
  ['time=2026-11-28T03:12:01Z level=error msg="bye"', true],
  ['2026/11/28 03:12:01 [emerg] 7#7: host not found in upstream', true],
  ['error: the port', true],
  ["app.rb:7: syntax error, unexpected end-of-input, expecting `end'", true],
  ['start.sh: line 3: DATABASE_URL: unbound variable', true],
  ["Unrecognized VM option 'UseMarkSweep'", true],
  ['flag provided but not defined: -prot', true],
  ['You have 1 pending migration:', true],
  ['listen EADDRINUSE 127.0.0.1:3000', true],
  ['app.PaymentError', true],
  ['DATABASE_URL is empty', true],
  ['usage limit exceeded', true],
  ['bye', false],
  ['closing the cache', false],
  ['Exactly as EVERY day', false],
  ['20261101120000_add_currency_to_orders.rb', false],
  ['{"level":30,"time":1,"msg":"no error"}', false],
  ['{"level":"info","msg":"Worker failed"}', false],
  ['2026-11-28 03:12:01 INFO the last run had failed', false],
  ['[warn] cannot find the cache', false],
  ['12:04:05 debug: invalid', false],
];

for (const [line, isError] of lines)
  test(`${isError ? 'says an error' : 'says none'}: ${line}`, () => assert.equal(isErrorLine(line), isError));
