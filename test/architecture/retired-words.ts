/**
 * Words that may not come back in names, and what the field says. A word is judged as a whole part of a name: 'place' is
 * found in `isInPlace` and `place_of`, not in `replace`.
 */
export const retiredWords: ReadonlyMap<string, string> = new Map([
  ['place', 'permit, semaphore; or address, path, position, index'],
  ['slot', 'permit, semaphore'],
  ['seat', 'worker index'],
  ['bell', 'wake word'],
  ['post', 'worker, supervised worker'],
  ['crew', 'worker pool'],
  ['birth', 'worker init'],
  ['estate', 'application handoff'],
  ['heir', 'successor'],
  ['inheritance', 'handoff'],
  ['guard', 'orphan watchdog'],
  ['keeper', 'orphan watchdog'],
  ['house', 'admin server'],
  ['door', 'admin listener'],
  ['entrance', 'authorization'],
  ['visitor', 'requester, client'],
  ['repetition', 'retry'],
  ['cutting', 'force closing'],
  ['anew', 'reopen, create'],
  ['patience', 'timeout'],
  ['pace', 'minimum data rate, interval'],
  ['untaken', 'send-queue bytes, untransferred'],
  ['octet', 'byte'],
  ['piece', 'slice, part'],
  ['habit', 'repeat detector'],
  ['stranger', 'miss, untrusted client'],
  ['doubt', 'outlier detection, probation'],
  ['news', 'delta'],
  ['outlook', 'condition'],
  ['told', 'notified, reported'],
  ['heard', 'received'],
  ['hear', 'receive'],
  ['says', 'reason'],
  ['standing', 'resolution state'],
  ['misplacement', 'wrong listen address'],
  ['misplaced', 'wrong listen address'],
  ['complaint', 'configuration error'],
  ['complainer', 'error collector'],
  ['objection', 'configuration error, warning'],
  ['storm', 'failure burst'],
  ['crowd', 'stress test'],
  ['mend', 'fix'],
  ['mending', 'fix'],
  ['nobody', 'the actor: the client, the worker …'],
  ['somebody', 'the actor: the client, the worker …'],
  ['whoever', 'the actor: the client, the worker …'],
]);

/** Names that a standard or a platform gives. */
export const namesOfOthers: ReadonlySet<string> = new Set([
  // Node's threads.
  'postMessage',
  // POST, the method.
  'post',
  'getAndPost',
  // OpenID Connect, and its library.
  'post_logout_redirect_uri',
  'ClientSecretPost',
  'postToo',
  // Keys of systemd and pm2.
  'ExecStartPost',
  'ExecStopPost',
  'post_update',
  // A type of ASN.1.
  'octetString',
]);

/** Names and folders that are still to be settled. A name that no code has any more must leave this list, and none may be added. */
export const namesToSettle: ReadonlySet<string> = new Set([
  // Keys of events, of the admin API and of reports in JSON.
  'failures_told',
  'truncations_told',
]);
