import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { heapExhaustionOf } from './heap-exhaustion.ts';

describe('a program whose runtime got no more memory is known by what it printed', () => {
  const outputs = {
    'its JavaScript heap was full': [
      '<--- Last few GCs --->',
      '',
      '[7818:0x1] 1234 ms: Mark-Compact 58.2 (61.1) -> 58.1 (61.4) MB, allocation failure',
      'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory',
      '----- Native stack trace -----',
      ' 1: 0x76a3a0 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]',
    ],
    'the JVM had no memory left': [
      'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
      '\tat app.Cart.add(Cart.java:12)',
    ],
    'Python got no more memory': [
      'Traceback (most recent call last):',
      '  File "/app/cart.py", line 3, in add',
      '    rows.append(bytes(10**9))',
      'MemoryError',
    ],
    'Go got no more memory': ['fatal error: runtime: out of memory', '', 'runtime stack:'],
    'PHP had reached its `memory_limit`': [
      'PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 4096 bytes) in /app/cart.php on line 3',
    ],
    'Ruby got no more memory': ["cart.rb:3:in 'add': failed to allocate memory (NoMemoryError)"],
    '.NET got no more memory': [
      "Unhandled exception. System.OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.",
      '   at App.Cart.Add() in /app/Cart.cs:line 3',
    ],
    'it got no more memory': ['memory allocation of 4096 bytes failed'],
  };
  for (const [why, output] of Object.entries(outputs))
    test(why, () => assert.equal(heapExhaustionOf(output)?.why, why));
  test('and not by another error, nor by one that it has survived', () => {
    assert.equal(heapExhaustionOf(['TypeError: no card']), null);
    assert.equal(heapExhaustionOf([]), null);
    assert.equal(heapExhaustionOf(['MemoryError', 'Traceback (most recent call last):', 'ValueError: no']), null);
  });
});
